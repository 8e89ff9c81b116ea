package benchfile

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

const plain = `numcpu: 2
Unit user+sys-ns/op better=lower
# go: go1.26.8
# processor: family 26, model 2, stepping 1
goos: linux
goarch: amd64
pkg: boundaries
cpu: AMD EPYC
BenchmarkLoop/sync=gil     	 100	 10.0 ns/op	 10.0 user+sys-ns/op
BenchmarkLoop/sync=gil-2   	 100	 11.0 ns/op	 12.0 user+sys-ns/op
BenchmarkLoop/sync=gil     	 100	 10.5 ns/op	 10.5 user+sys-ns/op
PASS
ok  	boundaries	1.2s
`

func utf16Of(order binary.AppendByteOrder, mark bool, text string) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// The rows of a file do not depend on how the file was saved.
func TestSameInEveryForm(t *testing.T) {
	bare := plain[strings.Index(plain, "BenchmarkLoop"):]
	want, err := ReadFrom(strings.NewReader(plain), "f")
	require.NoError(t, err)
	require.Len(t, want.Rows, 2)
	assert.Equal(t, "boundaries", want.Rows[0].Pkg)
	assert.Equal(t, "Loop/sync=gil", want.Rows[0].Name)
	assert.InDeltaSlice(t, []float64{10.0e-9, 10.5e-9}, want.Rows[0].Values["sec/op"], 1e-15)
	assert.InDeltaSlice(t, []float64{12.0e-9}, want.Rows[1].Values["user+sys-sec/op"], 1e-15)
	assert.Equal(t, 2, want.Rows[1].Procs)
	assert.Equal(t, map[string]string{"goos": "linux", "goarch": "amd64", "cpu": "AMD EPYC", "numcpu": "2"}, want.Machine.Keys)
	assert.Equal(t, "family 26, model 2, stepping 1", want.Machine.Fact("processor"))
	assert.Empty(t, want.Problems)
	bareWant, err := ReadFrom(strings.NewReader(bare), "f")
	require.NoError(t, err)
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	colored := func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "Benchmark", "\x1b[1;32mBenchmark"), "\n", "\x1b[0m\n")
	}
	for name, form := range map[string]func(string) string{
		"mark":           func(s string) string { return "\ufeff" + s },
		"marks":          func(s string) string { return "\ufeff\ufeff" + s },
		"CRLF":           crlf,
		"mark, CRLF":     func(s string) string { return "\ufeff" + crlf(s) },
		"UTF-16LE, mark": func(s string) string { return utf16Of(binary.LittleEndian, true, crlf(s)) },
		"UTF-16BE, mark": func(s string) string { return utf16Of(binary.BigEndian, true, s) },
		"UTF-16LE":       func(s string) string { return utf16Of(binary.LittleEndian, false, s) },
		"UTF-16BE":       func(s string) string { return utf16Of(binary.BigEndian, false, crlf(s)) },
		"odd UTF-16LE":   func(s string) string { return utf16Of(binary.LittleEndian, true, s) + "\n" },
		"UTF-16LE, marks": func(s string) string {
			return utf16Of(binary.LittleEndian, true, strings.ReplaceAll(s, "pkg:", "\ufeffpkg:"))
		},
		"short zeros":      func(s string) string { return s + "\x00\x00\n" },
		"colors":           colored,
		"stray bytes":      func(s string) string { return "\x00\xff \u200b" + s },
		"mark in between":  func(s string) string { return strings.Replace(s, "BenchmarkLoop", "\ufeffBenchmarkLoop", 1) },
		"indented results": func(s string) string { return strings.ReplaceAll(s, "BenchmarkLoop", "  BenchmarkLoop") },
	} {
		got, err := ReadFrom(strings.NewReader(form(plain)), "f")
		if assert.NoError(t, err, name) && name != "stray bytes" { // they hide the key of the first line
			assert.Equal(t, want.Machine, got.Machine, name)
		}
		for text, want := range map[string]*File{plain: want, bare: bareWant} {
			got, err := ReadFrom(strings.NewReader(form(text)), "f")
			if assert.NoError(t, err, name) {
				assert.Equal(t, want.Rows, got.Rows, name)
				assert.Empty(t, got.Problems, name)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	head, fib := "BenchmarkA 1 2 ns/op\n", "BenchmarkFibBoxed/system=gil 1 2 ns/op\n"
	block := "goos: linux\ngoarch: amd64\n" + fib
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "f: the file is empty; want the output of go test -bench"},
		"no result":         {"PASS\nok\n", "f: no benchmark result in 2 lines; want the output of go test -bench"},
		"cut off":           {"BenchmarkA 1 2 ns/op", "f:1: the line is cut off; left out; want the output of go test -bench"},
		"cut off UTF-16":    {utf16Of(binary.LittleEndian, true, "BenchmarkA 1 2 ns/op"), "f:1: the line is cut off; left out; want the output of go test -bench"},
		"cut off in a unit": {utf16Of(binary.LittleEndian, true, "BenchmarkA 1 2 ns/op") + "\n", "f:1: the line is cut off; left out; want the output of go test -bench"},
		"long UTF-16":       {utf16Of(binary.LittleEndian, true, "BenchmarkB 1 2 ns/op "+strings.Repeat("1 x ", 10_000)+"\n"), "f:1: the line is too long; left out; want the output of go test -bench"},
		"a program":         {"\x7fELF" + strings.Repeat("\x00", 9) + "\n", "f:1: this is neither UTF-8 nor UTF-16, or UTF-16 after UTF-8 (as >> of PowerShell appends it); want one encoding, best UTF-8"},
		"only marks":        {"\ufeff", "f: no benchmark result in 1 line; want the output of go test -bench"},
		"appended UTF-16": {head + utf16Of(binary.LittleEndian, false, head),
			"f:2: this is neither UTF-8 nor UTF-16, or UTF-16 after UTF-8 (as >> of PowerShell appends it); want one encoding, best UTF-8"},
		"appended UTF-16 with a mark": {head + utf16Of(binary.LittleEndian, true, head),
			"f:2: this is neither UTF-8 nor UTF-16, or UTF-16 after UTF-8 (as >> of PowerShell appends it); want one encoding, best UTF-8"},
		"appended UTF-8": {utf16Of(binary.LittleEndian, true, head) + head + head,
			"f:2: UTF-8 in a file that begins as UTF-16; want one encoding, best UTF-8"},
		"json": {`{"Time":"2026-01-01T10:00:00Z","Action":"start","Package":"p"}` + "\n",
			"f:1: this is the output of go test -json; want that of go test -bench without -json"},
		"json result": {`{"Action":"output","Package":"p","Output":"BenchmarkA 1 2 ns/op\n"}` + "\n",
			"f:1: this is the output of go test -json; want that of go test -bench without -json"},
		"time":          {"2026-01-01T10:00:00.123Z goos: linux\n2026-01-01T10:00:00.123Z " + head, "f:2: a time stands before the result, as in the logs of CI; want the output of go test -bench as it is"},
		"prefix":        {"web_1 | " + head, `f: line 1 has "web_1 |" before the result; want the output of go test -bench`},
		"numcpu of 0":   {"numcpu: 0\n" + head, `f:1: numcpu is "0", want a number of at least 1`},
		"numcpu":        {"numcpu: two\n" + head, `f:1: numcpu is "two", want a number of at least 1`},
		"two sizes":     {fib + "fib: 5\n" + fib, "f:2: fib is 5, but not in the rows before; want a file for each size"},
		"two databases": {"# database: embedded\n" + head + "# database: the Redis at a:1\n" + head, `f:3: # database is "the Redis at a:1", but "embedded" in line 1; want a file for each`},
		"two machines": {"numcpu: 2\n" + head + "numcpu: 4\n" + head,
			"f:3: numcpu is 4, but 2 in line 1: these are two machines; want a file for each"},
		"two machines, appended": {plain + strings.Replace(plain, "numcpu: 2", "numcpu: 4", 1), "f:14: numcpu is 4, but 2 in line 1: these are two machines; want a file for each"},
		"two systems, appended":  {plain + strings.Replace(plain, "goos: linux", "goos: darwin", 1), "f:18: goos is darwin, but linux in line 5: these are two machines; want a file for each"},
		"two hosts, appended":    {"# host: a\n" + block + "# host: b\n" + block, `f:5: # host is "b", but "a" in line 1: these are two machines; want a file for each`},
		"two processors, appended": {plain + strings.Replace(plain, "family 26", "family 25", 1),
			`f:17: # processor is "family 25, model 2, stepping 1", but "family 26, model 2, stepping 1" in line 4: these are two machines; want a file for each`},
		"two sizes, appended": {block + "fib: 5\n" + block, "f:4: fib is 5, but not in the rows before; want a file for each size"},
		"two processors of one name": {"# processor: family 25, model 17, stepping 1\n" + head + "# processor: family 26, model 2, stepping 1\n" + head,
			`f:3: # processor is "family 26, model 2, stepping 1", but "family 25, model 17, stepping 1" in line 1: these are two machines; want a file for each`},
	} {
		_, err := ReadFrom(strings.NewReader(c.text), "f")
		assert.EqualError(t, err, c.want, name)
	}
	_, err := ReadFrom(strings.NewReader(head+"fib: 5\n"+fib), "f")
	assert.NoError(t, err, "no row before is of fib")
	_, err = Read(context.Background(), []string{filepath.Join(t.TempDir(), "none.txt")})
	assert.ErrorContains(t, err, "none.txt: no such file or directory; want the output of go test -bench")
	_, err = Read(context.Background(), nil)
	assert.Error(t, err)
}

