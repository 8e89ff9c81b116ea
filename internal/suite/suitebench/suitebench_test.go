package suitebench

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite"
)

// BenchmarkOpened reports for how many workers its row is open.
func BenchmarkOpened(b *testing.B) {
	Workload(b, suite.Workload{Key: "sync", Benches: []suite.Bench{{Name: "fake", Open: func(workers int) (suite.Session, error) {
		return suite.Session{
			Run:   func(int) { time.Sleep(time.Millisecond) },
			Check: func(int) error { return nil },
			Metrics: func(time.Duration, int) []suite.Metric {
				return []suite.Metric{{Unit: "opened", Value: float64(workers)}}
			},
		}, nil
	}}}})
}

// A row at two procs runs with a session for two workers, and not with the session that
// the run at one proc left open.
func TestRowIsOpenForItsProcs(t *testing.T) {
	out, err := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkOpened$", "-test.cpu=1,2,3", "-test.benchtime=3x").CombinedOutput()
	require.NoError(t, err, "%s", out)
	var opened []string
	for _, match := range regexp.MustCompile(`BenchmarkOpened/sync=fake(\S*)\s.*\s(\S+) opened`).FindAllStringSubmatch(string(out), -1) {
		opened = append(opened, match[1]+": "+match[2])
	}
	require.Equal(t, []string{": 1.000", "-2: 2.000", "-3: 3.000"}, opened, "%s", out)
}

// The command that measures rows again repeats the arguments of the package, and none of
// package testing's, which may have their values in a word of their own.
func TestOwnArguments(t *testing.T) {
	for _, test := range []struct{ arguments, own string }{
		{"-test.bench=. -test.cpu=1,2", ""},
		{"-test.bench . -test.v -test.cpu 1,2", ""},
		{"--test.bench . --test.v=true -hold 300ns -think=2us", "-hold 300ns -think=2us"},
		{"-test.bench=. -hold 300ns", "-hold 300ns"},
	} {
		require.Equal(t, test.own, strings.Join(ownArguments(strings.Fields(test.arguments)), " "), test.arguments)
	}
}

// Threads cost more with cgo, so the head says whether it is on.
func TestHeadSaysWhetherThereIsCgo(t *testing.T) {
	var out strings.Builder
	Head{}.print(&out)
	require.Regexp(t, `(?m)^# cgo: (on|off)$`, out.String())
}
