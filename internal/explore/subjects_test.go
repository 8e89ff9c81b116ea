package explore_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var subjects = []subject{
	{
		name: "ring", folder: "internal/ring",
		shrinks: []edit{{"ring.go", "const Size = 1024", "const Size = 2"}},
		broken: []broken{
			{"Put publishes before it writes", "empty, two put and one takes", []edit{
				{"ring.go", "	s.item = item\n	s.turn.Store(ticket + 1)\n", "	s.turn.Store(ticket + 1)\n	s.item = item\n"}}},
			{"Put does not wait for its turn", "full, two take and one puts", []edit{
				{"ring.go", "for s.turn.Load() != ticket {", "for false {"}}},
			{"claim decrements without comparing", "two take the last item", []edit{
				{"ring.go", "if n.CompareAndSwap(there, there-1) {", "if n.Add(-1); true {"}}},
		},
	},
	{
		name: "park", folder: "internal/park",
		broken: []broken{
			{"the two stores swapped", "one publishes two, one parks, one is asleep", []edit{
				{"park.go", "	l.idle.Add(1)\n	s.asleep.Store(true)\n", "	s.asleep.Store(true)\n	l.idle.Add(1)\n"}}},
			{"the worker looks for work first", "one publishes, one parks", []edit{
				{"park.go", "	l.idle.Add(1)\n	s.asleep.Store(true)\n	if ready() &&", "	found := ready()\n	l.idle.Add(1)\n	s.asleep.Store(true)\n	if found &&"}}},
			{"two wake one worker", "two publish, one parks", []edit{
				{"park.go", "if !s.asleep.Load() || !s.asleep.CompareAndSwap(true, false) {", "if s.asleep.Store(false); false {"}}},
		},
	},
	{
		name: "tally", folder: "workerpool", files: []string{"tally.go"},
		broken: []broken{
			{"wait reads submitted first", "a task submits a task while one waits", []edit{
				{"tally.go", "ran := t.ran() // before submitted\n		if int64(ran) == t.submitted.Load() {", "submitted := t.submitted.Load()\n		if int64(t.ran()) == submitted {"}}},
			{"accept looks whether the pool is closed first", "one submits, one closes", []edit{
				{"tally.go", "	t.submitted.Add(int64(n))\n	if t.closed.Load() {\n		t.refuse(n)\n		return false\n	}\n", "	if t.closed.Load() {\n		return false\n	}\n	t.submitted.Add(int64(n))\n"}}},
			{"settle looks for waiters first", "two submit, two wait", []edit{
				{"tally.go", "	t.settled[worker].Store(int64(ran))\n	t.notify()\n", "	t.notify()\n	t.settled[worker].Store(int64(ran))\n"}}},
			{"notify wakes one waiter", "two submit, two wait", []edit{
				{"tally.go", "t.cond.Broadcast()", "t.cond.Signal()"}}},
			{"close does not wait for the first", "two close, and the second waits for the first", []edit{
				{"tally.go", "		<-t.over\n", ""}}},
		},
	},
	{
		name: "inbox", folder: "workerpool", files: []string{"inbox.go"},
		broken: []broken{
			{"publish looks at what takers have claimed", "full, one publishes and two take", []edit{
				{"inbox.go", "if int64(first+n-q.taken.Load()) > capacity {", "if int64(first+n-q.taking.Load()) > capacity {"}}},
			{"publish does not wait for older claims", "two publish, one takes", []edit{
				{"inbox.go", "for q.put.Load() != first {", "for false {"}}},
			{"take does not wait for older claims", "full, one publishes and two take", []edit{
				{"inbox.go", "for q.taken.Load() != first {", "for false {"}}},
			{"publish publishes before it writes", "one publishes twice, two take", []edit{
				{"inbox.go", "	for i, task := range tasks {\n", "	q.put.Store(first + n)\n	for i, task := range tasks {\n"}}},
			{"len reads put first", "the length while one publishes and one takes", []edit{
				{"inbox.go", "	taking := q.taking.Load() // before put, which is never behind it\n	return int(q.put.Load() - taking)\n", "	put := q.put.Load()\n	return int(put - q.taking.Load())\n"}}},
		},
	},
	{
		name: "deque", folder: "workerpool", files: []string{"deque.go"},
		broken: []broken{
			{"the last task without the compare-and-swap", "the last task, the owner and one thief", []edit{
				{"deque.go", "	if d.top.CompareAndSwap(top, top+1) {\n		d.read", "	if d.top.Store(top + 1); true {\n		d.read"}}},
			{"pop looks at top before it says what it wants", "two tasks, the owner pops one and two thieves", []edit{
				{"deque.go", "	d.bottom.Store(b)\n	top := d.top.Load()\n", "	top := d.top.Load()\n	d.bottom.Store(b)\n"}}},
			{"makeRoom loads top first", "full, the owner pushes and two thieves", []edit{
				{"deque.go", "read, top := d.read.Load(), d.top.Load()", "top, read := d.top.Load(), d.read.Load()"}}},
			{"makeRoom does not look at read", "full, the owner pushes and two thieves", []edit{
				{"deque.go", "if read == top {", "if _ = read; true {"}}},
			{"push publishes before it writes", "the owner pushes and pops, one thief", []edit{
				{"deque.go", "	for i, task := range tasks {\n", "	d.bottom.Store(b + uint64(len(tasks)))\n	for i, task := range tasks {\n"}}},
			{"steal loads the ring before bottom", "empty, the owner pushes three at once, one thief", []edit{
				{"deque.go", "	if int64(d.bottom.Load()-top) <= 0 {\n		return nil, false\n	}\n	ring := *d.tasks.Load() // after bottom, so that it has the task\n", "	ring := *d.tasks.Load()\n	if int64(d.bottom.Load()-top) <= 0 {\n		return nil, false\n	}\n"}}},
			{"steal counts what it has read before it reads", "full, the owner pushes and two thieves", []edit{
				{"deque.go", "	task = ring[top&uint64(len(ring)-1)]\n	d.read.Add(1)\n", "	d.read.Add(1)\n	task = ring[top&uint64(len(ring)-1)]\n"}}},
			{"a lost last task is not given up", "the last task, the owner and one thief", []edit{
				{"deque.go", "	} else {\n		task = nil\n	}\n", "	}\n"}}},
		},
	},
	{
		name: "refcount", folder: "refcount",
		broken: []broken{
			{"atomic: TryIncref counts up from zero", "atomic: the owner drops the last, a stranger tries", []edit{
				{"atomic.go", "		if count == 0 {", "		if count < 0 {"}}},
			{"atomic: TryIncref does not look at the generation again", "atomic: the owner drops the last and uses the slot again, a stranger tries", []edit{
				{"atomic.go", "	if o.gen.Load() != r.gen {", "	if false {"}}},
			{"atomic: Decref loads and stores", "atomic: the owner drops one and ends, a stranger drops one", []edit{
				{"atomic.go", "	if left := o.count.Add(-1); left == 0 {", "	left := o.count.Load() - 1\n	if o.count.Store(left); left == 0 {"}}},
			{"lock-free: TryIncref counts up from {default, 0}", "lock-free: the owner drops the last, a stranger tries", []edit{
				{"lock_free.go", "if word == isDefault || word == isMerged {", "if word == isMerged {"}}},
			{"lock-free: TryIncref counts up from {merged, 0}", "lock-free: the owner drops the last of a shared object, a stranger tries", []edit{
				{"lock_free.go", "if word == isDefault || word == isMerged {", "if word == isDefault {"}}},
			{"lock-free: TryIncref does not look at the generation again", "lock-free: the owner drops the last and uses the slot again, a stranger tries", []edit{
				{"lock_free.go", "	if o.gen.Load() != r.gen {", "	if false {"}}},
			{"lock-free: enqueue forgets the drop", "lock-free: the owner drops one and ends, a stranger drops one", []edit{
				{"lock_free.go", "	owner.inbox = append(owner.inbox, o)\n", ""}}},
			{"lock-free: the queued drop is subtracted as well", "lock-free: the owner drops one and ends, a stranger drops one", []edit{
				{"lock_free.go", "			next = isQueued\n", "			next = isQueued - unit\n"}}},
			{"lock-free: mergeZero frees a shared object after a load", "lock-free: the owner drops the last of a shared object, a stranger tries", []edit{
				{"lock_free.go", "	free := word == isDefault\n", "	free := word == isDefault || word == isWeak\n"}}},
			{"lock-free: merge forgets what the others have", "lock-free: the owner takes, drops and ticks, a stranger drops one", []edit{
				{"lock_free.go", "count := int(word>>2) + local + extra", "count := local + extra"}}},
			{"lock-free: merge clears the owner after the word says merged", "lock-free: the owner ticks, one stranger drops one, one drops one and uses the slot again", []edit{
				{"lock_free.go", "	o.count.local = 0\n	o.count.owner.Store(nil)\n	for {\n", "	for {\n"},
				{"lock_free.go", "int64(count)*unit|isMerged) {\n", "int64(count)*unit|isMerged) {\n			o.count.local = 0\n			o.count.owner.Store(nil)\n"}}},
			{"lock-free: Close empties the inbox before it closes it", "lock-free: the owner drops one and ends, a stranger drops one", []edit{
				{"lock_free.go", "	h.mu.Lock()\n	h.gone = true\n	h.mu.Unlock()\n	h.drain()\n", "	h.drain()\n	h.mu.Lock()\n	h.gone = true\n	h.mu.Unlock()\n"}}},
			{"buffered: a commit subtracts the drops of its own epoch", "buffered: a reference is taken in one epoch and dropped in the epoch before", []edit{
				{"buffered.go", "	for _, log := range b.pending {\n", "	b.pending, b.dropped = append(b.pending, b.dropped...), nil\n	for _, log := range b.pending {\n"}}},
			{"buffered: a handle that has handed over and leaves pays again", "buffered: what is owed while one hands over and leaves", []edit{
				{"buffered.go", "	if h.epoch < b.epoch {\n		b.owed--\n	}\n	if b.owed", "	b.owed--\n	if b.owed"}}},
			{"buffered: TryIncref takes what is about to be finalized", "buffered: the last drop is committed, and a try", []edit{
				{"buffered.go", "	if o.gen.Load() != r.gen || o.count == 0 {", "	if o.gen.Load() != r.gen {"}}},
		},
	},
}

