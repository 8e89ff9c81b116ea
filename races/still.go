package races

import (
	"runtime/metrics"
	"time"

	"boundaries/internal/cputime"
)

// UntilStill calls f on a goroutine of its own. It returns true when f has
// returned, and false when f will not: when nobody else runs or could, or when
// whoever runs has got nowhere for a long time. progress says how far things are.
//
// The time is the processors', because on a machine with much to do a program may
// get none for longer than a short run takes.
func UntilStill(f func(), progress func() int) (returned bool) {
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

// A sight is what can be seen of a program at one time.
type sight struct {
	progress int
	idle     bool          // all goroutines but the one that looks wait for something
	used     time.Duration // of the processors' time
}

func look(progress func() int) sight {
	counts := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}, {Name: "/sched/goroutines/runnable:goroutines"}}
	metrics.Read(counts)
	used, err := cputime.Used()
	if err != nil { // nothing tells, so it is the time that there was
		used = time.Since(began)
	}
	return sight{progress(), counts[0].Value.Uint64()+counts[1].Value.Uint64() <= 1, used}
}

var began = time.Now()

// stuck reports whether a program that was in the one state and now is in the
// other will get no further. The counts of goroutines are not exact, and so must
// say the same twice.
func (now sight) stuck(before sight) bool {
	const long = 200 * time.Millisecond
	return now.progress == before.progress && (now.idle && before.idle || now.used-before.used >= long)
}
