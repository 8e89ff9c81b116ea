package explore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/explore"
	"boundaries/internal/explore/hook/atomic"
	"boundaries/internal/explore/hook/channel"
	"boundaries/internal/explore/hook/runtime"
	"boundaries/internal/explore/hook/sync"
	"boundaries/internal/suite/suitetest"
)

// increments is the race of the article's figure 4.1.2: each actor reads a count and
// then writes what it has read plus one.
func increments(actors int) explore.Program {
	return explore.Program{Name: "read, add, write", Start: func(r *explore.Run) {
		var count atomic.Int64
		for i := range actors {
			r.Actor(fmt.Sprint("thread ", i+1), func() {
				x := count.Load()
				count.Store(x + 1)
			})
		}
		r.End(func() error {
			if n := count.Load(); n != int64(actors) {
				return fmt.Errorf("the count is %d and should be %d", n, actors)
			}
			return nil
		})
	}}
}

func ExampleProgram_Explore() {
	for _, actors := range []int{2, 3} {
		p := increments(actors)
		p.All = true
		res := p.Explore()
		fmt.Printf("%d actors: %d of %d orders lose an update\n", actors, res.Failed, res.Orders)
	}
	fmt.Println(increments(2).Explore().Failure)
	// Output:
	// 2 actors: 4 of 6 orders lose an update
	// 3 actors: 84 of 90 orders lose an update
	// the count is 1 and should be 2
	// order ABBA
	//   step  A: thread 1                   B: thread 2
	//      1  increments: count.Load() = 0
	//      2                                increments: count.Load() = 0
	//      3                                increments: count.Store(1)
	//      4  increments: count.Store(1)
}

// Replay fails in the order that fails, and not in another.
func TestReplay(t *testing.T) {
	found := increments(2).Explore().Failure
	again := increments(2).Replay(found.Order)
	require.Equal(t, found.Error(), again.Error())
	require.Nil(t, increments(2).Replay("AABB"))
	for order, want := range map[string]string{
		"AAA":  "explore: read, add, write cannot be in the order AAA: actor A cannot take step 3",
		"ABBC": "explore: read, add, write cannot be in the order ABBC: actor C cannot take step 4",
		"ABB":  "explore: read, add, write cannot be in the order ABB: it goes on after step 3",
		"AxB":  `explore: "AxB" is not an order: it has 'x'`,
		"A8":   `explore: "A8" is not an order: it has '8'`, // a step goes at most 8 ways, from 0
	} {
		require.PanicsWithValue(t, want, func() { increments(2).Replay(order) })
	}
	goleak.VerifyNone(t)
}

// Random programs have the same ends, and the same failures, whether every order is
// run or one of each class. The classes stand for as many orders as there are.
func TestClassesStandForAllOrders(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 17))
		actors := 2 + random.IntN(2)
		steps := 4 - actors/2 - random.IntN(2) // 3 actors: 2 or 3 steps
		code := make([][]int, actors)
		for a := range code {
			for range steps {
				code[a] = append(code[a], random.IntN(15))
			}
		}
		var ends map[string]int
		p := explore.Program{Name: fmt.Sprint("program ", seed), Start: func(r *explore.Run) {
			var words [2]atomic.Int64
			var mu sync.Mutex
			cond := sync.Cond{L: &mu}
			tokens := make(chan int, 1)
			seen := make([][]int64, actors)
			for a, ops := range code {
				r.Actor(fmt.Sprint(a), func() {
					held := false
					for _, op := range ops {
						w := &words[op%2]
						switch op / 2 {
						case 0:
							seen[a] = append(seen[a], w.Load())
						case 1:
							w.Store(int64(a + 1))
						case 2:
							seen[a] = append(seen[a], w.Add(10))
						case 3:
							if w.CompareAndSwap(0, 7) {
								seen[a] = append(seen[a], -1)
							}
						case 4:
							if !held {
								mu.Lock()
							} else {
								mu.Unlock()
							}
							held = !held
						case 5:
							if op%2 == 0 && channel.Select(true, channel.ToSend(tokens, 1)) == 0 {
								seen[a] = append(seen[a], -2)
							} else if op%2 == 1 {
								channel.Receive(tokens)
							}
						case 6:
							if op%2 == 0 {
								cond.Broadcast()
							} else if held {
								cond.Wait()
							}
						case 7:
							for w.Load() == 0 {
								runtime.Gosched()
							}
						}
					}
					if held {
						mu.Unlock()
					}
				})
			}
			r.End(func() error {
				ends[fmt.Sprint(words[0].Load(), words[1].Load(), seen)]++
				return nil
			})
		}}
		explore := func(all bool) (explore.Result, []string) {
			ends = map[string]int{}
			p.All = all
			res := p.Explore()
			var keys []string
			for end := range ends {
				keys = append(keys, end)
			}
			slices.Sort(keys)
			return res, keys
		}
		every, everyEnd := explore(true)
		classes, classEnd := explore(false)
		if every.Failure != nil {
			require.NotNil(t, classes.Failure, "%s %v: only some orders fail, and none of those that stand for them\n%v", p.Name, code, every.Failure)
			continue
		}
		require.Nil(t, classes.Failure, "%s %v", p.Name, code)
		require.Equal(t, everyEnd, classEnd, "%s %v", p.Name, code)
		require.Equal(t, float64(every.Orders), classes.StandFor, "%s %v: %+v", p.Name, code, classes)
		require.LessOrEqual(t, classes.Orders, every.Orders)
	}
}

