package claims

import (
	"math"
	"strconv"
)

// A claim is something that the article says and that this suite has rows, or an
// answer, for. The ids are those of docs/article.md.
//
// What a claim with figures comes to is computed (see judge). The other claims
// have a verdict here, because no figure can decide them: settled says which.
type claim struct {
	id, where string
	says      string // by the article, in our words
	figures   []figure
	settled   string // the verdict, where figures do not decide it

	// What a machine with enough processors is expected to show, and why. The
	// reason explains as much why the rest is not to be had.
	expect, why string
}

// A figure is a ratio of rows, or a time, that a claim can be held against. It is
// scale times the product of num over that of den, and divided by the number of
// threads if it is perThread.
//
// What the article plots for fib, a whole task for each of N threads, is N times what
// is here; in a ratio of two rows at N it is the same.
//
// Ratios are of one program under two systems, or of one system at two numbers of
// threads, and never of two programs: the article compares interpreters that differ
// in more than their lock (3.11 with 3.6, 3.9 and 1.4), and its factors have that
// in them.
type figure struct {
	label     string // says which it is, where a claim has several
	article   string // the article's own, as text
	num, den  []cell
	scale     float64 // 0 means 1
	perThread bool
	unit      string // of the result, if it has one
	// Parity makes the figure another one: the smallest number of threads at which
	// num takes no longer for a step than den does.
	parity bool

	// The claim holds for a figure in want, and holds in direction for one in
	// direction. A figure without a want is shown and not judged.
	want, direction band
	// A figure aside has a verdict of its own and no part in that of the claim.
	aside bool
	// An oversubscribed column is judged only where the claim is about one.
	oversubscribed bool
}

// A cell is a column of a row. A "*" in the row stands for any Python.
type cell struct {
	row   string
	unit  string // as benchunit tidies it
	procs int
}

const (
	wall = "sec/op"
	cpu  = "user+sys-sec/op"
	p50  = "p50-sec"
	lost = "lost-updates/op"
)

// The unit of a parity.
const threads = "threads"

// What the article has where it has no number.
const none = "no number"

// As a number of procs: the most that were measured and that the machine has.
const all = 0

func at(unit string, procs int, rows ...string) []cell {
	var cells []cell
	for _, row := range rows {
		cells = append(cells, cell{row, unit, procs})
	}
	return cells
}

// A band is an open interval. The zero band is empty.
type band struct{ lo, hi float64 }

func (b band) String() string {
	switch {
	case math.IsInf(b.hi, 1):
		return "over " + edge(b.lo)
	case b.lo == 0:
		return "under " + edge(b.hi)
	}
	return "from " + edge(b.lo) + " to " + edge(b.hi)
}

func edge(x float64) string {
	return strconv.FormatFloat(x, 'g', max(3, len(strconv.Itoa(int(x)))), 64)
}

// about is what "x times" can mean: the article reads its factors off graphs, and
// another processor alone moves them by as much.
func about(x float64) band { return band{x / 1.5, x * 1.5} }

func above(x float64) band { return band{x, math.Inf(1)} }

// both reports whether both hold.
func both(a, b band) band { return band{max(a.lo, b.lo), min(a.hi, b.hi)} }

var (
	slower = above(1) // or dearer, or more
	same   = band{0.8, 1.25}
	half   = both(about(0.5), band{0, 0.75})
	// One processor's worth, which is what a processor that does nothing else gives
	// and what a busy machine takes a little of.
	one = band{0.85, 1.15}
)

