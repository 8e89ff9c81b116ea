package contention_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"boundaries/contention"
	"boundaries/internal/noise"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitebench"
	"boundaries/internal/suite/suitetest"
)

// lab runs this binary with the flags that go test would give it.
func lab(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), suitebench.ReportProcs+"=1")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

func results(t *testing.T, args ...string) []*benchfmt.Result {
	t.Helper()
	stdout, stderr, status := lab(t, args...)
	require.Zero(t, status, stdout+stderr)
	require.Empty(t, stderr)
	var all []*benchfmt.Result
	r := benchfmt.NewReader(strings.NewReader(stdout), "stdout")
	for r.Scan() {
		switch record := r.Result().(type) {
		case *benchfmt.Result:
			all = append(all, record.Clone())
		case *benchfmt.SyntaxError:
			t.Error(record)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// Every row of the small grid runs on as many procs as its name says, even in the
// first iteration (go.dev/issue/49980), and benchstat can read its keys.
func TestRows(t *testing.T) {
	suitetest.Once(t)
	if race.Enabled {
		t.Skip("this looks at names, and TestVariantsAreRight runs the variants")
	}
	rows := results(t, "-test.bench=.", "-test.benchtime=1x", "-test.cpu=2,1")
	want := 0
	for _, job := range smallGrid() {
		want += 2 * len(job.variants) * len(job.cases)
	}
	require.Len(t, rows, want)
	keys := regexp.MustCompile(`^Contention(/[a-z]+=[a-z0-9-]+)+(-2)?$`)
	endsInNumber := regexp.MustCompile(`-\d+(/|$)`)
	seen := map[string]bool{}
	for _, row := range rows {
		name := string(row.Name)
		require.Regexp(t, keys, name)
		require.False(t, seen[name], "%s is there twice", name)
		seen[name] = true
		short, isTwo := strings.CutSuffix(name, "-2")
		require.NotRegexp(t, endsInNumber, short)
		procs, ok := row.Value("procs")
		require.True(t, ok)
		require.Equal(t, isTwo, procs == 2, name)
		_, ok = row.Value("min-share")
		require.True(t, ok)
	}
}

// The lab says what the main command says: where it measured, and how steady that was.
func TestFacts(t *testing.T) {
	suitetest.Once(t)
	stdout, _, status := lab(t, "-test.bench=.", "-test.benchtime=1x", "-test.cpu=1", "-shape=counter", "-sync=atomic")
	require.Zero(t, status)
	require.Contains(t, stdout, fmt.Sprintf("numcpu: %d\n", noise.Usable().N()))
	for _, fact := range append([]noise.Fact{{Key: "processors", Value: noise.Usable().String()}}, noise.Facts()...) {
		require.Contains(t, stdout, "\n# "+fact.Key+": "+fact.Value+"\n")
	}
	require.Contains(t, stdout, "\n# benchtime: 1x\n")
	head, _, _ := lab(t, "-test.bench=^$")
	require.Contains(t, head, "\n# benchtime: 100ms\n")
	require.Regexp(t, `\nPASS\n# steady: [01] of 1 row ran undisturbed; `, stdout)
}

// The literal command with -cpu 1,2,4,8 ends in 3 minutes. A row of 100 ms takes
// about 150 ms, including its shorter runs before that.
func TestSmallGridIsSmall(t *testing.T) {
	rows := 0
	for _, job := range smallGrid() {
		rows += 4 * len(job.variants) * len(job.cases)
	}
	require.Less(t, time.Duration(rows)*150*time.Millisecond, 3*time.Minute)
}

func TestGridsAreValid(t *testing.T) {
	for _, jobs := range [][]job{smallGrid(), fullGrid()} {
		for _, job := range jobs {
			s, _ := shapeOf(job.shape)
			seen := map[contention.Case]bool{}
			for _, c := range job.cases {
				require.NoError(t, s.check(c))
				require.False(t, seen[c], "%s has %v twice", job.shape, c)
				seen[c] = true
			}
		}
	}
}

func TestDialsAreKeys(t *testing.T) {
	suitetest.Once(t)
	rows := results(t, "-test.bench=.", "-sync=global-mutex,big-reader-lock", "-test.benchtime=1x", "-test.cpu=1", "-shape=record,map", "-hold=300ns,2us",
		"-think=1us", "-read=0,95", "-records=64", "-skew=zipf", "-roles=split", "-goroutines=16")
	var names []string
	for _, row := range rows {
		names = append(names, string(row.Name))
	}
	var want []string
	for _, shape := range []string{"record", "map"} {
		for _, hold := range []string{"300ns", "2us"} {
			for _, read := range []int{0, 95} {
				row := "Contention/shape=" + shape + "/hold=" + hold + "/think=1us/read=" + strconv.Itoa(read) +
					"/records=64/skew=zipf/roles=split/goroutines=16/sync="
				want = append(want, row+"global-mutex")
				if shape == "record" {
					want = append(want, row+"big-reader-lock")
				}
			}
		}
	}
	require.Equal(t, want, names)
}

// The row of a variant mine-2 on one proc would be that of a variant mine on two.
func TestOwnNameThatEndsInANumber(t *testing.T) {
	before := shapes[0].own
	defer func() { shapes[0].own = before }()
	add("record", contention.Variant{Name: "mine-2"})
	_, err := jobs()
	require.EqualError(t, err, `the variant "mine-2" has a name that ends in a number, which reads as a number of procs: want another name`)
}

// -sync selects a reader's own variant in every grid, too. Shapes without it have no row.
func TestOwnVariantsInAGrid(t *testing.T) {
	suitetest.Once(t)
	want := len(smallGrid()[0].cases)
	rows := results(t, "-test.bench=.", "-test.benchtime=1x", "-test.cpu=1", "-sync=spin-lock")
	require.Len(t, rows, want)
	for _, row := range rows {
		require.Contains(t, string(row.Name), "/shape=record/")
		require.Contains(t, string(row.Name), "/sync=spin-lock")
	}
	for _, own := range []string{"-own", "-sync=spin-lock"} {
		stdout, stderr, status := lab(t, "-test.bench=^$", "-grid", own)
		require.Zero(t, status, stderr)
		require.NotEmpty(t, stdout)
	}
}

// A value that is given twice is measured once: go test would add #01 to the name of the
// second case, which then is none that the map can read.
func TestValuesGivenTwice(t *testing.T) {
	suitetest.Once(t)
	rows := results(t, "-test.bench=.", "-test.benchtime=1x", "-test.cpu=1", "-shape=counter,record,counter", "-think=0,1us,0s", "-read=1,1", "-sync=atomic,atomic")
	require.Len(t, rows, 4)
	for _, row := range rows {
		require.NotContains(t, string(row.Name), "#")
	}
}

func TestMisusedFlags(t *testing.T) {
	if race.Enabled {
		t.Skip("one goroutine reads the flags")
	}
	for want, args := range map[string][]string{
		`contention: -shape "heap": want record, counter or map`:                                                                           {"-shape=heap"},
		`contention: -hold "long": want durations such as 0, 300ns or 10us, separated by commas`:                                           {"-hold=long"},
		`contention: -hold "2h": hold is 2h0m0s, want 0 to 1s`:                                                                             {"-hold=2h"},
		`contention: -think "-1ns": think is -1ns, want 0 to 1s`:                                                                           {"-think=-1ns"},
		`contention: -read "101": read is 101, want 0 to 100 percent`:                                                                      {"-read=101"},
		`contention: -read "5,": want whole numbers, separated by commas`:                                                                  {"-read=5,"},
		`contention: -records "0": records is 0, want 1 to 32768`:                                                                          {"-records=0"},
		`contention: -skew "some": skew is "some", want none or zipf`:                                                                      {"-skew=some"},
		`contention: -roles "all": roles is "all", want mixed or split`:                                                                    {"-roles=all"},
		`contention: -goroutines "0": goroutines is 0, want 1 to 1024 for each proc`:                                                       {"-goroutines=0"},
		`contention: -hold "1us": want no hold, records or skew with shape=counter: there is one word, and nothing to do while it is held`: {"-shape=counter", "-hold=1us"},
		`contention: -grid measures all settings of the dials, want no dial beside it`:                                                     {"-grid", "-read=5"},
		`contention: -sync "atomic,rw": no variant is named "rw"`:                                                                          {"-sync=atomic,rw"},
		`contention: want flags only, but got "extra"`:                                                                                     {"extra"},
	} {
		stdout, stderr, status := lab(t, append([]string{"-test.bench=."}, args...)...)
		require.Equal(t, want+"\n", stderr, args)
		require.Equal(t, 2, status)
		require.Empty(t, stdout)
	}
}

// The flags do not get in the way of go vet, go test -list and the like.
func TestNoBenchmarkIsAskedFor(t *testing.T) {
	stdout, stderr, status := lab(t, "-test.list=Rows")
	require.Equal(t, "TestRows\n", stdout)
	require.Empty(t, stderr)
	require.Zero(t, status)
}
