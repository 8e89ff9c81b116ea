package races

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/refcount"
	"boundaries/workerpool"
)

// Nothing here runs a racy variant: see the tests of the whole suite, which do so in
// children.

// safeTries is how many tries each safe variant gets here. The tour makes at least
// a hundred times as many.
var safeTries = 100_000

// No outcome is forbidden that occurs.
func TestSafeVariants(t *testing.T) {
	for _, c := range Cases() {
		for _, v := range c.Variants {
			if v.Racy {
				continue
			}
			t.Run(c.Name+"/"+v.Name, func(t *testing.T) {
				for _, n := range []int{1, cells - 1, cells, cells + 1, safeTries} {
					h := v.Run(n)
					require.GreaterOrEqual(t, h.Tries(), n)
					require.Less(t, h.Tries(), n+cells)
					require.Zero(t, h.Of(Forbidden), "%s", h)
					require.Zero(t, h.Of(Interesting), "%s", h)
				}
			})
		}
	}
}

func TestCases(t *testing.T) {
	for _, c := range Cases() {
		require.True(t, c.Variants[0].Racy)
		safe := false
		for _, v := range c.Variants {
			require.Equal(t, strings.HasPrefix(v.Name, "racy"), v.Racy)
			require.False(t, safe && v.Racy, "%s comes after one that is safe", v.Name)
			safe = !v.Racy
			none := v.Run(0)
			require.Zero(t, none.Tries())
			interesting := false
			for _, o := range none {
				require.NotEmpty(t, o.Why)
				interesting = interesting || o.Grade == Interesting
			}
			require.Equal(t, v.Racy, interesting)
			require.Equal(t, v.Racy, v.Note != "")
			require.Equal(t, Acceptable, none[0].Grade)
		}
		require.True(t, safe, "nothing mends %s", c.Name)
	}
}

// judged runs what a case makes of something wrong, which has no race.
func judged(run func(*Variant, int) Histogram, tries int) string {
	text := ""
	for _, o := range run(&Variant{}, tries) {
		text += fmt.Sprintf("%s %d %v, ", o.Name, o.Count, o.Grade)
	}
	return text
}

// Each judge sees what is wrong.
func TestJudges(t *testing.T) {
	forgetful := func(finalize func(string)) refcount.Heap {
		return &deafHeap{Heap: refcount.Variants[2].New(finalize)}
	}
	require.Equal(t, "5 0 acceptable, 4 2048 forbidden, other 0 forbidden, ", judged(meetAtCount(forgetful), 2*cells))
	counting := func(finalize func(string)) refcount.Heap {
		return &deafHeap{Heap: refcount.Variants[2].New(finalize), twice: true}
	}
	require.Equal(t, "5 0 acceptable, 4 0 forbidden, other 1024 forbidden, ", judged(meetAtCount(counting), cells))

	lost := func(workers, n int) int64 {
		require.Equal(t, 2, workers)
		return 1 + 2*int64(n-3)
	}
	require.Equal(t, "counted 97 acceptable, lost 3 forbidden, invented 0 forbidden, ", judged(addTogether(lost), 100))
	invented := func(_, n int) int64 { return 1 + 2*int64(n+3) }
	require.Equal(t, "counted 100 acceptable, lost 0 forbidden, invented 3 forbidden, ", judged(addTogether(invented), 100))

	show := func(s *stand) { s.atomic.Store(&s.object) }
	look := func(s *stand) *object {
		for s.atomic.Load() == nil {
			runtime.Gosched()
		}
		return s.atomic.Load()
	}
	require.Equal(t, "nothing 0 acceptable, whole 0 acceptable, half 1024 forbidden, ", judged(publish("", show, look), cells))
	blind := func(*stand) *object { return nil }
	require.Equal(t, "nothing 1024 acceptable, whole 0 acceptable, half 0 forbidden, ", judged(publish("", show, blind), cells))
	early := func(s *stand) *object { o := &object{}; o.fill(); return o }
	require.Equal(t, "nothing 0 acceptable, whole 1024 acceptable, half 0 forbidden, ", judged(publish("", show, early), cells))

	for down, want := range []string{
		"one up 0 acceptable, both up 0 acceptable, both down 1024 forbidden, ",
		"one up 1024 acceptable, both up 0 acceptable, both down 0 forbidden, ",
		"one up 0 acceptable, both up 1024 acceptable, both down 0 forbidden, ",
	} {
		require.Equal(t, want, judged(raise(func(_ *flagpole, me int) int {
			if me < down {
				return 1
			}
			return 0
		}), cells))
	}

	sloppy := func(workers int) workerpool.Pool {
		require.Equal(t, 2, workers)
		return &sloppyPool{Pool: workerpool.Variants[2].New(workers)}
	}
	require.Equal(t, "once 80 acceptable, never 10 forbidden, again 10 forbidden, ", judged(handOver(sloppy), 100))
}

