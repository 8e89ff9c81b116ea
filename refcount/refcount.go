// Package refcount counts references to objects that are freed by the last drop.
//
// A step takes one reference to a living object and drops it again, which is
// what CPython does several times per bytecode and what the article's figures
// 4.1.1 to 4.1.3 are about. With share=hot all workers do so to one object, made
// by worker 0; with share=own each has an object of its own. Reference counts are
// where a global lock, and everything that replaces it, is paid for: look at
// share=own first, where nothing is shared and every difference is pure
// overhead, then at share=hot, where it is contention.
//
// The objects live in an arena whose slots are used again at once. Go's own
// collector would keep a freed object readable and so hide the mistakes that
// reference counting makes; here a slot has a generation, which a [Ref]
// remembers, so that a use after free is seen and named.
//
// Each variant is a [Heap] and the loop that is timed, in one file. The loop is
// Incref and Decref written out, without the look at the generation, because
// that is a test of the caller and not part of the count. Read global_mutex.go
// first, then atomic.go; lock_free.go is nogil's biased count and the heart of
// the package, buffered.go the second design of the Gilectomy.
//
// There is no false-sharing row: the slots of an arena are padded, and package
// loop shows why.
package refcount

import "boundaries/internal/suite"

// A Variant is a way to count references.
type Variant struct {
	Name string

	// New returns an empty heap. Just before it frees an object it calls
	// finalize, if that is not nil, with the object's name. finalize must not
	// use the heap.
	New func(finalize func(name string)) Heap

	// Run takes n steps on that many workers. It panics if there is no worker
	// or n is negative.
	Run func(share Share, workers, n int) Answer
}

// Variants lists the ways to count, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{"serial", newSerial, runSerial},
	{"gil", newGIL, runGIL},
	{"global-mutex", newGlobalMutex, runGlobalMutex},
	{"sharded-lock", newShardedLock, runShardedLock},
	{"atomic", newAtomic, runAtomic},
	{"lock-free", newLockFree, runLockFree},
	{"private", newPrivate, runPrivate},
	{"buffered", newBuffered, runBuffered},
}

// An Answer is what a run must get exactly right.
type Answer struct {
	Steps int // references taken and dropped
	Ended int // objects freed exactly once, and not before their last reference was dropped
}

// Share says whose objects the workers of a run count.
type Share int

const (
	Hot Share = iota // one object for all workers, made by worker 0
	Own              // an object for each worker, made by it
)

// Want returns the answer that n steps lead to.
func (s Share) Want(workers, n int) Answer {
	if s == Hot {
		return Answer{n, 1}
	}
	return Answer{n, workers}
}

// Rows returns the variants with this share.
func (s Share) Rows() []suite.Row[Answer] {
	return suite.Rows(Variants, func(v Variant) suite.Row[Answer] {
		return suite.Row[Answer]{Name: v.Name, Run: func(workers, n int) Answer { return v.Run(s, workers, n) }}
	})
}

// A Heap holds objects that are freed when their last reference is dropped.
type Heap interface {
	// Handle returns access to the objects for one more goroutine.
	Handle() Handle

	// Live returns the number of objects that have not been freed.
	Live() int
}

// A Handle is one goroutine's access to the objects of a heap. It must not be
// used by two goroutines at once. References, on the other hand, belong to
// whoever holds them: one taken through a handle may be dropped through another.
//
// Methods panic, naming the object, when they are given a reference that cannot
// exist: of an object that was freed, of another heap, or the zero Ref. They
// panic when the handle is closed.
type Handle interface {
	// New makes an object and returns the first reference to it.
	New(name string) Ref

	// Incref takes another reference to an object of which the caller holds
	// one already.
	Incref(Ref)

	// Decref drops a reference. Dropping the last one frees the object, at
	// once unless the variant says otherwise. What any holder did before its
	// Decref synchronizes before the object's finalizer.
	Decref(Ref)

	// TryIncref takes a reference to an object of which the caller holds
	// none, and reports whether it could: never when the object has been
	// freed. It may refuse a living object that nobody declared Shared.
	TryIncref(Ref) bool

	// Shared declares that others may try to take a reference to the object.
	// The caller holds one.
	Shared(Ref)

	// Count returns the number of references. It is exact while nobody takes
	// or drops any, unless the variant says otherwise; buffered counts lag,
	// and of biased ones only the owner knows, so that others panic.
	Count(Ref) int

	// Tick does what others have asked of this handle. A goroutine that goes
	// on using references for long calls it now and then, as an interpreter
	// looks at its eval breaker.
	Tick()

	// Close ends the use of the handle, but not of the references taken
	// through it. A second Close does nothing.
	Close()
}

// A Ref names an object. Copying a Ref does not take a reference.
type Ref struct {
	slot any // *slot[C] of the heap's kind of count
	gen  uint32
	name string
}

// String returns the name of the object.
func (r Ref) String() string { return r.name }
