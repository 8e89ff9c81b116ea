package runner

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"boundaries/internal/command"
	"boundaries/internal/process"
)

// A Remote is another machine that measures what a [Config] says.
type Remote struct {
	Host string   // as ssh takes it, and not an option
	SSH  []string // the command, with its options
	Args []string // for boundaries run on that machine
	// Stderr gets what the other machine prints to standard error, its progress and its
	// errors, a line at a time.
	Stderr func(line string)

	patience time.Duration // with the other machine's cleanup; 0 means 10 s
}

// RunOn measures on another machine. It builds this command and the test binaries for the
// system and the processor of that machine, copies them there, and appends what they print
// to c.Out as it comes. The other machine needs only an ssh server, sh and tar. Nothing
// stays on it: the commands there end and remove everything when the copy is cut short or
// their standard input ends. There is one exception: the copy stays if this process is killed
// after the copy and before the run.
func RunOn(ctx context.Context, c Config, on Remote) (err error) {
	defer func() {
		if err != nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%s: %w", on.Host, err)
		}
	}()
	// Building takes long, so whether the file can be made must be known before.
	file, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return command.BadInput("%w", err)
	}
	defer func() {
		err = cmp.Or(err, file.Close())
		if text, readErr := os.ReadFile(c.Out); err != nil && readErr == nil && bytes.Count(text, []byte("\nBenchmark")) == bytes.Count(text, []byte("\nBenchmarkControl/at=")) {
			_ = os.Remove(c.Out) // the next run would only find that it exists
		}
	}()
	r := &runner{Config: c}
	end, err := r.keep()
	if err != nil {
		return err
	}
	defer end()
	kernel, err := on.output(ctx, nil, "uname -sm")
	if err != nil {
		return err
	}
	goos, goarch, err := platform(kernel)
	if err != nil {
		return err
	}
	r.env = []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}
	if err := r.compile(ctx); err != nil {
		return err
	}
	if err := r.compileSelf(ctx, filepath.Join(r.temp, "boundaries")); err != nil {
		return err
	}
	tests := []string{}
	names := []string{"boundaries"}
	for _, b := range r.binaries {
		tests = append(tests, b.pkg+"="+filepath.Base(b.path))
		names = append(names, filepath.Base(b.path))
	}
	if _, err := r.exec(ctx, r.temp, "tar", append([]string{"-czf", "packed"}, names...)...); err != nil {
		said := errors.New(strings.TrimRight(err.Error()+": "+r.stderr, ": \n"))
		return fmt.Errorf("packing the binaries: %w", cmp.Or(ctx.Err(), process.Room(r.temp), said))
	}
	archive, err := os.Open(filepath.Join(r.temp, "packed"))
	if err != nil {
		return err
	}
	defer archive.Close()
	name := fmt.Sprintf("boundaries-run-%x", rand.Uint64())
	folder, err := on.output(ctx, archive, unpack(name))
	if err != nil { // perhaps of this side, because ctx has ended
		on.remove(ctx, there(name))
		return err
	}
	defer func() {
		if err != nil && ctx.Err() == nil { // the command that removes it may not have begun
			on.remove(ctx, quote(folder))
		}
	}()
	args := append([]string{"./boundaries", "run", "-prebuilt", strings.Join(tests, ","), "-host", on.Host}, on.Args...)
	for i := range args {
		args[i] = quote(args[i])
	}
	return on.run(ctx, file, fmt.Sprintf("cd %s && { %s; status=$?; cd /; rm -rf -- %s; exit $status; }", quote(folder), strings.Join(args, " "), quote(folder)))
}

// unpack returns a shell command that unpacks its standard input in a new folder of that
// name and prints where it is, or leaves nothing behind. An archive from Windows marks
// no file as executable, so the command marks all.
func unpack(name string) string {
	return `trap '' PIPE; d=` + there(name) + ` && mkdir -m 700 "$d" && cd "$d" && { tar -xzf - && chmod +x ./* && pwd || { cd /; rm -rf -- "$d"; exit 1; }; }`
}

// there returns the folder of that name on the other machine, as the shell takes it.
func there(name string) string { return `"${TMPDIR:-/tmp}/` + name + `"` }

// remove removes a folder of the other machine, also after ctx has ended.
func (on Remote) remove(ctx context.Context, folder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(on.patience, 10*time.Second))
	defer cancel()
	_, _ = on.output(ctx, nil, "rm -rf -- "+folder)
}

