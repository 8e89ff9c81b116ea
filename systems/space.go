package systems

import (
	"hash/fnv"
	"strconv"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A space is what the threads of one interpreter share. One goroutine builds it,
// with plain counts, before any thread begins.
type space struct {
	_ cacheline.Pad
	heap
	_ cacheline.Pad // every object that is made or freed writes a shared heap

	none, yes, no *object
	small         [smallMax - smallMin + 1]*object
	globals       *object
	interned      map[string]*object
	codes         []*code
	made          []*object // all objects that build made

	breaker atomic.Bool // pending is not nil: the eval breaker of systems without a GIL
	mu      sync.Mutex
	pending func()    // guarded by mu
	surplus []*object // guarded by mu; nogil: slots that threads gave away
}

// CPython makes the integers from smallMin to smallMax once and shares them.
const (
	smallMin = -5
	smallMax = 256
)

func newSpace() *space {
	s := &space{interned: map[string]*object{}}
	s.none = s.take(kindNone)
	s.no = s.take(kindBool)
	s.yes = s.take(kindBool)
	s.yes.num = 1
	for i := range s.small {
		s.small[i] = s.take(kindInt)
		s.small[i].setInt(int64(i + smallMin))
	}
	s.globals = s.container(kindDict, newKeys(nil))
	return s
}

// take returns a new object, to which the space holds one reference.
func (s *space) take(k kind) *object {
	o := s.heap.take(k)
	o.refs = 1
	s.made = append(s.made, o)
	return o
}

// integer returns an integer. It takes no reference.
func (s *space) integer(n int64) *object {
	if smallMin <= n && n <= smallMax {
		return s.small[n-smallMin]
	}
	o := s.take(kindInt)
	o.setInt(n)
	o.refs = 0
	return o
}

// name interns a name. Its hash is FNV-1a, so that it is the same in every run.
func (s *space) name(word string) *object {
	o := s.interned[word]
	if o == nil {
		o = s.take(kindName)
		hash := fnv.New64a()
		hash.Write([]byte(word))
		o.num = int64(hash.Sum64() >> 1)
		s.interned[word] = o
	}
	return o
}

// container makes a list, or a dict if it has keys.
func (s *space) container(k kind, keys *keys, items ...*object) *object {
	o := s.take(k)
	for _, item := range items {
		item.refs++
	}
	o.array.Store(&array{keys, items})
	return o
}

// setGlobal gives a global its first value. The global takes over the space's
// reference to it.
func (s *space) setGlobal(word string, o *object) {
	s.globals.array.Store(s.globals.array.Load().with(s.name(word), o))
}

// global returns the value of a global. It takes no reference.
func (s *space) global(word string) *object {
	a := s.globals.array.Load()
	return a.items[a.keys.find(s.name(word))]
}

// entry returns the program's function for a thread.
func (s *space) entry(thread int) *object { return s.global("run" + strconv.Itoa(thread)) }

// close drops everything that the space holds and returns the number of objects that
// are left: 0 if the counts were right. All threads must have ended.
func (s *space) close(drop func(*object)) int {
	s.release(drop)
	return s.live
}

// release is like close, for an interpreter in which another goroutine may still
// free objects, so that live must not be read yet.
func (s *space) release(drop func(*object)) {
	drop(s.globals)
	for _, c := range s.codes {
		for _, o := range c.consts {
			drop(o)
		}
	}
	for _, o := range s.interned {
		drop(o)
	}
	for _, o := range s.small {
		drop(o)
	}
	for _, o := range []*object{s.none, s.yes, s.no} {
		drop(o)
	}
}

// callSoon makes some thread call f before its next instruction, as
// Py_AddPendingCall does in CPython, which calls signal handlers in this way. If
// two requests are pending at once, only the last call is made. f must not use
// callSoon.
func (s *space) callSoon(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = f
	s.breaker.Store(true)
}

func (s *space) callPending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != nil {
		s.pending()
	}
	s.pending = nil
	s.breaker.Store(false)
}