// Rows of one name that do different jobs are not put together.
func TestDistinguish(t *testing.T) {
	rows := "BenchmarkFibBoxed/system=gil 1 2 ns/op\nBenchmarkProcsFib/sync=pipe-2 1 2 ns/op\nBenchmarkAsyncIO/sync=serial 1 2 ns/op\nBenchmarkLoop/sync=gil 1 2 ns/op\n# disturbed: Loop/sync=gil 1.20 times\n# disturbed: ProcsFib/sync=pipe-2 1.50 times\n"
	fib, redis := "fib: 5\n", "# database: the Redis at localhost:6379\n"
	names := []string{"FibBoxed/system=gil", "ProcsFib/sync=pipe-2", "AsyncIO/sync=serial", "Loop/sync=gil"}
	for _, c := range []struct {
		heads [2]string
		want  []string // of the second file; the first keeps its names
	}{
		{[2]string{"", ""}, names},
		{[2]string{fib + redis, "# round: 2\n" + fib + redis}, names},
		{[2]string{"# database: embedded\n", fib}, []string{"FibBoxed/system=gil/fib=5", "ProcsFib/sync=pipe/fib=5-2", names[2], names[3]}},
		{[2]string{"# database: embedded\n", redis}, []string{names[0], names[1], "AsyncIO/sync=serial/database=redis", names[3]}},
	} {
		dir := t.TempDir()
		var files []string
		for i, head := range c.heads {
			files = append(files, filepath.Join(dir, strconv.Itoa(i)))
			require.NoError(t, os.WriteFile(files[i], []byte(head+rows+head+strings.Repeat("\n", i)), 0o666))
		}
		read, err := Read(t.Context(), files)
		require.NoError(t, err)
		for i, want := range [][]string{names, c.want} {
			var got []string
			for _, r := range read[i].Rows {
				got = append(got, r.FullName())
			}
			require.Equal(t, want, got, c.heads)
			require.Contains(t, read[i].DisturbedRows()[""], want[1])
			require.Empty(t, read[i].Ignored)
		}
	}
}

// A file that fits one of two machines is of that one.
func TestFits(t *testing.T) {
	of := func(host string) *File {
		f := &File{Machine: Machine{Keys: map[string]string{}}, Rows: []*Row{{Name: "A"}}}
		if host != "" {
			f.Machine.Facts = []Fact{{"host", host}}
		}
		return f
	}
	a, b, either := of("a"), of("b"), of("")
	for _, files := range [][]*File{{a, b}, {b, a}} {
		for _, f := range []*File{a, b} {
			one, other := f.fits(files)
			require.Nil(t, one)
			require.Nil(t, other)
		}
		one, other := either.fits(files)
		require.Equal(t, files, []*File{one, other})
	}
}