var claims = []claim{
	{
		id: "C1", where: "table 1.1",
		says: "Go (or C++, or Node) runs 30 to 40 times as fast as Python",
		figures: []figure{
			{label: "loop", article: "30-40", num: at(wall, 1, "PyLoop/system=cpython-*-gil"), den: at(wall, 1, "Loop/sync=serial"),
				want: band{20, 60}, direction: slower},
			{label: "fib", article: "30-40", num: at(wall, 1, "PyFib/system=cpython-*-gil"), den: at(wall, 1, "Fib/sync=serial"),
				want: band{20, 60}, direction: slower},
		},
		expect: inDirection,
		why: "the factor belongs to the workload: a loop that compiles to one addition gains a hundred and more, " +
			"the calls of fib some 20 to 50",
	},
	{
		id: "C2", where: "code 4.1",
		says: "one thread needs 5 s for 100 million additions, and 99 % of a processor",
		figures: []figure{
			{label: "processors", article: "0.99", num: at(cpu, 1, "LoopBoxed/system=plain"), den: at(wall, 1, "LoopBoxed/system=plain"), want: one},
			{label: "processors", article: "0.99", num: at(cpu, 1, "PyLoop/system=*-gil"), den: at(wall, 1, "PyLoop/system=*-gil"), want: one, aside: true},
			{label: "10^8 steps", article: "5 s", num: at(wall, 1, "PyLoop/system=*-gil"), scale: 1e8, unit: "s", want: about(5), aside: true},
		},
		expect: reproduced,
		why:    "a thread that computes and waits for nobody keeps its processor; the 5 s are that processor's, and that Python's",
	},
	{
		id: "C3", where: "code 4.2",
		says:    "two such loops one after the other need 10 s",
		settled: byConstruction, expect: byConstruction,
		why: "4.2 takes the steps of 4.1 twice on the one thread, and a figure here is the time of a step",
	},
	{
		id: "C4", where: "code 4.3",
		says: "threads that really ran at once would halve the time",
		figures: []figure{
			{label: "totals apart", article: "0.5", num: at(wall, 2, "LoopBoxed/system=subinterpreters"), den: at(wall, 1, "LoopBoxed/system=subinterpreters"), want: half},
			{label: "totals in one dict", article: "0.5", num: at(wall, 2, "LoopBoxed/system=nogil"), den: at(wall, 1, "LoopBoxed/system=nogil"), want: half},
			{label: "totals apart, native", article: "0.5", num: at(wall, 2, "Loop/sync=private"), den: at(wall, 1, "Loop/sync=private"), want: half, aside: true},
			{label: "one total, native", article: "0.5", num: at(wall, 2, "Loop/sync=atomic"), den: at(wall, 1, "Loop/sync=atomic"), want: half, aside: true},
			{label: "one total", article: "0.5", num: at(wall, 2, "PyLoop/system=*-nogil"), den: at(wall, 1, "PyLoop/system=*-nogil"), want: half, aside: true},
		},
		expect: notReproduced,
		why: "threads that share nothing do halve it; ans is a global, and threads that write to one dict, let alone to one word of it " +
			"as those of 4.3 do, pass it to and fro, so that two add no faster than one",
	},
	{
		id: "C5", where: "code 4.3",
		says: "under the GIL two threads need as long as one for the same work",
		figures: []figure{
			{article: "1", num: at(wall, 2, "LoopBoxed/system=gil"), den: at(wall, 1, "LoopBoxed/system=gil"), want: same},
			{article: "1", num: at(wall, 2, "PyLoop/system=*-gil"), den: at(wall, 1, "PyLoop/system=*-gil"), want: same, aside: true},
		},
		expect: reproduced,
		why:    "one thread holds the lock at a time, and a switch every 5 ms is nothing beside 5 ms of work",
	},
	{
		id: "C6", where: "code 4.1.1",
		says:    "a = 50 has one reference, and is shown with 3",
		settled: corrected, expect: corrected,
		why: "50 is shared by the whole interpreter, and immortal since 3.12; what getrefcount shows includes its own argument " +
			"(the Example of package refcount counts them)",
	},
	{
		id: "C7", where: "figure 4.1.2",
		says: "two threads both raise a count of 3, and it ends at 4 instead of 5",
		figures: []figure{
			{label: "share of additions lost", article: none, num: at(lost, 2, "PyLoop/system=*"), aside: true},
		},
		settled: byConstruction, expect: byConstruction,
		why: "both read 3 before either writes, so both write 4. How often is chance; CPython since 3.10 looks for switches only at " +
			"calls and backward jumps, which hides the same race in ans += 2 and does not mend it",
	},
	{
		id: "C8", where: "figure 4.1.3",
		says: "threads hand the GIL over when they wait for I/O, so waits overlap",
		figures: []figure{
			{label: "tasks at once, of 2 that wait", article: none, num: at(wall, 1, "WorkerPool/task=io/sync=gil"), den: at(wall, 2, "WorkerPool/task=io/sync=gil"), want: above(1.5), direction: slower},
			{label: "answer beside a computation / without", article: none, num: at(p50, 2, "Respond/load=busy/sync=gil"), den: at(p50, 2, "Respond/load=idle/sync=gil"), aside: true},
		},
		expect: reproduced,
		why: "the lock is released around what blocks. What the article leaves out: to get it back from a thread that computes takes " +
			"5 ms each time, the convoy effect",
	},
	{
		id: "C9", where: "GIL? What is GIL?",
		says:    "Python 1.0 (1994) had no GIL; it came with 1.5, in 1999",
		settled: corrected, expect: corrected,
		why: "the lock was committed on 1992-08-04 and released in 0.9.8 (1993-01-09), so 1.0 had it; 1.5 is of the last days of 1997, " +
			"and what it brought was state per thread",
	},
	{
		id: "C10", where: "after code 4.3",
		says: "both threads want the processor, and one of them always waits",
		figures: []figure{
			{label: "processors", article: "1", num: at(cpu, 2, "LoopBoxed/system=gil"), den: at(wall, 2, "LoopBoxed/system=gil"), want: one},
			{label: "processors", article: "1", num: at(cpu, 2, "PyLoop/system=*-gil"), den: at(wall, 2, "PyLoop/system=*-gil"), want: one, aside: true},
		},
		expect: reproduced,
		why:    "the waiter sleeps until the holder gives the lock up, so two threads use one processor between them",
	},
	{
		id: "C11", where: "options",
		says:    "without free threading one thread would become 5 times as fast as 3.10",
		settled: notMeasurable, expect: notMeasurable,
		why: "a plan, and an opinion from a discussion: there is no such interpreter to measure",
	},
	{
		id: "C12", where: "Stein 1996",
		says: "without the GIL a loop needs 6.7 times as long",
		figures: []figure{
			{article: "6.7", num: at(wall, 1, "LoopBoxed/system=free-threading"), den: at(wall, 1, "LoopBoxed/system=plain"),
				want: about(6.7), direction: slower},
		},
		expect: inDirection,
		why: "one lock is taken for every count of every object, as then. But a lock that nobody else wants costs some 5 ns now, " +
			"which is not as many bytecodes as it was in 2011",
	},
	{
		id: "C13", where: "Stein 1996",
		says: "pystone, which does more per bytecode, needs 4 times as long",
		figures: []figure{
			{label: "factor", article: "4", num: at(wall, 1, "StoneBoxed/system=free-threading"), den: at(wall, 1, "StoneBoxed/system=plain"),
				want: about(4), direction: slower},
			{label: "share of the loop's factor", article: "0.6",
				num:  append(at(wall, 1, "StoneBoxed/system=free-threading"), at(wall, 1, "LoopBoxed/system=plain")...),
				den:  append(at(wall, 1, "StoneBoxed/system=plain"), at(wall, 1, "LoopBoxed/system=free-threading")...),
				want: about(0.6), direction: band{0, 1}, aside: true},
		},
		expect: inDirection,
		why:    "as C12: the lock has become cheap. More work between two counts makes the factor smaller",
	},
	{
		id: "C14", where: "Stein 1996",
		says: "with the GIL of 1.4 two threads need 1.3 times as long as one",
		figures: []figure{
			{article: "1.3", num: at(wall, 2, "LoopBoxed/system=gil-ticks"), den: at(wall, 1, "LoopBoxed/system=gil-ticks"),
				want: both(about(1.3), slower), direction: slower},
		},
		expect: inDirection,
		why: "that lock was given up every 10 bytecodes and could be lost each time, so the factor is the price of waking a thread " +
			"on this machine; the lock of 3.2 and later is not like that (C5)",
	},
	{
		id: "C15", where: "Stein 1996",
		says: "without the GIL two threads need 1.45 times as long as one",
		figures: []figure{
			{article: "1.45", num: at(wall, 2, "LoopBoxed/system=free-threading"), den: at(wall, 1, "LoopBoxed/system=free-threading"),
				want: both(about(1.45), slower), direction: slower},
		},
		expect: reproduced,
		why:    "all counts of both threads go through the one lock, so a second thread adds nothing but the fight for it",
	},
	{
		id: "C16", where: "Stein 1996",
		says: "so with two threads Python without the GIL is 7 times slower",
		figures: []figure{
			{article: "7.4", num: at(wall, 2, "LoopBoxed/system=free-threading"), den: at(wall, 2, "LoopBoxed/system=gil-ticks"),
				want: about(7.4), direction: slower},
		},
		expect: inDirection,
		why: "this is C12 and C15 over C14, and over what the lock of 1.4 costs one thread; the factor of C12 has become smaller " +
			"and takes this one with it",
	},
	{
		id: "C17", where: "Stein 1996",
		says: "without the GIL a long computation does not hold others up",
		figures: []figure{
			{label: "median answer, with the GIL / without", article: none, num: at(p50, 2, "Respond/load=busy/sync=gil"), den: at(p50, 2, "Respond/load=busy/sync=goroutine"), want: slower},
		},
		expect: reproduced,
		why:    "who has no lock to wait for answers at once; with the GIL the answer waits for a thread that computes to give it up",
	},
	{
		id: "C18", where: "Gilectomy",
		says: "atomic counts cost 30 % off the top",
		figures: []figure{
			{article: "1.3", num: at(wall, 1, "FibBoxed/system=gilectomy"), den: at(wall, 1, "FibBoxed/system=plain"),
				want: band{1.15, 1.6}, direction: slower}, // 30 % more or less: of 1.3, only .3 is the claim's
		},
		expect: inDirection,
		why:    "a call has 16 counts, and a locked add takes 2 to 6 ns, as the processor has it, where a plain one takes well under 1",
	},
	{
		id: "C19", where: "graph 4.4.1",
		says: "the Gilectomy needs twice the wall time of CPython",
		figures: []figure{
			{article: "2", num: at(wall, all, "FibBoxed/system=gilectomy"), den: at(wall, all, "FibBoxed/system=gil"),
				want: about(2), direction: slower},
		},
		expect: reproduced,
		why: "only near one and two threads: the GIL's time grows with every thread and the Gilectomy's more slowly, " +
			"so that the two cross where there are 4 to 8 processors",
	},
	{
		id: "C20", where: "graph 4.4.2",
		says: "at one thread the Gilectomy needs nearly twice the processor time",
		figures: []figure{
			{article: "2", num: at(cpu, 1, "FibBoxed/system=gilectomy"), den: at(cpu, 1, "FibBoxed/system=gil"),
				want: about(2), direction: slower},
		},
		expect: inDirection,
		why: "alone, processor time is wall time, so this is C18 again, and the article's own figure there is 1.3. The rest of its 2 " +
			"is not the lock's: it compares a Gilectomy of 3.6 with CPython 3.11",
	},
	{
		id: "C21", where: "graph 4.4.2",
		says: "at two threads it jumps to 10 times the processor time",
		figures: []figure{
			{article: "10", num: at(cpu, 2, "FibBoxed/system=gilectomy"), den: at(cpu, 2, "FibBoxed/system=gil"), want: about(10)},
		},
		expect: notReproduced,
		why: "two threads cannot use more than twice their wall time. 10 times the processor time needs 5 times the wall time, " +
			"and the article's own is 2 (C19)",
	},
	{
		id: "C22", where: "graph 4.4.2",
		says: "at 17 threads, on 8 cores, it needs 19 to 20 times the processor time",
		figures: []figure{
			{label: "at 17", article: "19-20", num: at(cpu, 17, "FibBoxed/system=gilectomy"), den: at(cpu, 17, "FibBoxed/system=gil"),
				want: about(19.5), direction: slower, oversubscribed: true},
			{label: "at all processors / at one", article: "rises",
				num:  append(at(cpu, all, "FibBoxed/system=gilectomy"), at(cpu, 1, "FibBoxed/system=gil")...),
				den:  append(at(cpu, all, "FibBoxed/system=gil"), at(cpu, 1, "FibBoxed/system=gilectomy")...),
				want: slower, aside: true},
		},
		expect: inDirection,
		why: "it rises with the threads that run at once, so with the processors: beyond 8 of them it would rise further, " +
			"with fewer it ends sooner. 17 threads are not 17 cores",
	},
	{
		id: "C23", where: "Gilectomy, later",
		says: "the Gilectomy needs 7 cores to keep up with CPython on one",
		figures: []figure{
			{article: "7", num: at(wall, all, "FibBoxed/system=gilectomy"), den: at(wall, 1, "FibBoxed/system=gil"),
				parity: true, unit: threads, want: about(7), direction: slower},
			{label: "buffered counts", article: "7", num: at(wall, all, "FibBoxed/system=gilectomy-buffered"), den: at(wall, 1, "FibBoxed/system=gil"),
				parity: true, unit: threads, want: about(7), direction: slower, aside: true},
		},
		expect: inDirection,
		why:    "what it takes is what a shared count costs between this machine's cores; 2 to 5 was expected, where there are as many",
	},
	{
		id: "C24", where: "figure 4.5.1",
		says: "nogil's speed on pyperformance, beside 3.9.0a3",
		figures: []figure{
			{label: "fib, nogil / plain", article: none, num: at(wall, 1, "FibBoxed/system=nogil"), den: at(wall, 1, "FibBoxed/system=plain"), aside: true},
			{label: "stone, nogil / plain", article: none, num: at(wall, 1, "StoneBoxed/system=nogil"), den: at(wall, 1, "StoneBoxed/system=plain"), aside: true},
		},
		settled: notMeasured, expect: notMeasured,
		why: "the figure is a picture we have not got. PEP 703 says 1.05 to 1.08",
	},
	{
		id: "C25", where: "figure 4.5.2",
		says: "under nogil 7 threads use 100 % of a processor each",
		figures: []figure{
			{label: "processors per thread", article: "1", num: at(cpu, all, "FibBoxed/system=nogil"), den: at(wall, all, "FibBoxed/system=nogil"), perThread: true, want: one},
			{label: "processors per thread", article: "1", num: at(cpu, all, "PyFib/system=*-nogil"), den: at(wall, all, "PyFib/system=*-nogil"), perThread: true, want: one, aside: true},
		},
		expect: reproduced,
		why:    "no thread waits for another, so all run as long as there is a processor for each",
	},
	{
		id: "C26", where: "figure 4.5.3",
		says: "under CPython only one of the threads runs at any moment",
		figures: []figure{
			{label: "processors", article: "1", num: at(cpu, all, "FibBoxed/system=gil"), den: at(wall, all, "FibBoxed/system=gil"), want: one},
			{label: "processors", article: "1", num: at(cpu, all, "PyFib/system=*-gil"), den: at(wall, all, "PyFib/system=*-gil"), want: one, aside: true},
		},
		expect: reproduced,
		why:    "as C10, with any number of threads",
	},
	{
		id: "C27", where: "graph 4.5.2",
		says: "nogil is up to 5 times as fast at 7 threads, and a little faster at one",
		figures: []figure{
			{label: "gain per thread", article: "5/7", num: at(wall, all, "FibBoxed/system=gil"), den: at(wall, all, "FibBoxed/system=nogil"),
				perThread: true, want: band{0.6, 1.1}},
			{label: "gain alone", article: "over 1", num: at(wall, 1, "FibBoxed/system=gil"), den: at(wall, 1, "FibBoxed/system=nogil"), want: above(1)},
			{label: "gain per thread", article: "5/7", num: at(wall, all, "PyFib/system=*-gil"), den: at(wall, all, "PyFib/system=*-nogil"),
				perThread: true, want: band{0.6, 1.1}, aside: true},
			{label: "gain alone", article: "over 1", num: at(wall, 1, "PyFib/system=*-gil"), den: at(wall, 1, "PyFib/system=*-nogil"), want: above(1), aside: true},
		},
		expect: notReproduced,
		why: "with threads yes. Alone it must cost something: nogil 3.9 was faster because it also has another interpreter, " +
			"with registers, which has nothing to do with the lock",
	},
	{
		id: "C28", where: "Multiprocessing",
		says: "a thread starts in 100 µs, a process in 50 ms: 500 times as long",
		figures: []figure{
			{label: "process / thread", article: "500", num: at(wall, 1, "Spawn/start=process"), den: at(wall, 1, "Spawn/start=thread"),
				want: band{100, 2500}, direction: slower},
			{label: "thread", article: "100 µs", num: at(wall, 1, "Spawn/start=thread"), scale: 1e6, unit: "µs", want: about(100), aside: true},
			{label: "process", article: "50 ms", num: at(wall, 1, "Spawn/start=process"), scale: 1e3, unit: "ms", want: about(50), aside: true},
			{label: "process / thread", article: "500", num: at(wall, 1, "PySpawn/start=process/system=*"), den: at(wall, 1, "PySpawn/start=thread/system=*"),
				want: band{100, 2500}, direction: slower, aside: true},
			{label: "forked process / thread", article: none, num: at(wall, 1, "PySpawn/start=fork/system=*"), den: at(wall, 1, "PySpawn/start=thread/system=*"), aside: true},
		},
		expect: inDirection,
		why: "the 50 ms are a Python that starts anew; a Go program is there in a few. The figures are PEP 703's, for spawn: " +
			"the article's own code 5.1 forks on Linux, which takes 2 to 3 ms",
	},
	{
		id: "C29", where: "code 5.1",
		says: "two processes compute fib at the same time",
		figures: []figure{
			{label: "two at once / one alone", article: "a picture", num: at(wall, 2, "ProcsFib/sync=private"), den: at(wall, 1, "ProcsFib/sync=private"), scale: 2, want: same},
			{label: "two at once / one alone", article: "a picture", num: at(wall, 2, "PyProcsFib/system=*"), den: at(wall, 1, "PyProcsFib/system=*"), scale: 2, want: same, aside: true},
		},
		expect: reproduced,
		why:    "processes share no lock. fib(50) itself is 40 thousand million calls, about an hour of Python, and is not timed here",
	},
	{
		id: "C30", where: "Multiprocessing",
		says: "processes communicate at a higher price than threads",
		figures: []figure{
			{label: "a word, pipe / channel", article: none, num: at(wall, 1, "Procs/payload=8B/sync=pipe"), den: at(wall, 1, "Procs/payload=8B/sync=channel"), want: slower},
			{label: "64 KiB, pipe / channel", article: none, num: at(wall, 1, "Procs/payload=64KiB/sync=pipe"), den: at(wall, 1, "Procs/payload=64KiB/sync=channel"), want: slower},
			{label: "a word, shared memory in batches / channel", article: none, num: at(wall, 1, "Procs/payload=8B/sync=lock-free"), den: at(wall, 1, "Procs/payload=8B/sync=channel"), want: slower, aside: true},
		},
		expect: reproduced,
		why:    "through a pipe, as multiprocessing's queues, each item is copied twice by the kernel. Through shared memory it need not be so",
	},
	{
		id: "C31", where: "options",
		says: "sub-interpreters give some parallelism",
		figures: []figure{
			{label: "gain per thread", article: none, num: at(wall, 1, "FibBoxed/system=subinterpreters"), den: at(wall, all, "FibBoxed/system=subinterpreters"),
				perThread: true, want: band{0.6, 1.2}},
		},
		expect: reproduced,
		why:    "each has a lock and objects of its own. Limited is what passes between them: copies",
	},
	{
		id: "C32", where: "Conclusion",
		says: "without the GIL a single thread loses nothing",
		figures: []figure{
			{label: "fib, nogil / gil", article: "at most 1", num: at(wall, 1, "FibBoxed/system=nogil"), den: at(wall, 1, "FibBoxed/system=gil"), want: band{0, 1.03}},
			{label: "loop, nogil / gil", article: "at most 1", num: at(wall, 1, "LoopBoxed/system=nogil"), den: at(wall, 1, "LoopBoxed/system=gil"), want: band{0, 1.03}},
			{label: "stone, nogil / gil", article: "at most 1", num: at(wall, 1, "StoneBoxed/system=nogil"), den: at(wall, 1, "StoneBoxed/system=gil"), want: band{0, 1.03}},
		},
		expect: notReproduced,
		why: "whose count it is must be asked each time, and containers have locks. PEP 703 itself says 5 to 8 %; " +
			"3.13 lost some 40 %, 3.14 loses 5 to 10 %",
	},
	{
		id: "C33", where: "Conclusion",
		says:    "PEP 703 will be accepted in the near future (written 2023-12-17)",
		settled: corrected, expect: corrected,
		why: "it had been accepted on 2023-10-24, after a notice of intent in July",
	},
	{
		id: "C34", where: "Asyncio",
		says: "one thread can ask a database many things at once",
		figures: []figure{
			{label: "one at a time / 64 in flight", article: none, num: at(wall, 1, "AsyncIO/latency=1ms/sync=serial"), den: at(wall, 1, "AsyncIO/latency=1ms/sync=event-loop"), want: above(2), direction: slower},
			{label: "one at a time, native / 64 in flight", article: none, num: at(wall, 1, "AsyncIO/latency=1ms/sync=serial"), den: at(wall, 1, "PyAsyncIO/system=*"), want: above(2), direction: slower, aside: true},
			{label: "answer beside a computation, loop / threads", article: none, num: at(p50, 2, "Respond/load=busy/sync=event-loop"), den: at(p50, 2, "Respond/load=busy/sync=goroutine"), aside: true},
		},
		expect: reproduced,
		why:    "as long as every wait is the loop's: a call that blocks, or computes, stops all of it",
	},
}
