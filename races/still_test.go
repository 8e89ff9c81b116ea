package races

import (
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cputime"
)

// untilStill calls f on a goroutine of its own. It returns true when f has
// returned, and false when f will not: when no other goroutine runs or could run,
// or when progress has not changed for a long time.
//
// A long time means processor time, because on a busy machine a program may get no
// processor for longer than a short run takes.
func untilStill(f func(), progress func() int) (returned bool) {
	over := make(chan struct{})
	go func() {
		f()
		close(over)
	}()
	for last := look(progress); ; {
		select {
		case <-over:
			return true
		case <-time.After(50 * time.Millisecond):
		}
		now := look(progress)
		if now.stuck(last) {
			return false
		}
		if now.progress == last.progress {
			now.used = last.used // since the progress
		}
		last = now
	}
}

// A sight is the state of this program at one moment.
type sight struct {
	progress int
	idle     bool          // all goroutines but the observer wait for something
	used     time.Duration // the processor time so far
}

func look(progress func() int) sight {
	counts := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}, {Name: "/sched/goroutines/runnable:goroutines"}}
	metrics.Read(counts)
	used, err := cputime.Used()
	if err != nil { // not known on this platform: use the time that has passed
		used = time.Since(began)
	}
	return sight{progress(), counts[0].Value.Uint64()+counts[1].Value.Uint64() <= 1, used}
}

var began = time.Now()

// stuck reports whether the program made no progress since before and will make
// none. The counts of goroutines are not exact, so two of them must agree.
func (now sight) stuck(before sight) bool {
	const long = 200 * time.Millisecond
	return now.progress == before.progress && (now.idle && before.idle || now.used-before.used >= long)
}

// untilStill tells a stuck function from one that returns.
func TestUntilStill(t *testing.T) {
	nothing := func() int { return 0 }
	require.True(t, untilStill(func() {}, nothing))
	require.True(t, untilStill(func() { time.Sleep(20 * time.Millisecond) }, nothing))

	block := make(chan struct{})
	require.False(t, untilStill(func() { <-block }, nothing))
	close(block)

	var stop atomic.Bool
	defer stop.Store(true)
	spin := func() {
		for !stop.Load() {
		}
	}
	require.False(t, untilStill(spin, nothing))
	var looks int
	require.False(t, untilStill(spin, func() int { looks++; return min(looks, 10) }))
	require.Greater(t, looks, 10, "there was progress until then")
}

func TestStuck(t *testing.T) {
	for _, test := range []struct {
		name        string
		before, now sight
		want        bool
	}{
		{"gets no processor", sight{7, false, time.Second}, sight{7, false, time.Second}, false},
		{"gets little of one", sight{7, false, time.Second}, sight{7, false, 1199 * time.Millisecond}, false},
		{"gets nowhere", sight{7, false, time.Second}, sight{7, false, 1200 * time.Millisecond}, true},
		{"gets on", sight{7, false, time.Second}, sight{8, false, 2 * time.Second}, false},
		{"waits", sight{7, true, time.Second}, sight{7, true, time.Second}, true},
		{"waits now and then", sight{7, true, time.Second}, sight{7, false, time.Second}, false},
		{"waits from now on", sight{7, false, time.Second}, sight{7, true, time.Second}, false},
		{"has waited", sight{7, true, time.Second}, sight{8, true, time.Second}, false},
	} {
		require.Equal(t, test.want, test.now.stuck(test.before), test.name)
	}
}
