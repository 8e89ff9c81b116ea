package futex

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"boundaries/internal/explore"
)

const everybody = 1 << 30

// sleepers are those of the run. Only the explorer uses them.
var sleepers []*sleeper

type sleeper struct {
	word  *atomic.Uint32
	woken bool
}

// wait and wake do what the kernel does: wait compares and falls asleep in one step.

func wait(word *atomic.Uint32, value uint32, _ time.Duration) {
	me := &sleeper{word: word}
	explore.Before(explore.Op{Name: "wait", Word: unsafe.Pointer(word), Apply: func(int) {
		if me.woken = word.Load() != value; !me.woken {
			sleepers = append(sleepers, me)
		}
	}})
	explore.After(true, explore.Int(value))
	explore.Before(explore.Op{Name: "awake", Word: unsafe.Pointer(word), Reads: true, Enabled: func(int) bool { return me.woken }})
	explore.After(false)
}

func wake(word *atomic.Uint32, n int) {
	explore.Before(explore.Op{Name: "wake", Word: unsafe.Pointer(word), Apply: func(int) {
		left, most := sleepers[:0], n
		for _, s := range sleepers {
			if s.word == word && most > 0 {
				s.woken = true
				most--
			} else {
				left = append(left, s)
			}
		}
		sleepers = left
	}})
	explore.After(true, explore.Int(n))
}

// Yield is of Spin, which is not explored.
func Yield() { runtime.Gosched() }

var Programs = []explore.Program{
	{Name: "Lock: two processes take it", Start: func(r *explore.Run) { processes(r, 2) }},
	{Name: "Lock: three processes take it", Preemptions: 3, Start: func(r *explore.Run) { processes(r, 3) }},
	{Name: "Lock: the holder dies, one takes it", Start: func(r *explore.Run) {
		sleepers = nil
		var l Lock
		var dead atomic.Bool
		took := false // guarded by l
		r.Actor("child 1", func() {
			l.Acquire(1, 0)
			took = true
			dead.Store(true)
		})
		r.Actor("child 2", func() {
			abandoned, ok := l.Acquire(2, 0)
			if !ok || abandoned != took {
				panic(fmt.Sprintf("Acquire returned %v, %v; the other child died with the lock: %v", abandoned, ok, took))
			}
			l.Release()
		})
		r.Actor("parent", func() {
			for !dead.Load() {
				runtime.Gosched()
			}
			l.Abandon(1)
			l.WakeAll()
		})
		r.End(func() error {
			if n := l.Holder(); n != 0 {
				return fmt.Errorf("%d holds the lock and is dead", n)
			}
			return nil
		})
	}},
	{Name: "Lock: a process dies as it is woken", Preemptions: 2, Start: func(r *explore.Run) {
		sleepers = nil
		var l Lock
		var dead atomic.Bool
		l.Acquire(1, 0)
		r.Actor("child 1", func() { l.Release() })
		r.Actor("child 2", func() {
			if w := l.word.Load(); w == 1 && l.word.CompareAndSwap(w, w|lockWaiters) {
				wait(&l.word, w|lockWaiters, 0)
			}
			dead.Store(true)
		})
		r.Actor("child 3", func() {
			l.Acquire(3, 0)
			l.Release()
		})
		r.Actor("parent", func() {
			for !dead.Load() {
				runtime.Gosched()
			}
			l.Abandon(2)
			l.WakeAll()
		})
	}},
	{Name: "Bell: one rings, one sleeps", Start: func(r *explore.Run) { bell(r, 1) }},
	{Name: "Bell: one rings, two sleep", Start: func(r *explore.Run) { bell(r, 2) }},
	{Name: "Bell: two ring, one sleeps for both", Start: func(r *explore.Run) {
		sleepers = nil
		var b Bell
		var reasons atomic.Uint32
		r.Actor("sleeper", func() {
			for reasons.Load() < 2 {
				b.Sleep(0, func() bool { return reasons.Load() == 2 })
			}
		})
		for i := range 2 {
			r.Actor(fmt.Sprint("ringer ", i+1), func() {
				reasons.Add(1)
				b.Ring()
			})
		}
	}},
}

// processes makes processes that each change what the lock guards.
func processes(r *explore.Run, n int) {
	sleepers = nil
	var l Lock
	changes := 0 // guarded by l
	for i := range n {
		r.Actor(fmt.Sprint("process ", i+1), func() {
			if abandoned, ok := l.Acquire(uint32(i+1), 0); abandoned || !ok {
				panic(fmt.Sprintf("Acquire returned %v, %v", abandoned, ok))
			}
			changes++
			l.Release()
		})
	}
	r.End(func() error {
		if changes != n || l.Holder() != 0 {
			return fmt.Errorf("%d of %d changes, %d holds the lock", changes, n, l.Holder())
		}
		return nil
	})
}

// bell makes a ringer that makes one reason, and sleepers that wait for it.
func bell(r *explore.Run, n int) {
	sleepers = nil
	var b Bell
	var reason atomic.Bool
	for i := range n {
		r.Actor(fmt.Sprint("sleeper ", i+1), func() {
			for !reason.Load() {
				b.Sleep(0, reason.Load)
			}
		})
	}
	r.Actor("ringer", func() {
		reason.Store(true)
		b.Ring()
	})
}
