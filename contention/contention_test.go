package contention

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite"
	"boundaries/internal/suite/suitetest"
)

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) {
	var names []string
	for _, v := range Variants {
		names = append(names, v.Name)
	}
	suitetest.Files(t, ".", names)
}

func TestMisuse(t *testing.T) {
	require.PanicsWithValue(t, "contention: 0 workers, need at least one", func() { NewTrial(Default, 0) })
	require.PanicsWithValue(t, "contention: -1 workers, need at least one", func() { NewTrial(Default, -1) })
	require.PanicsWithValue(t, "contention: -1 steps, need none or more", func() { NewTrial(Default, 1).Take(Variants[0], -1) })
	c := Default
	c.Read = 101
	for _, use := range []func(){func() { NewTrial(c, 1) }, func() { c.Workload("record", Variants) }} {
		require.PanicsWithValue(t, "contention: read is 101, want 0 to 100 percent", use)
	}
}

// Each dial has a least and a largest value. What is beyond them is refused.
func TestCheckRefusesWhatIsOutOfRange(t *testing.T) {
	for _, dial := range []struct {
		set         func(c *Case, value int)
		least, most int
		want        string
	}{
		{func(c *Case, value int) { c.Hold = time.Duration(value) }, 0, 1e9, "want 0 to 1s"},
		{func(c *Case, value int) { c.Think = time.Duration(value) }, 0, 1e9, "want 0 to 1s"},
		{func(c *Case, value int) { c.Read = value }, 0, 100, "want 0 to 100 percent"},
		{func(c *Case, value int) { c.Records = value }, 1, 32768, "want 1 to 32768"},
		{func(c *Case, value int) { c.Goroutines = value }, 1, 1024, "want 1 to 1024 for each proc"},
	} {
		check := func(value int) error {
			c := Default
			dial.set(&c, value)
			return c.Check()
		}
		require.NoError(t, check(dial.least))
		require.NoError(t, check(dial.most))
		require.ErrorContains(t, check(dial.least-1), dial.want)
		require.ErrorContains(t, check(dial.most+1), dial.want)
	}
}

// Work of 100 ns lasts 100 ns. Other work on the machine can only make it longer,
// so the shortest of many tries counts, and a busy machine gets more tries. The machine may
// also change its speed after the calibration, so one of the next five may be right.
func TestWorkLastsAsLongAsAsked(t *testing.T) {
	wrong := workThatIsOff(t)
	for try := 1; try < 6 && wrong != ""; try++ {
		wrong = workThatIsOff(t)
	}
	require.Empty(t, wrong)
}

// workThatIsOff calibrates, and says which work lasts longer or shorter than it should.
func workThatIsOff(t *testing.T) string {
	units := calibrate()
	t.Logf("%.3g ns a turn, %.3g ns a look at the clock", units.turn, units.clock)
	for _, d := range []time.Duration{100 * time.Nanosecond, time.Microsecond, 10 * time.Microsecond} {
		turns, calls := units.turns(d), int(time.Millisecond/d)
		shortest, x := math.Inf(1), uint64(0)
		for try := 0; try < 20 || try < 2000 && shortest > 1.05; try++ {
			began := time.Now()
			for range calls {
				x = spin(x, turns)
			}
			shortest = min(shortest, float64(time.Since(began))/float64(calls)/float64(d))
		}
		if math.Abs(shortest-1) > 0.05 {
			return fmt.Sprintf("work of %v takes %.3f of that, want 1 to within 5 %%", d, shortest)
		}
	}
	return ""
}

// A row reports what its goroutines measure if that differs from the dial, and nothing of
// a dial that is right.
func TestDialThatIsOffShows(t *testing.T) {
	suitetest.Guard(t, "a worker takes more steps than there are")
	hold, think := Default, Default
	hold.Hold, think.Think = time.Microsecond, time.Microsecond
	for _, test := range []struct {
		c          Case
		off, right string
	}{{hold, "hold-ns", "think-ns"}, {think, "think-ns", "hold-ns"}} {
		trial := NewTrial(test.c, 2)
		trial.workers[1].hold *= 3
		trial.workers[1].think *= 3
		trial.Take(Variants[0], 100)
		units := map[string]float64{}
		for _, m := range trial.Metrics() {
			units[m.Unit] = m.Value
		}
		require.Greater(t, units[test.off], 2000., test.off)
		require.NotContains(t, units, test.right)
	}
	require.True(t, off(100, 111) && off(100, 89))
	require.False(t, off(100, 110) || off(100, 90) || off(0, 0))
}