// What is wrong with a part of a file is named, and the rest is read.
func TestProblems(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"NaN":             {"BenchmarkB 1 NaN ns/op\n", "f:2: BenchmarkB has NaN ns/op, want a finite number; the value is left out"},
		"a unit twice":    {"BenchmarkB 1 3 ns/op 4 ns/op\n", "f:2: BenchmarkB has 4 ns/op, after another value of this unit; the second is left out"},
		"a negative time": {"BenchmarkB 1 -3 ns/op\n", "f:2: BenchmarkB has -3 ns/op, want a time of 0 or more; the value is left out"},
		"no iteration":    {"BenchmarkB 0 3 ns/op\n", "f:2: BenchmarkB has the iteration count 0, want 1 or more; the line is left out"},
		"negative":        {"BenchmarkB -1 3 ns/op\n", "f:2: BenchmarkB has the iteration count -1, want 1 or more; the line is left out"},
		"Inf":             {"BenchmarkB 1 3 ns/op +Inf B/op\n", "f:2: BenchmarkB has +Inf B/op, want a finite number; the value is left out"},
		"too much":        {"BenchmarkB 1 1e999 ns/op\n", "f:2: parsing measurement: value out of range; the line is left out"},
		"cut off":         {"BenchmarkA 1 2 ns/o", "f:2: the line is cut off; left out"},
		"split":           {"BenchmarkB \tlog text of the benchmark\n 1 2 ns/op\n", `f:2: BenchmarkB printed "log text of the benchmark" to standard output in the middle of its result; want it on standard error, or by b.Log; the line is left out`},
		"glued":           {"log text BenchmarkB 1 2 ns/op\n", "f:2: other text stands before the result; the line is left out"},
		"failure":         {"--- FAIL: BenchmarkB\n    b_test.go:3: want 3\nFAIL\nexit status 1\n", "f:2: --- FAIL: BenchmarkB b_test.go:3: want 3"},
		"a failure's log": {"--- FAIL: BenchmarkB\n    b_test.go:3: loading\n    b_test.go:4: \n        \tError: want 3\nFAIL\n", "f:2: --- FAIL: BenchmarkB b_test.go:4: Error: want 3"},
		"panic":           {"panic: spam\nexit status 2\n", "f:2: panic: spam"},
		"a deadlock":      {"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select]:\nexit status 2\n", "f:2: fatal error: all goroutines are asleep - deadlock!"},
		"a signal":        {"SIGQUIT: quit\nPC=0x1 m=0\nexit status 2\n", "f:2: SIGQUIT: quit"},
		"no reason":       {"--- FAIL: BenchmarkB\n", "f:2: --- FAIL: BenchmarkB"},
		"killed":          {"signal: killed\nFAIL\tp\t1s\n", "f:2: signal: killed"},
		"a dump":          {"signal: segmentation fault (core dumped)\nFAIL\tp [build failed]\n", "f:2: signal: segmentation fault (core dumped)"},
		"no build":        {"FAIL\tp [setup failed]\r\nFAIL\r\n", "f:2: FAIL p [setup failed]"},
		"a time-out":      {"FAIL    p    600.012s\n", "f:2: FAIL p 600.012s"},
		"an exit":         {"exit status 0xc0000005\n", "f:2: exit status 0xc0000005"},
		"a better case":   {"Unit hits/op better=Higher assume=exact\n", "f:2: the unit hits/op has better=Higher, want better=higher or better=lower; left out"},
		"neither better":  {"Unit ns/op better=sideways\n", "f:2: the unit ns/op has better=sideways, want better=higher or better=lower; left out"},
		"two versions":    {"# go: go1.25\nBenchmarkB 1 2 ns/op\n# go: go1.25\n# go: go1.26\n# go: go1.26\n", "f:5: go is go1.26, but go1.25 in line 2; want a file for each"},
		"two commits":     {"# commit: a\nBenchmarkB 1 2 ns/op\n# commit: b\n", "f:4: commit is b, but a in line 2; want a file for each"},
		"a long failure":  {"--- FAIL: " + strings.Repeat("ä", 200) + "\n", "f:2: --- FAIL: " + strings.Repeat("ä", 95) + "..."},
		"too long":        {"BenchmarkB 1 2 ns/op " + strings.Repeat("1 x ", 20_000) + "\n", "f:2: the line is too long; left out"},
	} {
		f, err := ReadFrom(strings.NewReader("BenchmarkA 1 2 ns/op\n"+c.text), "f")
		if assert.NoError(t, err, name) && assert.Len(t, f.Problems, 1, name) {
			assert.EqualError(t, f.Problems[0], c.want, name)
			assert.Equal(t, []float64{2e-9}, f.Rows[0].Values["sec/op"], name)
		}
	}
	_, err := ReadFrom(strings.NewReader("BenchmarkB 1 NaN ns/op\n"), "f")
	require.EqualError(t, err, "f:1: BenchmarkB has NaN ns/op, want a finite number; the value is left out; want the output of go test -bench")
	f, err := ReadFrom(strings.NewReader("BenchmarkA 1 2 ns/op\n"+strings.Repeat("BenchmarkB 1 NaN ns/op\n", 250)), "f")
	require.NoError(t, err)
	require.Len(t, f.Problems, maxKept+1)
	assert.EqualError(t, f.Problems[maxKept], "f: and 150 problems more like these")
}

// Lines that a benchmark logs are neither keys of the format nor results.
func TestLogs(t *testing.T) {
	logs := "FAIL over to replica 2\nexit status 3 from child\nsignal: terminated gracefully\ngoos: plan9\nfib: 96975\n# processor: queue 1\n# processor: queue 2\n# database: db1\n# go: on\nport: 4711\nseed: 123\ncpu: 97 % busy\nUnit of work: started\npkg: loaded\nBenchmarking now: yes\nBenchmark results follow\n    a_test.go:3: as slow as BenchmarkA 1 3.5 ns/op\n" +
		`{"time":"2026-01-01T10:00:00Z","level":"INFO","msg":"Benchmark"}` + "\n"
	clean, err := ReadFrom(strings.NewReader(plain), "f")
	require.NoError(t, err)
	lines := strings.SplitAfter(plain, "\n")
	for i := 1; i < len(lines); i++ {
		if i > 4 && i < 8 {
			continue // go test prints these at once
		}
		text := strings.Join(lines[:i], "") + logs + strings.Join(lines[i:], "")
		got, err := ReadFrom(strings.NewReader(text), "f")
		if assert.NoError(t, err, text) {
			assert.Equal(t, clean.Machine.Keys, got.Machine.Keys, "after line %d", i)
			for j := range got.Rows {
				got.Rows[j].Line = clean.Rows[j].Line
			}
			assert.Equal(t, clean.Rows, got.Rows, "after line %d", i)
			assert.Empty(t, got.Problems)
			assert.Zero(t, got.Failures)
			if i > 8 {
				_, err = ReadFrom(strings.NewReader(text+plain), "f")
				assert.NoError(t, err, "after line %d of the first of two files", i)
			}
		}
		if i == 9 {
			assert.Equal(t, []string{"f:12: signal: terminated gracefully", "f:15: # processor: queue 1", "f:19: port: 4711", "f:20: seed: 123", "f:21: cpu: 97 % busy", "f:23: pkg: loaded",
				"f:13: goos: plan9", "f:14: fib: 96975", "f:16: # processor: queue 2", "f:17: # database: db1", "f:18: # go: on"}, got.Ignored)
			assert.Equal(t, clean.Machine, got.Machine)
		}
		if i > 8 && i < 11 {
			got, err := ReadFrom(strings.NewReader(strings.Join(lines[:i], "")+"numcpu: 3\n"+strings.Join(lines[i:], "")), "f")
			if assert.NoError(t, err) {
				assert.Equal(t, clean.Machine.Keys, got.Machine.Keys)
				assert.Equal(t, []string{fmt.Sprintf("f:%d: numcpu: 3", i+1)}, got.Ignored)
			}
		}
	}
}

