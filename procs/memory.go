package procs

import (
	"sync/atomic"
	"unsafe"

	"boundaries/internal/cacheline"
)

// Shared memory is an array of queues: one for each child, or one for all. A
// queue is a control block and after it the items, each in a slot; the item with
// sequence number s, counted from the start of the pool, is in slot s modulo
// window. All words are of the machine's own byte order: it is one machine.
//
//	offset  word      written by               read by
//	   128  sent      the parent               children
//	   256  done      children                 the parent
//	   384  lock      whoever takes it; the parent in the name of the dead
//	   392  torn      whoever holds the lock
//	   512  claimed   children, by adding      the parent, after a death
//	   640  rescue    the parent               children
//	   768  wanted    the parent               children
//	   896  bell of the children               all: see bell
//	  1024  bell of the parent                 all: see bell
//	  1280  slots     whoever owns the slot
//
// Who owns a slot. Where there is no lock the parent owns the slots of the
// sequence numbers [done, done+window) outside [done, sent), and a child owns
// [done, sent). Storing sent hands slots to the child, storing done hands them
// back; each store synchronizes before the load that observes it, so that what
// was written to the slots before is seen after. With a lock, sent and done are
// written only under it, and it is the lock that hands everything over; they are
// atomic so that whoever waits may look at them without it. In atomic each slot
// has a state of its own, see atomic.go.
//
// The numbers are 64 bits wide and never wrap around; in the states of atomic they
// have 40, which at 100 ns an item last for a day.
type control struct {
	_       cacheline.Pad
	sent    atomic.Uint64
	_       [cacheline.Size - 8]byte
	done    atomic.Uint64
	_       [cacheline.Size - 8]byte
	lock    lock
	_       uint32
	torn    atomic.Uint64
	_       [cacheline.Size - 16]byte
	claimed atomic.Uint64
	_       [cacheline.Size - 8]byte
	rescue  atomic.Uint64
	_       [cacheline.Size - 8]byte
	wanted  atomic.Uint64
	_       [cacheline.Size - 8]byte
	work    bell // of the children
	_       [cacheline.Size - 4]byte
	answers bell // of the parent
	_       [cacheline.Size - 4]byte
	_       cacheline.Pad
}

const wordSize = 8

// A queue is one process's view of a queue.
type queue struct {
	*control
	slots  []uint64 // window times stride
	window uint64
	batch  uint64 // half the window, or one
	head   int    // words of a slot before its item
	words  int    // of an item
	stride int    // words of a slot
}

// slot returns the item with that sequence number.
func (q *queue) slot(seq uint64) []uint64 {
	i := int(seq%q.window) * q.stride
	return q.slots[i+q.head:][:q.words]
}

// A shape is what a parent and its children must agree on to see the same
// queues in the same memory. It follows from the variant, the payload and the
// number of children. Without shared memory there are no queues, and the window
// is all there is to agree on.
type shape struct {
	queues, window, head, words, stride int
}

func shapeOf(v *Variant, payload Payload, children int) shape {
	s := shape{window: 1024, words: int(payload) / wordSize}
	if payload > Word {
		s.window = 16
	}
	switch v.medium {
	case queues:
		s.queues = children
	case oneQueue:
		s.queues = 1
		s.window *= children
	}
	if v.crew == one {
		s.window = 1
	}
	s.stride = s.words
	if v.Name == "atomic" {
		// The state of a slot and the item after it, on lines of their own,
		// because neighbours belong to different children.
		s.head = 1
		s.stride = (1 + s.words + 7) / 8 * 8
	}
	return s
}

func (s shape) size() int { return s.queues * s.queueSize() }

func (s shape) queueSize() int {
	const page = 4096
	size := int(unsafe.Sizeof(control{})) + s.window*s.stride*wordSize
	return (size + page - 1) / page * page
}

// queue returns queue i of the memory.
func (s shape) queue(memory []byte, i int) queue {
	memory = memory[i*s.queueSize():][:s.queueSize()]
	return queue{
		control: (*control)(unsafe.Pointer(&memory[0])),
		slots:   unsafe.Slice((*uint64)(unsafe.Pointer(&memory[unsafe.Sizeof(control{})])), s.window*s.stride),
		window:  uint64(s.window),
		batch:   uint64(max(1, s.window/2)),
		head:    s.head,
		words:   s.words,
		stride:  s.stride,
	}
}