// The dials are measured by many calls. What is reported is the time of one.
func TestMeasureIsOfOneCall(t *testing.T) {
	var w Worker
	shortest := func(want time.Duration) time.Duration {
		shortest := time.Hour
		for range 20 {
			shortest = min(shortest, w.measure(1000, want))
		}
		return shortest
	}
	require.Less(t, shortest(100*time.Nanosecond), 5*shortest(10*time.Microsecond), "of 101 calls, and of 2")
}

// A row reports the waits of all its goroutines, the longest stall, the least and the
// largest share, and the wait for mutexes of one step.
func TestMetrics(t *testing.T) {
	trial := NewTrial(Default, 3)
	require.Equal(t, []suite.Metric{{Unit: "stall-ns"}}, trial.Metrics(), "no step is taken")

	for i, worker := range []struct {
		taken, waits int
		wait, stall  time.Duration
	}{{60, 150, 10, 7}, {10, 49, 20, 9}, {20, 1, 30, 8}} {
		w := trial.workers[i]
		w.taken, w.stall = worker.taken, worker.stall
		for range worker.waits {
			w.waits[0].note(worker.wait)
			w.waits[1].note(worker.wait + 5)
		}
	}
	trial.mutexWait = 360
	require.Equal(t, []suite.Metric{
		{Unit: "read-p50-ns", Value: 10}, {Unit: "read-p99-ns", Value: 20}, {Unit: "read-max-ns", Value: 30},
		{Unit: "update-p50-ns", Value: 15}, {Unit: "update-p99-ns", Value: 25}, {Unit: "update-max-ns", Value: 35},
		{Unit: "stall-ns", Value: 9},
		{Unit: "min-share", Value: 10. / 30}, {Unit: "max-share", Value: 60. / 30}, {Unit: "mutex-wait-ns/op", Value: 4},
	}, trial.Metrics())
}

// A row runs its case on its procs, and its workers know the work of a whole step.
func TestRowRunsItsCase(t *testing.T) {
	c := Default
	c.Hold, c.Think, c.Goroutines = 100*time.Nanosecond, 2*time.Microsecond, 2
	var trial *Trial
	spy := Variant{Run: func(t *Trial) int { trial = t; return 0 }}
	row, err := c.Workload("record", []Variant{spy}).Benches[0].Open(3)
	require.NoError(t, err)
	row.Run(0)
	require.NoError(t, row.Check(0))
	require.Equal(t, c, trial.Case)
	require.Equal(t, 3, trial.Procs)
	require.Equal(t, 6, trial.Workers())
	for _, w := range trial.workers {
		require.Equal(t, 2100*time.Nanosecond, w.work)
		require.Equal(t, calibrate().every(2100*time.Nanosecond), w.every)
	}
	for steps, most := range map[int]int{0: 1, 6*64*5 + 5: 5, 1e9: 256} {
		row.Run(steps)
		require.Equal(t, most, trial.budget.most, "a worker draws at least 64 times, and no more than 256 steps")
	}
}

// A worker that draws often draws twice as many steps as before, but no more than the most. One
// that has waited long draws one. Nobody draws what is not there.
func TestDraw(t *testing.T) {
	b := budget{most: 8}
	b.left.Store(22)
	w := Worker{budget: &b, batch: 2}
	for i, draw := range []struct {
		since time.Duration
		batch int
		left  int
	}{{-time.Hour, 4, 4}, {-time.Hour, 8, 8}, {-time.Hour, 8, 8}, {time.Hour, 1, 1}, {-time.Hour, 2, 1}, {-time.Hour, 4, 0}} {
		w.drew = now() - draw.since
		require.Equal(t, draw.left > 0, w.draw(), "draw %d", i)
		require.Equal(t, draw.batch, w.batch, "draw %d", i)
		require.Equal(t, draw.left, w.left, "draw %d", i)
	}

	const often, long = 50 * time.Microsecond, 200 * time.Microsecond
	synctest.Test(t, func(t *testing.T) {
		for since, batch := range map[time.Duration]int{often - 1: 4, often: 2, long: 2, long + 1: 1} {
			b := budget{most: 8}
			w := Worker{budget: &b, batch: 2, drew: now() - since}
			w.draw()
			require.Equal(t, batch, w.batch, "%v", since)
		}
	})
}

// Work that is shorter than a turn takes one, because no work at all is another row.
func TestTurns(t *testing.T) {
	for work, turns := range map[time.Duration]int{0: 0, 1: 1, 14: 1, 15: 2, 100: 10} {
		require.Equal(t, turns, unit{turn: 10}.turns(work), "%v", work)
	}
}

