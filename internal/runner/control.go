package runner

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"boundaries/internal/benchfile"
)

// controlSteps is how many steps a control takes. A test takes fewer.
var controlSteps = 40_000_000

// control measures a row whose workers share nothing and have a proc each, so only the
// machine can slow it down. Its times at the beginning and the end of a round show whether
// the machine became slower or faster in between.
func (r *runner) control(ctx context.Context, at string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "goos: %s\ngoarch: %s\npkg: %s\n", runtime.GOOS, runtime.GOARCH, benchfile.ControlPkg)
	r.head = ""
	for _, n := range r.CPU {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		steps := controlSteps
		took := compute(n, steps)
		name := "BenchmarkControl/at=" + at
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		fmt.Fprintf(&text, "%s\t%d\t%.4f ns/op\n", name, steps, float64(took.Nanoseconds())/float64(steps))
	}
	return r.write(text.String())
}

var sink atomic.Uint64

// compute divides steps among workers, a goroutine each, and returns how long they take.
func compute(workers, steps int) time.Duration {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers)) // as go test -cpu does
	var wg sync.WaitGroup
	began := time.Now()
	for i := range workers {
		wg.Go(func() {
			x := uint64(i + 1)
			for range steps / workers {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
			}
			sink.Add(x)
		})
	}
	wg.Wait()
	return time.Since(began)
}
