// Package shm is the memory that a parent and its children share: how it is laid
// out, which process owns which word, and how a process gets the memory.
//
// Shared memory is an array of queues: one for each child, or one for all. A
// queue is a [Control] block followed by slots, each of which holds an item. The
// item with sequence number s, counted from the start of the pool, is in slot
// s modulo window. All words have the machine's byte order.
//
//	offset  word      written by                        read by
//	   128  Sent      the parent                        children
//	   256  Done      children                          the parent
//	   384  Lock      its holder; the parent for a dead holder
//	   392  Torn      the holder of the lock
//	   400  Count     children, and the parent before a run: see procs/fib and procs/racy.go
//	   512  Claimed   children, by adding               the parent, after a death
//	   640  Rescue    the parent                        children
//	   768  Wanted    the parent                        children
//	   896  Work      the bell of the children: see futex.Bell
//	  1024  Answers   the bell of the parent: see futex.Bell
//	  1280  slots     the slot's owner
//
// Without a lock, a child owns the slots of the sequence numbers [Done, Sent), and
// the parent owns all others, those of [Sent, Done+window). Storing Sent hands slots
// to the child, and storing Done hands them back. Each store synchronizes before the
// load that observes it, so what one process wrote to the slots before the store,
// the other sees after the load. With a lock, only its holder writes Sent and Done,
// and the lock hands everything over; they are atomic so that a waiter may look at
// them without the lock. With a state for each slot, the state says which process
// owns the slot: see procs/atomic.go.
//
// The numbers have 64 bits and never wrap around. In states they have 40 bits,
// which at 100 ns an item last for a day.
package shm

import (
	"sync/atomic"
	"unsafe"

	"boundaries/internal/cacheline"
	"boundaries/procs/internal/futex"
)

// A Control is the head of a queue in shared memory. The package doc says which
// process writes which word.
type Control struct {
	_       cacheline.Pad
	Sent    atomic.Uint64
	_       [cacheline.Size - 8]byte
	Done    atomic.Uint64
	_       [cacheline.Size - 8]byte
	Lock    futex.Lock
	_       uint32
	Torn    atomic.Uint64
	Count   uint64 // beside the lock, which may guard it
	_       [cacheline.Size - 24]byte
	Claimed atomic.Uint64
	_       [cacheline.Size - 8]byte
	Rescue  atomic.Uint64
	_       [cacheline.Size - 8]byte
	Wanted  atomic.Uint64
	_       [cacheline.Size - 8]byte
	Work    futex.Bell
	_       [cacheline.Size - 4]byte
	Answers futex.Bell
	_       [cacheline.Size - 4]byte
	_       cacheline.Pad
}

// WordSize is the size of a word in bytes.
const WordSize = 8

// A Queue is one process's view of a queue.
type Queue struct {
	*Control
	Slots  []uint64 // Window times Stride
	Window uint64   // how many slots there are
	Batch  uint64   // half the window, or one
	Stride int      // words of a slot
	head   int      // words of a slot before its item: its state, if it has one
	words  int      // of an item
}

// Slot returns the item with that sequence number.
func (q *Queue) Slot(seq uint64) []uint64 {
	i := int(seq%q.Window) * q.Stride
	return q.Slots[i+q.head:][:q.words]
}

// A Layout is what a parent and its children must agree on to see the same queues
// in the same memory.
type Layout struct {
	Queues int // 0 if no memory is shared
	Window int // how many items may be in flight in a queue
	Words  int // of an item

	// States says that each slot begins with a word that is its state. Such slots
	// begin at multiples of 64 bytes, so that on amd64 no two share a line, as neighbors
	// belong to different children.
	States bool
}

// Size returns the size of the memory in bytes.
func (l Layout) Size() int { return l.Queues * l.queueSize() }

func (l Layout) head() int {
	if l.States {
		return 1
	}
	return 0
}

func (l Layout) stride() int {
	if l.States {
		return (1 + l.Words + 7) / 8 * 8
	}
	return l.Words
}

func (l Layout) queueSize() int {
	const page = 4096
	size := int(unsafe.Sizeof(Control{})) + l.Window*l.stride()*WordSize
	return (size + page - 1) / page * page
}

// Queue returns queue i of the memory.
func (l Layout) Queue(memory []byte, i int) Queue {
	memory = memory[i*l.queueSize():][:l.queueSize()]
	return Queue{
		Control: (*Control)(unsafe.Pointer(&memory[0])),
		Slots:   unsafe.Slice((*uint64)(unsafe.Pointer(&memory[unsafe.Sizeof(Control{})])), l.Window*l.stride()),
		Window:  uint64(l.Window),
		Batch:   uint64(max(1, l.Window/2)),
		Stride:  l.stride(),
		head:    l.head(),
		words:   l.Words,
	}
}
