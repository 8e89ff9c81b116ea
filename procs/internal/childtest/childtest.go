// Package childtest has what the tests of packages with children share.
//
// In these tests a child is the test binary, executed again, so that a test can
// have its children misbehave. Tests that start hundreds of children and let none
// misbehave call OwnProgram.
package childtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/procs/internal/children"
)

// Variables whose name begins with this prefix are passed on to children.
const prefix = "PROCS_TEST_"

// Serve names the variable that has a child do something else than its variant's
// work: a key of Misbehavior or of the map that Main is given.
const Serve = prefix + "SERVE"

// Misbehavior is what every child can do wrong.
var Misbehavior = map[string]func(w *children.Worker){
	"nothing":     func(*children.Worker) { time.Sleep(time.Minute) },
	"end":         func(*children.Worker) { os.Exit(7) },
	"kill itself": func(*children.Worker) { KillItself() },
}

// KillItself kills this process.
func KillItself() {
	self, _ := os.FindProcess(os.Getpid())
	self.Kill()
	time.Sleep(time.Minute)
}

// Main is the beginning of TestMain in a package with these tables. It does not
// return in a child.
func Main(misbehavior map[string]func(w *children.Worker), tables ...[]children.Variant) {
	serve := misbehavior[os.Getenv(Serve)]
	if serve == nil {
		serve = Misbehavior[os.Getenv(Serve)]
	}
	if serve != nil {
		for _, table := range tables {
			for i := range table {
				table[i].Serve = serve
			}
		}
	}
	children.Program = Program
	children.Main(tables...)
}

// Built is children.Program outside of tests.
var Built = children.Program

// Program is children.Program in tests.
func Program(string) (path string, env []string, err error) {
	path, err = children.Self()
	env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return !strings.HasPrefix(entry, prefix) })
	return path, env, err
}

// OwnProgram has the children of a test run the program that they run outside of
// tests. That program starts in half the time of the test binary. It has no race detector,
// which would make its start ten times as long and does not see the memory that processes
// share. The children of a mutant are the mutant's test binary.
func OwnProgram(t *testing.T) {
	t.Helper()
	if testing.Short() || os.Getenv("BOUNDARIES_OVERLAY") != "" {
		return
	}
	children.Race = false
	children.Program = Built
	t.Cleanup(func() { children.Race, children.Program = race.Enabled, Program })
}

// Start starts a pool that is closed when the test ends.
func Start(t *testing.T, v children.Variant, workers int, payload children.Payload) *children.Pool {
	t.Helper()
	p, err := v.Start(workers, payload)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// Named returns the variant of that name.
func Named(table []children.Variant, name string) children.Variant {
	return table[slices.IndexFunc(table, func(v children.Variant) bool { return v.Name == name })]
}

// Names returns the names of a table's variants.
func Names(table []children.Variant) []string {
	var names []string
	for _, v := range table {
		names = append(names, v.Name)
	}
	return names
}

// Exact tests that a variant does n steps, for each n of sizes, on each number of
// workers. A wake-up that is lost fails the test: the end of the patience would repair it.
func Exact(t *testing.T, v children.Variant, payload children.Payload, workers []int, sizes ...int) {
	for _, workers := range workers {
		p := Start(t, v, workers, payload)
		p.Patience = time.Hour
		for _, n := range sizes {
			done, err := Run(t, p, n)
			require.NoError(t, err, "%d workers, %d steps", workers, n)
			require.Equal(t, n, done, "%d workers", workers)
		}
		require.NoError(t, p.Close())
	}
}

// Run is p.Run, and fails the test if that hangs. On a busy machine, an item may take many
// turns of the scheduler, so a run whose children still answer in shared memory goes on.
func Run(t *testing.T, p *children.Pool, n int) (done int, err error) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done, err = p.Run(n)
	}()
	limit := min(2*p.Patience, 10*time.Second) + 5*time.Second + time.Duration(n)*2*time.Millisecond
	before, idle := answered(p), time.Now()
	for {
		select {
		case <-ended:
			return done, err
		case <-time.After(time.Second):
		}
		if now := answered(p); now != before {
			before, idle = now, time.Now()
		} else if time.Since(idle) > limit {
			stacks := make([]byte, 1<<20)
			text := fmt.Sprintf("%s hangs: Run(%d) has not returned, nor has a child answered, for %v, with a patience of %v\n%s",
				p.Variant.Name, n, limit, p.Patience, stacks[:runtime.Stack(stacks, true)])
			fmt.Fprintln(os.Stderr, text) // now, because Run may fault when the cleanup closes p
			t.Fatal(text)
		}
	}
}

// answered returns how many items the children have answered in shared memory, in all runs.
func answered(p *children.Pool) (items uint64) {
	for _, l := range p.Lanes {
		if l.Queue != nil {
			items += l.Queue.Done.Load()
		}
	}
	return items
}

// Errors returns every *children.Error that err holds.
func Errors(err error) []*children.Error {
	switch e := err.(type) {
	case *children.Error:
		return []*children.Error{e}
	case interface{ Unwrap() []error }:
		var all []*children.Error
		for _, err := range e.Unwrap() {
			all = append(all, Errors(err)...)
		}
		return all
	}
	return nil
}

// NeedsProc skips the test where there is no /proc.
func NeedsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
}

// Descriptors returns what this process has open.
func Descriptors(t *testing.T) []string {
	t.Helper()
	NeedsProc(t)
	// With the first file that can be polled, the runtime opens descriptors of its own.
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	require.NoError(t, null.Close())
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	var open []string
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasSuffix(target, "/fd") { // the directory itself
			open = append(open, entry.Name()+" "+target)
		}
	}
	return open
}

// Children returns the ids of this process's children, zombies included.
func Children(t *testing.T) []int {
	t.Helper()
	NeedsProc(t)
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}
