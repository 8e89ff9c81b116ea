package noise

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"boundaries/internal/benchfile"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// A run of 200 ms of a row of two procs on two processors, which nothing disturbs.
func quiet() Signals {
	return Signals{Procs: 2, Processors: 2, Wall: 200 * ms, Probe: 105 * time.Microsecond, Probed: 2,
		Own: 390 * ms, Foreign: 5 * ms, Idle: 5 * ms, Others: true, Waited: 3 * ms, Waits: true, Switches: 4}
}

func TestJudge(t *testing.T) {
	const fastest = 100 * time.Microsecond
	for name, c := range map[string]struct {
		change func(*Signals)
		times  float64
		why    string
	}{
		"quiet":                               {func(*Signals) {}, 1, ""},
		"a slow processor":                    {func(s *Signals) { s.Probe = 128 * time.Microsecond }, 1.28, "a processor 1.28 times as slow, 4 involuntary switches"},
		"a processor that is a little slower": {func(s *Signals) { s.Probe, s.Waited = 114*time.Microsecond, 56*ms }, 1, ""},
		"a neighbor takes a third": {func(s *Signals) { s.Own, s.Foreign, s.Waited, s.Switches = 266*ms, 134*ms, 133*ms, 40 }, 1.5,
			"others used 0.67 processors, 40 involuntary switches"},
		"others have room":                   {func(s *Signals) { s.Procs, s.Own, s.Foreign = 1, 199*ms, 190*ms }, 1, ""},
		"its threads wait for each other":    {func(s *Signals) { s.Own, s.Waited, s.Foreign = 100*ms, 80*ms, 4*ms }, 1, ""},
		"stolen":                             {func(s *Signals) { s.Stolen = 100 * ms }, 1 / 0.75, "25 % stolen by the host, 4 involuntary switches"},
		"a twentieth stolen":                 {func(s *Signals) { s.Stolen = 20 * ms }, 1 / 0.95, "5 % stolen by the host, 4 involuntary switches"},
		"little stolen from a long run":      {func(s *Signals) { s.Wall, s.Own, s.Stolen = 2*time.Second, 3900*ms, 30*ms }, 1, ""},
		"one tick stolen":                    {func(s *Signals) { s.Stolen = 10 * ms }, 1, ""},
		"one tick of a short run stolen":     {func(s *Signals) { s.Wall, s.Stolen = 20*ms, 10*ms }, 1, ""},
		"more stolen than the run has":       {func(s *Signals) { s.Procs, s.Stolen = 1, 400*ms }, 10, "200 % stolen by the host, 4 involuntary switches"},
		"as much stolen as the run has":      {func(s *Signals) { s.Stolen = 400 * ms }, 10, "100 % stolen by the host, 4 involuntary switches"},
		"one tick of others in a short run":  {func(s *Signals) { s.Wall, s.Own, s.Foreign, s.Waited = 20*ms, 26*ms, 10*ms, 10*ms }, 1, ""},
		"two ticks of others in a short run": {func(s *Signals) { s.Wall, s.Own, s.Foreign, s.Waited, s.Switches = 40*ms, 52*ms, 20*ms, 20*ms, 0 }, 1.38, "others used 0.50 processors"},
		"others used all, outside":           {func(s *Signals) { s.Outside, s.Own, s.Foreign, s.Idle, s.Switches = true, 4*ms, 396*ms, 0, 0 }, 10, "others used 1.98 processors"},
		"stolen from one proc of two":        {func(s *Signals) { s.Procs, s.Stolen = 1, 50*ms }, 1 / 0.75, "25 % stolen by the host, 4 involuntary switches"},
		"all at once": {func(s *Signals) { s.Probe, s.Foreign, s.Waited, s.Stolen = 150*time.Microsecond, 134*ms, 60*ms, 40*ms }, 1.5,
			"a processor 1.50 times as slow, 10 % stolen by the host, others used 0.67 processors, 4 involuntary switches"},
		"oversubscribed, quiet":               {func(s *Signals) { s.Procs, s.Waited, s.Switches = 8, 1200*ms, 300 }, 1, ""},
		"oversubscribed, stolen":              {func(s *Signals) { s.Procs, s.Stolen = 8, 100*ms }, 1 / 0.75, "25 % stolen by the host, 4 involuntary switches"},
		"oversubscribed, a neighbor":          {func(s *Signals) { s.Procs, s.Own, s.Foreign, s.Idle, s.Switches = 8, 320*ms, 80*ms, 0, 0 }, 1.25, "others used 0.40 processors"},
		"oversubscribed, room for a neighbor": {func(s *Signals) { s.Procs, s.Own, s.Foreign, s.Idle = 8, 200*ms, 80*ms, 120*ms }, 1, ""},
		"outside, others have room":           {func(s *Signals) { s.Outside, s.Procs, s.Own, s.Foreign, s.Switches = true, 1, 199*ms, 200*ms, 0 }, 1, "others used 1.00 processors"},
		"outside, others used a twentieth":    {func(s *Signals) { s.Outside, s.Own, s.Foreign, s.Idle, s.Switches = true, 380*ms, 20*ms, 0, 0 }, 1 / 0.95, "others used 0.10 processors"},
		"outside, others used little":         {func(s *Signals) { s.Outside, s.Wall, s.Own, s.Foreign, s.Idle = true, 2*time.Second, 3970*ms, 30*ms, 0 }, 1, ""},
		"outside, quiet":                      {func(s *Signals) { s.Outside, s.Waited = true, 0 }, 1, ""},
		"outside, a neighbor":                 {func(s *Signals) { s.Outside, s.Own, s.Foreign, s.Waited, s.Switches = true, 266*ms, 134*ms, 0, 0 }, 1.5, "others used 0.67 processors"},
		"only switches are known, quiet":      {func(s *Signals) { s.Others, s.Waits = false, false }, 1, ""},
		"oversubscribed, only switches":       {func(s *Signals) { s.Procs, s.Others, s.Waits, s.Switches = 8, false, false, 60 }, 1, ""},
		"only switches are known":             {func(s *Signals) { s.Others, s.Waits, s.Switches = false, false, 60 }, 1.45, "threads lost their processor, 60 involuntary switches"},
		"few switches":                        {func(s *Signals) { s.Others, s.Waits, s.Switches = false, false, 39 }, 1, ""},
		"switches enough":                     {func(s *Signals) { s.Others, s.Waits, s.Switches = false, false, 40 }, 1.3, "threads lost their processor, 40 involuntary switches"},
		"a neighbor, and no waits are known":  {func(s *Signals) { s.Own, s.Foreign, s.Waits, s.Waited, s.Switches = 266*ms, 134*ms, false, 0, 60 }, 1.45, "threads lost their processor, 60 involuntary switches"},
		"waits alone are known":               {func(s *Signals) { s.Others, s.Waited = false, 100*ms }, 1, ""},
		"one switch":                          {func(s *Signals) { s.Probe, s.Switches = 128*time.Microsecond, 1 }, 1.28, "a processor 1.28 times as slow, 1 involuntary switch"},
		"no time at all":                      {func(s *Signals) { s.Wall = 0 }, 1, ""},
	} {
		s := quiet()
		c.change(&s)
		times, why := s.Judge(fastest)
		assert.InDelta(t, c.times, times, 0.01, name)
		assert.Equal(t, c.why, why, name)
	}
	times, _ := quiet().Judge(0)
	assert.Equal(t, 1.0, times, "before anything is known")
}

