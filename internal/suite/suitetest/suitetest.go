// Package suitetest holds the tests that every package of variants must pass.
package suitetest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
	"boundaries/internal/cputime"
	"boundaries/internal/race"
	"boundaries/internal/suite"
)

// Names returns the names of a table's rows.
func Names[A any](rows []suite.Row[A]) []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
	}
	return names
}

// patience is how long a run may take before it counts as hung.
var patience = 20 * time.Second

// run returns the answer of a run. If the run does not end, it fails the test with the
// name of the row and the stacks of all goroutines. The timeout of the test binary would
// not name the row.
func run[A any](t *testing.T, r suite.Row[A], workers, n int) (answer A) {
	t.Helper()
	answered := make(chan A, 1)
	go func() { answered <- r.Run(workers, n) }()
	select {
	case answer = <-answered:
	case <-time.After(patience):
		stacks := make([]byte, 1<<16)
		stacks = stacks[:runtime.Stack(stacks, true)]
		t.Fatalf("%s hangs: %d workers have not taken %d steps in %v. "+
			"Either they wait for each other, or they spin without runtime.Gosched, "+
			"or the machine is too busy for a lock that only one waiter may take next\n\n%s",
			r.Name, workers, n, patience, stacks)
	}
	return answer
}

// exact ends the test if a run gives a wrong answer or -race reports a data race. A row
// that races is so slow under -race that further runs would seem to hang.
func exact[A any](t *testing.T, r suite.Row[A], want func(workers, n int) A, workers, n int) {
	t.Helper()
	require.Equal(t, want(workers, n), run(t, r, workers, n), "%d workers, %d steps", workers, n)
	if t.Failed() {
		t.FailNow()
	}
}

// overlap is how long the workers of a row run side by side in search of lost steps.
const overlap = 100 * time.Millisecond

// Exact tests that every row gives the right answer on 1 to 9 workers. The last size, the
// largest, runs on 1 worker, on 9, and for a while on 2 to 4 in turn. With -race the others
// run on 1, 3 and 9.
//
// It runs with at least 4 procs. A lock that lets in two workers shows only if one of them
// is interrupted while it holds the lock, which hardly ever happens on one proc. Even so,
// only -race finds every such lock.
func Exact[A any](t *testing.T, rows []suite.Row[A], want func(workers, n int) A, sizes ...int) {
	const least = 4
	if runtime.GOMAXPROCS(0) <= least {
		Once(t)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(least, runtime.GOMAXPROCS(0))))
	for _, r := range rows {
		t.Run(r.Name, func(t *testing.T) {
			for workers := 1; workers <= 9; workers++ {
				if race.Enabled && workers != 1 && workers != 3 && workers != 9 {
					continue // each takes ten times as long
				}
				for i, n := range sizes {
					if i == len(sizes)-1 && workers != 1 && workers != 9 {
						continue
					}
					exact(t, r, want, workers, n)
				}
			}
			for i, end := 0, time.Now().Add(overlap); i < 3 || time.Now().Before(end); i++ {
				exact(t, r, want, 2+i%3, sizes[len(sizes)-1])
			}
		})
	}
}

// SilentNames runs a test in virtual time and with a silent name server: a client
// that connects to a host waits for the host's address.
func SilentNames(t *testing.T, test func(t *testing.T)) {
	defer func(old *net.Resolver) { net.DefaultResolver = old }(net.DefaultResolver)
	until := func(end <-chan struct{}) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			<-end
			return nil, net.ErrClosed
		}}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	until(ended.Done()).LookupHost(t.Context(), "host.example") // makes channels of package net, outside the bubble
	synctest.Test(t, func(t *testing.T) {
		net.DefaultResolver = until(t.Context().Done())
		test(t)
	})
}

// Misuse tests that every row panics without a worker and with a negative number of
// steps, and that the message begins with pkg.
func Misuse[A any](t *testing.T, pkg string, rows []suite.Row[A]) {
	for _, r := range rows {
		t.Run(r.Name, func(t *testing.T) {
			require.PanicsWithValue(t, pkg+": 0 workers, need at least one", func() { r.Run(0, 1) }, "Run(0, 1)")
			require.PanicsWithValue(t, pkg+": -1 workers, need at least one", func() { r.Run(-1, 1) }, "Run(-1, 1)")
			require.PanicsWithValue(t, pkg+": -1 steps, need none or more", func() { r.Run(1, -1) }, "Run(1, -1)")
		})
	}
}

var (
	cost     = regexp.MustCompile(`(?m)^Cost: \S`)
	progress = regexp.MustCompile(`(?m)^Progress: .*\b(wait-free|lock-free|blocking|Wait-free|Lock-free|Blocking)\b`)
)

