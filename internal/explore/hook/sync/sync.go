// Package sync is package sync for an exploration: each operation ends a step, and
// an actor gets no turn while its next step would block.
package sync

import (
	"sync"
	"unsafe"

	"boundaries/internal/explore"
)

// A Locker is a sync.Locker.
type Locker = sync.Locker

// A Mutex is a sync.Mutex. The real one inside never blocks: it tells the race
// detector what the lock orders.
type Mutex struct {
	real sync.Mutex
	held bool // the explorer's
}

func (m *Mutex) Lock() { m.lock("Lock", unsafe.Pointer(m), nil) }

// lock locks m, in a step that also uses a word and waits for a condition.
func (m *Mutex) lock(name string, also unsafe.Pointer, ready func() bool) {
	explore.Before(explore.Op{
		Name: name, Word: unsafe.Pointer(m), Also: also,
		Enabled: func(int) bool { return !m.held && (ready == nil || ready()) },
		Apply:   func(int) { m.held = true },
	})
	m.real.Lock()
	explore.After(true)
}

func (m *Mutex) Unlock() {
	explore.Release(explore.Op{Name: "Unlock", Word: unsafe.Pointer(m), Apply: func(int) { m.held = false }})
	m.real.Unlock()
}

// A Cond is a sync.Cond whose L is a Mutex.
type Cond struct {
	L Locker

	waiting []*waiter // the explorer's
}

type waiter struct{ woken bool }

func (c *Cond) Wait() {
	m, me := c.L.(*Mutex), &waiter{}
	explore.Before(explore.Op{Name: "Wait", Word: unsafe.Pointer(m), Also: unsafe.Pointer(c), Apply: func(int) {
		m.held = false
		c.waiting = append(c.waiting, me)
	}})
	m.real.Unlock()
	explore.After(true)
	m.lock("Wait", unsafe.Pointer(c), func() bool { return me.woken })
}

func (c *Cond) Signal() { c.wake("Signal", 1) }

func (c *Cond) Broadcast() { c.wake("Broadcast", 1<<30) }

func (c *Cond) wake(name string, most int) {
	explore.Before(explore.Op{Name: name, Word: unsafe.Pointer(c), Apply: func(int) {
		n := min(most, len(c.waiting))
		for _, w := range c.waiting[:n] {
			w.woken = true
		}
		c.waiting = c.waiting[n:]
	}})
	explore.After(true)
}

// A WaitGroup is a sync.WaitGroup.
type WaitGroup struct {
	real sync.WaitGroup
	n    int // the explorer's
}

func (g *WaitGroup) Add(n int) {
	explore.Before(explore.Op{Name: "Add", Word: unsafe.Pointer(g), Apply: func(int) { g.n += n }})
	g.real.Add(n)
	explore.After(true, explore.Int(n))
}

func (g *WaitGroup) Done() { g.Add(-1) }

func (g *WaitGroup) Wait() {
	explore.Before(explore.Op{Name: "Wait", Word: unsafe.Pointer(g), Reads: true, Enabled: func(int) bool { return g.n == 0 }})
	g.real.Wait()
	explore.After(false)
}

// Go panics: an exploration has no goroutines but its actors.
func (g *WaitGroup) Go(func()) { panic("sync: a goroutine is started in an exploration") }
