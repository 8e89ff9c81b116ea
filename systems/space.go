package systems

import (
	"hash/fnv"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A space is what the threads of one interpreter share. It is built by one
// goroutine, with plain counts, before any thread starts.
type space struct {
	_ cacheline.Pad
	heap
	_ cacheline.Pad // a shared heap is written for every object that is made or freed

	none, yes, no *Object
	small         [smallMax - smallMin + 1]*Object
	globals       *Object
	interned      map[string]*Object
	codes         []*code
	made          []*Object // all objects that build made

	breaker atomic.Bool // the eval breaker of systems without a GIL: pending is not nil
	mu      sync.Mutex
	pending func()    // guarded by mu
	surplus []*Object // guarded by mu; of nogil: slots that a thread's heap had too many of
}

// The integers that CPython makes once and shares.
const (
	smallMin = -5
	smallMax = 256
)

func newSpace() *space {
	s := &space{interned: map[string]*Object{}}
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

// take makes an object that the space holds one reference to.
func (s *space) take(k kind) *Object {
	o := s.heap.take(k)
	o.refs = 1
	s.made = append(s.made, o)
	return o
}

// integer returns an integer; of a small one it takes no reference.
func (s *space) integer(n int64) *Object {
	if smallMin <= n && n <= smallMax {
		return s.small[n-smallMin]
	}
	o := s.take(kindInt)
	o.setInt(n)
	o.refs = 0
	return o
}

// name interns a name. Its hash is FNV-1a, and does not differ from run to run.
func (s *space) name(word string) *Object {
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
func (s *space) container(k kind, keys *keys, items ...*Object) *Object {
	o := s.take(k)
	for _, item := range items {
		item.refs++
	}
	o.array.Store(&array{keys, items})
	return o
}

// setGlobal gives a global a first value, and the space's reference to it away.
func (s *space) setGlobal(word string, o *Object) {
	s.globals.array.Store(s.globals.array.Load().with(s.name(word), o))
}

// global returns the value of a global, without a reference.
func (s *space) global(word string) *Object {
	a := s.globals.array.Load()
	return a.items[a.keys.find(s.name(word))]
}

// close drops all that the space holds and returns the number of objects that
// are left, which is none if the counts were right. No thread runs any more.
func (s *space) close(drop func(*Object)) int {
	s.release(drop)
	return s.live
}

// release drops all that the space holds, where somebody else may still be
// freeing objects, so that their number is not to be looked at yet.
func (s *space) release(drop func(*Object)) {
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
	for _, o := range []*Object{s.none, s.yes, s.no} {
		drop(o)
	}
}

// callSoon has a thread call f before its next instruction, as CPython's
// Py_AddPendingCall does; its signal handlers are called in this way. Of two that
// come at once only the last is called, and f must not use callSoon.
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