// An output that a text quotes, and so indents, is the same output.
func TestIndented(t *testing.T) {
	block := "goos: linux\ngoarch: amd64\npkg: p\n"
	results := "BenchmarkA 1 5 ns/op 1 x\n# round: 2\nBenchmarkA 1 6 ns/op 1 x\ngoos: linux\ngoarch: amd64\npkg: q\nBenchmarkA 1 7 ns/op 1 x\n"
	for _, head := range []string{block, "pkg: p\n", "numcpu: 2\n" + block, "Unit x better=lower\n" + block, "# go: go1.26\n" + block, "# command: go test\n" + block} {
		want, err := ReadFrom(strings.NewReader(head+results), "f")
		require.NoError(t, err)
		require.Len(t, want.Rows, 2)
		for _, indent := range []string{"    ", "\t"} {
			quoted := indent + strings.ReplaceAll(strings.TrimSuffix(head+results, "\n"), "\n", "\n"+indent)
			got, err := ReadFrom(strings.NewReader("A commit\n\n"+quoted+"\nIts end\n"), "f")
			require.NoError(t, err)
			for _, r := range got.Rows {
				r.Line -= 2
			}
			assert.Equal(t, want.Rows, got.Rows, "%q", quoted)
			assert.Equal(t, want.Machine, got.Machine, "%q", quoted)
			assert.Equal(t, want.Better, got.Better, "%q", quoted)
		}
	}
	// In an output that is not indented, an indented line is a program's.
	for _, first := range []string{"pkg: p\n", ""} {
		got, err := ReadFrom(strings.NewReader(first+"BenchmarkA 1 5 ns/op\n    pkg: q\n    goos: linux\nBenchmarkA 1 7 ns/op\n"), "f")
		require.NoError(t, err)
		assert.Len(t, got.Rows, 1, first)
		assert.Empty(t, got.Machine.Keys, first)
	}
	got, err := ReadFrom(strings.NewReader("pkg: p\n    pkg: q\nBenchmarkA 1 5 ns/op\n"), "f")
	require.NoError(t, err)
	assert.Equal(t, "p", got.Rows[0].Pkg)
}

func TestNames(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("BenchmarkSort/size-10 1 2 ns/op\nBenchmarkSort/size-10-4 1 3 ns/op\nBenchmarkA-4 1 5 ns/op\n"+
		"BenchmarkA-04 1 5 ns/op\npkg: other\ngoos: linux\ngoarch: amd64\npkg: other\nBenchmarkA-4 1 6 ns/op\nBenchmarkB 1 7 ns/op\nBenchmarkB-1 1 8 ns/op\n"), "f")
	require.NoError(t, err)
	var got []string
	for _, r := range f.Rows {
		got = append(got, fmt.Sprint(r.Pkg, " ", r.Name, " ", r.Procs, " ", r.FullName()))
	}
	assert.Equal(t, []string{" Sort/size-10 1 Sort/size-10", " Sort/size-10 4 Sort/size-10-4", " A 4 A-4", " A-04 1 A-04", "other A 4 A-4", "other B 1 B", "other B-1 1 B-1"}, got)
}

func TestRoundsAndDisturbed(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("# kernel: 6\n# round: 1\nBenchmarkA 1 2 ns/op\n# round: 2\n# kernel: 7\nBenchmarkB 1 0 ns/op\n# round: 3\nBenchmarkA 1 2 ns/op\n"+
		"# disturbed: A 1.31 times (a processor 1.28 times)\n# disturbed: B-2 2.50 times (others used 1.00 processors; 2 of 9 runs)\n"), "f")
	require.NoError(t, err)
	assert.Equal(t, []int{1, 3}, f.Rows[0].Rounds)
	assert.Equal(t, map[string][]float64{"sec/op": {0}}, f.Rows[1].Values, "a time of zero has the unit of a time")
	assert.Equal(t, []Fact{{"kernel", "6"}}, f.Machine.Facts, "the first counts")
	assert.InDelta(t, 2e-9, f.Rows[0].Shortest, 1e-15)
	assert.Equal(t, []Disturbance{{"", "A", 1.31, 1}, {"", "B-2", 2.5, 2}}, f.Disturbed)
	f, err = ReadFrom(strings.NewReader("BenchmarkA 1 2 ns/op\n"+strings.Repeat("# disturbed: A 1.31 times\n", 5000)), "f")
	require.NoError(t, err)
	assert.Equal(t, 5000, f.DisturbedRows()[""]["A"].Runs)
	// A file that somebody has sorted has these lines first.
	f, err = ReadFrom(strings.NewReader("# disturbed: A 1.31 times\ngoos: linux\ngoarch: amd64\npkg: p\nBenchmarkA 1 2 ns/op\n"), "f")
	require.NoError(t, err)
	assert.Equal(t, []Disturbance{{f.Rows[0].Pkg, "A", 1.31, 1}}, f.Disturbed)
	assert.NotEmpty(t, f.Rows[0].Pkg)
}

func TestMachines(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		return path
	}
	one := write("one", plain)
	python := write("python", "numcpu: 2\ngoos: linux\ngoarch: amd64\npkg: boundaries\ncpu: AMD EPYC\nUnit x/op better=higher\nBenchmarkPyLoop/system=x 1 2 ns/op\nBenchmarkLoop/sync=gil 1 9 ns/op\n")
	other := write("other", strings.Replace(plain, "family 26", "family 25", 1))
	bare := write("bare", "PASS\n")
	files, err := Read(context.Background(), []string{one, python, bare, bare})
	require.NoError(t, err, "two files may lack results")
	machines := ByMachine(files)
	require.Len(t, machines, 1)
	assert.InDeltaSlice(t, []float64{10.0e-9, 10.5e-9, 9e-9}, machines[0].Rows[0].Values["sec/op"], 1e-15)
	assert.Len(t, machines[0].Rows, 3)
	assert.InDelta(t, 9e-9, machines[0].Rows[0].Shortest, 1e-15)
	assert.Equal(t, "higher", machines[0].Better["x/op"])
	assert.Len(t, files[0].Rows[0].Values["sec/op"], 2, "the files stay as they are")
	assert.EqualError(t, files[3].Problems[0], bare+": no benchmark result in 1 line; want the output of go test -bench")

	assert.Equal(t, files[:2], machines[0].Parts[:2])
	merged, err := OneMachine(files[:2])
	require.NoError(t, err)
	assert.Equal(t, machines[0].Rows, merged.Rows)

	// A name of a processor alone is no machine, so the second file could be of either.
	for _, order := range [][]string{{one, python, other}, {python, one, other}, {one, other, python}} {
		files, err = Read(context.Background(), order)
		require.NoError(t, err)
		machines = ByMachine(files)
		require.Len(t, machines, 3)
		at := slices.Index(order, python)
		assert.Equal(t, order, []string{machines[0].Name, machines[1].Name, machines[2].Name})
		assert.EqualError(t, files[at].Problems[0], fmt.Sprintf("%s does not say whether it is of the machine of %s or of that of %s, and stands alone; want the lines before its results, such as numcpu or # host", python, one, other))
		assert.Equal(t, "linux/amd64, AMD EPYC, 2 processors", machines[slices.Index(order, other)].Machine.String())
	}
	more, err := Read(context.Background(), []string{one, other, bare})
	require.NoError(t, err)
	require.Len(t, ByMachine(more), 2, "a file without results is no machine")
	_, err = OneMachine(files)
	assert.EqualError(t, err, other+": processor is family 25, model 2, stepping 1, but family 26, model 2, stepping 1 in "+one+": these are two machines; want the files of one")

	for name, text := range map[string]string{"again": plain, "crlf": strings.ReplaceAll(plain, "\n", "\r\n"), "bom": "\ufeff" + plain} {
		_, err = Read(context.Background(), []string{one, write(name, text)})
		assert.ErrorContains(t, err, "has the same content as", name)
	}
	_, err = Read(context.Background(), []string{write("a row", "BenchmarkX 1 1 ns/op\n"), write("the row", "BenchmarkX 1 1 ns/op\n")})
	assert.ErrorContains(t, err, "has the same content as")
	_, err = Read(context.Background(), []string{bare, write("none", "")})
	assert.ErrorContains(t, err, bare+": no benchmark result", "the first of two")
}