// Files tests that the named variants match the files of a folder. Each
// variant has a file of its name, whose docs have a line that begins with Cost:
// and one that begins with Progress:. Each file that has a function run... or
// start... belongs to a variant.
func Files(t *testing.T, folder string, names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	wanted := map[string]string{} // variants by file
	for _, name := range names {
		// The part after the slash, as in nogil/without=immortal, has no file.
		whole, _, _ := strings.Cut(name, "/")
		wanted[filepath.Join(folder, strings.ReplaceAll(whole, "-", "_")+".go")] = whole
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		runs := ""
		var docs strings.Builder
		for _, decl := range tree.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				fmt.Fprintln(&docs, decl.Doc.Text())
				if decl.Recv == nil && regexp.MustCompile(`^(run|start)[A-Z]`).MatchString(decl.Name.Name) {
					runs = decl.Name.Name
				}
			case *ast.GenDecl:
				fmt.Fprintln(&docs, decl.Doc.Text())
			}
		}
		name, ok := wanted[file]
		if !ok {
			if runs != "" {
				t.Errorf("%s has %s, but no variant in the table is named %s: add its line", file, runs,
					strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".go"), "_", "-"))
			}
			continue
		}
		found[file] = true
		if runs == "" {
			t.Errorf("%s has no function run... or start..., want the one that runs variant %s", file, name)
		}
		for _, line := range []*regexp.Regexp{cost, progress} {
			if !line.MatchString(docs.String()) {
				t.Errorf("%s: no line of a doc matches %q: say what variant %s costs and whether it is wait-free, lock-free or blocking", file, line, name)
			}
		}
	}
	for file, name := range wanted {
		if !found[file] {
			t.Errorf("variant %s has no file %s", name, file)
		}
	}
}

// Wired tests that each function of each row is named after its field and the row: row
// "lock-free" has runLockFree in Run, newLockFree in New, and so on. No answer shows a
// mix-up, because all rows give the same answer.
func Wired[V any](t *testing.T, variants []V) {
	t.Helper()
	for _, v := range variants {
		row := reflect.ValueOf(v)
		name := strings.NewReplacer("-", "", "/", "", "=", "").Replace(row.FieldByName("Name").String())
		for field, value := range row.Fields() {
			if value.Kind() == reflect.Func && !value.IsNil() {
				_, got, _ := strings.Cut(path.Base(runtime.FuncForPC(value.Pointer()).Name()), ".")
				require.Equal(t, strings.ToLower(field.Name+name), strings.ToLower(got))
			}
		}
	}
}

// Apart tests that no two of these words are on one cache line, whatever the address.
func Apart(t *testing.T, words ...any) {
	t.Helper()
	for i := range words {
		for j := range i {
			distance := int(reflect.ValueOf(words[i]).Pointer()) - int(reflect.ValueOf(words[j]).Pointer())
			require.GreaterOrEqual(t, max(distance, -distance), cacheline.Size, "of words %d and %d", j, i)
		}
	}
}

// Gap tests that two things that different processors write are on different cache lines,
// whatever the address: the first ends at the offset end, and the second starts at start.
func Gap(t *testing.T, what string, end, start uintptr) {
	t.Helper()
	require.GreaterOrEqual(t, int(start)-int(end), cacheline.Size, what)
}

// HasProcs tests that f sets GOMAXPROCS from 1 to procs while it runs, and back to 1.
func HasProcs(t *testing.T, procs int, f func()) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var seen, ended atomic.Bool
	go func() {
		for i := 0; i < 1000 && !seen.Load(); i++ {
			f()
		}
		ended.Store(true)
	}()
	for !ended.Load() {
		if runtime.GOMAXPROCS(0) == procs {
			seen.Store(true)
		}
	}
	require.True(t, seen.Load())
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
}

// Mutant returns the files that internal/mutants breaks while it runs a test, and the broken
// ones in their places. It is nil if no mutant runs.
func Mutant() map[string]string {
	list := os.Getenv("BOUNDARIES_OVERLAY")
	if list == "" {
		return nil
	}
	text, err := os.ReadFile(list)
	var overlay struct{ Replace map[string]string }
	if err == nil {
		err = json.Unmarshal(text, &overlay)
	}
	if err != nil {
		panic("suitetest: reading the mutant's overlay: " + err.Error())
	}
	return overlay.Replace
}

// Locks calls f on another goroutine, and returns when f waits for a mutex or has returned.
// It reports which, and ended is closed when f has returned.
func Locks(f func()) (waits bool, ended <-chan struct{}) {
	end := make(chan struct{})
	go func() {
		defer close(end)
		f()
	}()
	for stacks := make([]byte, 1<<20); ; runtime.Gosched() {
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, " [sync.") && strings.Contains(stack, "suitetest.Locks.func1(") {
				return true, end
			}
		}
		select {
		case <-end:
			return false, end
		default:
		}
	}
}

