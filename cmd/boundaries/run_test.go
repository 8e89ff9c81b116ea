package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"boundaries/internal/linkonce"
	"boundaries/internal/runner"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunVerb(t *testing.T) {
	for args, want := range map[string]string{
		"":                        "run: want the file that results go to, as in -o bench.txt",
		"-o f -bench (":           "run: invalid value",
		"-o f -bench A/*":         `run: invalid value "A/*" for flag -bench: `,
		"-o f -cpu 0":             "want numbers from 1 to 10000, separated by commas",
		"-o f -cpu 1,x":           "want numbers from 1 to 10000, separated by commas",
		"-o f -on a,,b":           `run: invalid value "a,,b" for flag -on: host "": want different hosts that ssh reaches, separated by commas`,
		"-o f -on -oX":            `host "-oX": want different hosts that ssh reaches`,
		"-o f -on a,b,a":          `host "a": want different hosts that ssh reaches`,
		"-o f -on a/b,a-b":        "run: -on: two hosts would write f.a-b; want hosts with different names\n",
		"-o f -on a'b":            `host "a'b": want different hosts that ssh reaches`,
		"-o f -on a -resume":      "run: -resume does not work with -on\n",
		"-o f -ssh x":             "run: -ssh reaches the hosts of -on; want -on, or no -ssh\n",
		"-o f -on a -host b":      "run: -host and -prebuilt do not work with -on, which sets them itself\n",
		"-on a -prebuilt b=c":     "run: -host and -prebuilt do not work with -on, which sets them itself\n",
		"-o ../../go -on mod":     "run: ../../go.mod exists already; want a new file\n",
		"-o f -cpu 99999999999":   "want numbers from 1 to 10000, separated by commas",
		"-o table.go":             "run: table.go exists already; want a new file, or -resume\n",
		"-o /none/f":              "run: open /none/f: no such file or directory\n",
		"-o f -benchtime soon":    "want a duration such as 100ms, or a count such as 100x",
		"-o f -benchtime 0x":      "want a duration such as 100ms, or a count such as 100x",
		"-o f -rounds 0":          `run: invalid value "0" for flag -rounds: want a whole number from 1 to 100000`,
		"-o f -rounds 100001":     `run: invalid value "100001" for flag -rounds: want a whole number from 1 to 100000`,
		"-o f -timeout 0s":        "run: -timeout is 0s, want more than 0",
		"-o /none/f -resume":      "run: -resume: open /none/f: no such file or directory",
		"-o table.go -resume":     `run: -resume: table.go has no line "# seed:"; want a file that boundaries run wrote`,
		"-o f -benchtime 1x none": "none",
	} {
		t.Chdir(".")
		var stdout, stderr bytes.Buffer
		status := statusOf(t.Context(), append([]string{"run"}, strings.Fields(args)...), &stdout, &stderr)
		assert.Equal(t, 2, status, args)
		assert.Contains(t, stderr.String(), want, args)
		assert.NotContains(t, stderr.String(), "looking for", "it built before it refused: "+args)
		assert.NoFileExists(t, "f", args)
	}
	name := filepath.Join(t.TempDir(), "bad.txt")
	require.NoError(t, os.WriteFile(name, []byte("# seed: 99999999999999999999\n"), 0o666))
	_, err := runner.SeedOf(name)
	assert.ErrorContains(t, err, name+": want a seed of 64 bits")
	if testing.Short() {
		t.Skip("runs the go command")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("GOWORK", "off")
	t.Setenv("PATH", linkonce.Path())
	t.Setenv("GOTMPDIR", t.TempDir()) // so that no run asks the go command for it
	t.Setenv("GOFLAGS", "'-ldflags=-s -w'")
	t.Setenv("GOGC", "off")
	require.NoError(t, os.WriteFile("go.mod", []byte("module tiny\n\ngo 1.26\n"), 0o666))
	require.NoError(t, os.WriteFile("tiny_test.go", []byte("package tiny\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc BenchmarkA(b *testing.B) {}\n\nfunc BenchmarkB(b *testing.B) {\n\tif os.Getenv(\"FAILS\") == \"\" {\n\t\tb.Skip()\n\t}\n\tb.Fatal(\"wrong\")\n}\n"), 0o666))
	var stdout, stderr bytes.Buffer
	status := statusOf(t.Context(), strings.Fields("run -o out.txt -bench A|B -cpu 2,1 -rounds 2 -benchtime 1x -seed 3"), &stdout, &stderr)
	require.Equal(t, 0, status, stderr.String())
	assert.Contains(t, stderr.String(), "boundaries: runs: 4, rounds: 2\nboundaries: round 1 of 2\nboundaries: round 2 of 2, about ")
	text, err := os.ReadFile(filepath.Join(dir, "out.txt"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "# command: boundaries run -o FILE -bench 'A|B' -cpu 2,1 -rounds 2 -benchtime 1x -seed 3 .\n")
	assert.Regexp(t, `(?m)^# environment: .*GOGC="off"`, string(text))
	// With the same flags the run continues, and there is nothing left to do.
	stderr.Reset()
	status = statusOf(t.Context(), strings.Fields("run -o out.txt -bench A|B -cpu 2,1 -rounds 2 -benchtime 1x -resume"), &stdout, &stderr)
	assert.Equal(t, 0, status)
	assert.Equal(t, "boundaries: looking for the rows of tiny\nboundaries: runs: 0, rounds: 2\n", stderr.String())
	stderr.Reset()
	status = statusOf(t.Context(), strings.Fields("run -o out.txt -cpu 1,2 -rounds 2 -benchtime 1x -resume -seed 4"), &stdout, &stderr)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr.String(), "-benchtime 1x -seed 3 ., and this is -bench \".\" -cpu 1,2 -benchtime 1x -seed 4 .\n")
	t.Setenv("FAILS", "1")
	stderr.Reset()
	status = statusOf(t.Context(), strings.Fields("run -o out.txt -bench A|B -cpu 2,1 -rounds 2 -benchtime 1x -resume"), &stdout, &stderr)
	assert.Equal(t, 1, status, "a benchmark fails")
	assert.Regexp(t, `\nboundaries: run: tiny: --- FAIL: BenchmarkB tiny_test.go:\d+: wrong\n$`, stderr.String())
	status = statusOf(t.Context(), []string{"table", "out.txt"}, &stdout, &stderr)
	assert.Equal(t, 0, status)
	ctx, cancel := context.WithCancel(t.Context())
	atRound2 := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("round 2")) {
			cancel()
		}
		return stderr.Write(p)
	})
	stderr.Reset()
	status = statusOf(ctx, strings.Fields("run -o cut.txt -cpu 1 -benchtime 1x"), &stdout, atRound2)
	assert.Equal(t, 130, status)
	assert.Regexp(t, `: wrong\nboundaries: run: interrupted; cut.txt has the complete rows, and -resume continues\n$`, stderr.String())
	stderr.Reset()
	status = statusOf(ctx, strings.Fields("run -o early.txt -benchtime 1x"), &stdout, &stderr)
	assert.Equal(t, 130, status)
	assert.Equal(t, "boundaries: run: interrupted before the first result\n", stderr.String())
	assert.NoFileExists(t, "early.txt")
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestDefaultCPU(t *testing.T) {
	for n, want := range map[int]string{1: "1", 2: "1,2", 6: "1,2,4,6", 8: "1,2,4,8"} {
		assert.Equal(t, want, joined(defaultCPU(n)))
	}
	assert.Equal(t, " about 15s", strings.TrimPrefix(roughly(runner.Config{Benchtime: "200ms"}, 43), ","))
	assert.Equal(t, filepath.Join("a", "out.me@one-22-x.txt"), ofHost(filepath.Join("a", "out.txt"), "me@one:22/x"))
	assert.Equal(t, "out.a-b.txt", ofHost("out.txt", `a\b`), "no separator of any system")
	list, err := numbers("2, 1,2")
	require.NoError(t, err)
	assert.Equal(t, []int{2, 1}, list)
	_, err = numbers("10000")
	assert.NoError(t, err, "the most procs")
	assert.Empty(t, roughly(runner.Config{Benchtime: "1x"}, 40))
	assert.Equal(t, ", about 8758h34m52s", roughly(runner.Config{Benchtime: "1h"}, 5839))
	assert.Equal(t, ", more than a year", roughly(runner.Config{Benchtime: "1h"}, 5840))
	far := runner.Config{Bench: "A b", Rounds: 3, Benchtime: "7x", Seed: 1<<64 - 1, Timeout: 90 * time.Second, Packages: []string{"./a", "-b"}}
	assert.Equal(t, []string{"-bench", "A b", "-rounds", "3", "-benchtime", "7x", "-seed", "18446744073709551615", "-timeout", "1m30s", "--", "./a", "-b"}, farArgs(far), "the far machine has its own -cpu")
	far.CPU = []int{1, 4}
	assert.Equal(t, []string{"-cpu", "1,4"}, farArgs(far)[10:12])
}
