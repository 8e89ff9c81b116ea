package benchfile

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A filter reads a file and passes only results and Unit lines to benchfmt. It
// replaces every other line by an empty one, so that the line numbers stay right,
// and interprets those lines itself.
//
// Read returns one line at a time and benchfmt parses it before it asks for the
// next, so pkg and round are those of the result that was parsed last.
type filter struct {
	file   *File
	source *source
	sum    hash.Hash // of the lines, however they are encoded
	last   []byte    // the line that was read last
	rest   []byte    // the part of last that Read has not returned yet
	err    error     // ends the file

	number  int // of the line
	results int // so far
	pkg     string
	round   int

	indent   []byte // of the whole output, as in a text that quotes it
	block    int    // where in go test's block the line before was, from 1, or 0
	failing  string // a "--- FAIL:" line, to which its log may give the reason
	log      string // the lines below it
	failedAt int    // the number of that line
	prefixed string // says where a result with other text before it is
	where    map[string]int
	surely   map[string]bool // the key is from go test's block

	mixes bool      // a problem says that two versions are in the file
	open  []keyLine // which count if go test's block follows
}

// A keyLine is a "key: value" line, or, if the key begins with "# ", a fact.
type keyLine struct {
	number     int
	key, value string
}

func (f *filter) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		if f.err != nil {
			return 0, io.EOF
		}
		line, ended, err := f.source.line()
		if err == io.EOF {
			f.endFailure()
			f.endOpen(false)
			return 0, io.EOF
		}
		f.number++
		_, _ = f.sum.Write(line)
		_, _ = f.sum.Write([]byte{'\n'})
		if err != nil {
			f.err = fmt.Errorf("%s:%d: %w", f.file.Name, f.number, err)
			return 0, io.EOF
		}
		f.last = f.take(line, ended)
		f.rest = append(f.last, '\n')
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

var (
	escapes = regexp.MustCompile("\x1b(\\[[0-9;?]*[A-Za-z]|\\][^\a\x1b]*(\a|\x1b\\\\)|[()][A-Z0-9])")
	c1      = regexp.MustCompile(`[\x{80}-\x{9f}]`) // controls that take two bytes in UTF-8
	// Matches the output of go test -json, but not JSON that a program logs.
	testJSON = regexp.MustCompile(`^\{.*"Action":"(start|run|pause|cont|pass|bench|fail|output|skip|build-output|build-fail)"`)
	result   = regexp.MustCompile(`Benchmark[^a-z\s]\S*\s+\d+\s+[-+0-9.eNaIinf]+ \S`)
	logged   = regexp.MustCompile(`^ +\S+\.go:\d+: `) // by b.Log
	stamp    = regexp.MustCompile(`\d\d?:\d\d:\d\d`)
	indented = regexp.MustCompile(`^([ \t]+)((goos|pkg|numcpu): \S+|# (go|date|command|plan|round): .+|Unit \S+ \S+=\S+)$`)
	unitLine = regexp.MustCompile(`^Unit[ \t]+\S+([ \t]+[A-Za-z]+=\S+)+[ \t]*$`)
	keyed    = regexp.MustCompile(`^([a-z][^\s:A-Z]*):(?:[ \t]+(.*))?$`)
	crashed  = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+): `)
	fact     = regexp.MustCompile(`^# ([a-z][a-z0-9 _-]{0,40}): (.*)$`)
	disturbs = regexp.MustCompile(`^# disturbed: (\S+) ([0-9.]+) times(?: \(.*; (\d+) of \d+ runs\)$)?`)
	// What go test prints. A signal of several words must be in the list, because a log may
	// have a line such as "signal: terminated gracefully".
	failed = regexp.MustCompile(`^(FAIL(\s+\S+\s+(\d[0-9.]*s|\[(build|setup) failed\]))?|exit status (\d+|0x[0-9a-f]+)|` +
		`signal: (\w+|(segmentation|stack) fault|bus error|floating point exception|bad system call|(CPU time|file size) limit exceeded|` +
		`(abort|trace/\w+) trap|illegal instruction|broken pipe|alarm clock|(user defined )?signal \d+)( \(core dumped\))?)\s*$`)
)