// A run in another process is compared with the fastest computation of as many before it.
func TestJudgeOutside(t *testing.T) {
	fastest := Fastest{}
	for i, c := range []struct {
		probed  int
		probe   time.Duration
		foreign time.Duration
		times   float64
	}{{2, 200, 0, 1}, {2, 150, 0, 1}, {2, 240, 0, 1.6}, {1, 100, 0, 1}, {2, 180, 0, 1.2}, {2, 150, 134 * ms, 1.5}} {
		s := quiet()
		s.Probed, s.Probe, s.Own, s.Foreign, s.Idle, s.Waited = c.probed, c.probe, 400*ms-c.foreign, c.foreign, 0, 0
		times, _ := fastest.JudgeOutside(s)
		assert.InDelta(t, c.times, times, 0.01, i)
	}
}

// A run in another process does not lose what others use while a processor is idle.
func TestJudgeOutsideBesideIdleProcessors(t *testing.T) {
	for idle, times := range map[time.Duration]float64{39 * ms: 1.5, 41 * ms: 1} { // a tenth of two processors' 200 ms is 40
		s := quiet()
		s.Outside, s.Own, s.Foreign, s.Idle = true, 226*ms, 134*ms, idle
		got, _ := s.Judge(0)
		assert.InDelta(t, times, got, 0.01, idle)
	}
}