var only = flag.String("subject", "", "explore this subject only")

// A found is what the child prints for a program.
type found struct {
	Subject, Broken, Program   string
	Orders, Cut, Steps, Failed int
	Stands                     float64
	Err, Order, Table          string
	Replayed                   string // the error of the order's replay
	GivenUp                    bool
	Took                       time.Duration
}

// program is the child's main package.
const program = `package main

import (
	"encoding/json"
	"os"
	"time"
	"runtime/pprof"

	"boundaries/internal/explore"
%s)

type found struct {
	Subject, Broken, Program   string
	Orders, Cut, Steps, Failed int
	Stands                     float64
	Err, Order, Table          string
	Replayed                   string
	GivenUp                    bool
	Took                       time.Duration
}

func main() {
	if f, err := os.Create("/tmp/devdir/prof"); err == nil { pprof.StartCPUProfile(f); defer pprof.StopCPUProfile() }
	var overlay struct{ Replace map[string]string }
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &overlay)
	}
	if err != nil {
		panic(err)
	}
	explore.Source = func(file string) ([]byte, error) { return os.ReadFile(overlay.Replace[file]) }
	out := json.NewEncoder(os.Stdout)
	for _, s := range []struct {
		subject, broken, program string
		programs                 []explore.Program
	}{
%s	} {
		for _, p := range s.programs {
			if s.program != "" && s.program != p.Name {
				continue
			}
			began := time.Now()
			res := p.Explore()
			f := found{Subject: s.subject, Broken: s.broken, Program: p.Name,
				Orders: res.Orders, Cut: res.Cut, Steps: res.Steps, Failed: res.Failed, Stands: res.Stands, GivenUp: res.GivenUp, Took: time.Since(began)}
			if res.Failure != nil {
				f.Err, f.Order, f.Table = res.Failure.Err.Error(), res.Failure.Order, res.Failure.Table
				if again := p.Replay(f.Order); again != nil {
					f.Replayed = again.Err.Error()
				}
			}
			out.Encode(f)
		}
	}
}
`