var (
	benchmark = []byte("Benchmark")
	unit      = []byte("Unit")
)

// control reports whether a byte does something to a terminal instead of being shown.
func control(b byte) bool { return b < ' ' && b != '\t' || b == 0x7f }

// take returns the line if it is for benchfmt. Otherwise it interprets the line and
// returns nil.
func (f *filter) take(line []byte, ended bool) []byte {
	if bytes.IndexByte(line, 0x1b) >= 0 {
		line = escapes.ReplaceAll(line, nil)
	}
	line = slices.DeleteFunc(line, control)
	if bytes.IndexByte(line, 0xc2) >= 0 {
		line = c1.ReplaceAll(line, nil)
	}
	if match := indented.FindSubmatch(line); match != nil && f.where == nil && f.results == 0 {
		f.indent = match[1]
	}
	line = bytes.TrimPrefix(line, f.indent)
	block := f.block
	f.block = 0
	if f.failing != "" {
		if text := string(line); strings.HasPrefix(text, " ") && !isFailure(text) {
			f.log += text + "\n"
			f.log = f.log[max(0, len(f.log)-4096):]
		} else {
			f.endFailure()
		}
	}
	if !bytes.HasPrefix(line, benchmark) {
		if i := bytes.Index(line, benchmark); i > 0 && result.Match(line[i:]) && !logged.Match(line) && !f.cutPrefix(&line, i) {
			return nil
		}
	}
	switch {
	case bytes.HasPrefix(line, benchmark):
		after, _ := utf8.DecodeRune(line[len(benchmark):])
		switch {
		case unicode.IsLower(after) || unicode.IsSpace(after) && !resultLine.Match(line):
			return nil // "Benchmarking" is no benchmark's name, but "Benchmark" is one
		case !ended:
			// A line that was cut off can look whole.
			f.problem("the line is cut off; left out")
			return nil
		case len(line) >= maxLine-2:
			f.problem("the line is too long; left out")
			return nil
		}
		f.endOpen(false)
		return line
	case bytes.HasPrefix(line, unit) && unitLine.Match(line):
		return line
	case len(line) == 0:
		f.block = block
		return nil
	}
	f.takeText(string(line), block)
	return nil
}

// cutPrefix removes invisible text before a result from the line. If the text is
// visible, cutPrefix reports the line and returns false.
func (f *filter) cutPrefix(line *[]byte, i int) bool {
	before := (*line)[:i]
	if !bytes.ContainsFunc(bytes.ToValidUTF8(before, nil), func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }) {
		*line = (*line)[i:]
		return true
	}
	switch {
	case testJSON.Match(*line):
		f.fatal("this is the output of go test -json; want that of go test -bench without -json")
	case stamp.Match(before):
		f.fatal("a time stands before the result, as in the logs of CI; " + want + " as it is")
	default:
		f.prefixed = fmt.Sprintf("line %d has %q before the result", f.number, shorten(string(before)))
		f.problem("other text stands before the result; the line is left out")
	}
	return false
}

func (f *filter) takeText(line string, block int) {
	switch {
	case line[0] == '#':
		f.block = block
		f.takeFact(line)
	case line[0] == '{' && testJSON.MatchString(line):
		f.fatal("this is the output of go test -json; want that of go test -bench without -json")
	case line == "PASS": // the end of a package's output
		f.endOpen(false)
	case isFailure(line):
		f.failing, f.failedAt = strings.TrimSpace(line), f.number
		f.file.Failures++
	case crashed.MatchString(line):
		f.problem(line)
		f.file.Failures++
	case failed.MatchString(line):
		if f.file.Failures == 0 {
			f.problem(line)
		}
		f.file.Failures++
	default:
		if match := keyed.FindStringSubmatch(line); match != nil {
			f.takeKey(match[1], strings.TrimSpace(match[2]), block)
		}
	}
}