// What one round has left does not come into the next.
func TestEveryRoundBeginsAnew(t *testing.T) {
	shown, looked := map[*stand]int{}, map[*stand]int{} // in which round; each is one thread's
	show := func(s *stand) {
		shown[s]++
		s.mu.Lock()
		defer s.mu.Unlock()
		switch shown[s] {
		case 1:
			s.object.fill()
			fallthrough
		case 2:
			s.plain = &s.object
			s.atomic.Store(&s.object)
		}
	}
	look := func(s *stand) *object {
		looked[s]++
		for {
			s.mu.Lock()
			plain, atomic := s.plain, s.atomic.Load()
			s.mu.Unlock()
			if looked[s] == 3 || plain != nil {
				require.Equal(t, plain, atomic)
				return plain
			}
			runtime.Gosched()
		}
	}
	require.Equal(t, "nothing 1024 acceptable, whole 1024 acceptable, half 1024 forbidden, ", judged(publish("", show, look), 3*cells))

	raised := [2]map[*flagpole]int{{}, {}}
	require.Equal(t, "one up 0 acceptable, both up 0 acceptable, both down 2048 forbidden, ", judged(raise(func(p *flagpole, me int) int {
		raised[me][p]++
		if raised[me][p] == 2 {
			return p.plain[1-me].up + int(p.atomic[1-me].up.Load()) // of the round before
		}
		p.plain[me].up = 1
		p.atomic[me].up.Store(1)
		return 0
	}), 2*cells))
}

// A deafHeap has a second handle whose takes do not count, or count twice.
type deafHeap struct {
	refcount.Heap
	handles int
	twice   bool
}

func (h *deafHeap) Handle() refcount.Handle {
	h.handles++
	if h.handles == 2 {
		return &deafHandle{h.Heap.Handle(), h.twice}
	}
	return h.Heap.Handle()
}

type deafHandle struct {
	refcount.Handle
	twice bool
}

func (h *deafHandle) Incref(r refcount.Ref) {
	if h.twice {
		h.Handle.Incref(r)
		h.Handle.Incref(r)
	}
}

// A sloppyPool drops a task of ten and runs another twice.
type sloppyPool struct {
	workerpool.Pool
	n int
}

func (p *sloppyPool) Submit(ctx context.Context, task workerpool.Task) error {
	p.n++
	switch p.n % 10 {
	case 3:
		return nil
	case 7:
		if err := p.Pool.Submit(ctx, task); err != nil {
			return err
		}
	}
	return p.Pool.Submit(ctx, task)
}

