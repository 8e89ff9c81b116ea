package park

import (
	"errors"
	"fmt"
	"sync/atomic"

	"boundaries/internal/explore"
)

var Programs = []explore.Program{
	{Name: "one publishes, one parks", Start: func(r *explore.Run) { start(r, 1) }},
	{Name: "two publish, one parks", Start: func(r *explore.Run) { start(r, 1, 1) }},
	{Name: "one publishes two, one parks, one is asleep", Start: func(r *explore.Run) {
		lot := New(2)
		lot.idle.Store(1)
		lot.seats[1].asleep.Store(true)
		var work atomic.Int32
		r.Actor("worker 0", func() { lot.Park(0, func() bool { return work.Load() > 0 }) })
		r.Actor("publisher", func() {
			for range 2 {
				work.Add(1)
				if lot.Idle() {
					lot.Wake()
				}
			}
		})
		r.End(func() error {
			if len(lot.seats[1].wake) == 0 {
				return errors.New("worker 1 sleeps beside the second piece of work")
			}
			<-lot.seats[1].wake
			return lot.empty()
		})
	}},
	{Name: "one wakes all, two park", Start: func(r *explore.Run) {
		lot := New(2)
		var stop atomic.Bool
		for i := range 2 {
			r.Actor(fmt.Sprint("worker ", i), func() { lot.Park(i, stop.Load) })
		}
		r.Actor("closer", func() {
			stop.Store(true)
			lot.WakeAll()
		})
		r.End(func() error { return lot.empty() })
	}},
	{Name: "one publishes two, two park, and each rouses one", Preemptions: 1, Start: func(r *explore.Run) {
		lot := New(2)
		var work, done atomic.Int32
		for i := range 2 {
			r.Actor(fmt.Sprint("worker ", i), func() {
				for done.Load() < 2 {
					lot.Park(i, func() bool { return work.Load() > 0 || done.Load() == 2 })
					if n := work.Load(); n > 0 && work.CompareAndSwap(n, n-1) {
						if n > 1 {
							lot.Rouse()
						}
						if done.Add(1) == 2 {
							lot.WakeAll()
						}
					}
				}
			})
		}
		r.Actor("publisher", func() {
			for range 2 {
				work.Add(1)
				if lot.Idle() {
					lot.Rouse()
				}
			}
		})
	}},
}

// start makes a worker, and a publisher for each number of pieces of work. The worker
// sleeps and drains the work until all is done. If it sleeps although there is work, no
// actor can go on.
func start(r *explore.Run, publish ...int) {
	lot := New(1)
	var work atomic.Int32
	total := 0
	for _, n := range publish {
		total += n
	}
	r.Actor("worker", func() {
		for done := int32(0); done < int32(total); done += work.Swap(0) {
			lot.Park(0, func() bool { return work.Load() > 0 })
		}
	})
	for i, n := range publish {
		r.Actor(fmt.Sprint("publisher ", i), func() {
			for range n {
				work.Add(1)
				if lot.Idle() {
					lot.Wake()
				}
			}
		})
	}
	r.End(lot.empty)
}

// empty returns an error unless no worker sleeps and none is counted as asleep.
func (l *Lot) empty() error {
	if n := l.idle.Load(); n != 0 {
		return fmt.Errorf("%d workers are counted as idle, and none is in Park", n)
	}
	for i := range l.seats {
		if l.seats[i].asleep.Load() || len(l.seats[i].wake) > 0 {
			return fmt.Errorf("seat %d is not as a worker finds it", i)
		}
	}
	return nil
}