// Two files of a machine are one, with all that each of them says.
func TestMerge(t *testing.T) {
	var files []*File
	for i, text := range []string{
		"# kernel: 6\n# round: 1\npkg: p\nBenchmarkA 1 2 ns/op\nport: 1\n# disturbed: A 1.50 times (x; 2 of 3 runs)\n",
		"# kernel: 7\n# round: 5\npkg: p\nBenchmarkA 1 3 ns/op\n# disturbed: A 1.20 times\npkg: q\nBenchmarkA 1 4 ns/op\nBenchmarkB 1 NaN x/op\nport: 2\n# disturbed: A 1.70 times\n",
		"# round: 7\npkg: p\nBenchmarkA 1 5 ns/op\nBenchmarkB 1 NaN x/op\n",
	} {
		f, err := ReadFrom(strings.NewReader(text), string(rune('a'+i)))
		require.NoError(t, err)
		files = append(files, f)
	}
	m, err := OneMachine(files)
	require.NoError(t, err)
	var rows []string
	for _, r := range m.Rows {
		rows = append(rows, fmt.Sprint(r.Pkg, " ", r.Name, " ", r.Line, " ", r.Rounds, " ", len(r.Values["sec/op"])))
	}
	assert.Equal(t, []string{"p A 4 [1 5 7] 3", "q A 7 [5] 1"}, rows)
	assert.Equal(t, []string{"a:5: port: 1", "b:9: port: 2"}, m.Ignored)
	assert.Equal(t, map[string]map[string]Disturbance{"p": {"A": {"p", "A", 1.5, 3}}, "q": {"A": {"q", "A", 1.7, 1}}}, m.DisturbedRows())
	assert.Len(t, m.Problems, 2)
	assert.Equal(t, []Fact{{"kernel", "6"}}, m.Machine.Facts, "the first counts")
}

// In a file of rows at 2 procs only, each name has the number.
func TestEveryNameHasItsProcs(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("# plan: -bench \".\" -cpu 2 -benchtime 1x -seed 1 .\nBenchmarkG/x-2 1 1 ns/op\nBenchmarkG/x-2-2 1 3 ns/op\n"), "f")
	require.NoError(t, err)
	require.Len(t, f.Rows, 2)
	for i, name := range []string{"G/x", "G/x-2"} {
		assert.Equal(t, name, f.Rows[i].Name)
		assert.Equal(t, 2, f.Rows[i].Procs)
	}
}

// Each key that both machines have tells them apart, and one that only one has does not.
func TestSame(t *testing.T) {
	for _, key := range []string{"goos", "goarch", "cpu", "numcpu", "processor", "host"} {
		machine := func(value string) Machine {
			if slices.Contains(goTestKeys, key) {
				return Machine{Keys: map[string]string{key: value}}
			}
			return Machine{Facts: []Fact{{key, value}}}
		}
		assert.False(t, machine("a").Same(machine("b")), key)
		assert.True(t, machine("a").Same(machine("a")), key)
		assert.True(t, machine("a").Same(Machine{}), key)
	}
	two := Machine{Keys: map[string]string{"cpu": "a"}, Facts: []Fact{{"cpuinfo", "b"}}} // names of one processor
	for name, want := range map[string]bool{"a": true, "b": true, "c": false} {
		one := Machine{Keys: map[string]string{"cpu": name}}
		assert.Equal(t, []bool{want, want}, []bool{two.Same(one), one.Same(two)}, name)
	}
	// Go's rows and Python's may stand in one file.
	blocks := []string{"numcpu: 2\n# cpuinfo: b\ngoos: linux\ngoarch: amd64\npkg: p\ncpu: a\nBenchmarkA 1 2 ns/op\nPASS\n", "numcpu: 2\ngoos: linux\ngoarch: amd64\npkg: p\ncpu: b\nBenchmarkB 1 2 ns/op\n"}
	for _, text := range []string{blocks[0] + blocks[1], blocks[1] + blocks[0]} {
		f, err := ReadFrom(strings.NewReader(text), "f")
		require.NoError(t, err)
		assert.Len(t, f.Rows, 2)
	}
	_, err := ReadFrom(strings.NewReader(strings.Replace(blocks[0]+blocks[1], "cpu: b", "cpu: c", 1)), "f")
	assert.ErrorContains(t, err, "these are two machines")
	_, err = ReadFrom(strings.NewReader("# host: a\nBenchmarkA 1 2 ns/op\n# host: b\n"), "f")
	assert.EqualError(t, err, `f:3: # host is "b", but "a" in line 1: these are two machines; want a file for each`)
}

// The rows that boundaries run adds are known by their package, and without one by their name.
func TestControl(t *testing.T) {
	for _, test := range []struct {
		pkg, name string
		want      bool
	}{
		{ControlPkg, "Control/at=first", true},
		{"", "Control/at=first", true},
		{"", "Control/at=last", true},
		{"", "Control/at=will", false},
		{"p", "Control/at=first", false},
	} {
		assert.Equal(t, test.want, (&Row{Pkg: test.pkg, Name: test.name, Procs: 2}).Control(), "%+v", test)
	}
}

