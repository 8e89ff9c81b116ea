package boundaries_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"boundaries/asyncio"
	"boundaries/loop"
	"boundaries/procs"
	"boundaries/races"
	"boundaries/refcount"
	"boundaries/workerpool"
)

// What races runs in children, because a race in the tests' own process would
// fail go test -race for everybody, and may crash or hang. A child is this binary
// again, told by raceChild what to do: it does that and nothing else.

// raceChild names the environment variable that makes this binary a child: a
// role, the number of workers, and that of steps.
const raceChild = "BOUNDARIES_TEST_RACE"

// A raceJob takes n steps on that many workers, and tells what should have come
// of them and what did. The two are equal if all is well.
type raceJob func(workers, n int) (want, got string)

// A raceWorkload is a racy variant, and those that do the same and do not race.
type raceWorkload struct {
	name    string // that of its package
	what    string // the threads do; %d is how many there are
	n       int    // how many steps a run takes
	nRace   int    // the same with the race detector, which is ten times as slow
	racy    raceJob
	safe    []raceVariant
	visible bool   // the race detector can see the race
	why     string // what happens when threads meet
}

type raceVariant struct {
	name string
	job  raceJob
}

// raceWorkloads is a function, and not a variable, so that no benchmark pays for it.
func raceWorkloads() []raceWorkload {
	return []raceWorkload{
		{
			name: "loop", what: "%d threads add 2 to one total, again and again (code 4.3)", n: 100_000_000, nRace: 200_000, visible: true,
			racy: loopJob(loop.Racy), safe: loopVariants(),
			why: "two threads read the same total, and the one that writes last overwrites the other's sum",
		},
		{
			name: "refcount", what: "%d threads take a reference to one object and drop it, again and again (figure 4.1.2)", n: 20_000_000, nRace: 100_000, visible: true,
			racy: refcountJob(refcount.Racy), safe: refcountVariants(),
			why: "if a take is lost the object is freed while it is used, if a drop is lost never: what CPython's lock is for",
		},
		{
			name: "workerpool", what: "one thread puts tasks into a queue, %d threads take them out", n: 20_000, nRace: 1_000, visible: true,
			racy: poolJob(workerpool.NewRacy, true), safe: poolVariants(),
			why: "two threads take from the same place of the queue: a task runs twice, and the one behind it never",
		},
		{
			name: "asyncio", what: "64 threads ask a database, and count its answers together", n: 4_000, nRace: 1_000, visible: true,
			racy: asyncioJob(asyncio.Racy), safe: asyncioVariants(),
			why: "two threads count at once; it takes an accident of nanoseconds, so most runs lose nothing",
		},
		{
			name: "procs", what: "%d processes add 1 to one word of memory that they share, again and again", n: 20_000_000, nRace: 1_000_000, visible: false,
			racy: sumJob("racy"), safe: []raceVariant{{"global-mutex", sumJob("global-mutex")}, {"atomic", sumJob("atomic")}},
			why: "as in loop: that the threads are in different processes does not help, for the memory is the same",
		},
	}
}

func loopJob(run func(workers, n int) int64) raceJob {
	return func(workers, n int) (want, got string) {
		tell := func(total int64) string { return "a total of " + races.Grouped(int(total)) }
		total := run(workers, n)
		want, got = tell(loop.Total(workers, n)), tell(total)
		if lost := int(loop.Total(workers, n)-total) / 2; lost != 0 {
			got += fmt.Sprintf(": %s of %s steps are lost, %.1f %%", races.Grouped(lost), races.Grouped(n), 100*float64(lost)/float64(n))
		}
		return want, got
	}
}

func loopVariants() (all []raceVariant) {
	for _, v := range loop.Variants[1:] {
		all = append(all, raceVariant{v.Name, loopJob(v.Run)})
	}
	return all
}

func refcountJob(run func(share refcount.Share, workers, n int) refcount.Answer) raceJob {
	return func(workers, n int) (want, got string) {
		want = "the object is freed once, when its last reference is dropped"
		if run(refcount.Hot, workers, n) == refcount.Hot.Want(workers, n) {
			return want, want
		}
		return want, "the object is not freed when its last reference is dropped: its count is wrong, and it stays for ever"
	}
}

