// Mutants breaks the code, one line at a time, and runs the test that should notice.
//
// Usage:
//
//	go run ./internal/mutants [-changed] [-update] [-v] [name...]
//
// testdata/list.txt lists the breaks, called mutants. Each names a file, the text to
// replace, the failure that the new text makes, and the test that is expected to
// fail. A mutant never touches the tree: the go command's -overlay replaces the file
// in the build. The test also runs on the code as it is, as the control, and must
// pass there. The test of internal/explore builds copies of the code itself. It finds
// the mutant's overlay in the environment variable BOUNDARIES_OVERLAY.
//
// testdata/baseline.txt holds the expected state of each mutant. The exit status is 1
// if a mutant is in another state. -update writes the states found to that file.
// -changed runs only mutants of files that the last commit changed, at most six.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"boundaries/internal/command"
)

// The states of a mutant.
const (
	killed       = "KILLED"         // the test fails
	survived     = "SURVIVED"       // the test passes
	stale        = "STALE"          // the text to replace is not in the file, or more than once
	doesNotBuild = "DOES NOT BUILD" // the new text is not Go
	timedOut     = "TIMED OUT"      // the test hangs and has no guard of its own that ends it
	noControl    = "NO CONTROL"     // the test does not run, or fails on the code as it is
)

const (
	listFile     = "internal/mutants/testdata/list.txt"
	baselineFile = "internal/mutants/testdata/baseline.txt"
)

// A mutant is one entry of the list.
type mutant struct {
	name     string
	file     string // slash-separated, from the root of the module
	old, new string
	fails    string // the failure it makes
	history  string // the commit that fixed this bug, if the repository had it, and what it was
	pkg      string // of the test
	test     string
	flags    []string // of the test's binary; -race is the go command's
}

// parse reads the list. An entry is a line "mutant NAME", then the lines "file",
// "fails" and "test", perhaps "history", then the old text in lines that begin with
// "- " and the new text in lines that begin with "+ ". The first old line may lack its
// indentation. A test may be a subtest: TestX/name.
func parse(list string) ([]mutant, error) {
	var all []mutant
	for i, line := range strings.Split(list, "\n") {
		key, value, _ := strings.Cut(line, " ")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if key == "mutant" {
			all = append(all, mutant{name: value})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("line %d: %q precedes the first mutant", i+1, line)
		}
		m := &all[len(all)-1]
		switch key {
		case "file":
			m.file = value
		case "fails":
			m.fails = strings.TrimSpace(m.fails + " " + value)
		case "history":
			m.history = value
		case "test":
			words := strings.Fields(value)
			if len(words) < 2 {
				return nil, fmt.Errorf("line %d: want a package and a test, got %q", i+1, value)
			}
			m.pkg, m.test, m.flags = words[0], words[1], words[2:]
		case "-":
			m.old += value + "\n"
		case "+":
			m.new += value + "\n"
		default:
			return nil, fmt.Errorf("line %d: unknown key %q", i+1, key)
		}
	}
	names := map[string]bool{}
	for i := range all {
		m := &all[i]
		m.old, m.new = strings.TrimSuffix(m.old, "\n"), strings.TrimSuffix(m.new, "\n")
		if m.file == "" || m.fails == "" || m.test == "" || m.old == "" || names[m.name] {
			return nil, fmt.Errorf("mutant %q is incomplete, or another one has its name", m.name)
		}
		names[m.name] = true
	}
	return all, nil
}

// race returns -race if the test is built with it, or "".
func (m mutant) race() string {
	if slices.Contains(m.flags, "-race") {
		return "-race"
	}
	return ""
}

// apply returns the mutant's file with the new text, or false if the mutant is stale.
func (m mutant) apply(root string) ([]byte, bool) {
	code, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil || bytes.Count(code, []byte(m.old)) != 1 {
		return nil, false
	}
	return bytes.Replace(code, []byte(m.old), []byte(m.new), 1), true
}

// A runner runs mutants of the module at root.
type runner struct {
	root     string
	dir      string            // temporary
	timeout  time.Duration     // of one test
	clean    map[string]string // by package and -race: the binary of the code as it is
	controls map[string]bool   // by test: whether it passes on the code as it is
	took     time.Duration     // the last test
}

func newRunner(root, dir string, timeout time.Duration) *runner {
	return &runner{root: root, dir: dir, timeout: timeout, clean: map[string]string{}, controls: map[string]bool{}}
}

// run returns the mutant's state, and what the go command or the test printed.
func (r *runner) run(ctx context.Context, m mutant) (state, output string) {
	code, ok := m.apply(r.root)
	if !ok {
		return stale, ""
	}
	changed := filepath.Join(r.dir, "changed.go")
	overlay := filepath.Join(r.dir, "overlay.json")
	file, err := filepath.Abs(filepath.Join(r.root, filepath.FromSlash(m.file)))
	if err != nil {
		return stale, err.Error()
	}
	replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err := errors.Join(os.WriteFile(changed, code, 0o666), os.WriteFile(overlay, replace, 0o666)); err != nil {
		return doesNotBuild, err.Error()
	}

	control := fmt.Sprint(m.pkg, m.test, m.flags)
	passes, known := r.controls[control]
	if !known {
		binary := r.clean[m.pkg+m.race()]
		if binary == "" {
			binary, output = r.build(ctx, m, fmt.Sprintf("clean%d.test.exe", len(r.clean)))
			r.clean[m.pkg+m.race()] = binary
		}
		if binary != "" {
			state, output = r.test(ctx, m, binary, "")
			passes = state == survived
		}
		r.controls[control] = passes
	}
	if !passes {
		return noControl, output
	}
	binary, output := r.build(ctx, m, "mutant.test.exe", "-overlay="+overlay)
	if binary == "" {
		return doesNotBuild, output
	}
	return r.test(ctx, m, binary, overlay)
}