func TestUntil(t *testing.T) {
	now := time.Now()
	a := counters{at: now, own: 1 * time.Second, busy: 2 * time.Second, idle: 3 * time.Second, hasBusy: true, waited: ms, hasWaited: true, switches: 7}
	b := counters{at: now.Add(200 * ms), own: 1300 * ms, busy: 2350 * ms, idle: 3050 * ms, hasBusy: true, stolen: 10 * ms, waited: 31 * ms, hasWaited: true, switches: 9}
	assert.Equal(t, Signals{Wall: 200 * ms, Own: 300 * ms, Foreign: 50 * ms, Idle: 50 * ms, Others: true, Waited: 30 * ms, Waits: true, Stolen: 10 * ms, Switches: 2}, a.until(b))
	s := b.until(a) // what a clock that steps back would make of it
	assert.Zero(t, s.Own+s.Foreign+s.Idle+s.Waited+s.Stolen)
	assert.Zero(t, s.Switches)
	b.hasBusy, b.hasWaited = false, false
	for _, s := range []Signals{a.until(b), b.until(a)} {
		assert.False(t, s.Others || s.Waits)
	}
}

// Others cannot use more time than the run leaves them, although ticks of 10 ms say so.
func TestPossible(t *testing.T) {
	for foreign, want := range map[time.Duration]time.Duration{0: 0, 5 * ms: 5 * ms, 40 * ms: 8 * ms} {
		assert.Equal(t, want, Signals{Wall: 6 * ms, Processors: 2, Own: 4 * ms, Foreign: foreign}.possible())
	}
	assert.Zero(t, Signals{Wall: 6 * ms, Processors: 1, Own: 7 * ms, Foreign: 10 * ms}.possible())
}