func refcountVariants() (all []raceVariant) {
	for _, v := range refcount.Variants[1:] {
		all = append(all, raceVariant{v.Name, refcountJob(v.Run)})
	}
	return all
}

// poolJob submits n tasks to a pool and waits until all have run, or until no more
// will, if the pool is racy.
func poolJob(newPool func(workers int) workerpool.Pool, racy bool) raceJob {
	return func(workers, n int) (want, got string) {
		pool := newPool(workers)
		ran := make([]atomic.Int32, n)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var err error
		submit := func() {
			for i := range ran {
				if pool.Submit(ctx, func(workerpool.Worker) { ran[i].Add(1) }) != nil {
					break // a full queue that nobody empties
				}
			}
			err = pool.Wait()
		}
		count := func() (once, twice int) {
			for i := range ran {
				switch ran[i].Load() {
				case 0:
				case 1:
					once++
				default:
					twice++
				}
			}
			return once, twice
		}
		returned := true
		if racy {
			returned = races.UntilStill(submit, func() int {
				once, twice := count()
				return once + twice
			})
		} else {
			submit()
		}
		once, twice := count()
		tell := func(once, never, twice int) string {
			return fmt.Sprintf("%s tasks run once, %s never, %s more than once", races.Grouped(once), races.Grouped(never), races.Grouped(twice))
		}
		want, got = tell(n, 0, 0), tell(once, n-once-twice, twice)
		if returned && err != nil {
			got += ": " + err.Error()
		}
		return want, got
	}
}

func poolVariants() (all []raceVariant) {
	for _, v := range workerpool.Variants[1:] {
		if v.Name == "private" {
			continue // its tasks are known before the first runs, so that nothing is handed over
		}
		all = append(all, raceVariant{v.Name, poolJob(v.New, false)})
	}
	return all
}

func asyncioJob(run func(db *asyncio.Database, n int) asyncio.Answer) raceJob {
	return func(_, n int) (want, got string) {
		db, err := asyncio.Open(context.Background(), 0)
		if err != nil {
			return "a database", err.Error()
		}
		defer db.Close()
		tell := func(a asyncio.Answer) string {
			text := fmt.Sprintf("%s right answers, %s in the histogram, %s bytes in all",
				races.Grouped(a.Right), races.Grouped(int(a.Count)), races.Grouped(int(a.Sum)))
			if a.Err != nil {
				text += ": " + a.Err.Error()
			}
			return text
		}
		answer, right := run(db, n), asyncio.Want(1, n)
		want, got = tell(right), tell(answer)
		if want == got && answer != right {
			got += ", some of them in the wrong bucket"
		}
		return want, got
	}
}

func asyncioVariants() (all []raceVariant) {
	for _, v := range asyncio.Variants[1:] {
		all = append(all, raceVariant{v.Name, asyncioJob(v.Run)})
	}
	return all
}

func sumJob(name string) raceJob {
	return func(workers, n int) (want, got string) {
		tell := func(sum int) string { return "a sum of " + races.Grouped(sum) }
		for _, v := range procs.Sums {
			if v.Name != name {
				continue
			}
			pool, err := v.Start(workers, procs.Word)
			if errors.Is(err, errors.ErrUnsupported) {
				return noSharedMemory, noSharedMemory
			} else if err != nil {
				return tell(n), err.Error()
			}
			defer pool.Close()
			sum, err := pool.Run(n)
			if err != nil {
				return tell(n), err.Error()
			}
			want, got = tell(n), tell(sum)
			if lost := n - sum; lost != 0 {
				got += fmt.Sprintf(": %s of %s steps are lost, %.1f %%", races.Grouped(lost), races.Grouped(n), 100*float64(lost)/float64(n))
			}
			return want, got
		}
		panic(name)
	}
}

// outcomesJob has the child make n tries, and tell how often each outcome came.
func outcomesJob(v races.Variant) raceJob {
	return func(_, n int) (want, got string) {
		for _, o := range v.Run(n) {
			got += fmt.Sprint(o.Count, " ")
		}
		return "", got
	}
}

const noSharedMemory = "nothing: there is no memory that processes share here"