// The invariant is checked in every state between two steps, and not only at the end.
func TestInvariantIsCheckedInEveryState(t *testing.T) {
	res := explore.Program{Name: "two words", Start: func(r *explore.Run) {
		var a, b atomic.Bool
		r.Actor("a", func() { a.Store(true); a.Store(false) })
		r.Actor("b", func() { b.Store(true); b.Store(false) })
		r.Always(func() error {
			if a.Load() && b.Load() {
				return errors.New("both are set")
			}
			return nil
		})
	}}.Explore()
	require.EqualError(t, res.Failure.Err, "both are set")
	require.Equal(t, "AB", res.Failure.Order)
}

// These programs fail by something other than a wrong value.
func TestFailures(t *testing.T) {
	suitetest.Guard(t, "an exploration does not report a program that hangs")
	var word, other atomic.Int64
	for _, test := range []struct {
		name  string
		start func(*explore.Run)
		want  string
	}{
		{"panic", func(r *explore.Run) {
			r.Actor("a", func() { word.Load(); panic("oh") })
		}, "a: panic: oh"},
		{"deadlock", func(r *explore.Run) {
			var m, n sync.Mutex
			r.Actor("a", func() { m.Lock(); n.Lock(); word.Load(); n.Unlock(); m.Unlock() })
			r.Actor("b", func() { n.Lock(); m.Lock(); word.Load(); m.Unlock(); n.Unlock() })
		}, "no actor can go on: a waits in Lock, b waits in Lock"},
		{"lost wake-up", func(r *explore.Run) {
			var m sync.Mutex
			c := sync.Cond{L: &m}
			r.Actor("a", func() { m.Lock(); c.Wait(); m.Unlock() })
			r.Actor("b", func() { c.Signal() })
		}, "no actor can go on: a waits in Wait"},
		{"spins", func(r *explore.Run) {
			var never atomic.Bool
			r.Actor("a", func() {
				for !never.Load() {
					runtime.Gosched()
				}
			})
			r.Actor("b", func() { other.Add(1) })
		}, "no actor can go on: a spins before Load"},
		{"endless", func(r *explore.Run) {
			r.Actor("a", func() {
				for {
					word.Add(1)
				}
			})
		}, fmt.Sprintf("the program has not ended after %d steps", explore.MaxSteps)},
		{"exit", func(r *explore.Run) {
			r.Actor("a", func() { goruntime.Goexit() })
		}, "a: it ended in runtime.Goexit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := explore.Program{Name: test.name, Start: test.start}.Explore()
			require.EqualError(t, res.Failure.Err, test.want)
		})
	}
}

// A bound leaves out the orders with more changes of turn.
func TestBound(t *testing.T) {
	p := increments(3)
	p.All = true
	all := p.Explore()
	p.All, p.Preemptions = false, 1
	res := p.Explore()
	require.Less(t, res.Orders, all.Orders)
	require.NotNil(t, res.Failure, "one change of turn loses an update")
	require.Equal(t, "AABCCB", res.Failure.Order, "B loses the turn, once")
	p.All = true
	// 6 orders without a preemption. With one, the first actor loses the turn in 12, and
	// the second in 6.
	require.Equal(t, 6+12+6, p.Explore().Orders)
}

// An exploration that gives up says so.
func TestGivenUp(t *testing.T) {
	defer func(n int) { explore.MaxRuns = n }(explore.MaxRuns)
	p := increments(3)
	p.All = true
	for _, explore.MaxRuns = range []int{89, 90} {
		res := p.Explore()
		require.Equal(t, explore.MaxRuns, res.Orders)
		require.Equal(t, explore.MaxRuns < 90, res.GivenUp)
	}
}

// A table names an operation as the source does, with its arguments and its result, and what
// was unlocked after it.
func TestTable(t *testing.T) {
	res := explore.Program{Name: "table", Start: func(r *explore.Run) {
		var mu sync.Mutex
		var words [2]atomic.Int64
		var set atomic.Bool
		var at atomic.Pointer[int]
		cond := sync.Cond{L: &mu}
		tokens := make(chan int, 1)
		r.Actor("a", func() {
			mu.Lock()
			words[words[0].Load()+1].Add(-3)
			mu.Unlock()
			set.CompareAndSwap(true, false)
			x, y := new(int), new(int)
			at.Store(x)
			at.CompareAndSwap(y, nil)
			at.CompareAndSwap(x, nil)
			channel.Send(tokens, 7)
			cond.Broadcast()
			channel.Close(tokens)
		})
		r.End(func() error { return errors.New("all is well") })
	}}.Explore()
	require.Equal(t, `  step  A: a
     1  TestTable: mu.Lock()
     2  TestTable: words[0].Load() = 0
     3  TestTable: words[words[0].Load()+1].Add(-3) = -3; Unlock
     4  TestTable: set.CompareAndSwap(true, false) = false
     5  TestTable: at.Store(p1)
     6  TestTable: at.CompareAndSwap(p2, nil) = false
     7  TestTable: at.CompareAndSwap(p1, nil) = true
     8  TestTable: send(tokens, 7)
     9  TestTable: cond.Broadcast()
    10  TestTable: close(tokens)
`, res.Failure.Table)
}