func TestLog(t *testing.T) {
	var l Log
	var text strings.Builder
	require.NoError(t, l.Write(&text))
	assert.Empty(t, text.String(), "of no run there is nothing to say")

	add := func(name string, steps, procs int, probe time.Duration) {
		s := quiet()
		s.Procs, s.Probe, s.Switches = procs, probe, 0
		s.Probed = min(procs, 2)
		l.Add(name, steps, s)
	}
	us := time.Microsecond
	// Three rounds; of each, the last run of a series counts.
	// Two computations at once take twice as long here.
	for _, slow := range []time.Duration{260, 280, 270} {
		add("BenchmarkLoopBoxed/system=nogil", 1, 1, 200*us)
		add("BenchmarkLoopBoxed/system=nogil", 100, 1, 101*us)
		add("BenchmarkLoopBoxed/system=nogil", 101, 2, 200*us)
		add("BenchmarkLoopBoxed/system=nogil", 102, 2, slow*us)
		add("BenchmarkLoopBoxed/system=nogil/without=immortal", 103, 2, 208*us)
		add("BenchmarkLoop/a+b=(c)", 100, 1, 100*us)
	}
	add("BenchmarkLoop/a+b=(c)", 1, 1, 100*us)
	add("BenchmarkLoop/a+b=(c)", 100, 1, 131*us)
	add("BenchmarkLoop/it's", 100, 2, 250*us)
	l.Arguments = []string{"./a b"}
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	require.ErrorIs(t, l.Write(w), io.ErrClosedPipe)
	require.NoError(t, l.Write(&text))
	assert.Equal(t, `# steady: 2 of 5 rows ran undisturbed; a fixed computation took 100µs at best, and 1.01 times that at the median
# disturbed: LoopBoxed/system=nogil-2 1.40 times (a processor 1.40 times as slow; 3 of 3 runs)
# disturbed: Loop/a+b=(c) 1.31 times (a processor 1.31 times as slow; 1 of 4 runs)
# disturbed: Loop/it's-2 1.25 times (a processor 1.25 times as slow)
# again: go test -bench '^BenchmarkLoopBoxed$/^system=nogil$|^BenchmarkLoop$/^it'\''s$' -skip '^BenchmarkLoopBoxed$/^system=nogil$/^without=immortal$' -cpu 2 './a b'
# again: go test -bench '^BenchmarkLoop$/^a\+b=\(c\)$' -cpu 1 './a b'
`, text.String())

	f, err := benchfile.ReadFrom(strings.NewReader("BenchmarkA 1 2 ns/op\n"+text.String()), "f")
	require.NoError(t, err)
	assert.Equal(t, []benchfile.Disturbance{{Name: "LoopBoxed/system=nogil-2", Times: 1.4, Runs: 3}, {Name: "Loop/a+b=(c)", Times: 1.31, Runs: 1}, {Name: "Loop/it's-2", Times: 1.25, Runs: 1}}, f.Disturbed)
}

// A clock that is too coarse for the computation gives no ratio.
func TestLogOfACoarseClock(t *testing.T) {
	var l Log
	var text strings.Builder
	l.Add("BenchmarkX", 1, Signals{Procs: 1, Probed: 1})
	require.NoError(t, l.Write(&text))
	assert.Equal(t, "# steady: 1 of 1 row ran undisturbed\n", text.String())
}

// With -benchtime 1x, each run of a row has as many steps as the one before it.
func TestEqualSteps(t *testing.T) {
	var l Log
	for range 3 {
		l.Add("BenchmarkX", 1, quiet())
	}
	assert.Equal(t, 3, l.rows()[0].Of)
}

// The head compares computations on as many processors as most rows have.
func TestMiddle(t *testing.T) {
	var l Log
	for i, n := range []int{1, 2, 2} {
		l.Add(strings.Repeat("x", i), 1, Signals{Procs: n, Probed: n, Probe: time.Duration(10*n - i)})
	}
	middle, fastest := l.middle()
	assert.Equal(t, []time.Duration{19, 18}, []time.Duration{middle, fastest})
}

func TestSelectSkipsOnce(t *testing.T) {
	bench, skip := Select([]string{"A"}, []string{"A", "A/b", "A/b", "AA/b"})
	assert.Equal(t, []string{"^BenchmarkA$", "^BenchmarkA$/^b$"}, []string{bench, skip})
	_, skip = Select([]string{"A", "A/b"}, []string{"A", "A/b"})
	assert.Empty(t, skip, "what is to be measured")
}