// A pool that waits for ever for a task that it has lost does not hold up a racy
// variant.
func TestRacyPoolMayNotEnd(t *testing.T) {
	for _, stuck := range []int{1, 90, 200} {
		block := make(chan struct{})
		newPool := func(workers int) workerpool.Pool {
			return &stuckPool{Pool: workerpool.Variants[2].New(workers), stuck: stuck, block: block}
		}
		h := handOver(newPool)(&Variant{Racy: true}, 100)
		want := min(stuck-1, 100)
		require.Equal(t, Histogram{
			{h[0].Name, Acceptable, h[0].Why, want}, {h[1].Name, Interesting, h[1].Why, 100 - want}, {h[2].Name, Interesting, h[2].Why, 0},
		}, h)
		close(block)
	}
}

// What is stuck is told from what is done, and from what gets no processor.
func TestUntilStill(t *testing.T) {
	nothing := func() int { return 0 }
	require.True(t, UntilStill(func() {}, nothing))
	require.True(t, UntilStill(func() { time.Sleep(20 * time.Millisecond) }, nothing))

	block := make(chan struct{})
	require.False(t, UntilStill(func() { <-block }, nothing))
	close(block)

	var stop atomic.Bool
	defer stop.Store(true)
	spin := func() {
		for !stop.Load() {
		}
	}
	require.False(t, UntilStill(spin, nothing))
	var looks int
	require.False(t, UntilStill(spin, func() int { looks++; return min(looks, 10) }))
	require.Greater(t, looks, 10, "there was progress until then")
}

func TestStuck(t *testing.T) {
	for _, test := range []struct {
		name        string
		before, now sight
		want        bool
	}{
		{"gets no processor", sight{7, false, time.Second}, sight{7, false, time.Second}, false},
		{"gets little of one", sight{7, false, time.Second}, sight{7, false, 1199 * time.Millisecond}, false},
		{"gets nowhere", sight{7, false, time.Second}, sight{7, false, 1200 * time.Millisecond}, true},
		{"gets on", sight{7, false, time.Second}, sight{8, false, 2 * time.Second}, false},
		{"waits", sight{7, true, time.Second}, sight{7, true, time.Second}, true},
		{"waits now and then", sight{7, true, time.Second}, sight{7, false, time.Second}, false},
		{"waits from now on", sight{7, false, time.Second}, sight{7, true, time.Second}, false},
		{"has waited", sight{7, true, time.Second}, sight{8, true, time.Second}, false},
	} {
		require.Equal(t, test.want, test.now.stuck(test.before), test.name)
	}
}

type stuckPool struct {
	workerpool.Pool
	n, stuck int
	block    chan struct{}
}

func (p *stuckPool) Submit(ctx context.Context, task workerpool.Task) error {
	if p.n++; p.n >= p.stuck {
		<-p.block
		return errors.New("stuck")
	}
	return p.Pool.Submit(ctx, task)
}

func (p *stuckPool) Wait() error {
	<-p.block
	return p.Pool.Wait()
}

// Two goroutines that meet see what the other has written before.
func TestMeetingPoint(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		var p meetingPoint
		var words [2]int // in turn each other's
		var second sync.WaitGroup
		const n = 500
		go1 := func(me int) {
			for i := range n {
				words[me] = i
				p.meet()
				if words[1-me] != i {
					t.Errorf("%d: %d", i, words[1-me])
				}
				p.meet()
			}
		}
		second.Go(func() { go1(1) })
		go1(0)
		second.Wait()
	}
}

// The one that is early waits for the other, and meets it at every cell.
func TestBothThreadsComeToEveryCell(t *testing.T) {
	var came [2][cells]int
	var begun atomic.Int64
	h := Histogram{{Name: "both"}}
	collide(3*cells, h, meeting{
		reset: func(cell int) {
			require.Equal(t, came[0][cell], came[1][cell])
			begun.Add(1)
		},
		actors: [2]func(cell int){
			func(cell int) { came[0][cell]++ },
			func(cell int) { came[1][cell]++; time.Sleep(time.Microsecond) },
		},
		judge: func(cell int) string {
			require.EqualValues(t, came[0][cell]*cells, begun.Load())
			require.Equal(t, came[0][cell], came[1][cell])
			return "both"
		},
	})
	require.Equal(t, 3*cells, h.Tries())
	require.Equal(t, 3, came[0][cells-1])
	require.PanicsWithValue(t, "races: no outcome has the name spam", func() {
		collide(1, h, meeting{
			reset:  func(int) {},
			actors: [2]func(int){func(int) {}, func(int) {}},
			judge:  func(int) string { return "spam" },
		})
	})
}

