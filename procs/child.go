package procs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// childEnv is what makes this binary a child: it names the variant and its task.
const childEnv = "BOUNDARIES_PROCS_CHILD"

// spawned is the exit status of a child that was only to be started and ended,
// so that another program that ends well is not taken for it.
const spawned = 86

// orphanSignal ends a child whose parent is gone, where the kernel can send it.
// The tests change it to see that children notice without it.
var orphanSignal = syscall.SIGKILL

// isChild reports whether this process is a child, by right or by accident. A
// child starts no children, so that a program which forgets to call Main runs
// itself once and not for ever.
func isChild() bool { return os.Getenv(childEnv) != "" }

// A task is what a child is told besides its variant.
type task struct {
	words, children, index int
	spinning               bool
}

// command returns the command that makes this binary a child.
func command(v *Variant, t task) (*exec.Cmd, error) {
	exe, err := executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1",
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"), // or with -race each takes a second to end
		fmt.Sprintf("%s=%s %s %d %d %d %t", childEnv, v.of, v.Name, t.words, t.children, t.index, t.spinning))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = dieWithParent()
	return cmd, nil
}

// A worker is a child's side.
type worker struct {
	task
	id    uint32 // its name in locks
	queue *queue // its own or that of all; nil without shared memory
}

// Main is the entry of children. A program that starts pools calls it first in
// main, or in TestMain before anything else. In a child it does the child's work
// and does not return; everywhere else it returns at once.
func Main() {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	var of, name string
	var t task
	if n, err := fmt.Sscanf(text, "%s %s %d %d %d %t", &of, &name, &t.words, &t.children, &t.index, &t.spinning); n != 6 {
		exit(2, "%s is %q, but its value is made by the parent: %v", childEnv, text, err)
	}
	for _, table := range [][]Variant{Variants, FibVariants, SpawnVariants, Sums} {
		for i := range table {
			if v := &table[i]; v.of == of && v.Name == name && v.serve != nil {
				t.serve(v)
			}
		}
	}
	exit(2, "%s is %q, but there is no variant of children with that name", childEnv, text)
}

// exit ends a child that cannot go on.
func exit(status int, format string, args ...any) {
	fmt.Fprintln(os.Stderr, strings.TrimSpace(fmt.Sprintf("procs: "+format, args...)))
	os.Exit(status)
}

func (t task) serve(v *Variant) {
	if v.medium == nothing {
		v.serve(nil)
		os.Exit(0)
	}
	if stat, err := os.Stdin.Stat(); err != nil || stat.Mode()&os.ModeNamedPipe == 0 {
		exit(2, "%s is set, but standard input is not a parent's pipe", childEnv)
	}
	w := &worker{task: t, id: uint32(t.index + 1)}
	if v.medium != pipes {
		s := shapeOf(v, Payload(t.words*wordSize), t.children)
		file := os.NewFile(3, "shared memory")
		memory, err := mapMemory(file, s.size())
		if err != nil {
			exit(1, "child %d: %v", t.index, err)
		}
		file.Close()
		q := s.queue(memory, t.index%s.queues)
		w.queue = &q
		// The parent ends this child by closing its standard input, on
		// purpose or by dying. Nothing is ever written to it.
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	hello := []uint64{uint64(os.Getpid())}
	if err := writeFrame(os.Stdout, newFrame(1), hello); err != nil {
		exit(1, "child %d: greeting the parent: %v", t.index, err)
	}
	v.serve(w)
	os.Exit(0)
}

// torn ends a child whose request was not whole.
func (w *worker) torn(seq uint64) {
	exit(1, "child %d: request %d is not whole", w.index, seq)
}

// awaitSent returns sent when it is at least target.
func (w *worker) awaitSent(target uint64) uint64 {
	q := w.queue
	for !spin(w.spinning, &q.sent, target) {
		q.work.sleep(0, func() bool { return q.sent.Load() >= target })
	}
	return q.sent.Load()
}