// Guard ends the test binary with a panic if the test hangs: the program uses hardly any
// processor time for 20 s, or it uses 10 s of processor time after the call of Guard, or 30 s
// have passed; with -race, three times as much. So a test that a busy machine slows down has
// 30 s at least. A test that hangs if the code is wrong calls Guard first; hangs says what hangs.
func Guard(t *testing.T, hangs string) {
	limit := inRace(10 * time.Second)
	// A later test may measure that the program is idle, so the watch ends with this one.
	t.Cleanup(watch(func(idle, used, passed time.Duration) {
		if idle >= 2*limit || used >= limit || passed >= 3*limit {
			panic(t.Name() + ": " + hangs)
		}
	}))
}

// Watched are the tests of a package. Run ends the test binary with a panic, which shows all
// goroutines, if the program uses hardly any processor time for 20 s, or for 60 s with -race.
// So every test that waits forever ends by itself. The tests may start no program that works
// for long while they wait.
type Watched struct{ *testing.M }

// Run runs the tests.
func (w Watched) Run() int {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // other processes fuzz, and this one waits
		defer endHang()()
	}
	return w.M.Run()
}

// endHang watches the program until stop is called.
func endHang() (stop func()) {
	if _, err := cputime.Used(); err != nil {
		return func() {} // a program whose processor time is not known looks idle
	}
	limit := inRace(20 * time.Second)
	return watch(func(idle, _, _ time.Duration) {
		if idle >= limit {
			debug.SetTraceback("all")
			panic(fmt.Sprintf("suitetest: a test hangs: the program has been idle for %v", idle))
		}
	})
}

func inRace(limit time.Duration) time.Duration {
	if race.Enabled {
		return 3 * limit
	}
	return limit
}

// watch calls look every 5 s with how long the program has used hardly any processor time, how
// much it has used, and how much time has passed. A program looks idle where its processor
// time is not known, and does not while a debugger stops it. No call begins after stop.
func watch(look func(idle, used, passed time.Duration)) (stop func()) {
	const pause = 5 * time.Second
	start := time.Now()
	began, _ := cputime.Used()
	last, idle := began, time.Duration(0)
	var mu sync.Mutex // guards timer, which is nil after stop
	var timer *time.Timer
	every := func() {
		mu.Lock()
		defer mu.Unlock()
		if timer == nil {
			return
		}
		now, _ := cputime.Used()
		if idle += pause; now-last >= pause/50 {
			idle = 0
		}
		last = now
		look(idle, now-began, time.Since(start))
		timer.Reset(pause)
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(pause, every)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
		timer = nil
	}
}

// A GIL is a *gil.GIL. Package gil cannot be imported here, because its tests use this package.
type GIL[Thread any] interface {
	Acquire(*Thread)
	Release(*Thread)
}

// Ticks tests that work gives the lock, which the holder has, to a thread that asks for it.
func Ticks[Thread any](t *testing.T, lock GIL[Thread], holder *Thread, work func()) {
	synctest.Test(t, func(t *testing.T) {
		lock.Acquire(holder)
		took := false // guarded by lock
		go func() {
			var waiter Thread
			lock.Acquire(&waiter)
			took = true
			lock.Release(&waiter)
		}()
		time.Sleep(time.Second) // until the waiter has asked
		work()
		given := took
		lock.Release(holder)
		require.True(t, given)
	})
}

// Once skips the test in the second and the third run of -cpu 1,2,4. It is for a test that
// sets the procs itself, or whose work other processes do.
func Once(t *testing.T) {
	t.Helper()
	if first := firstCPU(); first != "" && first != strconv.Itoa(runtime.GOMAXPROCS(0)) {
		t.Skip("it ran with -cpu " + first + ", and more procs change nothing")
	}
}

// RunOnce runs all tests of a package only with the first of -cpu 1,2,4.
func RunOnce(m interface{ Run() int }) (status int) {
	flag.Parse()
	_ = flag.Set("test.cpu", firstCPU())
	return m.Run()
}

// RunPlain is RunOnce for a package whose code starts no goroutine and shares nothing. With
// -race it runs no test, because there is no race to find.
func RunPlain(m interface{ Run() int }) (status int) {
	if race.Enabled {
		fmt.Println("no test runs with -race: the code starts no goroutine")
		return 0
	}
	return RunOnce(m)
}

func firstCPU() string {
	first, _, _ := strings.Cut(flag.Lookup("test.cpu").Value.String(), ",")
	return strings.TrimSpace(first)
}