// Reading from a silent pipe ends with the context.
func TestInterrupted(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	stdin := os.Stdin
	os.Stdin = r
	defer func() { os.Stdin = stdin }()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Read(ctx, []string{"-"})
	assert.ErrorIs(t, err, context.Canceled)
}

// repeated reads as a text that never ends.
type repeated struct{ text, rest string }

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		r.rest = r.text
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// The memory that a file needs follows its values and not its text.
func TestLongFile(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("reads 50 MB; with -race, every conversion of bytes allocates")
	}
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "BenchmarkLoop/sync=variant-of-number-%dx/with=more-of-a-name-4 \t 1000000 \t %d.25 ns/op \t %d.5 user+sys-ns/op\n", i, i+10, i+11)
		fmt.Fprintf(&text, "a line of a log that tells of request %d\n", i)
	}
	times := 50<<20/text.Len() + 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	f, err := ReadFrom(io.LimitReader(&repeated{text: text.String()}, int64(times*text.Len())), "long")
	require.NoError(t, err)
	t.Logf("%d MB in %v", times*text.Len()>>20, time.Since(began))
	runtime.ReadMemStats(&after)
	assert.Len(t, f.Rows, 500)
	assert.Len(t, f.Rows[499].Values["sec/op"], times)
	assert.Empty(t, f.Problems)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(50<<20))
}

// A machine is described by what the file says of it.
func TestMachineString(t *testing.T) {
	for want, m := range map[string]Machine{
		"a machine that the file does not name":                           {},
		"a machine that the file does not name, 16 processors":            {Keys: map[string]string{"numcpu": "16"}},
		"linux, an unknown number of processors":                          {Keys: map[string]string{"goos": "linux"}},
		"Apple M4, an unknown number of processors":                       {Keys: map[string]string{"cpu": "Apple M4"}},
		"build1, 1 processor":                                             {Keys: map[string]string{"numcpu": "1"}, Facts: []Fact{{"host", "build1"}}},
		"darwin/arm64, build1, Apple M4, an unknown number of processors": {Keys: map[string]string{"goos": "darwin", "goarch": "arm64", "cpu": "Apple M4"}, Facts: []Fact{{"host", "build1"}}},
	} {
		assert.Equal(t, want, m.String())
	}
}

func TestSpliced(t *testing.T) {
	const says = " to standard output in the middle of its result; want it on standard error, or by b.Log"
	for line, want := range map[string]string{
		"BenchmarkA/k=x-2 \t 100\t 3.5 ns/op\n":                "",
		"Benchmark 100 3.5 ns/op\r\n":                          "",
		"BenchmarkA 100 NaN x/op":                              "",
		"BenchmarkA\n":                                         "",
		"Benchmarking 3 4 5\n":                                 "",
		"Benchmark of a tiny program\n":                        "",
		"BenchmarkA takes long\n":                              "",
		"ok tiny 1s\n":                                         "",
		"# again: BenchmarkA 100 3.5 ns/op":                    "",
		"    a_test.go:3: as slow as BenchmarkA 1 3.5 ns/op\n": "",
		"BenchmarkA \t\n":                                      `BenchmarkA printed ""` + says,
		"BenchmarkA-2   \tslow write: 12ms\n":                  `BenchmarkA-2 printed "slow write: 12ms"` + says,
		"BenchmarkA\t3 items, 12 ms 100 3.5 ns/op":             `BenchmarkA printed "3 items, 12 ms 100 3.5 ns/op"` + says,
		"doneBenchmarkA/k=x-2  \t 1\t 3.5e+06 ns/op\t7 x/op":   `BenchmarkA/k=x-2 printed "done"` + says,
		"doneBenchmarkA-2   \t       1\t         3.000 q/op\n": `BenchmarkA-2 printed "done"` + says,
		" 50 %\rBenchmark  \t       1\t      +Inf q/op\n":      `Benchmark printed " 50 %\r"` + says,
		"BenchmarkA-2   \t       1\n":                          "BenchmarkA-2 has a result without a value; want one, by b.ReportMetric if not ns/op",
	} {
		if err := Spliced(line); want == "" {
			require.NoError(t, err, line)
		} else {
			require.EqualError(t, err, want, line)
		}
	}
}

func TestResultName(t *testing.T) {
	for line, want := range map[string]string{"BenchmarkA/k=x-2 \t 100\t 3.5 ns/op\n": "A/k=x-2", "BenchmarkÄ/größe 1 NaN x/op": "Ä/größe", "Benchmark 1 2 x": ""} {
		name, ok := ResultName(line)
		require.True(t, ok, line)
		require.Equal(t, want, name)
	}
	for _, line := range []string{"BenchmarkA\n", "Benchmarking 3 4 5\n", "BenchmarkA 100\n", "BenchmarkA 3 fine ones\n", "ok tiny 1s\n"} {
		_, ok := ResultName(line)
		require.False(t, ok, line)
	}
}

// "func Benchmark(b *testing.B)" is a benchmark.
func TestNoName(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("Benchmark of the day\nBenchmark \t 1\t 5 ns/op\nBenchmark-2 \t 1\t 5 ns/op\n"), "f")
	require.NoError(t, err)
	require.Empty(t, f.Problems)
	require.Len(t, f.Rows, 2)
	require.Equal(t, []string{"", "-2"}, []string{f.Rows[0].FullName(), f.Rows[1].FullName()})
}

// A file of boundaries run says which numbers are of procs.
func TestPlannedProcs(t *testing.T) {
	const rows = "BenchmarkA/n-4 1 5 ns/op\nBenchmarkB-2 1 5 ns/op\nBenchmarkC 1 5 ns/op\n"
	for head, want := range map[string]string{
		"": "A/n at 4, B at 2, C at 1",
		"# plan: -bench \"x\" -cpu 1 -benchtime 1x -seed 1 .\n":                                "A/n-4 at 1, B-2 at 1, C at 1",
		"# plan: -bench \"" + strings.Repeat("x", 300) + "\" -cpu 1 -benchtime 1x -seed 1 .\n": "A/n-4 at 1, B-2 at 1, C at 1",
		"# plan: -bench \"\\\" -cpu 4 y\" -cpu 1,2 -benchtime 1x -seed 1 ./x\n":                "A/n-4 at 1, B at 2, C at 1",
		// Two files in one:
		"# plan: -bench \"x\" -cpu 1 -benchtime 1x -seed 1 .\nBenchmarkD-3 1 5 ns/op\n# plan: -bench \"x\" -cpu 4 -benchtime 1x -seed 1 .\n": "D-3 at 1, A/n at 4, B-2 at 1, C at 1",
		"BenchmarkD-3 1 5 ns/op\n# plan: -bench \"x\" -cpu 4 -benchtime 1x -seed 1 .\n":                                                      "D at 3, A/n at 4, B at 2, C at 1",
	} {
		f, err := ReadFrom(strings.NewReader(head+rows), "f")
		require.NoError(t, err)
		var got []string
		for _, r := range f.Rows {
			got = append(got, fmt.Sprintf("%s at %d", r.Name, r.Procs))
		}
		require.Equal(t, want, strings.Join(got, ", "), head)
	}
}