// raceMain is the entry of children. It returns at once where this is none.
func raceMain() {
	text := os.Getenv(raceChild)
	if text == "" {
		return
	}
	var role string
	var workers, n int
	if _, err := fmt.Sscan(text, &role, &workers, &n); err != nil {
		fmt.Fprintf(os.Stderr, "%s is %q, but its value is made by the tests: %v\n", raceChild, text, err)
		os.Exit(2)
	}
	job := raceJobs()[role]
	if job == nil {
		fmt.Fprintf(os.Stderr, "%s is %q, but there is no such job\n", raceChild, text)
		os.Exit(2)
	}
	go func() {
		// The parent ends a child that hangs. If the parent is killed first,
		// the pipe that nobody writes to ends, and the child with it.
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	want, got := job(workers, n)
	fmt.Printf("%s%q %q\n", resultMark, want, got)
	os.Exit(0)
}

const resultMark = "result of the child: "

// raceJobs is what children can be told to do.
func raceJobs() map[string]raceJob {
	jobs := map[string]raceJob{
		"hang":   func(int, int) (want, got string) { select {} },
		"gorace": func(int, int) (want, got string) { return "", os.Getenv("GORACE") },
		"spin": func(int, int) (want, got string) {
			for spinning := true; spinning; {
			}
			return "", ""
		},
	}
	for _, c := range races.Cases() {
		for _, v := range c.Variants {
			jobs["outcomes/"+c.Name+"/"+v.Name] = outcomesJob(v)
		}
	}
	for _, w := range raceWorkloads() {
		jobs[w.name+"/racy"] = w.racy
		for _, v := range w.safe {
			jobs[w.name+"/"+v.name] = v.job
		}
	}
	return jobs
}

// A raceRun is what became of a child.
type raceRun struct {
	done      bool   // the child has a result
	want, got string // the result
	reports   []raceReport
	output    string // all that it wrote
	pid       int
	err       error
}

// errHangs is the error of a child that was killed because it did not end.
var errHangs = errors.New("did not end")

// A hang is an error of that kind.
type hang struct {
	role       string
	pid        int
	workers, n int
	limit      time.Duration
}

func (h *hang) Error() string {
	return fmt.Sprintf("child %s (pid %d, %d workers, %d steps) did not end within %v and was killed", h.role, h.pid, h.workers, h.n, h.limit)
}

func (h *hang) Is(err error) bool { return err == errHangs }

// childCommand returns the command that runs this binary again.
func childCommand(t *testing.T, ctx context.Context) (cmd *exec.Cmd, output func() (stdout, stderr string)) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A binary that takes itself for no child runs no test, or it would start
	// children for ever.
	cmd = exec.CommandContext(ctx, exe, "-test.run=^$")
	cmd.WaitDelay = 5 * time.Second // its own children may have its output
	return cmd, func() (string, string) { return fmt.Sprint(cmd.Stdout), fmt.Sprint(cmd.Stderr) }
}

// runChild runs a child to its end, or kills it when the time is over. GORACE is
// what the child is told of the race detector; what the user says in GORACE comes
// after it and wins.
func runChild(t *testing.T, role string, workers, n int, gorace string, limit time.Duration) raceRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd, output := childCommand(t, ctx)
	cmd.Stdout, cmd.Stderr = new(bytes.Buffer), new(bytes.Buffer)
	if _, err := cmd.StdinPipe(); err != nil { // closed when the child has ended
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(),
		fmt.Sprintf("%s=%s %d %d", raceChild, role, workers, n),
		fmt.Sprintf("GOMAXPROCS=%d", runtime.GOMAXPROCS(0)),
		"GORACE="+strings.Join(strings.Fields("atexit_sleep_ms=0 "+gorace+" "+os.Getenv("GORACE")), " "))
	err := cmd.Run()
	stdout, stderr := output()
	run := raceRun{output: stdout + stderr}
	if cmd.Process != nil {
		run.pid = cmd.Process.Pid
		run.output += goraceLog(os.Getenv("GORACE"), run.pid)
	}
	run.reports = parseReports(run.output)
	if _, line, found := strings.Cut(stdout, resultMark); found {
		n, _ := fmt.Sscanf(line, "%q %q", &run.want, &run.got)
		run.done = n == 2
	}
	switch {
	case ctx.Err() != nil && t.Context().Err() == nil:
		run.err = &hang{role, run.pid, workers, n, limit}
	case err != nil:
		run.err = fmt.Errorf("child %s: %w", role, err)
	}
	return run
}
