package ring

import (
	"fmt"
	"sync/atomic"

	"boundaries/internal/explore"
)

// Programs are explored with a Size of 2.
var Programs = []explore.Program{
	{Name: "one puts three, one takes three", Start: func(r *explore.Run) { start(r, 0, []int{3}, []int{3}) }},
	{Name: "two put into the last room", Start: func(r *explore.Run) { start(r, 1, []int{1, 1}, nil) }},
	{Name: "two take the last item", Start: func(r *explore.Run) { start(r, 1, nil, []int{1, 1}) }},
	{Name: "full, one takes and two put", Start: func(r *explore.Run) { start(r, 2, []int{1, 1}, []int{1}) }},
	{Name: "empty, one puts and two take", Start: func(r *explore.Run) { start(r, 0, []int{1}, []int{1, 1}) }},
	{Name: "empty, two put and one takes", Start: func(r *explore.Run) { start(r, 0, []int{1, 1}, []int{1}) }},
	{Name: "full, two take and one puts", Start: func(r *explore.Run) { start(r, 2, []int{1}, []int{1, 1}) }},
	{Name: "one of each at each end", Start: func(r *explore.Run) { start(r, 1, []int{1}, []int{1}) }},
	{Name: "two put and look for a sleeper, one takes and sleeps", Start: func(r *explore.Run) { sleeper(r, []int{1, 1}, 0) }},
	{Name: "one puts two and looks for a sleeper, one takes once, one takes and sleeps", Start: func(r *explore.Run) { sleeper(r, []int{2}, 1) }},
}

// sleeper makes a taker that sleeps when it finds nothing, as a worker of a pool does, and others
// that take once, as workers whose task blocks. At the end the taker does not sleep beside an
// item, unless a putter has seen that it sleeps.
func sleeper(r *explore.Run, puts []int, others int) {
	q := New[int](1<<32 - 1)
	var asleep, roused atomic.Bool
	for i, n := range puts {
		r.Actor(fmt.Sprint("putter ", i+1), func() {
			for range n {
				q.Put(i)
				if asleep.Load() {
					roused.Store(true)
				}
			}
		})
	}
	for range others {
		r.Actor("taker, once", func() { q.Take() })
	}
	r.Actor("taker", func() {
		for range 3 {
			if _, ok := q.Take(); ok {
				continue
			}
			asleep.Store(true)
			if q.Len() == 0 {
				return
			}
			asleep.Store(false)
		}
	})
	r.End(func() error {
		if n := q.Len(); n > 0 && asleep.Load() && !roused.Load() {
			return fmt.Errorf("the taker sleeps beside %d items", n)
		}
		return nil
	})
}

// start makes a ring that has some items, and an actor for each number of puts and of
// takes. At the end each item that was put has been taken or is there, and each
// taker has found the items of one putter in their order.
func start(r *explore.Run, filled int, puts, takes []int) {
	q := New[int](1<<32 - 1)
	were := []int{}
	for i := range filled {
		q.Put(-1 - i)
		were = append(were, -1-i)
	}
	wanted := 0 // by the putters
	for _, n := range puts {
		wanted += n
	}
	hoped := 0 // by the takers
	for _, n := range takes {
		hoped += n
	}
	put, taken := make([][]int, len(puts)), make([][]int, len(takes))
	for i, n := range puts {
		r.Actor(fmt.Sprint("putter ", i+1), func() {
			for j := range n {
				if item := 100*(i+1) + j; q.Put(item) {
					put[i] = append(put[i], item)
				}
			}
		})
	}
	for i, n := range takes {
		r.Actor(fmt.Sprint("taker ", i+1), func() {
			for range n {
				if item, ok := q.Take(); ok {
					taken[i] = append(taken[i], item)
				}
			}
		})
	}
	r.End(func() error {
		total := filled
		for _, items := range put {
			total += len(items)
		}
		if filled+wanted <= Size && total < filled+wanted {
			return fmt.Errorf("%d items were put of %d, and there was room for all", total-filled, wanted)
		}
		found := 0
		for _, items := range taken {
			found += len(items)
		}
		if filled >= hoped && found < hoped {
			return fmt.Errorf("%d takes found an item of %d, and there were items for all", found, hoped)
		}
		total -= found
		if q.Len() != total || total > Size {
			return fmt.Errorf("%d items are left of %d and %v, after %v were taken", q.Len(), were, put, taken)
		}
		rest := []int{}
		for range total {
			item, _ := q.Take()
			rest = append(rest, item)
		}
		_, ok := q.Take()
		room := 0
		for q.Put(room) {
			room++
		}
		if ok || room != Size {
			return fmt.Errorf("the empty ring has room for %d items", room)
		}
		return explore.Queued(append([][]int{were}, put...), append(taken, rest))
	})
}
