// Package refcount counts references to objects, and frees an object with its last reference.
//
// A step takes one reference to a live object and drops it again. CPython does so
// several times per bytecode, and the article's figures 4.1.1 and 4.1.2 are about it.
// With share=hot all workers use one object, made by worker 0; with share=own each
// worker has an object of its own. A global lock, and everything that replaces it,
// costs most at reference counts. Look at share=own first: no object is shared
// there, and on one worker every difference is pure overhead. Then look at share=hot,
// which adds contention.
//
// The objects live in an arena that reuses slots soon, and in most variants at once. Go's own
// collector would keep a freed object readable and so hide the mistakes of reference
// counting. Here a slot has a generation, which a [Ref] remembers, so that a use after
// free is detected and named.
//
// Each variant is a [Heap] and the loop that is timed, in one file. The loop is
// the counting of Incref and Decref written out. It leaves out their checks of the
// reference and the handle, which are no part of counting. A run also calls New, and at
// its end Decref and Close. Only tests call TryIncref, Shared, Count and Tick, which make
// the heaps complete. Read global_mutex.go first, then atomic.go. lock_free.go is nogil's
// biased count and the heart of the package, and buffered.go is the second design of the
// Gilectomy.
//
// There is no false-sharing row, because the slots of an arena are padded. Package
// loop has that row.
package refcount

import "boundaries/internal/suite"

// A Variant is a way to count references.
type Variant struct {
	Name string // the value of the key sync=

	// New returns an empty heap. Just before the heap frees an object, it calls
	// finalize, if that is not nil, with the object's name. finalize must not
	// use the heap itself, but it may wait for goroutines that do. If finalize
	// panics, so does the call that frees the object. That object is not freed, and
	// all others are. In buffered.go the call may be an Incref or a Decref of another
	// object, which then has taken or dropped nothing.
	New func(finalize func(name string)) Heap

	// Run takes n steps on that many workers. It panics if there is no worker
	// or n is negative.
	Run func(share Share, workers, n int) Answer

	OneWorker bool // heaps are for one goroutine only, with any number of handles
	Immortal  bool // objects are never freed
}

// Variants lists the ways to count, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{Name: "serial", New: newSerial, Run: runSerial, OneWorker: true},
	{Name: "gil", New: newGIL, Run: runGIL},
	{Name: "global-mutex", New: newGlobalMutex, Run: runGlobalMutex},
	{Name: "sharded-lock", New: newShardedLock, Run: runShardedLock},
	{Name: "atomic", New: newAtomic, Run: runAtomic},
	{Name: "lock-free", New: newLockFree, Run: runLockFree},
	{Name: "private", New: newPrivate, Run: runPrivate, Immortal: true},
	{Name: "buffered", New: newBuffered, Run: runBuffered},
}

// An Answer is the result of a run, which must be exact.
type Answer struct {
	Steps int // references taken and dropped
	Ended int // objects freed exactly once, and not before their last reference was dropped
}

// A Share says which objects the workers of a run use.
type Share int

const (
	Hot Share = iota // one object for all workers, made by worker 0
	Own              // an object for each worker, made by it
)

// Want returns the answer to n steps on that many workers.
func (s Share) Want(workers, n int) Answer {
	if s == Hot {
		return Answer{n, 1}
	}
	return Answer{n, workers}
}

// Rows returns the rows of all variants with this share.
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

// A Handle is one goroutine's access to the objects of a heap. Two goroutines must
// not use it at once. A reference is not bound to a handle: it may be taken through
// one and dropped through another.
//
// The methods panic if the reference cannot exist: the object belongs to another heap, or
// has been freed, or the Ref is zero. Only TryIncref takes a Ref of an object that has been
// freed. The message names the object. The methods also panic if the handle is closed.
type Handle interface {
	// New makes an object and returns the first reference to it.
	New(name string) Ref

	// Incref takes another reference to an object of which the caller
	// already holds one.
	Incref(Ref)

	// Decref drops a reference. Dropping the last one frees the object, at
	// once unless the variant says otherwise. Every holder's Decref
	// synchronizes before the object's finalizer.
	Decref(Ref)

	// TryIncref takes a reference to an object of which the caller may hold
	// none, and reports whether it did. It returns false if the object has
	// been freed or is being finalized, and it does not wait for the
	// finalizer. It may return false for a live object that has not been
	// declared Shared.
	TryIncref(Ref) bool

	// Shared declares that others may try to take a reference to the object.
	// The caller holds one.
	Shared(Ref)

	// Count returns the number of references. It is exact while no goroutine
	// takes or drops any, unless the variant says otherwise: a buffered
	// count lags, and while an object has an owner, lock-free tells its
	// count only through the owner's handle and panics through any other.
	Count(Ref) int

	// Tick does what other handles have asked of this one. A goroutine that
	// keeps a handle open for a long time must call Tick now and then, as an
	// interpreter looks at its eval breaker. Until it does, objects may live on
	// without a reference.
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