// How many steps pass between two timed ones is odd, so that in the end each step of the plan
// is timed.
func TestEvery(t *testing.T) {
	for work := range time.Duration(1000) {
		k := unit{turn: 1, clock: 30}.every(work)
		require.Equal(t, 1, k%2, "%v", work)
		require.LessOrEqual(t, 2*30/float64(k), 0.02*(float64(work)+20), "%v", work)
	}
}

// A read is wrong if one of its words differs from the others, or half of them do.
func TestAgree(t *testing.T) {
	for _, r := range []Record{{}, {1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}, {1, 1}, {2, 2, 2, 2}} {
		var w Worker
		w.Agree(r[0], r[1], r[2], r[3])
		require.Equal(t, r.Updates() < 0, w.wrong == 1, "%v", r)
	}
}

// A worker's reads of a count may not fall, nor be less than its own updates. A record
// whose words disagree at the end spoils the total.
func TestSaw(t *testing.T) {
	for _, test := range []struct{ seen, updates, count, wrong int }{{3, 2, 3, 0}, {3, 2, 4, 0}, {3, 2, 2, 1}, {1, 3, 2, 1}} {
		w := Worker{seen: int64(test.seen), updates: test.updates}
		w.Saw(int64(test.count))
		require.Equal(t, test.wrong, w.wrong, "%+v", test)
	}
	require.Equal(t, 3, Total([]Record{{1, 1, 1, 1}, {2, 2, 2, 2}}))
	require.Equal(t, -1, Total([]Record{{1, 1, 1, 2}, {5, 5, 5, 5}}))
}

func TestPlan(t *testing.T) {
	count := func(c Case, workers int) (updates []int, records map[int]int) {
		records = map[int]int{}
		for i := range workers {
			n := 0
			for _, step := range c.plan(i, workers) {
				n += int(step & 1)
				records[int(step>>1)]++
			}
			updates = append(updates, n)
		}
		return updates, records
	}
	for read := range 101 {
		c := Default
		c.Read = read
		updates, records := count(c, 3)
		require.Len(t, records, 1)
		for _, n := range updates {
			require.InDelta(t, 100-read, 100*float64(n)/planLength, 0.02)
		}
		c.Roles = "split"
		updates, _ = count(c, 4)
		updaters := 0
		for _, n := range updates {
			require.Contains(t, []int{0, planLength}, n, "a goroutine has one role")
			updaters += n / planLength
		}
		switch read {
		case 0:
			require.Equal(t, 4, updaters)
		case 100:
			require.Equal(t, 0, updaters)
		case 50:
			require.Equal(t, 2, updaters)
		default:
			require.True(t, 0 < updaters && updaters < 4, "both roles are played at read=%d", read)
		}
	}
	c := Default
	c.Read, c.Roles = 66, "split"
	updates, _ := count(c, 3)
	require.Equal(t, []int{planLength, 0, 0}, updates, "the number of readers is rounded")
	c = Default
	c.Records = maxRecords
	_, records := count(c, 9)
	require.Greater(t, len(records), 9*planLength/2)
	c.Records, c.Skew = 64, "zipf"
	_, records = count(c, 9)
	require.Greater(t, records[0], 10*records[30], "the first is much more popular than the others")
}

func TestWaits(t *testing.T) {
	for d := time.Duration(0); d < 1<<12; d++ {
		b := bucket(d)
		require.True(t, floor(b) <= d && d < floor(b+1), "%d is in bucket %d, from %d to %d", d, b, floor(b), floor(b+1))
		if d%61 == 0 {
			var one waits
			one.note(d)
			require.LessOrEqual(t, one.percentile(50), d, "no wait is longer")
			one.note(1 << 30)
			require.InDelta(t, float64(d), float64(one.percentile(50)), float64(d)/64, "the middle of its bucket")
		}
	}
	require.Equal(t, len(waits{}.buckets)-1, bucket(math.MaxInt64))
	require.Zero(t, bucket(-1))
	random := rand.New(rand.NewPCG(1, 2))
	var h, half waits
	var all []time.Duration
	for i := range 1001 {
		d := time.Duration(math.Exp(20 * random.Float64()))
		all = append(all, d)
		if i%2 == 0 {
			h.note(d)
		} else {
			half.note(d)
		}
	}
	h.add(&half)
	slices.Sort(all)
	for _, p := range []int{1, 50, 99, 100} {
		want := all[(len(all)*p+99)/100-1]
		require.InEpsilon(t, float64(want), float64(h.percentile(p)), 1.0/64, "p%d", p)
	}
	require.Equal(t, all[1000], h.longest)
	many := waits{count: 30_000_000, longest: 20} // with as many, an int of 32 bits cannot hold 99 times the count
	many.buckets[10], many.buckets[20] = 20_000_000, 10_000_000
	require.Equal(t, []time.Duration{10, 20}, []time.Duration{many.percentile(50), many.percentile(99)})
	var few waits // in buckets of 1 ns
	for _, d := range []time.Duration{10, 20, 30} {
		few.note(d)
	}
	require.Equal(t, []time.Duration{10, 20, 30}, []time.Duration{few.percentile(33), few.percentile(50), few.percentile(99)})
}