// A figure of two versions is of neither, so two files that share a row are told apart.
func TestMixedVersions(t *testing.T) {
	const row, other = "BenchmarkA 1 5 ns/op\n", "BenchmarkB 1 6 ns/op\n"
	for name, c := range map[string]struct {
		texts [3]string
		want  []string
	}{
		"one version": {[3]string{"# go: go1.26\n# commit: a\n" + row, "# go: go1.26\n# commit: a\n" + row + other, row}, nil},
		"other rows":  {[3]string{"# go: go1.26\n" + row, "# go: go1.25\n" + other, ""}, nil},
		"two versions of Go": {[3]string{"# go: go1.25\n" + row, other + row, "# go: go1.26\n" + row},
			[]string{"c: go is go1.26, but go1.25 in a, and the figures of the rows in both mix the two; boundaries compare tells them apart"}},
		"two commits": {[3]string{"# commit: a\n" + row, "# commit: b\n" + row, ""},
			[]string{"b: commit is b, but a in a, and the figures of the rows in both mix the two; boundaries compare tells them apart"}},
		"one with -race": {[3]string{"# go: go1.26\n" + row, "# go: go1.26\n# build: -race=true\n" + row, "# build: -msan=true\n" + row}, // the last does not say its Go
			[]string{"b: build is -race=true, but not set in a, and the figures of the rows in both mix the two; want files with the same settings"}},
		"one with GOGC": {[3]string{"# go: go1.26\n# environment: BOUNDARIES_FIB=\"9\" GOGC=\"off\"\n" + row, "# go: go1.26\n# environment: BOUNDARIES_REDIS=\"a:1\"\n" + row, "# go: go1.26\n# environment: GODEBUG=\"x=1\"\n" + other},
			[]string{"b: environment is not set, but GOGC=\"off\" in a, and the figures of the rows in both mix the two; want files with the same settings"}},
	} {
		var files []*File
		for i, text := range c.texts {
			f, err := ReadFrom(strings.NewReader(text), string(rune('a'+i)))
			if text != "" {
				require.NoError(t, err)
			}
			files = append(files, f)
		}
		_ = ByMachine(files) // a reader may ask twice
		machines := ByMachine(files)
		require.Len(t, machines, 1, name)
		var got []string
		for _, err := range machines[0].Problems {
			got = append(got, err.Error())
		}
		require.Equal(t, c.want, got, name)
		require.Len(t, slices.Concat(files[0].Problems, files[1].Problems, files[2].Problems), len(c.want), name)
	}
}

// Text within go test's block does not end the block, and what a program printed before
// the end of its package is not of the next.
func TestTextBesideABlock(t *testing.T) {
	block := func(pkg, between string) string {
		return "goos: linux\n" + between + "goarch: amd64\n" + between + "pkg: " + pkg + "\nBenchmarkA 1 5 ns/op\n"
	}
	for _, between := range []string{"\n", "# note: x\n"} {
		f, err := ReadFrom(strings.NewReader(block("p", "")+block("q", between)), "f")
		require.NoError(t, err)
		require.Equal(t, "q", f.Rows[1].Pkg, "%q", between)
	}
	f, err := ReadFrom(strings.NewReader("numcpu: 2\n"+block("p", "")+"numcpu: 4\nPASS\n"+block("q", "")), "f")
	require.NoError(t, err)
	require.Equal(t, []string{"f:6: numcpu: 4"}, f.Ignored)
}

// A file without the block of go test may still have its lines of packages.
func TestPackagesWithoutABlock(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("pkg: p\nBenchmarkA 1 5 ns/op\npkg: q\nBenchmarkA 1 6 ns/op\npkg: is missing\nBenchmarkB 1 6 ns/op\n"), "f")
	require.NoError(t, err)
	var got []string
	for _, r := range f.Rows {
		got = append(got, r.Pkg+" "+r.Name)
	}
	require.Equal(t, []string{"p A", "q A", "q B"}, got)
	require.Equal(t, []string{"f:5: pkg: is missing"}, f.Ignored)
}

// What a file says of a unit beside what is better is something else.
func TestBetter(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("Unit x/op better=higher\nUnit x/op assume=exact\nUnit y beter=lower\nUnit z Better=lower\nBenchmarkA 1 2 x/op\n"), "f")
	require.NoError(t, err)
	require.Empty(t, f.Problems)
	require.Equal(t, []string{"f:3: Unit y: beter=lower", "f:4: Unit z: Better=lower"}, f.Ignored)
	require.Equal(t, map[string]string{"x/op": "higher"}, f.Better)
}

// What boundaries run has begun is incomplete until it is complete, also if it was
// interrupted in between, and if the file then gets more rounds.
func TestIncomplete(t *testing.T) {
	const (
		plan        = "# plan: -bench \".\" -cpu 1 -benchtime 200ms -seed 1 .\n"
		round       = "BenchmarkA 1 2 ns/op\nBenchmarkB 1 2 ns/op\n"
		part        = "BenchmarkA 1 2 ns/op\n"
		control     = "goos: linux\ngoarch: amd64\npkg: boundaries/control\nBenchmarkControl/at=first 1 2 ns/op\ngoos: linux\ngoarch: amd64\npkg: p\n"
		interrupted = "# interrupted: the rounds are not complete\n"
		complete    = "# complete: 2 rounds, 0 runs repeated because the machine was disturbed\n"
	)
	for name, c := range map[string]struct {
		text       string
		incomplete bool
	}{
		"not of the run verb":          {round + part, false},
		"complete":                     {plan + round + round + complete, false},
		"interrupted":                  {plan + round + part + interrupted, true},
		"interrupted between rounds":   {plan + round + interrupted, true},
		"killed":                       {plan + round + part, true},
		"resumed":                      {plan + control + round + control + part + interrupted + control + "BenchmarkB 1 2 ns/op\n" + complete, false},
		"a row that failed, resumed":   {plan + round + interrupted + part + complete, false},
		"interrupted with more rounds": {plan + round + round + complete + part + interrupted, true},
		"resumed with more rounds":     {plan + round + round + complete + interrupted + round + "# complete: 3 rounds, 0 runs\n", false},
		"an interrupted and a complete run, put in one file": {plan + round + part + interrupted + plan + round + complete, true},
		"two complete runs, put in one file":                 {plan + round + round + complete + plan + part + "# complete: 1 rounds, 0 runs\n", false},
	} {
		var want []string
		if c.incomplete {
			want = []string{"f: the run is not complete, so rows can lack rounds."}
		}
		f, err := ReadFrom(strings.NewReader(c.text), "f")
		require.NoError(t, err)
		assert.Equal(t, want, ByMachine([]*File{f})[0].Incomplete(), name)
	}
}

