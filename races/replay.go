package races

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"boundaries/internal/gil"
)

// Replay writes what happens in the article's figure 4.1.2, step by step, without
// any discipline and under each: a count is 3, two threads take a reference, and
// the threads take turns of one step each. It returns the error of w.
//
// The tables are executed, not written down. A thread is a coroutine that uses real
// locks and atomics and yields after each step. A thread that cannot go on says so
// and tries again in its next turn.
func Replay(w io.Writer) error {
	for _, d := range disciplines {
		if _, err := io.WriteString(w, d.replay().String()); err != nil {
			return fmt.Errorf("races: writing a replay: %w", err)
		}
	}
	return nil
}

// A step ends a thread's turn and records what the thread did in it.
type step func(format string, args ...any)

// A discipline is a way to keep threads apart. start returns the two threads, and a
// function that returns the count as an observer sees it.
type discipline struct {
	name, idea string
	start      func() (threads [2]func(step), count func() string)
}

// A record is what happened in one replay.
type record struct {
	discipline
	rows            []row
	count           string // at the end
	waited, retried int    // numbers of turns
}

type row struct {
	thread int // 0 or 1
	did    string
	count  string
}

// replay lets the threads take turns until both have ended. It panics if they do not
// end.
func (d discipline) replay() record {
	threads, count := d.start()
	r := record{discipline: d, count: count()}
	var next [2]func() (string, bool)
	for i, thread := range threads {
		// No thread is stopped: both run to their ends.
		next[i], _ = iter.Pull(func(yield func(string) bool) {
			thread(func(format string, args ...any) { yield(fmt.Sprintf(format, args...)) })
		})
	}
	for ended := 0; ended < len(next); {
		if len(r.rows) > 100 {
			panic("races: the replay of " + d.name + " does not end")
		}
		ended = 0
		for i := range next {
			did, ok := next[i]()
			if !ok {
				ended++
				continue
			}
			if strings.HasPrefix(did, "waits") {
				r.waited++
			}
			if strings.Contains(did, "tries again") {
				r.retried++
			}
			r.count = count()
			r.rows = append(r.rows, row{thread: i, did: did, count: r.count})
		}
	}
	return r
}

// String returns the record as a table.
func (r record) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", r.name, r.idea)
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "  step\tthread 1\tthread 2\tcount\n")
	for i, row := range r.rows {
		did := [2]string{}
		did[row.thread] = row.did
		fmt.Fprintf(w, "  %4d\t%s\t%s\t%s\n", i+1, did[0], did[1], row.count)
	}
	w.Flush()
	fmt.Fprintf(&text, "  %s\n\n", r.verdict())
	return text.String()
}

func (r record) verdict() string {
	switch {
	case r.count == immortal:
		return "No thread counts, so no thread can count wrong."
	case r.count != "5":
		return fmt.Sprintf("The count is %s and should be 5: one reference is not counted.", r.count)
	case r.waited > 0:
		return fmt.Sprintf("The count is 5. One thread waited for %d turns.", r.waited)
	case r.retried > 0:
		return "The count is 5. One thread did its work twice."
	}
	return "The count is 5, and no thread waited."
}

const immortal = "immortal"