// build builds the child, which has every subject and every broken one, and returns
// its command.
func build(t *testing.T) *exec.Cmd {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	folder := t.TempDir()
	if d := os.Getenv("EXPLORE_DEV"); d != "" {
		folder = d
	}
	o := &overlay{root: root, folder: folder, Replace: map[string]string{}}
	var imports, list strings.Builder
	n := 0
	add := func(s subject, suffix string, edits []edit, broken, program string) {
		path, err := o.copy(s, suffix, edits)
		require.NoError(t, err)
		fmt.Fprintf(&imports, "\tp%d %q\n", n, path)
		fmt.Fprintf(&list, "\t\t{%q, %q, %q, p%d.Programs},\n", s.name, broken, program, n)
		n++
	}
	for _, s := range subjects {
		if *only != "" && s.name != *only {
			continue
		}
		add(s, "", nil, "", "")
		for i, b := range s.broken {
			add(s, fmt.Sprint("__", i), b.edits, b.name, b.program)
		}
	}
	require.NoError(t, o.add("internal/explore/child__/main.go", fmt.Appendf(nil, program, &imports, &list)))
	file, err := o.write()
	require.NoError(t, err)
	binary := filepath.Join(o.folder, "child")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-race", "-overlay", file, "-o", binary, "./internal/explore/child__")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd = exec.CommandContext(t.Context(), binary, file)
	// One processor, because actors take turns. Every race is reported each time.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GORACE=exitcode=0 suppress_equal_stacks=0 suppress_equal_addresses=0")
	return cmd
}

func TestSubjects(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	cmd := build(t)
	if os.Getenv("EXPLORE_DEV") != "" {
		return
	}
	cmd.Stderr = io.Discard // the race detector's reports
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := json.NewDecoder(out)
	for {
		var f found
		err := lines.Decode(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		t.Logf("%s %q %q: %d orders, %g, cut %d, %d steps %v %v %s %s (%s)\n%s", f.Subject, f.Broken, f.Program, f.Orders, f.Stands, f.Cut, f.Steps, f.GivenUp, f.Took, f.Err, f.Order, f.Replayed, f.Table)
	}
	require.NoError(t, cmd.Wait())
	t.Logf("%v user, %v system", cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime())
}