// A file that is in another one twice counts twice, which is said once. Rows that never change
// have the same lines in each round, and so have a few coarse figures.
func TestRepeats(t *testing.T) {
	rounds := func(format string, rows int, figures ...float64) (text string) {
		for _, figure := range figures {
			for row := range rows {
				text += fmt.Sprintf("BenchmarkA/row=%c \t 100\t "+format+" ns/op\n", 'a'+row, figure+float64(row))
			}
		}
		return text
	}
	f, g := rounds("%.2f", 3, 12.34, 12.35, 12.31), rounds("%.2f", 3, 12.36, 12.33, 12.32)
	for name, c := range map[string]struct{ text, want string }{
		"twice":               {f + f, "f:10: the results from here on repeat those from line 1 on, figure by figure, and count twice; want each file once"},
		"without its first":   {f + f[len(f)/9:], "f:10: the results from here on repeat those from line 2 on, figure by figure, and count twice; want each file once"},
		"three times":         {f + "# round: 1\n" + f + f, "f:11: the results from here on repeat those from line 1 on, figure by figure, and count twice; want each file once"},
		"with another":        {g + f + g, "f:19: the results from here on repeat those from line 1 on, figure by figure, and count twice; want each file once"},
		"after another":       {g + f + f, "f:19: the results from here on repeat those from line 10 on, figure by figure, and count twice; want each file once"},
		"two files":           {f + g, ""},
		"in another order":    {f + f[len(f)/3*2:] + f[len(f)/3:len(f)/3*2] + f[:len(f)/3], ""},
		"rows without change": {strings.Repeat(rounds("%.2f", 20, 12.34), 9), ""},
		"coarse figures":      {strings.Repeat(rounds("%.1f", 3, 12.3, 12.4, 12.5), 9), ""},
	} {
		file, err := ReadFrom(strings.NewReader(c.text), "f")
		require.NoError(t, err, name)
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		var got []string
		for _, p := range file.Problems {
			got = append(got, p.Error())
		}
		assert.Equal(t, want, got, name)
	}
}

// Results that two files have count twice, which is said. A few equal results are chance.
func TestResultsInTwoFiles(t *testing.T) {
	row := func(figures ...float64) (text string) {
		for _, figure := range figures {
			text += fmt.Sprintf("BenchmarkA-2 \t 100\t %v ns/op\n", figure)
		}
		return text
	}
	first := row(12.34, 12.35, 12.31, 12.36, 12.38, 12.39, 12.32)
	for name, c := range map[string]struct{ text, want string }{
		"and more":      {first + row(12.37), "b: 7 of its results stand in a too, figure by figure, and count twice; want each result once"},
		"and a line":    {first + "\n", "b: 7 of its results stand in a too, figure by figure, and count twice; want each result once"},
		"a part":        {row(12.35, 12.31, 12.36), "b: 3 of its results stand in a too, figure by figure, and count twice; want each result once"},
		"too few":       {row(12.35, 12.31), ""},
		"most":          {row(12.34, 12.35, 12.31, 12.11), "b: 3 of its results stand in a too, figure by figure, and count twice; want each result once"},
		"less":          {row(12.34, 12.35, 12.31, 12.11, 12.12, 12.13, 12.14), ""},
		"another row":   {strings.ReplaceAll(first, "A-2", "B-2"), ""},
		"other figures": {row(12.44, 12.45, 12.41), ""},
	} {
		a, err := ReadFrom(strings.NewReader(first), "a")
		require.NoError(t, err)
		b, err := ReadFrom(strings.NewReader(c.text), "b")
		require.NoError(t, err)
		ByMachine([]*File{a, b})
		if c.want == "" {
			assert.Empty(t, b.Problems, name)
		} else if assert.Len(t, b.Problems, 1, name) {
			assert.EqualError(t, b.Problems[0], c.want, name)
		}
	}
	coarse, steady := row(123, 124, 125), ""
	for _, name := range []string{"X", "Y", "Z"} {
		steady += strings.ReplaceAll(row(12.34, 12.34), "A-2", name)
	}
	for _, text := range []string{coarse, steady} {
		a, _ := ReadFrom(strings.NewReader(text), "a")
		b, _ := ReadFrom(strings.NewReader(text), "b")
		ByMachine([]*File{a, b})
		assert.Empty(t, b.Problems, text)
	}
}

// Two files that contradict each other about a unit have a problem.
func TestContraryUnits(t *testing.T) {
	a, _ := ReadFrom(strings.NewReader("Unit score better=higher\nBenchmarkA 1 1 score\n"), "a")
	b, _ := ReadFrom(strings.NewReader("Unit score better=lower\nBenchmarkA 1 1 score\n"), "b")
	ByMachine([]*File{a, b})
	require.Len(t, b.Problems, 1)
	assert.EqualError(t, b.Problems[0], "b: a Unit line says better=lower of score, but better=higher in a; want the same in all files")
}

func TestTimesAndRates(t *testing.T) {
	for unit, want := range map[string]string{
		"sec/op": "time", "user+sys-sec/op": "time", "p99-sec": "time", "p99-ms": "time", "latency_us": "time", "sec/GC": "time", "µs": "time", "wait-seconds/op": "time",
		"B/s": "rate", "items-per-sec": "rate", "ops/msec": "rate", "MB-per-second": "rate", "req/sec": "rate", "jobs_per_ms": "rate",
		"B/op": "", "allocs/op": "", "score": "", "per-sec": "rate", "bytes": "", "misses": "", "status": "", "insec": "", "items-per-core": "",
	} {
		assert.Equal(t, want == "time", IsTime(unit), unit)
		assert.Equal(t, want == "rate", IsRate(unit), unit)
	}
}

// What a terminal would act on is no part of a name.
func TestControlCharacters(t *testing.T) {
	f, err := ReadFrom(strings.NewReader("BenchmarkX/\x07a\x7f\x08\u009b31m\u00e9 1\t1 ns/op\n"), "x")
	require.NoError(t, err)
	require.Len(t, f.Rows, 1)
	require.Equal(t, "X/a31m\u00e9", f.Rows[0].Name)
}

// TestMain may print lines of its own, and text in front of the first name.
func TestListed(t *testing.T) {
	for line, want := range map[string]string{
		"BenchmarkA\n": "BenchmarkA", "loading... BenchmarkA\n": "BenchmarkA", "BenchmarkABenchmarkB\n": "BenchmarkABenchmarkB",
		"Benchmarking\n": "", "ok\n": "", "of BenchmarkA and others\n": "", "Benchmark\n": "Benchmark",
	} {
		require.Equal(t, want, ListedName(line), line)
	}
}