// A wait that no timed step sees shows in stall.
func TestStallSeesWhatNoTimedStepSees(t *testing.T) {
	c := Default
	trial := NewTrial(c, 1)
	trial.workers[0].every = 1 << 30
	const long = 20 * time.Millisecond
	trial.Take(Variant{Run: func(t *Trial) int {
		t.Fork(func(w *Worker) {
			for w.Next() {
				if w.taken == 500 {
					for began := now(); now()-began < long; {
					}
				}
				w.Done()
			}
		})
		return trial.workers[0].updates
	}}, 1000)
	require.NoError(t, trial.Err())
	require.Less(t, trial.workers[0].waits[0].longest+trial.workers[0].waits[1].longest, long)
	require.GreaterOrEqual(t, trial.workers[0].stall, long)
}

// The stall is the longest time between two looks at the clock, less the work of the steps.
func TestStallIsWithoutTheWork(t *testing.T) {
	w := Worker{work: 10, clock: 100, taken: 3}
	w.setClock(150)
	w.taken++
	w.setClock(165)
	require.EqualValues(t, 50-3*10, w.stall)
}

// A trial reports its last Take, to the end: what a worker waits after its last step is a
// stall, a step that has no end is wrong, and nothing of the Take before counts.
func TestReportIsOfTheLastTake(t *testing.T) {
	suitetest.Guard(t, "no goroutine has waited for a mutex")
	c := Default
	c.Read = 100
	trial := NewTrial(c, 1)
	w := trial.workers[0]
	w.every, w.work = 5, time.Hour // a step that the next Take still counts would be an hour of stall
	take := func(n int, access func()) {
		trial.Take(Variant{Run: func(t *Trial) int {
			t.Fork(func(w *Worker) {
				for w.Next() {
					access()
				}
				time.Sleep(5 * time.Millisecond)
			})
			return 0
		}}, n)
	}

	var mu sync.Mutex
	before := mutexWait()
	take(12, func() {
		w.Agree(1, 2, 2, 2)
		w.Saw(1000)
		w.stall = time.Hour
		for mutexWait()-before < 20*time.Millisecond {
			mu.Lock()
			var waiter sync.WaitGroup
			waiter.Go(func() {
				mu.Lock()
				defer mu.Unlock()
			})
			time.Sleep(time.Millisecond)
			mu.Unlock()
			waiter.Wait()
		}
		if w.taken == 1 {
			w.Done()
		}
	})
	require.EqualError(t, trial.Err(), "2 timed steps have no end: each step must call Done\n"+
		"12 of 12 reads saw words that disagree, or a count that went back")
	waited := trial.mutexWait
	require.Positive(t, waited)
	sample := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(sample)
	require.InDelta(t, sample[0].Value.Float64(), mutexWait().Seconds(), 0.01, "no goroutine has waited since")

	take(7, func() {
		w.Saw(0)
		w.Done()
	})
	require.NoError(t, trial.Err())
	require.Equal(t, 2, w.waits[0].count)
	require.GreaterOrEqual(t, w.stall, 5*time.Millisecond)
	require.Less(t, w.stall, time.Hour)
	require.Less(t, trial.mutexWait, waited)
}

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0": 0, "300ns": 300, "1us": 1000, "1.5us": 1500, "2ms": 2e6,
	} {
		require.Equal(t, want, duration(d))
	}
}

// Worked reports whether the trial's one worker has done the work of each step once: that of
// hold, or without one the look at a count.
func (t *Trial) Worked() bool {
	w := t.workers[0]
	return w.state == spin(0, w.hold*w.taken) && (w.hold > 0 || w.seen > 0)
}

func ExampleCase_String() {
	c := Default
	c.Hold = 300 * time.Nanosecond
	fmt.Println(c)
	// Output: hold=300ns/think=0/read=95/records=1/skew=none/roles=mixed/goroutines=1
}
