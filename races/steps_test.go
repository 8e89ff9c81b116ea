package races

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/asyncio"
	"boundaries/loop"
	"boundaries/procs"
)

// counting returns the outcomes of steps that are counted. why says how a step is
// lost.
func counting(why string) []outcome {
	return []outcome{
		{"counted", acceptable, "the step is in the result"},
		{"lost", interesting, why},
		{"invented", forbidden, "the result has steps that no thread took"},
	}
}

// counted returns how many of n steps had each of these outcomes.
func counted(n, count int) []int {
	return []int{min(n, count), max(0, n-count), max(0, count-n)}
}

// loopCase runs package loop. A try is a step.
func loopCase() raceCase {
	add := func(run func(workers, n int) int64) job {
		return func(workers, n int) ([]int, error) {
			return counted(n, int(run(workers, n)-loop.Total(workers, 0))/2), nil
		}
	}
	// A child that takes fewer steps ends its first thread before the second begins.
	const batch = 5_000_000
	c := raceCase{
		name:     "loop",
		question: "Two threads add 2 to one total, again and again (code 4.3). Is each step in the total?",
		noun:     "steps",
		outcomes: counting("two threads read the same total, and one overwrote the other's sum"),
		variants: []variant{{name: "racy", note: "each thread reads the total, adds 2, and writes it", racy: true, run: add(loop.Racy), batch: batch}},
		demo: &demo{
			what: "%d threads add 2 to one total, again and again (code 4.3)", n: 100_000_000, nRace: 200_000,
			why:     "two threads read the same total, and the one that writes last overwrites the other's sum",
			sibling: sibling{racy: "loop/racy.go", safe: "loop/global_mutex.go", decls: [][2]string{{"Racy", "runGlobalMutex"}}},
		},
	}
	for _, v := range loop.Variants {
		c.variants = append(c.variants, variant{name: v.Name, run: add(v.Run), batch: batch})
	}
	return c
}

// asyncioCase runs package asyncio. A try is a question.
func asyncioCase() raceCase {
	ask := func(racy bool, run func(db *asyncio.Database, n int) asyncio.Answer) job {
		return func(_, n int) ([]int, error) {
			db, err := asyncio.Open(context.Background(), 0)
			if err != nil {
				return nil, err
			}
			defer db.Close()
			answer := run(db, n)
			if racy && answer.Err != nil {
				return counted(n, min(answer.Right, n-1)), nil // the pool is broken: that is the outcome
			}
			if answer.Err == nil && answer.Right != n {
				answer.Err = fmt.Errorf("%d of %d answers are right", answer.Right, n)
			}
			return recorded(n, answer.Histogram), answer.Err
		}
	}
	c := raceCase{
		name: "asyncio", noun: "answers",
		outcomes: counting("two threads took the same connection, or one that was put back was lost, and the run ended early"),
		variants: []variant{{name: "racy", racy: true, run: ask(true, asyncio.Racy)}},
		demo: &demo{
			what: "128 threads share 64 connections to a database", n: 4_000, nRace: 1_000,
			why:     "two threads change the list of idle connections within the same few nanoseconds",
			sibling: sibling{racy: "asyncio/racy.go", safe: "asyncio/global_mutex.go", decls: [][2]string{{"Racy", "runGlobalMutex"}}},
		},
	}
	for _, v := range asyncio.Variants {
		c.variants = append(c.variants, variant{name: v.Name, run: ask(false, v.Run)})
	}
	return c
}

// recorded returns the outcomes of n answers. Any word of the histogram may have lost
// some.
func recorded(n int, h asyncio.Histogram) []int {
	count, buckets := int(h.Count), 0
	for _, bucket := range h.Buckets {
		buckets += int(bucket)
	}
	if count <= n {
		count = min(count, buckets)
	}
	if count == n && h != asyncio.Want(1, n).Histogram {
		count-- // the sum of the sizes lacks one, or an answer is in the wrong bucket
	}
	return counted(n, count)
}

// procsCase runs procs.Sums. A try is a step.
func procsCase() raceCase {
	add := func(v procs.Variant) job {
		return func(workers, n int) ([]int, error) {
			pool, err := v.Start(workers, procs.Word)
			if err != nil {
				return nil, err
			}
			defer pool.Close()
			sum, err := pool.Run(n)
			return counted(n, sum), err
		}
	}
	nameOf := func(v procs.Variant) string { return v.Name }
	c := raceCase{
		name: "procs", noun: "steps",
		outcomes: counting("two processes read the same word, and both wrote one more"),
		variants: []variant{{name: "racy", racy: true, run: add(named(procs.Sums, nameOf, "racy"))}},
		demo: &demo{
			what: "%d processes add 1 to one word of memory that they share, again and again", n: 20_000_000, nRace: 1_000_000, processes: true,
			why:     "as in loop: separate processes do not help, because the memory is the same",
			sibling: sibling{racy: "procs/racy.go", safe: "procs/racy.go", decls: [][2]string{{"serveRacy", "serveSumMutex"}}},
		},
	}
	for _, v := range but(procs.Sums, nameOf, "racy") {
		c.variants = append(c.variants, variant{name: v.Name, run: add(v)})
	}
	return c
}

func TestCounted(t *testing.T) {
	require.Equal(t, []int{100, 0, 0}, counted(100, 100))
	require.Equal(t, []int{97, 3, 0}, counted(100, 97))
	require.Equal(t, []int{100, 0, 3}, counted(100, 103))
}

func TestRecorded(t *testing.T) {
	lost := func(change func(h *asyncio.Histogram)) int {
		h := asyncio.Want(1, 100).Histogram
		change(&h)
		counts := recorded(100, h)
		require.Equal(t, 100, counts[0]+counts[1])
		return counts[1] - counts[2]
	}
	require.Equal(t, 0, lost(func(*asyncio.Histogram) {}))
	require.Equal(t, 3, lost(func(h *asyncio.Histogram) { h.Count -= 3 }))
	require.Equal(t, 4, lost(func(h *asyncio.Histogram) { h.Count -= 3; h.Buckets[5] -= 4 }))
	require.Equal(t, 1, lost(func(h *asyncio.Histogram) { h.Sum -= 7 }))
	require.Equal(t, 1, lost(func(h *asyncio.Histogram) { h.Buckets[5]--; h.Buckets[6]++ }))
	require.Equal(t, -2, lost(func(h *asyncio.Histogram) { h.Count += 2 }))
}
