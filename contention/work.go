package contention

import (
	"math"
	"slices"
	"sync"
	"time"

	"boundaries/internal/fork"
)

// spin computes for that many turns. Each turn needs the result of the turn before,
// and each call that of the call before, so that a processor cannot overlap them.
//
//go:noinline
func spin(x uint64, turns int) uint64 {
	for range turns {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

var epoch = time.Now()

// now is cheaper than time.Now, which also reads the time of day.
func now() time.Duration { return time.Since(epoch) }

// A unit is what work costs on this machine.
type unit struct {
	turn  float64 // ns of a turn of spin; next to its turns, the cost of a call is negligible
	clock float64 // ns of a reading of the clock
}

// calibrate measures the unit, once.
var calibrate = sync.OnceValue(func() unit {
	// The shortest of many tries is the one that nothing disturbed.
	best := func(f func()) float64 {
		f()
		shortest := time.Duration(math.MaxInt64)
		for range 4000 {
			began := now()
			f()
			shortest = min(shortest, now()-began)
		}
		return float64(shortest)
	}
	const turns, looks = 10_000, 100
	var x uint64
	return unit{
		turn: best(func() { x = spin(x, turns) }) / turns,
		clock: best(func() {
			for range looks {
				now()
			}
		}) / looks,
	}
})

// turns returns how many turns of spin last that long: 0 for no time, and otherwise
// at least 1.
func (u unit) turns(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return max(1, int(math.Round(float64(d)/u.turn)))
}

// every returns the k for which timing one step in k takes at most 2 % of the
// steps' time, for two looks at the clock. k is odd, so it has no common divisor
// with planLength, and every step of the plan is timed at some time.
func (u unit) every(work time.Duration) int {
	const access = 20 // ns, about what an access costs beside the work
	return int(math.Ceil(2*u.clock/(0.02*(float64(work)+access)))) | 1
}

// measureDials makes as many workers as there are procs do the work of hold and of
// think, all at once, and returns how long each takes: the median over workers and
// tries.
func (t *Trial) measureDials() (hold, think time.Duration) {
	workers := min(t.Procs, len(t.workers))
	holds := make([][]time.Duration, workers)
	thinks := make([][]time.Duration, workers)
	fork.Run("contention", workers, 0, func(worker, _ int) {
		w := t.workers[worker]
		for range 9 {
			holds[worker] = append(holds[worker], w.measure(w.hold, t.Case.Hold))
			thinks[worker] = append(thinks[worker], w.measure(w.think, t.Case.Think))
		}
	})
	return median(holds), median(thinks)
}

// measure returns how long a call of spin takes. It calls spin for about 10 µs, so
// that reading the clock hardly counts.
func (w *Worker) measure(turns int, want time.Duration) time.Duration {
	if turns == 0 {
		return 0
	}
	calls := 1 + 10*time.Microsecond/want
	began := now()
	for range calls {
		w.state = spin(w.state, turns)
	}
	return (now() - began) / calls
}

func median(tries [][]time.Duration) time.Duration {
	all := slices.Concat(tries...)
	slices.Sort(all)
	return all[len(all)/2]
}
