package children

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"boundaries/internal/fibsize"
	"boundaries/internal/race"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/futex"
	"boundaries/procs/internal/shm"
)

// Env names the environment variable that makes a process a child. Its value,
// which the parent makes, names the variant and is followed by the child's task.
const Env = "BOUNDARIES_PROCS_CHILD"

// OrphanSignal ends a child whose parent is gone, if the kernel can send it. Tests
// change it to show that a child notices without it.
var OrphanSignal = syscall.SIGKILL

// isChild reports whether this process is a child. A child starts no children, so
// that a program which forgets to call Main starts itself once, and not forever.
func isChild() bool { return os.Getenv(Env) != "" }

// A task is what a child must know besides its variant.
type task struct {
	Words    int  // of an item
	Children int  // how many there are
	Index    int  // of this child
	Spinning bool // waiters spin before they sleep
}

func (t task) String() string {
	return fmt.Sprint(t.Words, t.Children, t.Index, t.Spinning)
}

// command returns the command that starts a child.
func command(v *Variant, t task) (*exec.Cmd, error) {
	program, env, err := Program(v.folder)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Args[0] = "boundaries-child"
	cmd.Env = append(env, "GOMAXPROCS=1", fmt.Sprintf("%s=%s %s %v", Env, v.table, v.Name, t))
	if race.Enabled {
		// Without this option, each child takes a second to end.
		cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	}
	// A binary that was built with -cover, executed again, warns if it has no GOCOVERDIR.
	for _, name := range []string{"GOCOVERDIR", fibsize.Variable} {
		if value := os.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = dieWithParent()
	return cmd, nil
}

// A Worker is the child's side of a variant.
type Worker struct {
	task
	ID    uint32     // the child's number in locks: Index + 1
	Queue *shm.Queue // the child's own queue or that of all children; nil without shared memory
}

// Main does the work of a child and does not return, if this process is a child.
// Otherwise it returns at once. The tables are those of all variants that may have
// started this process.
func Main(tables ...[]Variant) {
	text := os.Getenv(Env)
	if text == "" {
		return
	}
	words := append(strings.Fields(text), make([]string, 6)...)
	var t task
	var errs [4]error
	t.Words, errs[0] = strconv.Atoi(words[2])
	t.Children, errs[1] = strconv.Atoi(words[3])
	t.Index, errs[2] = strconv.Atoi(words[4])
	t.Spinning, errs[3] = strconv.ParseBool(words[5])
	if err := errors.Join(errs[:]...); err != nil {
		exit(2, "%s is %q, want a value that a parent has made: %v", Env, text, err)
	}
	for _, table := range tables {
		for i := range table {
			if v := &table[i]; v.table == words[0] && v.Name == words[1] && v.Serve != nil {
				t.serve(v)
			}
		}
	}
	exit(2, "%s is %q, want the name of a variant that has children", Env, text)
}

// exit ends a child that cannot go on.
func exit(status int, format string, args ...any) {
	fmt.Fprintln(os.Stderr, strings.ReplaceAll(fmt.Sprintf("procs: "+format, args...), "\n", ", "))
	os.Exit(status)
}

func (t task) serve(v *Variant) {
	if v.Medium == 0 {
		v.Serve(nil)
		os.Exit(0)
	}
	if stat, err := os.Stdin.Stat(); err != nil || stat.Mode()&os.ModeNamedPipe == 0 {
		exit(2, "%s is set, but standard input is not a pipe from a parent", Env)
	}
	w := &Worker{task: t, ID: uint32(t.Index + 1)}
	if layout := v.layout(Payload(t.Words)*Word, t.Children); layout.Queues > 0 {
		file := os.NewFile(3, "shared memory")
		memory, err := shm.Map(file, layout.Size())
		if err != nil {
			exit(1, "child %d: %v", t.Index, err)
		}
		file.Close()
		q := layout.Queue(memory, t.Index%layout.Queues)
		w.Queue = &q
	}
	if v.Medium&Pipes == 0 {
		// The end of standard input ends this child: the parent closes it, or is
		// gone. The parent never writes to it.
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	hello := []uint64{uint64(os.Getpid())}
	if err := frame.Write(os.Stdout, frame.New(1), hello); err != nil {
		exit(1, "child %d: greeting the parent: %v", t.Index, err)
	}
	v.Serve(w)
	os.Exit(0)
}

// ExitTorn ends a child that has received a request which is not whole.
func (w *Worker) ExitTorn(number uint64) {
	exit(1, "child %d: request %d is not whole, want words that count up from its number", w.Index, number)
}

// AwaitSent waits until Sent is at least target, and returns Sent.
func (w *Worker) AwaitSent(target uint64) uint64 {
	q := w.Queue
	for !futex.Spin(w.Spinning, &q.Sent, target) {
		q.Work.Sleep(0, func() bool { return q.Sent.Load() >= target })
	}
	return q.Sent.Load()
}

// Answer reads requests from the pipe, calls do to turn each into its answer, and
// writes the answer. It ends the child when the parent closes the pipe.
func (w *Worker) Answer(do func(item []uint64)) {
	item, buffer := make([]uint64, w.Words), frame.New(w.Words)
	for {
		w.ExitOn(frame.Read(os.Stdin, buffer, item))
		do(item)
		w.ExitOn(frame.Write(os.Stdout, buffer, item))
	}
}

// ExitOn ends a child that could not read a request or write an answer, with status
// 0 if the parent has closed the pipe. It does nothing if err is nil.
func (w *Worker) ExitOn(err error) {
	if errors.Is(err, io.EOF) {
		os.Exit(0)
	}
	if err != nil {
		exit(1, "child %d: %v", w.Index, err)
	}
}