// command returns a command that runs a script on the other machine, whatever shell the
// user has there. A process that ssh leaves running may keep the output
// open, and the command does not wait for it.
func (on Remote) command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, on.SSH[0], append(on.SSH[1:len(on.SSH):len(on.SSH)], on.Host, "sh -c "+quote(script))...)
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// run runs a shell command on the other machine. The command's standard input stays
// open until ctx ends, and its output goes to the file.
func (on Remote) run(ctx context.Context, file *os.File, script string) error {
	cmd := on.command(context.Background(), script)
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	says, results := &lines{each: on.Stderr}, &synced{file: file}
	cmd.Stdout, cmd.Stderr = results, says
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	// The other side has time to clean up.
	stop := context.AfterFunc(ctx, func() {
		_ = input.Close()
		time.AfterFunc(cmp.Or(on.patience, 10*time.Second), func() { _ = cmd.Process.Kill() })
	})
	err = cmd.Wait()
	stop()
	_ = input.Close()
	if len(says.rest) > 0 { // the last line has no end
		_, _ = says.Write([]byte("\n"))
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return cmp.Or(ctx.Err(), results.err, errors.New(cmp.Or(says.last, err.Error())))
}

// A synced is a file whose every write returns when the disk has the data.
// It keeps the error, because the command that writes then fails without saying why.
type synced struct {
	file *os.File
	err  error
}

func (s *synced) Write(p []byte) (n int, err error) {
	n, err = s.file.Write(p)
	s.err = cmp.Or(err, s.file.Sync())
	return n, s.err
}

// A lines is a writer that calls each for every line. It belongs to the goroutine that copies a
// command's output, and after the command's Wait to the caller of that.
type lines struct {
	each func(string)
	rest []byte
	last string // the last line that is not empty
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.rest = rest
		text := strings.TrimPrefix(strings.TrimSpace(string(line)), "boundaries: ")
		l.last = cmp.Or(text, l.last)
		if l.each != nil {
			l.each(text)
		}
	}
}

// output returns what a shell command prints on the other machine. The input is a file, or
// nil, because a pipe breaks if the command ends early.
func (on Remote) output(ctx context.Context, input *os.File, script string) (string, error) {
	cmd := on.command(ctx, script)
	if input != nil {
		cmd.Stdin = input
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return "", cmp.Or(ctx.Err(), errors.New(strings.Join(strings.Fields(cmp.Or(strings.TrimSpace(stderr.String()), err.Error())), " ")))
	}
	return strings.TrimSpace(string(out)), nil
}

// platform translates what uname -sm says.
func platform(kernel string) (goos, goarch string, err error) {
	system, machine, _ := strings.Cut(kernel, " ")
	goos = strings.ToLower(system)
	goarch = map[string]string{"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv6l": "arm", "armv7l": "arm",
		"i386": "386", "i686": "386", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x", "loongarch64": "loong64"}[machine]
	switch goos {
	case "linux", "darwin", "freebsd", "openbsd", "netbsd":
		if goarch != "" {
			return goos, goarch, nil
		}
	}
	return "", "", fmt.Errorf("uname -sm is %q, want a system and a processor that Go builds for", kernel)
}

// compileSelf builds this command for the other machine, from the source that this binary
// was built from.
func (r *runner) compileSelf(ctx context.Context, path string) error {
	_, source, _, _ := runtime.Caller(0)
	module := filepath.Dir(filepath.Dir(filepath.Dir(source)))
	if _, err := os.Stat(filepath.Join(module, "go.mod")); err != nil {
		return fmt.Errorf("building this command for the other machine: its source is not in %s anymore", module)
	}
	if _, err := r.goTool(ctx, "build", "-C", module, "-o", path, "./cmd/boundaries"); err != nil {
		return fmt.Errorf("building this command for the other machine: %w", err)
	}
	return nil
}

// EndsWith returns a context that ends when input ends. The command that RunOn starts uses
// it, because RunOn stops that command by closing its standard input.
func EndsWith(ctx context.Context, input io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, input)
		cancel()
	}()
	return ctx, cancel
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// ParsePrebuilt parses the list that RunOn passes to the other side: package=file,
// separated by commas.
func ParsePrebuilt(list string) ([]Prebuilt, error) {
	var all []Prebuilt
	for one := range strings.SplitSeq(list, ",") {
		pkg, name, ok := strings.Cut(one, "=")
		if !ok {
			return nil, fmt.Errorf("want package=file, got %s", strconv.Quote(one))
		}
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		all = append(all, Prebuilt{pkg, path})
	}
	return all, nil
}
