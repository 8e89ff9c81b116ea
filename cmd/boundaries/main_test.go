package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"boundaries/internal/command"
	"boundaries/internal/linkonce"
	"boundaries/internal/suite/suitetest"
)

// asCommand makes the test binary the command, for tests that need a real process.
const asCommand = "BOUNDARIES_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	status := suitetest.RunOnce(m)
	linkonce.Remove()
	os.Exit(status)
}

func boundaries(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errOut strings.Builder
	status = statusOf(t.Context(), args, &out, &errOut)
	return status, out.String(), errOut.String()
}

// statusOf runs the command and returns its exit status.
func statusOf(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return command.Report("boundaries", stderr, run(ctx, args, stdout, stderr))
}

// bench is what go test prints for six rounds of a row on two processors.
func bench(row string) string {
	return "numcpu: 2\ngoos: linux\ngoarch: amd64\npkg: boundaries\n" + strings.Repeat("Benchmark"+row+"\n", 6)
}

func TestBadArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("bench.txt", []byte(bench("Loop/sync=serial 1000 1 ns/op")), 0o666))
	for _, test := range []struct {
		args string
		want string // all on one line
	}{
		{"", `no verb given; "boundaries help" lists them`},
		{"compete", `unknown verb "compete"; "boundaries help" lists the verbs`},
		{"compare", "compare: want one BASE, or two files, after the flags, but got 0"},
		{"compare HEAD -rounds=3", `compare: want flags before BASE, but got "-rounds=3" after "HEAD"`},
		{"compare -x", `compare: flag provided but not defined: -x ("boundaries compare -h" lists the flags)`},
		{"compare -bench=( HEAD", "compare: invalid value \"(\" for flag -bench: error parsing regexp"},
		{"compare -bench= HEAD", "compare: invalid value \"\" for flag -bench: want a regular expression"},
		{"compare -rounds=0 HEAD", `compare: invalid value "0" for flag -rounds: want a whole number from 1 to 100000`},
		{"compare -rounds=100001 HEAD", `compare: invalid value "100001" for flag -rounds: want a whole number from 1 to 100000`},
		{"compare -rounds=ten HEAD", `compare: invalid value "ten" for flag -rounds: want a whole number from 1 to 100000`},
		{"compare -cpu=1,x HEAD", `compare: invalid value "1,x" for flag -cpu: want numbers`},
		{"compare -cpu=0 HEAD", `compare: invalid value "0" for flag -cpu: want numbers`},
		{"compare -benchtime=3 HEAD", `compare: invalid value "3" for flag -benchtime: want a duration`},
		{"compare -benchtime=0x HEAD", `compare: invalid value "0x" for flag -benchtime: want a duration`},
		{"claims", `claims: want a FILE of benchmark output, or - for standard input ("boundaries claims -h" says more)`},
		{"claims -x bench.txt", `claims: flag provided but not defined: -x ("boundaries claims -h" lists the flags)`},
		{"claims bench.txt -v", `claims: want flags before files, but got "-v" after "bench.txt"`},
		{"claims -format=json bench.txt", `claims: invalid value "json" for flag -format: want text or markdown`},
		{"claims -claim=C5,C99 bench.txt", `claims: invalid value "C5,C99" for flag -claim: want IDs of C1 to C36, separated by commas`},
		{"claims C99 bench.txt", "claims: open C99: "},
		{"claims C5 bench.txt", "claims: bench.txt: no row that the claims C5 need (boundaries claims -measure -claim C5 prints what measures them)"},
		{"claims -measure -claim C3", `claims: -measure: the claims C3 need no row of Go; want others, or boundaries claims C3, which says why`},
		{"claims C4 -v bench.txt", `claims: want flags before files, but got "-v" after "C4"`},
		{"claims -measure bench.txt", `claims: -measure reads nothing; want no FILE with it, but got ["bench.txt"]`},
		{"report -o bench.txt bench.txt", "report: -o bench.txt would replace the benchmark output that the page is made of; want another file"},
		{"report -o ./bench.txt bench.txt", "report: -o ./bench.txt would replace"},
		{"report -svg bench.txt/x bench.txt", "report: mkdir bench.txt"},
		{"table bench.txt -format=csv", `table: want flags before files, but got "-format=csv" after "bench.txt"`},
		{"table .", "table: . is a folder; want the output of go test -bench"},
		{"table bench.txt - -", "table: standard input is named twice; want each file once"},
		{"claims -cpu=1,4 bench.txt", "claims: -cpu is for -measure, which prints what to run; want it with -measure alone"},
		{"claims -measure -v", "claims: -measure prints a command; want neither -v nor -format with it"},
		{"claims -measure -format=markdown", "claims: -measure prints a command; want neither -v nor -format with it"},
		{"claims -measure -cpu=10001", `claims: invalid value "10001" for flag -cpu: want numbers from 1 to 10000, separated by commas`},
		{"run -o -", "run: -o - is no file, and results go to a file alone; want a name, as in -o bench.txt"},
		{"run -on=a -o -", "run: -o - is no file"},
		{"claims -measure -cpu=0", `claims: invalid value "0" for flag -cpu: want numbers`},
	} {
		status, stdout, stderr := boundaries(t, strings.Fields(test.args)...)
		require.Equal(t, 2, status, test.args)
		require.Empty(t, stdout)
		require.True(t, strings.HasPrefix(stderr, "boundaries: "+test.want), stderr)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	status, _, stderr := boundaries(t, "run", "-o", "f", "-on", "a", "-ssh", " ")
	require.Equal(t, 2, status)
	require.Contains(t, stderr, "run: -ssh is empty, want the command that reaches hosts")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// An output that takes no text is no verdict: status 1 would be one.
func TestFullOutput(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("more.txt", []byte(bench("Loop/sync=serial 1000 2 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("bench.txt", []byte(bench("Loop/sync=serial 1000 1 ns/op")), 0o666))
	for _, args := range []string{"help", "table -h", "table bench.txt", "scaling bench.txt", "claims -v", "claims -measure", "report bench.txt", "report -o - bench.txt", "report -svg . bench.txt", "compare bench.txt more.txt"} {
		var stderr strings.Builder
		require.Equal(t, 2, statusOf(t.Context(), strings.Fields(args), full{}, &stderr), args)
		require.Contains(t, stderr.String(), "the disk is full", args)
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
	}
	require.NoFileExists(t, "-")
	var out strings.Builder
	require.NoError(t, finish(&out, "a\x1b[31mb\n", nil))
	require.Equal(t, `a\x1b[31mb`+"\n", out.String(), "the name of a file could do something to the terminal")
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"help":       "compare the benchmarks of two revisions",
		"-h":         "Usage: boundaries VERB",
		"compare -h": "Usage: boundaries compare [flags] BASE",
		"claims -h":  "Usage: boundaries claims [flags] [ID...] FILE...",
	} {
		status, stdout, stderr := boundaries(t, strings.Fields(args)...)
		require.Zero(t, status)
		require.Contains(t, stdout, want)
		require.Empty(t, stderr)
	}
}

func TestClaims(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("bench.txt", []byte(bench("LoopBoxed/system=plain 9 10 ns/op 10 user+sys-ns/op")+"BenchmarkX 1\n"), 0o666))
	for _, test := range []struct {
		args   string
		status int
		want   string
	}{
		// Claims named are explained; without a file they are not judged.
		{"C24 c12,C5", 0, "\nC12  not measured: without the GIL a loop needs 6.7 times as long (Stein 1996)\n"},
		{"-v", 0, "\nC36  not measured: "},
		{"bench.txt", 1, "\nC12  not measured "},
		{"-claim C2 bench.txt", 1, "\nC2   not measured "},
		{"C2 bench.txt", 1, "beside it: processors, boxed"},
		{"-format markdown bench.txt", 1, "\n| C12 | not measured | 6.7 | - | without the GIL"},
		{"-measure -cpu 1,2,7", 0, "go test -cpu 1,2,7 "},
		{"-measure -claim C7", 0, "; go test -bench Race/case=refcount "},
	} {
		status, stdout, stderr := boundaries(t, append([]string{"claims"}, strings.Fields(test.args)...)...)
		require.Equal(t, test.status, status, "%s: %s", test.args, stderr)
		require.Contains(t, stdout, test.want, test.args)
		if status == 1 {
			require.Equal(t, "boundaries: claims: bench.txt:11: missing measurements; the line is left out\n", stderr)
		}
	}
}

// A file is judged alike however it was saved, or it is an error that says what is wrong
// with it: PowerShell writes UTF-16, the logs of CI have times in front.
func TestClaimsOfEveryForm(t *testing.T) {
	t.Chdir(t.TempDir())
	plain := "numcpu: 1\n"
	for i := range 6 {
		plain += fmt.Sprintf("BenchmarkSharedLoopBoxed/system=gil-jumps 1000 10%d ns/op\nBenchmarkSharedLoopBoxed/system=gil-jumps-2 1000 10%d ns/op\n", i, i)
	}
	_, results, _ := strings.Cut(plain, "\n")
	utf16Of := func(text string) string {
		var b []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
		return string(b)
	}
	crlf := strings.ReplaceAll(plain, "\n", "\r\n")
	claims := func(text string) (status int, stdout, stderr string) {
		require.NoError(t, os.WriteFile("bench.txt", []byte(text), 0o666))
		return boundaries(t, "claims", "-v", "-claim=C5", "bench.txt")
	}
	_, want, _ := claims(plain)
	require.Contains(t, strings.Join(strings.Fields(want), " "), "6 rounds (oversubscribed: 2 threads, numcpu 1; needs 2 processors): not measured")
	for name, text := range map[string]string{
		"a mark, CRLF":       "\ufeff" + crlf,
		"UTF-16":             utf16Of("\ufeff" + crlf),
		"UTF-16, no mark":    utf16Of(plain),
		"colors":             strings.ReplaceAll(plain, "Benchmark", "\x1b[32mBenchmark\x1b[0m"),
		"a mark and a color": "\ufeff\x1b[1m" + plain,
	} {
		status, stdout, stderr := claims(text)
		require.Zero(t, status, "%s: %s", name, stderr)
		require.Equal(t, want, stdout, name)
	}
	_, want, _ = claims(results)
	_, stdout, _ := claims("\ufeff" + results)
	require.Equal(t, want, stdout, "a mark before a first line that is a result")
	for text, want := range map[string]string{
		plain + utf16Of(plain): "bench.txt:14: this is neither UTF-8 nor UTF-16, or UTF-16 after UTF-8 (as >> of PowerShell appends it); want one encoding, best UTF-8",
		`{"Action":"output","Package":"p","Output":"BenchmarkA 1 2 ns/op\n"}` + "\n": "bench.txt:1: this is the output of go test -json; want that of go test -bench without -json",
		strings.ReplaceAll(plain, "Benchmark", "2026-11-25T19:05:04Z Benchmark"):     "bench.txt:2: a time stands before the result, as in the logs of CI; want the output of go test -bench as it is",
		strings.ReplaceAll(plain, "Benchmark", "web_1 | Benchmark"):                  `bench.txt: line 13 has "web_1 |" before the result; want the output of go test -bench`,
	} {
		status, stdout, stderr := claims(text)
		require.Equal(t, 2, status)
		require.Empty(t, stdout)
		require.Equal(t, "boundaries: claims: "+want+"\n", stderr)
	}
}

func TestStandardInput(t *testing.T) {
	cmd := exec.Command(os.Args[0], "claims", "-")
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stdin = strings.NewReader(bench("LoopBoxed/system=plain 9 10 ns/op") + "BenchmarkX 1\nBenchmarkY 1\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	require.Error(t, err)
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Contains(t, string(stdout), "compared with standard input, measured on")
	line := "boundaries: claims: standard input:%d: missing measurements; the line is left out\n"
	require.Equal(t, fmt.Sprintf(line+line, 11, 12), stderr.String())
}
