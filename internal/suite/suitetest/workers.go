package suitetest

import (
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite"
)

// Workers tests that every row but serial starts the workers that it is told, of which the
// caller may be one. The answer of a run does not show that.
func Workers[A any](t *testing.T, rows []suite.Row[A]) {
	const workers = 9
	for _, r := range rows {
		if r.Name == "serial" {
			continue
		}
		before := created()
		run(t, r, workers, 1)
		started := created() - before - 1 // without the goroutine of run
		require.GreaterOrEqual(t, started, workers-1, "goroutines that %s starts for %d workers: at most the caller is one more", r.Name, workers)
	}
}

// created returns how many goroutines this process has started.
func created() int {
	count := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(count)
	return int(count[0].Value.Uint64())
}