// disciplines lists the disciplines of package refcount without serial, and also cas
// and racy, which has no discipline.
var disciplines = []discipline{
	{"racy", "no discipline, as in figure 4.1.2", func() ([2]func(step), func() string) {
		count := 3
		thread := func(say step) {
			x := count
			say("reads %d", x)
			count = x + 1
			say("writes %d", x+1)
		}
		return [2]func(step){thread, thread}, show(&count)
	}},
	{"gil", "one lock for all that a thread does, as in CPython", func() ([2]func(step), func() string) {
		return locked(&turnstile{}, "the GIL")
	}},
	{"global-mutex", "one lock for all counts", func() ([2]func(step), func() string) {
		return locked(&sync.Mutex{}, "the lock")
	}},
	{"sharded-lock", "64 locks: threads that use different objects seldom wait for each other", func() ([2]func(step), func() string) {
		const object = 7
		var locks [64]sync.Mutex
		return locked(&locks[object%len(locks)], "lock 7 of 64")
	}},
	{"atomic", "reading, adding and writing are one instruction: there is no moment between them", func() ([2]func(step), func() string) {
		var count atomic.Int64
		count.Store(3)
		thread := func(say step) {
			say("adds 1, which makes %d", count.Add(1))
		}
		return [2]func(step){thread, thread}, func() string { return fmt.Sprint(count.Load()) }
	}},
	{"cas", "write only if the count is still what was read (compare and swap)", func() ([2]func(step), func() string) {
		var count atomic.Int64
		count.Store(3)
		thread := func(say step) {
			for {
				x := count.Load()
				say("reads %d", x)
				if count.CompareAndSwap(x, x+1) {
					say("swaps %d for %d", x, x+1)
					return
				}
				say("finds that it is no longer %d: tries again", x)
			}
		}
		return [2]func(step){thread, thread}, func() string { return fmt.Sprint(count.Load()) }
	}},
	{"lock-free", "two counts, one for the thread that made the object and one for all others (nogil, PEP 703)", func() ([2]func(step), func() string) {
		local := 3
		var shared atomic.Int64
		owner := func(say step) {
			x := local
			say("reads %d in its own count", x)
			local = x + 1
			say("writes %d to its own count", x+1)
		}
		other := func(say step) {
			say("adds 1 to the others' count, which makes %d", shared.Add(1))
		}
		return [2]func(step){owner, other}, func() string { return fmt.Sprint(local + int(shared.Load())) }
	}},
	{"buffered", "each thread keeps a log, and the last to hand its log over counts for all (the Gilectomy of 2017)", func() ([2]func(step), func() string) {
		count := 3
		var logs [2][]int
		var handed []int // the logs that were handed over
		members := 2
		thread := func(me int) func(step) {
			return func(say step) {
				logs[me] = append(logs[me], +1)
				say("writes +1 into its log")
				handed = append(handed, logs[me]...)
				if members--; members > 0 {
					say("hands its log over")
					return
				}
				x := count
				for _, change := range handed {
					x += change
				}
				say("hands its log over, is the last, and reads %d", count)
				count = x
				say("writes %d", x)
			}
		}
		return [2]func(step){thread(0), thread(1)}, show(&count)
	}},
	{"private", "the object is immortal: an object that is never freed needs no count (PEP 683)", func() ([2]func(step), func() string) {
		count := immortal
		thread := func(say step) {
			say("reads %s, and writes nothing", count)
		}
		return [2]func(step){thread, thread}, func() string { return count }
	}},
}

func show(count *int) func() string { return func() string { return fmt.Sprint(*count) } }

// locked returns the threads of racy with a lock around what they do.
func locked(lock interface {
	TryLock() bool
	Unlock()
}, name string) ([2]func(step), func() string) {
	count := 3
	thread := func(say step) {
		for !lock.TryLock() {
			say("waits for %s", name)
		}
		say("takes %s", name)
		x := count
		say("reads %d", x)
		count = x + 1
		say("writes %d", x+1)
		lock.Unlock()
		say("releases %s", name)
	}
	return [2]func(step){thread, thread}, show(&count)
}

// A turnstile is a real GIL with a TryLock, for two threads. The first TryLock of a
// thread starts a goroutine that waits for the GIL. Later calls check whether the thread
// has the GIL.
type turnstile struct {
	gil     gil.GIL
	holder  *gil.Thread   // the thread whose TryLock returned true
	waiter  *gil.Thread   // the thread that waits
	granted chan struct{} // closed when the waiter has the lock
}

func (t *turnstile) TryLock() bool {
	if t.waiter == nil {
		t.waiter, t.granted = new(gil.Thread), make(chan struct{})
		go func(thread *gil.Thread, granted chan<- struct{}) {
			t.gil.Acquire(thread)
			close(granted)
		}(t.waiter, t.granted)
	}
	if t.holder != nil {
		return false
	}
	<-t.granted
	t.holder, t.waiter = t.waiter, nil
	return true
}

func (t *turnstile) Unlock() {
	t.gil.Release(t.holder)
	t.holder = nil
}
