package claims

import (
	"math"
	"strconv"
)

// A claim is a statement of the article for which the suite has rows or an answer.
// The IDs are those of docs/article.md.
//
// The verdict of a claim with figures is computed (see Judge). No figure can decide
// the other claims: settled is their verdict.
type claim struct {
	id, where string
	says      string // what the article says, in our words; at most 72 characters
	figures   []figure
	settled   string // the verdict, if no figure decides it

	// anyMachine marks a claim that has no number and that could fail only if the
	// program were broken. If the figures agree with it, its verdict is "true of any
	// machine".
	anyMachine bool

	// expect is the verdict expected of a machine with enough processors. why gives the
	// reasons for it and against the other verdicts.
	expect, why string
}

// A figure is a ratio of rows, or a time, that a claim can be compared with. It is
// scale times the product of num over the product of den, divided by the number of
// threads if perThread is set.
//
// The article plots fib as a whole task for each of N threads. That is N times the
// figure here; in a ratio of two rows at N it is the same.
//
// Most ratios compare one program under two systems, or one system at two numbers of
// threads. The label of any other says what it compares. The article compares
// interpreters that differ in more than their lock (3.11 with 3.6, 3.9 and 1.4). Its
// factors include the other differences.
type figure struct {
	label     string // names the figure, if a claim has several
	article   string // the article's own figure, as text
	num, den  []cell
	scale     float64 // 0 means 1
	perThread bool
	unit      string // of the result, if it has one
	// parity makes the figure the smallest number of threads at which num takes no
	// longer for a step than den.
	parity bool

	// The claim holds for figures in want, and holds in direction for figures in
	// direction, which includes want. A figure without want is shown, not judged.
	want, direction band
	// A figure that is aside gets a verdict of its own, which the claim ignores.
	aside bool
	// oversubscribed allows more threads than processors: the claim is about them,
	// or its threads sleep.
	oversubscribed bool
	// processors is how many the claim is about, if the columns do not say it.
	processors int
	// best makes one of the figures that a "*" or many stands for decide: the figure
	// closest to the article's. It is set if the article names no version, or says
	// "up to".
	best bool
	// exists marks a claim that something can happen. One sample above 0 reproduces it,
	// and none decides nothing.
	exists bool
}

// A cell is a column of a row. A "*" in the row stands for any Python.
type cell struct {
	row   string
	unit  string // as benchunit tidies it
	procs int
}

// Units, as benchunit tidies them.
const (
	wall    = "sec/op"
	cpu     = "user+sys-sec/op"
	p50     = "p50-sec"
	lost    = "lost-updates/op"
	lostTry = "lost/try"
)

// threads is the unit of a parity.
const threads = "threads"

// none is the text of a figure for which the article has no number.
const none = "no number"

// many as a number of procs stands for each measured column of at least two threads
// that the machine has processors for. It makes one figure for each column.
const many = 0

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
	case b.lo <= 0:
		return "under " + edge(b.hi)
	}
	return "from " + edge(b.lo) + " to " + edge(b.hi)
}

func edge(x float64) string {
	return strconv.FormatFloat(x, 'g', max(3, len(strconv.Itoa(int(x)))), 64)
}

// about returns what "x times" can mean, for x over 1. A factor claims its distance
// from 1: "1.3 times" is about the 0.3. The article reads its factors off graphs, and
// another processor alone moves that distance by a factor of 1.5.
func about(x float64) band { return between(x, x) }

// between returns what "x to y times" can mean.
func between(x, y float64) band { return band{1 + (x-1)/1.5, 1 + (y-1)*1.5} }

// roughly returns what a time of x, or a share of x, can mean.
func roughly(x float64) band { return band{x / 1.5, x * 1.5} }

func above(x float64) band { return band{x, math.Inf(1)} }

func under(x float64) band { return band{-1, x} }

var (
	slower = above(1) // or more expensive, or more
	faster = under(1)
	same   = band{0.8, 1.25}
	half   = band{1 / about(2).hi, 1 / about(2).lo}
	// One processor's worth. An idle machine gives exactly that; a busy one takes a
	// little away.
	one = band{0.85, 1.15}
)

