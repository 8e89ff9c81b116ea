package ring

import (
	"testing"

	"boundaries/internal/linear"
	"boundaries/internal/suite/suitetest"
)

// op is a Put of the item put, or a Take if put is 0.
type op struct {
	put   byte
	alone bool // no other operation runs
}

// queue holds items in the order of their Puts. A Take that overlaps another operation may
// find nothing although an item has been put: an earlier Put may be unfinished. The last Takes
// run alone and find every item.
var queue = linear.Model[string, op, byte]{Step: func(items string, in op, out byte) (string, bool) {
	switch {
	case in.put != 0:
		return items + string(rune(in.put)), true
	case out == 0:
		return items, items == "" || !in.alone
	}
	return items[min(1, len(items)):], items != "" && items[0] == out
}}

type taker interface {
	Put(byte) bool
	Take() (byte, bool)
}

func record(start func() taker) func(workers int) *linear.History[op, byte] {
	return func(workers int) *linear.History[op, byte] {
		q, h := start(), new(linear.History[op, byte])
		take := func(worker int, alone bool) byte {
			return h.Do(worker, op{alone: alone}, func() byte { item, _ := q.Take(); return item })
		}
		linear.Go(workers, 4, func(worker, i int) {
			if (worker+i/2)%2 == 0 {
				item := byte(1 + 4*worker + i)
				h.Do(worker, op{put: item}, func() byte { q.Put(item); return 0 })
			} else {
				take(worker, false)
			}
		})
		for take(0, true) != 0 {
		}
		return h
	}
}

func TestLinearizable(t *testing.T) {
	suitetest.Guard(t, "a Put or a Take waits for a turn that never comes")
	linear.Accepts(t, queue, record(func() taker { return New[byte](1<<32 - 5) }))
	linear.Refuses(t, queue, record(func() taker { return stack{New[byte](0)} }))
}

// A stack is a ring that lets the second item overtake the first.
type stack struct{ *Ring[byte] }

func (s stack) Take() (byte, bool) {
	first, _ := s.Ring.Take()
	second, ok := s.Ring.Take()
	if !ok {
		return first, first != 0
	}
	s.Ring.Put(first)
	return second, true
}