func TestHistogram(t *testing.T) {
	h := Histogram{
		{"both", Acceptable, "as it should be", 1234567},
		{"one", Interesting, "the other is lost", 89},
		{"neither", Forbidden, "that cannot be", 0},
	}
	require.Equal(t, ""+
		"  outcome  how often    share         grade  what happened\n"+
		"     both  1,234,567  99.99 %    acceptable  as it should be\n"+
		"      one         89   0.01 %   interesting  the other is lost\n"+
		"  neither          0      0 %     forbidden  that cannot be\n", h.String())
	require.Equal(t, 1234656, h.Tries())
	require.Equal(t, 89, h.Of(Interesting))
	require.Zero(t, h.Of(Forbidden))
}

// A share never looks like nothing or everything when it is neither.
func TestShare(t *testing.T) {
	for _, test := range []struct {
		part, whole int
		want        string
	}{
		{0, 0, "0 %"}, {0, 7, "0 %"}, {7, 7, "100 %"}, {1, 3, "33.33 %"}, {2, 3, "66.67 %"},
		{1, 100_000, "0.001 %"}, {99_999, 100_000, "99.999 %"}, {999_999_999, 1_000_000_000, "99.9999999 %"}, {1, 1_000_000_000, "0.0000001 %"},
	} {
		require.Equal(t, test.want, share(test.part, test.whole))
	}
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", -1234: "-1,234", -123: "-123", 10_000_384: "10,000,384"} {
		require.Equal(t, want, Grouped(n))
	}
}

// Every discipline of package refcount is replayed, comes to the right count, and
// at each time to the same table.
func TestReplay(t *testing.T) {
	names := map[string]bool{}
	for _, d := range disciplines {
		names[d.name] = true
		first := d.replay()
		for range 20 {
			require.Equal(t, first.String(), d.replay().String())
		}
		switch d.name {
		case "racy":
			require.Equal(t, "4", first.count)
		case "private":
			require.Equal(t, immortal, first.count)
		default:
			require.Equal(t, "5", first.count)
		}
		require.Equal(t, d.name == "cas", first.retried > 0, d.name)
		require.Equal(t, d.name == "gil" || d.name == "global-mutex" || d.name == "sharded-lock", first.waited > 0, d.name)
		for line := range strings.Lines(first.String()) {
			require.Equal(t, strings.TrimRight(line, " \n")+"\n", line)
		}
	}
	for _, v := range refcount.Variants[1:] {
		require.True(t, names[v.Name], v.Name)
	}
	require.Len(t, names, len(refcount.Variants)+1) // with racy and cas, without serial
}

// Threads that wait for each other are found out.
func TestReplayThatDoesNotEnd(t *testing.T) {
	deadlock := discipline{name: "deadlock", start: func() ([2]func(step), func() string) {
		var locks [2]sync.Mutex
		thread := func(me int) func(step) {
			return func(say step) {
				locks[me].Lock()
				say("takes its lock")
				for !locks[1-me].TryLock() {
					say("waits for the other's")
				}
			}
		}
		return [2]func(step){thread(0), thread(1)}, func() string { return "" }
	}}
	require.PanicsWithValue(t, "races: the replay of deadlock does not end", func() { deadlock.replay() })
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestReplayReturnsTheErrorOfItsWriter(t *testing.T) {
	require.ErrorIs(t, Replay(full{}), os.ErrClosed)
	require.EqualError(t, Replay(full{}), "races: writing a replay: file already closed")
}