func isFailure(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "--- FAIL: ") }

func (f *filter) endFailure() {
	if f.failing != "" {
		f.file.problem(f.failedAt, strings.TrimSpace(f.failing+" "+endOfLog(f.log, 1)))
		f.failing, f.log = "", ""
	}
}

func (f *filter) takeFact(line string) {
	if match := disturbs.FindStringSubmatch(line); match != nil {
		if times, err := strconv.ParseFloat(match[2], 64); err == nil && len(f.file.Disturbed) < 100*maxKept {
			runs, _ := strconv.Atoi(match[3])
			f.file.Disturbed = append(f.file.Disturbed, Disturbance{f.pkg, match[1], times, max(1, runs)})
		}
		return
	}
	match := fact.FindStringSubmatch(line)
	if match == nil {
		return
	}
	key, value := match[1], printable(match[2])
	if key != "plan" && key != "command" { // a part of these is of no use
		value = shorten(value)
	}
	if slices.Contains(headFacts, key) && f.waits("# "+key, value) {
		return
	}
	f.setFact(key, value)
}

// headFacts are the facts that tell one run from another. The suite prints them only before
// go test's block. benchtime is not among them, because the Python rows have it after theirs.
var headFacts = []string{"processor", "host", "database", "go", "commit", "binaries", "build", "environment"}

func (f *filter) setFact(key, value string) {
	m := &f.file.Machine
	switch key {
	case "round":
		f.round, _ = strconv.Atoi(value)
		return
	case "plan":
		f.file.unended++
	case "interrupted": // perhaps when a complete run was resumed with more rounds
		f.file.unended = max(1, f.file.unended)
	case "complete":
		f.file.unended = max(0, f.file.unended-1)
	}
	if match := planCPU.FindStringSubmatch(value); key == "plan" && match != nil && (f.results == 0 || f.file.planned != nil) {
		f.file.planned = append(f.file.planned, strings.Split(match[1], ",")...)
	}
	first, two := m.Fact(key), key == "processor" || key == "host"
	switch {
	case first == value:
	case first == "" && len(m.Facts) < maxKept:
		m.Facts = append(m.Facts, Fact{key, value})
		f.seen("# "+key, false)
	case (two || key == "database") && f.results == 0: // no row is of the first
		f.ignore(keyLine{f.number, "# " + key, value})
	case two:
		f.fatal(fmt.Sprintf("# %s is %q, but %q in line %d: these are two machines; want a file for each", key, value, first, f.where["# "+key]))
	case key == "database":
		f.fatal(fmt.Sprintf("# database is %q, but %q in line %d; want a file for each", value, first, f.where["# database"]))
	case slices.Contains(mixed, key) && f.results > 0 && !f.mixes:
		f.mixes = true
		f.problem(fmt.Sprintf("%s is %s, but %s in line %d; want a file for each", key, value, first, f.where["# "+key]))
	}
}

// seen notes where a key was read first.
func (f *filter) seen(key string, surely bool) {
	if f.where == nil {
		f.where, f.surely = map[string]int{}, map[string]bool{}
	}
	f.where[key], f.surely[key] = f.number, surely
}