// The programs of the article.
const (
	// Code 4.3: the threads add to one ans. The lock of 3.10 and later is offered at
	// calls and backward jumps, that of 3.9 and earlier between most bytecodes.
	code43GIL   = "SharedLoopBoxed/system=gil-jumps"
	code43Old   = "SharedLoopBoxed/system=gil"
	code43Nogil = "SharedLoopBoxed/system=nogil"
	// Beazley's loop of 2011: a thread counts a local down.
	stein1996 = "CountdownBoxed/system=free-threading"
	gil1996   = "CountdownBoxed/system=gil-ticks"
	// Python 1.4 created its lock with the first thread that a program started, so a
	// program without threads ran without a lock.
	plain1996 = "CountdownBoxed/system=plain"
)

var claims = []claim{
	{
		id: "C1", where: "table 1.1",
		says: "Go (or C++, or Node) can be as much as 30-40 times faster than Python",
		figures: []figure{
			{label: "loop", article: "30-40", num: at(wall, 1, "PyLoop/system=cpython-*-gil"), den: at(wall, 1, "Loop/sync=serial"), want: band{1, between(30, 40).hi}, direction: slower, best: true},
			{label: "fib", article: "30-40", num: at(wall, 1, "PyFib/system=cpython-*-gil"), den: at(wall, 1, "Fib/sync=serial"), want: band{1, between(30, 40).hi}, direction: slower, best: true},
		},
		expect: inDirection,
		why: "\"as much as\" is an upper bound, and the factor belongs to the program: a loop that compiles to one addition gains more than the calls of fib. " +
			"The table's public source, kostya/benchmarks, has everything from 94 times (matmul) to 0.6 (base64)",
	},
	{
		id: "C2", where: "code 4.1",
		says: "one thread needs 5 s for 100 million additions, and 99 % of a processor",
		figures: []figure{
			{label: "10^8 steps", article: "5 s", num: at(wall, 1, "PyLoop/system=cpython-*-gil"), scale: 1e8, unit: "s", want: roughly(5), best: true},
			{label: "processors", article: "0.99", num: at(cpu, 1, "PyLoop/system=cpython-*-gil"), den: at(wall, 1, "PyLoop/system=cpython-*-gil"), want: one, best: true},
			{label: "processors, boxed", article: "0.99", num: at(cpu, 1, "LoopBoxed/system=plain"), den: at(wall, 1, "LoopBoxed/system=plain"), want: one, aside: true},
		},
		expect: notReproduced,
		why: "a thread that computes uses its whole processor, on any machine. The 5 s belong to one processor and one Python, " +
			"and another processor alone can be off by more than a factor of 1.5",
	},
	{
		id: "C3", where: "code 4.2",
		says:    "two such loops, one after the other, need 10 s",
		settled: byConstruction, expect: byConstruction,
		why: "code 4.2 takes the steps of 4.1 twice on one thread, and a figure here is the time of a step",
	},
	{
		id: "C4", where: "code 4.3",
		says: "threads that really run at once halve the time",
		figures: []figure{
			{label: "one total", article: "0.5", num: at(wall, 2, code43Nogil), den: at(wall, 1, code43Nogil), want: half, direction: faster},
			{label: "totals in one dict", article: "0.5", num: at(wall, 2, "LoopBoxed/system=nogil"), den: at(wall, 1, "LoopBoxed/system=nogil"), want: half, direction: faster, aside: true},
			{label: "totals apart", article: "0.5", num: at(wall, 2, "LoopBoxed/system=subinterpreters"), den: at(wall, 1, "LoopBoxed/system=subinterpreters"), want: half, direction: faster, aside: true},
			{label: "one total, native", article: "0.5", num: at(wall, 2, "Loop/sync=atomic"), den: at(wall, 1, "Loop/sync=atomic"), want: half, direction: faster, aside: true},
			{label: "totals apart, native", article: "0.5", num: at(wall, 2, "Loop/sync=private"), den: at(wall, 1, "Loop/sync=private"), want: half, direction: faster, aside: true},
			{label: "one total", article: "0.5", num: at(wall, 2, "PyLoop/system=*-nogil"), den: at(wall, 1, "PyLoop/system=*-nogil"), want: half, direction: faster, aside: true},
		},
		expect: notReproduced,
		why: "the threads of 4.3 write to one global. They pass its cache line to and fro, so that two add no faster than one. " +
			"Only threads that share nothing can halve the time (totals apart)",
	},
	{
		id: "C5", where: "code 4.3",
		says: "under the GIL two threads need as long as one for the same work",
		figures: []figure{
			{article: "1", num: at(wall, 2, code43GIL), den: at(wall, 1, code43GIL), want: same},
			{article: "1", num: at(wall, 2, "PyLoop/system=*-gil"), den: at(wall, 1, "PyLoop/system=*-gil"), want: same, aside: true},
		},
		expect: reproduced,
		why:    "one thread holds the lock at a time, and a switch every 5 ms is cheap beside 5 ms of work",
	},
	{
		id: "C6", where: "code 4.1.1",
		says:    "a = 50 has one reference, and another block shows 3",
		settled: corrected, expect: corrected,
		why: "the whole interpreter shares 50, which is immortal since 3.12, and up to 3.13 what getrefcount shows includes its own argument " +
			"(the Example of package refcount counts an object that is not shared)",
	},
	{
		id: "C7", where: "figure 4.1.2",
		says: "two threads raise a count of 3 at once, and it ends at 4 instead of 5",
		figures: []figure{
			{label: "tries that lose a reference", article: none, num: at(lostTry, 2, "Race/case=refcount/sync=racy"), want: above(0), exists: true},
			{label: "additions lost", article: none, num: at(lost, 2, "PyLoop/system=*"), aside: true},
		},
		expect: reproduced,
		why: "both read 3 before either writes, so both write 4. How often that happens is chance: one such try shows the race, and a run without one shows nothing. CPython since 3.10 offers its lock only at " +
			"calls and backward jumps, which hides the same race in ans += 2 and does not remove it",
	},
	{
		id: "C8", where: "figure 4.1.3",
		says: "four threads hand the GIL over while they wait, so their waits overlap",
		figures: []figure{
			{label: "waits at once, of 4", article: "4", num: at(wall, 1, "WorkerPool/task=io/sync=gil"), den: at(wall, 4, "WorkerPool/task=io/sync=gil"),
				want: band{3, 4.4}, direction: slower, oversubscribed: true}, // sleepers need no processor
			{label: "answer beside a computation / without", article: none, num: at(p50, 2, "Respond/load=busy/sync=gil"), den: at(p50, 2, "Respond/load=idle/sync=gil"), aside: true},
		},
		expect: reproduced,
		why: "a thread releases the lock around a call that blocks. The article leaves out the way back: a thread that wakes beside one that " +
			"computes waits 5 ms for the lock each time, the convoy effect",
	},
	{
		id: "C9", where: "GIL? What is GIL?",
		says:    "Python 1.0 (1994) had no GIL; it came with 1.5, in 1999",
		settled: corrected, expect: corrected,
		why: "the lock was committed on 1992-08-04 and released in 0.9.8 (1993-01-09), so 1.0 had it. 1.5 came out in the last days of 1997 " +
			"and brought a state for each thread",
	},
	{
		id: "C10", where: "after code 4.3",
		says: "both threads want the processor, and one of them always waits",
		figures: []figure{
			{label: "processors", article: "1", num: at(cpu, 2, code43GIL), den: at(wall, 2, code43GIL), want: one},
			{label: "processors", article: "1", num: at(cpu, 2, "PyLoop/system=*-gil"), den: at(wall, 2, "PyLoop/system=*-gil"), want: one, aside: true},
		},
		expect: reproduced,
		why:    "the waiter sleeps until the holder releases the lock, so two threads use one processor between them",
	},
	{
		id: "C11", where: "options",
		says:    "with the GIL kept, one thread would become 5 times as fast as 3.10",
		settled: notMeasurable, expect: notMeasurable,
		why: "this is a plan and an opinion from a discussion: there is no such interpreter to measure",
	},
	{
		id: "C12", where: "Stein 1996",
		says: "without the GIL a loop needs 6.7 times as long",
		figures: []figure{
			{article: "6.7", num: at(wall, 1, stein1996), den: at(wall, 1, plain1996), want: about(6.7), direction: slower},
		},
		expect: inDirection,
		why: "one lock is taken for every count of every object, as in 1996. But a lock that is free costs a few ns today, " +
			"the time of fewer bytecodes than in 2011. The base is plain: the lock of 1.4 comes with the first thread that a program starts",
	},
	{
		id: "C13", where: "Stein 1996",
		says: "pystone, which does more per bytecode, needs 4 times as long",
		figures: []figure{
			{label: "factor", article: "4", num: at(wall, 1, "StoneBoxed/system=free-threading"), den: at(wall, 1, "StoneBoxed/system=plain"),
				want: about(4), direction: slower},
			{label: "share of the loop's factor", article: "0.6",
				num:  append(at(wall, 1, "StoneBoxed/system=free-threading"), at(wall, 1, plain1996)...),
				den:  append(at(wall, 1, "StoneBoxed/system=plain"), at(wall, 1, stein1996)...),
				want: roughly(0.6), direction: faster, aside: true},
		},
		expect: inDirection,
		why:    "as C12: the lock has become cheap. In the article the factor is smaller than the loop's, because pystone does more between two counts",
	},
	{
		id: "C14", where: "Stein 1996",
		says: "with the GIL of 1.4 two threads need 1.3 times as long as one",
		figures: []figure{
			{article: "1.3", num: at(wall, 2, gil1996), den: at(wall, 1, plain1996), want: about(1.3), direction: slower},
		},
		expect: inDirection,
		why: "a thread offered that lock every 10 bytecodes and could lose it each time, so the factor is the price of that and of waking a thread " +
			"on this machine. One thread has no lock (C12). The lock of 3.2 and later behaves otherwise (C5)",
	},
	{
		id: "C15", where: "Stein 1996",
		says: "without the GIL two threads need 1.45 times as long as one",
		figures: []figure{
			{article: "1.45", num: at(wall, 2, stein1996), den: at(wall, 1, stein1996), want: about(1.45), direction: slower},
		},
		expect: inDirection,
		why:    "all counts of both threads go through one lock, so a second thread adds only the fight for it, which each machine prices its own way",
	},
	{
		id: "C16", where: "Stein 1996",
		says: "so with two threads Python without the GIL is more than 7 times slower",
		figures: []figure{
			{article: "over 7", num: at(wall, 2, stein1996), den: at(wall, 2, gil1996), want: band{7, about(7.4).hi}, direction: slower},
		},
		expect: inDirection,
		why:    "this is C12 times C15 over C14. The factor of C12 has become smaller, and takes this one with it",
	},
	{
		id: "C17", where: "Stein 1996", anyMachine: true,
		says: "without the GIL a long computation does not hold others up",
		figures: []figure{
			{label: "median answer beside it / without it", article: none, num: at(p50, 2, "Respond/load=stuck/sync=goroutine"), den: at(p50, 2, "Respond/load=idle/sync=goroutine"), want: under(2)},
			{label: "the same with the GIL", article: none, num: at(p50, 2, "Respond/load=stuck/sync=gil"), den: at(p50, 2, "Respond/load=idle/sync=gil"), aside: true},
		},
		expect: anyMachine,
		why: "a thread that need not wait for a lock answers at once, here because Go's scheduler gives it a processor. With the GIL it waits until the computation, which never offers the lock, ends. " +
			"The edge is twice the answer without a computation",
	},
	{
		id: "C18", where: "Gilectomy",
		says: "atomic counts cost 30 % off the top",
		figures: []figure{
			{article: "1.3", num: at(wall, 1, "FibBoxed/system=gilectomy/without=locks"), den: at(wall, 1, "FibBoxed/system=plain"), want: about(1.3), direction: slower},
			{label: "with a lock per container", article: "1.3", num: at(wall, 1, "FibBoxed/system=gilectomy"), den: at(wall, 1, "FibBoxed/system=plain"), want: about(1.3), direction: slower, aside: true},
		},
		expect: inDirection,
		why:    "a call takes and drops 16 references. A locked add that follows another one takes 2 to 6 ns on the processors we have seen. Between other instructions, which the processor executes meanwhile, it costs less",
	},
	{
		id: "C19", where: "graph 4.4.1",
		says: "the Gilectomy needs twice the wall time of CPython",
		figures: []figure{
			{label: "1 thread", article: "2", num: at(wall, 1, "FibBoxed/system=gilectomy"), den: at(wall, 1, "FibBoxed/system=gil"), want: about(2), direction: slower},
			{article: "2", num: at(wall, many, "FibBoxed/system=gilectomy"), den: at(wall, many, "FibBoxed/system=gil"), want: about(2), direction: slower},
		},
		expect: notReproduced,
		why: "alone, the counts and the locks cost less than that. With two threads, which fight for every count, the factor can be near 2. With more, the Gilectomy's threads also work at once, while a step under the GIL takes as long as with one. " +
			"That the two cross where there are 4 to 8 processors is expected and not measured",
	},
	{
		id: "C20", where: "graph 4.4.2",
		says: "at one thread the Gilectomy needs nearly twice the processor time",
		figures: []figure{
			{article: "2", num: at(cpu, 1, "FibBoxed/system=gilectomy"), den: at(cpu, 1, "FibBoxed/system=gil"), want: about(2), direction: slower},
		},
		expect: reproduced,
		why: "alone, processor time is wall time, so this is C18 with the locks, although the article's own figure there is 1.3. " +
			"It compares a Gilectomy of 3.6 with CPython 3.11, which differ in more than counts and locks",
	},
	{
		id: "C21", where: "graph 4.4.2",
		says: "at two threads it jumps to 10 times the processor time",
		figures: []figure{
			{article: "10", num: at(cpu, 2, "FibBoxed/system=gilectomy"), den: at(cpu, 2, "FibBoxed/system=gil"), want: about(10), direction: slower},
		},
		expect: inDirection,
		why: "two threads cannot use more than twice their wall time. 10 times the processor time needs 5 times the wall time, " +
			"and the article's own wall time is 2 times (C19)",
	},
	{
		id: "C22", where: "graph 4.4.2",
		says: "at 17 threads, on 8 cores, it needs 19 to 20 times the processor time",
		figures: []figure{
			{label: "17 threads", article: "19-20", num: at(cpu, 17, "FibBoxed/system=gilectomy"), den: at(cpu, 17, "FibBoxed/system=gil"),
				want: between(19, 20), direction: slower, oversubscribed: true, processors: 8},
			{label: "factor, of the factor at 1 thread", article: "rises",
				num:  append(at(cpu, many, "FibBoxed/system=gilectomy"), at(cpu, 1, "FibBoxed/system=gil")...),
				den:  append(at(cpu, many, "FibBoxed/system=gil"), at(cpu, 1, "FibBoxed/system=gilectomy")...),
				want: slower, aside: true},
		},
		expect: inDirection,
		why: "it rises with the threads that run at once, so with the processors, and is judged where there are at least the article's 8. " +
			"17 threads are not 17 cores. On more than 8 processors the factor is expected to be larger",
	},
	{
		id: "C23", where: "Gilectomy, later",
		says: "the Gilectomy needs 7 cores to keep up with CPython on one",
		figures: []figure{
			{label: "buffered counts", article: "7", num: at(wall, many, "FibBoxed/system=gilectomy-buffered"), den: at(wall, 1, "FibBoxed/system=gil"),
				parity: true, unit: threads, want: about(7), direction: slower},
			{label: "atomic counts", article: "7", num: at(wall, many, "FibBoxed/system=gilectomy"), den: at(wall, 1, "FibBoxed/system=gil"),
				parity: true, unit: threads, want: about(7), direction: slower, aside: true},
		},
		expect: inDirection,
		why: "the article means the design with buffered counts. How many cores it takes depends on what a shared count costs between this machine's " +
			"cores; 2 to 5 was expected. A machine that does not reach parity is judged only if it has more than 10 processors, the most that the claim allows",
	},
	{
		id: "C24", where: "figure 4.5.1",
		says: "nogil's speed on pyperformance, beside 3.9.0a3",
		figures: []figure{
			{label: "fib, nogil / plain", article: none, num: at(wall, 1, "FibBoxed/system=nogil"), den: at(wall, 1, "FibBoxed/system=plain"), aside: true},
			{label: "stone, nogil / plain", article: none, num: at(wall, 1, "StoneBoxed/system=nogil"), den: at(wall, 1, "StoneBoxed/system=plain"), aside: true},
		},
		settled: notMeasurable, expect: notMeasurable,
		why: "the figure is a picture that was not available to us. According to its caption it shows a speed-up over 3.9.0a3. " +
			"PEP 703 speaks of a slowdown, by 5 to 8 %, but of a later design compared with its own base version",
	},
	{
		id: "C25", where: "figure 4.5.2",
		says: "under nogil 7 threads use 100 % of a processor each",
		figures: []figure{
			{label: "processors per thread", article: "1", num: at(cpu, many, "FibBoxed/system=nogil"), den: at(wall, many, "FibBoxed/system=nogil"), perThread: true, want: one},
			{label: "processors per thread", article: "1", num: at(cpu, many, "PyFib/system=*-nogil"), den: at(wall, many, "PyFib/system=*-nogil"), perThread: true, want: one, aside: true},
		},
		expect: reproduced,
		why:    "no thread waits for another, so each runs as long as there is a processor for it",
	},
	{
		id: "C26", where: "figure 4.5.3",
		says: "under CPython only one of the threads runs at any moment",
		figures: []figure{
			{label: "processors", article: "1", num: at(cpu, many, "FibBoxed/system=gil"), den: at(wall, many, "FibBoxed/system=gil"), want: one},
			{label: "processors", article: "1", num: at(cpu, many, "PyFib/system=*-gil"), den: at(wall, many, "PyFib/system=*-gil"), want: one, aside: true},
		},
		expect: reproduced,
		why:    "as C10, with any number of threads",
	},
	{
		id: "C27", where: "graph 4.5.2",
		says: "nogil is up to 5 times as fast with threads, and a little faster with one",
		figures: []figure{
			{label: "gain", article: "up to 5", num: at(wall, many, "FibBoxed/system=gil"), den: at(wall, many, "FibBoxed/system=nogil"),
				want: about(5), direction: slower, processors: 7, best: true},
			{label: "gain alone", article: "over 1", num: at(wall, 1, "FibBoxed/system=gil"), den: at(wall, 1, "FibBoxed/system=nogil"), want: slower},
			{label: "gain", article: "up to 5", num: at(wall, many, "PyFib/system=*-gil"), den: at(wall, many, "PyFib/system=*-nogil"),
				want: about(5), direction: slower, processors: 7, aside: true},
			{label: "gain alone", article: "over 1", num: at(wall, 1, "PyFib/system=*-gil"), den: at(wall, 1, "PyFib/system=*-nogil"), want: slower, aside: true},
		},
		expect: notReproduced,
		why: "with threads yes, if there are processors for them: the article had 7 threads, and the best column decides. Alone it must cost something: nogil 3.9 was faster because it also has another interpreter, " +
			"with registers, which has nothing to do with the lock. The graph's caption, (nogil / CPython), is the inverse of what it plots",
	},
	{
		id: "C28", where: "Multiprocessing",
		says: "a thread starts in about 100 µs, a spawned process in about 50 ms",
		figures: []figure{
			{label: "thread", article: "100 µs", num: at(wall, 1, "PySpawn/start=thread/system=cpython-*-gil"), scale: 1e6, unit: "µs", want: roughly(100), best: true},
			{label: "process", article: "50 ms", num: at(wall, 1, "PySpawn/start=process/system=cpython-*-gil"), scale: 1e3, unit: "ms", want: roughly(50), best: true},
			{label: "process / thread", article: "500", num: at(wall, 1, "PySpawn/start=process/system=*"), den: at(wall, 1, "PySpawn/start=thread/system=*"), want: about(500), direction: slower, aside: true},
			{label: "forked process / thread", article: none, num: at(wall, 1, "PySpawn/start=fork/system=*"), den: at(wall, 1, "PySpawn/start=thread/system=*"), aside: true},
			{label: "Go's process / thread", article: "500", num: at(wall, 1, "Spawn/start=process"), den: at(wall, 1, "Spawn/start=thread"), want: about(500), direction: slower, aside: true},
		},
		expect: reproduced,
		why: "the 50 ms are the start of a whole new Python, so Python's rows decide; a Go program starts sooner. The figures are from PEP 703, which measured them on another machine and for spawn: " +
			"the article's own code 5.1 forks on Linux. The ratio does not count, because two wrong times can have the right ratio",
	},
	{
		id: "C29", where: "code 5.1", anyMachine: true,
		says: "two processes compute fib at the same time",
		figures: []figure{
			{label: "two at once / one alone", article: none, num: at(wall, 2, "ProcsFib/sync=private"), den: at(wall, 1, "ProcsFib/sync=private"), scale: 2, want: under(2)},
			{label: "two at once / one alone", article: none, num: at(wall, 2, "PyProcsFib/system=*"), den: at(wall, 1, "PyProcsFib/system=*"), scale: 2, want: under(2), aside: true},
		},
		expect: anyMachine,
		why:    "processes share no lock. One after the other, two take twice as long as one. fib(50) itself takes 40 billion calls, half an hour to an hour of Python, and is not timed here",
	},
	{
		id: "C30", where: "Multiprocessing", anyMachine: true,
		says: "communication between processes is more expensive than between threads",
		figures: []figure{
			{label: "a word, pipe / channel", article: none, num: at(wall, 2, "Procs/payload=8B/sync=pipe"), den: at(wall, 2, "Procs/payload=8B/sync=channel"), want: slower},
			{label: "64 KiB, pipe / channel", article: none, num: at(wall, 2, "Procs/payload=64KiB/sync=pipe"), den: at(wall, 2, "Procs/payload=64KiB/sync=channel"), want: slower},
			{label: "a word, serialized too / pipe", article: none, num: at(wall, 1, "Procs/payload=8B/sync=pipe-gob"), den: at(wall, 1, "Procs/payload=8B/sync=pipe"), aside: true},
			{label: "64 KiB, serialized too / pipe", article: none, num: at(wall, 1, "Procs/payload=64KiB/sync=pipe-gob"), den: at(wall, 1, "Procs/payload=64KiB/sync=pipe"), aside: true},
			{label: "a word, shared memory in batches / channel", article: none, num: at(wall, 1, "Procs/payload=8B/sync=lock-free"), den: at(wall, 1, "Procs/payload=8B/sync=channel"), aside: true},
			{label: "a word, Python's queues, process / thread", article: none, num: at(wall, 1, "PyQueue/payload=8B/start=process/system=*"), den: at(wall, 1, "PyQueue/payload=8B/start=thread/system=*"), aside: true},
		},
		expect: anyMachine,
		why: "through a pipe, as in multiprocessing's queues, the kernel copies each item twice. Shared memory can avoid that. " +
			"The channel is one between goroutines, which two threads run",
	},
	{
		id: "C31", where: "options", anyMachine: true,
		says: "sub-interpreters give some limited form of parallelism",
		figures: []figure{
			{label: "gain", article: none, num: at(wall, 1, "FibBoxed/system=subinterpreters"), den: at(wall, many, "FibBoxed/system=subinterpreters"), want: slower},
		},
		expect: anyMachine,
		why:    "each has a lock and objects of its own. What passes between them is limited to copies",
	},
	{
		id: "C32", where: "Conclusion",
		says: "without the GIL a single thread loses nothing",
		figures: []figure{
			{label: "fib, nogil / gil", article: "at most 1", num: at(wall, 1, "FibBoxed/system=nogil"), den: at(wall, 1, "FibBoxed/system=gil"), want: under(1.03)},
			{label: "loop, nogil / gil", article: "at most 1", num: at(wall, 1, "LoopBoxed/system=nogil"), den: at(wall, 1, "LoopBoxed/system=gil"), want: under(1.03)},
			{label: "stone, nogil / gil", article: "at most 1", num: at(wall, 1, "StoneBoxed/system=nogil"), den: at(wall, 1, "StoneBoxed/system=gil"), want: under(1.03)},
		},
		expect: notReproduced,
		why: "each count must find out who owns the object, and containers have locks. PEP 703 itself says 5 to 8 %; " +
			"3.13 lost some 40 %, 3.14 loses 5 to 10 %",
	},
	{
		id: "C33", where: "Conclusion",
		says:    "PEP 703 will be accepted in the near future (written 2023-12-17)",
		settled: corrected, expect: corrected,
		why: "it had been accepted on 2023-10-24, after a notice of intent in July",
	},
	{
		id: "C34", where: "Asyncio", anyMachine: true,
		says: "one thread can ask a database many things at once",
		figures: []figure{
			{label: "one at a time / 64 in flight", article: none, num: at(wall, 1, "AsyncIO/latency=1ms/sync=serial"), den: at(wall, 1, "AsyncIO/latency=1ms/sync=event-loop"), want: above(2)},
			{label: "one at a time, native / 64 in flight", article: none, num: at(wall, 1, "AsyncIO/latency=1ms/sync=serial"), den: at(wall, 1, "PyAsyncIO/system=*"), aside: true},
			{label: "answer beside a computation, loop / threads", article: none, num: at(p50, 2, "Respond/load=busy/sync=event-loop"), den: at(p50, 2, "Respond/load=busy/sync=goroutine"), aside: true},
		},
		expect: anyMachine,
		why:    "as long as the loop does all the waiting. A call that blocks, or computes, stops the whole loop",
	},
	{
		id: "C35", where: "code 4.3",
		says: "under the GIL ans += 2 loses nothing (inferred, not said)",
		figures: []figure{
			{label: "lost, lock offered between most bytecodes (to 3.9)", article: none, num: at(lost, 2, code43Old), want: under(0.001)},
			{label: "lost, lock offered at jumps and calls (3.10 on)", article: none, num: at(lost, 2, code43GIL), want: under(0.001)},
			{label: "lost without the GIL", article: none, num: at(lost, 2, code43Nogil), aside: true},
			{label: "lost", article: none, num: at(lost, 2, "PyLoop/system=*"), want: under(0.001), aside: true},
		},
		expect: notReproduced,
		why: "+= reads, adds and writes, and the lock of 3.9 and earlier may change hands in between. " +
			"3.10 and later offer it only at calls and backward jumps, which is luck and no promise (M6)",
	},
	{
		id: "C36", where: "graph 4.5.1",
		says: "nogil needs less processor time than CPython, with one thread too",
		figures: []figure{
			{label: "1 thread", article: "under 1", num: at(cpu, 1, "FibBoxed/system=nogil"), den: at(cpu, 1, "FibBoxed/system=gil"), want: faster},
			{article: "under 1", num: at(cpu, many, "FibBoxed/system=nogil"), den: at(cpu, many, "FibBoxed/system=gil"), want: faster},
		},
		expect: notReproduced,
		why: "the caption says processor time, but every thread computes a fib of its own: without a lock they compute at the same time, not less. " +
			"The graph can show that only if it plots wall time, or because nogil 3.9 has another interpreter (M28)",
	},
}