// build compiles the test's package, and returns "" and the errors if it cannot.
func (r *runner) build(ctx context.Context, m mutant, name string, flags ...string) (binary, output string) {
	binary = filepath.Join(r.dir, name)
	args := append([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary}, flags...) // without symbols it links faster
	if race := m.race(); race != "" {
		args = append(args, race)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, m.pkg)...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", string(out) + err.Error()
	}
	return binary, ""
}

// test runs the test and returns killed, survived, timedOut, or noControl if there is
// no such test or it is skipped. overlay is empty for the code as it is.
func (r *runner) test(ctx context.Context, m mutant, binary, overlay string) (state, output string) {
	// The test binary ends itself at the timeout. If even that hangs, it is killed.
	ctx, cancel := context.WithTimeout(ctx, r.timeout+10*time.Second)
	defer cancel()
	args := []string{"-test.run=^" + m.test + "$", "-test.v", "-test.failfast", "-test.timeout=" + r.timeout.String()}
	args = append(args, slices.DeleteFunc(slices.Clone(m.flags), func(f string) bool { return f == "-race" })...)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "BOUNDARIES_OVERLAY="+overlay)
	cmd.Dir = filepath.Join(r.root, filepath.FromSlash(m.pkg))
	cmd.WaitDelay = time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	output, r.took = string(out), time.Since(began)
	switch {
	case ctx.Err() != nil || strings.Contains(output, "panic: test timed out after"):
		return timedOut, output
	case err != nil:
		return killed, output
	case !strings.Contains(output, "--- PASS: "+m.test+" "):
		return noControl, output
	}
	return survived, output
}

// readBaseline returns the expected states by name.
func readBaseline(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	states := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		states[name] = strings.TrimSpace(state)
	}
	return states, nil
}

// changedFiles returns the files that the last commit changed, compared with its
// first parent.
func changedFiles(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "git", "diff", "--name-only", "HEAD^1", "HEAD").Output()
	return strings.Fields(string(out)), err
}

// mostChanged is how many mutants -changed runs.
const mostChanged = 6

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	onlyChanged := flags.Bool("changed", false, fmt.Sprintf("run at most %d mutants of files that the last commit changed", mostChanged))
	update := flags.Bool("update", false, "write the states to the baseline")
	verbose := flags.Bool("v", false, "print what each test prints")
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return nil
	} else if err != nil {
		return command.BadInput("%w", err)
	}
	list, err := os.ReadFile(listFile)
	if err != nil {
		return fmt.Errorf("%w (run it from the root of the module)", err)
	}
	all, err := parse(string(list))
	if err != nil {
		return fmt.Errorf("%s: %w", listFile, err)
	}
	baseline, err := readBaseline(baselineFile)
	if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(all, func(m mutant) bool { return m.name == name }) {
			return command.BadInput("no mutant is named %q; %s lists them", name, listFile)
		}
	}
	chosen := all
	if flags.NArg() > 0 {
		chosen = slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return !slices.Contains(flags.Args(), m.name) })
	}
	if *onlyChanged {
		files, err := changedFiles(ctx)
		if err != nil { // no git, or a clone of one commit
			fmt.Fprintf(out, "git does not say what the last commit changed, so no mutant runs: %v\n", err)
			return nil
		}
		chosen = slices.DeleteFunc(slices.Clone(chosen), func(m mutant) bool { return !slices.Contains(files, m.file) })
		fmt.Fprintf(out, "the last commit changed the files of %d mutants\n", len(chosen))
		chosen = chosen[:min(len(chosen), mostChanged)]
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := newRunner(".", dir, time.Minute)
	drift := 0
	count := map[string]int{}
	for _, m := range chosen {
		began := time.Now()
		state, output := r.run(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		count[state]++
		fmt.Fprintf(out, "%-14s %4.0fs, the test %4.1fs  %-34s %s %s", state, time.Since(began).Seconds(), r.took.Seconds(), m.name, m.pkg, m.test)
		if want := baseline[m.name]; state != want {
			drift++
			fmt.Fprintf(out, "  (expected %q)", want)
		}
		fmt.Fprintln(out)
		if *verbose || state == noControl || state == doesNotBuild {
			fmt.Fprintln(out, output)
		}
		baseline[m.name] = state
	}
	fmt.Fprintf(out, "%d mutants:", len(chosen))
	for _, state := range []string{killed, survived, timedOut, stale, doesNotBuild, noControl} {
		fmt.Fprintf(out, "  %s %d", state, count[state])
	}
	fmt.Fprintln(out)
	if *update {
		var text strings.Builder
		for _, m := range all {
			if state, ok := baseline[m.name]; ok {
				fmt.Fprintf(&text, "%-40s %s\n", m.name, state)
			}
		}
		return os.WriteFile(baselineFile, []byte(text.String()), 0o666)
	}
	if drift > 0 {
		return fmt.Errorf("%d mutants differ from %s", drift, baselineFile)
	}
	return nil
}

func main() {
	command.Main("mutants", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Stdout) })
}