// takeKey takes a "key: value" line. Before the results of a package, go test prints
// one block of at most four lines, in the order of goTestKeys, which begins with goos and
// goarch. A line that a program prints itself counts only at the head of the file, and a
// block overrides it. What this suite prints before the block, such as numcpu, counts in
// more places: before every block, and everywhere in a file without one. So does pkg in a
// file without a block, because somebody may have kept only the lines of packages and
// results.
func (f *filter) takeKey(key, value string, block int) {
	if _, err := strconv.Atoi(value); key == "fib" && err == nil { // of this suite: the size of its fib
		if !f.waits(key, value) {
			f.setFib(value)
		}
		return
	}
	rank := slices.Index(goTestKeys, key) + 1
	word := value != "" && !strings.ContainsAny(value, " \t")
	switch {
	case key == "numcpu":
		if !f.waits(key, value) {
			f.setKey(key, value, true)
		}
	case key == "goos" && word: // the next line says whether a block begins here
		f.block = rank
		f.opens(key, value)
	case block == 1 && key == "goarch" && word:
		f.block = rank
		f.endOpen(true)
		f.setKey(key, value, true)
	case block > 1 && rank > block, key == "pkg" && word && !f.surely["goos"]:
		f.block = rank
		f.setKey(key, value, true)
	default:
		f.setKey(key, value, false)
	}
}

// waits leaves open whether a line between the results of a file counts.
func (f *filter) waits(key, value string) bool {
	if f.results == 0 || !f.surely["goos"] {
		return false
	}
	f.opens(key, value)
	return true
}

// opens leaves a line open, in place of an earlier one with its key.
func (f *filter) opens(key, value string) {
	i := slices.IndexFunc(f.open, func(l keyLine) bool { return l.key == key })
	if i >= 0 {
		f.ignore(f.open[i])
		f.open = slices.Delete(f.open, i, i+1)
	}
	f.open = append(f.open, keyLine{f.number, key, value})
}

// endOpen decides on the lines that were left open.
func (f *filter) endOpen(counts bool) {
	now := f.number
	for _, line := range f.open {
		f.number = line.number
		key, isFact := strings.CutPrefix(line.key, "# ")
		switch {
		case !counts && f.file.Machine.says(key) == line.value: // nothing new
		case line.key == "goos":
			f.setKey(line.key, line.value, counts)
		case !counts:
			f.ignore(line)
		case isFact:
			f.setFact(key, line.value)
		case line.key == "fib":
			f.setFib(line.value)
		default:
			f.setKey(line.key, line.value, true)
		}
	}
	f.number, f.open = now, f.open[:0]
}

func (f *filter) setFib(size string) {
	does := func(r *Row) bool { return fibRows.MatchString(r.Name) }
	if f.file.Machine.Fact("fib") != size && slices.ContainsFunc(f.file.Rows, does) {
		f.fatal("fib is " + size + ", but not in the rows before; want a file for each size")
	}
	f.setFact("fib", size)
}

func (f *filter) setKey(key, value string, surely bool) {
	keys := f.file.Machine.Keys
	first, known := keys[key]
	switch {
	case !slices.Contains(goTestKeys, key), !surely && (f.results > 0 || f.surely[key] || known && first != value):
		f.ignore(keyLine{f.number, key, value})
	case key == "pkg":
		f.pkg = value
		f.seen(key, surely)
	case !known || surely && !f.surely[key]:
		if n, err := strconv.Atoi(value); key == "numcpu" && (err != nil || n < 1) {
			f.fatal(fmt.Sprintf("numcpu is %q, want a number of at least 1", value))
		}
		keys[key] = value
		f.seen(key, surely)
	case key == "cpu" && slices.Contains([]string{first, value}, f.file.Machine.Fact("cpuinfo")): // Python's rows have the name that Linux has
	case first != value:
		f.fatal(fmt.Sprintf("%s is %s, but %s in line %d: these are two machines; want a file for each", key, value, first, f.where[key]))
	}
}

func (f *filter) ignore(line keyLine) {
	if len(f.file.Ignored) < maxKept {
		f.file.Ignored = append(f.file.Ignored, fmt.Sprintf("%s:%d: %s", f.file.Name, line.number, shorten(line.key+": "+line.value)))
	}
}

func (f *filter) fatal(text string) {
	if f.err == nil {
		f.err = fmt.Errorf("%s:%d: %w", f.file.Name, f.number, errors.New(text))
	}
}

func (f *filter) problem(text string) {
	f.file.problem(f.number, text)
}