// The command measures the rows again, and no other.
func TestAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
	write("go.mod", "module tiny\n\ngo 1.26\n")
	write("tiny_test.go", `package tiny

import "testing"

func bench(b *testing.B, names ...string) {
	for _, name := range names {
		b.Run(name, func(b *testing.B) {})
	}
}

func BenchmarkA(b *testing.B)  { bench(b, "k=x", "k=x/without=y", "k=xx", "k=z", "q=a+b=(c)") }
func BenchmarkAA(b *testing.B) { bench(b, "k=x") }
func BenchmarkB(b *testing.B)  {}
`)
	all := []row{{Name: "A/k=x", Procs: 1}, {Name: "A/k=x", Procs: 2}, {Name: "A/k=x/without=y", Procs: 1}, {Name: "A/q=a+b=(c)", Procs: 1}, {Name: "A/q=a+b=(c)", Procs: 2}, {Name: "B", Procs: 2}}
	var got []string
	for _, command := range again([]row{all[0], all[3], all[4], all[5]}, all) {
		cmd := exec.Command("sh", "-c", command+" -benchtime 1x")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skip("running the go command: ", err, string(out))
		}
		got = append(got, regexp.MustCompile(`(?m)^Benchmark\S+`).FindAllString(string(out), -1)...)
	}
	assert.Equal(t, []string{"BenchmarkA/k=x", "BenchmarkA/q=a+b=(c)", "BenchmarkA/q=a+b=(c)-2", "BenchmarkB-2"}, got)
}

// A meter reads something, whatever the system is, and puts every thread back.
func TestMeter(t *testing.T) {
	m := Start(2, 2)
	x := 0
	for range 1_000_000 {
		x++
	}
	s := m.Stop()
	assert.Positive(t, s.Probe)
	assert.Positive(t, s.Wall)
	assert.Less(t, s.Wall, time.Hour)
	assert.Equal(t, []int{2, 2, 2}, []int{s.Procs, s.Processors, s.Probed})
	assert.Equal(t, 1_000_000, x)
	assert.Positive(t, Start(1, 2).Stop().Probe)
	s = Start(8, 2).Stop()
	assert.Equal(t, []int{8, 2, 2}, []int{s.Procs, s.Processors, s.Probed})
}

// A probe is for certain processors only if the row uses all, and no quota limits it.
func TestPins(t *testing.T) {
	n := runtime.NumCPU()
	for _, test := range []struct {
		procs, processors int
		want              bool
	}{{n, n, true}, {n + 1, n, true}, {n + 1, n + 1, false}, {n + 1, max(1, n-1), n == 1}, {max(1, n-1), n, n == 1}} {
		assert.Equal(t, test.want, (&Meter{procs: test.procs, processors: test.processors}).pins(), test)
	}
}

// A probe runs on as many processors as it should, whatever GOMAXPROCS is, and leaves it.
func TestProbeHasProcs(t *testing.T) {
	for procs := 2; procs <= 3; procs++ {
		suitetest.HasProcs(t, procs, func() { probe(procs, false) })
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	probe(2, false)
	assert.Equal(t, 3, runtime.GOMAXPROCS(0))
}

// One slow computation is an interrupt. A slow processor is slow before and after.
func TestMeterNeedsTwoSlowComputations(t *testing.T) {
	for _, procs := range []int{1, 2} {
		m := Start(procs, 2)
		m.probe = time.Hour
		assert.Less(t, m.Stop().Probe, time.Hour, "slow before only")
		m = Start(procs, 2)
		m.probe = 1
		assert.EqualValues(t, 1, m.Stop().Probe, "slow after only")
	}
}

// A file says what its figures depend on: GOGC=off makes allocations cheap.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"GOFLAGS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GORACE", "BOUNDARIES_FIB", "BOUNDARIES_REDIS"} {
		t.Setenv(name, "")
	}
	without := Facts()
	for _, name := range []string{"GOFLAGS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GORACE", "BOUNDARIES_FIB", "BOUNDARIES_REDIS"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "1")
			assert.Equal(t, append(slices.Clone(without), Fact{"environment", name + `="1"`}), Facts())
		})
	}
	t.Setenv("GOGC", "off")
	t.Setenv("GOFLAGS", "'-tags=a b'\n-race")
	assert.Equal(t, append(without, Fact{"environment", `GOFLAGS="'-tags=a b'\n-race" GOGC="off"`}), Facts())
}
