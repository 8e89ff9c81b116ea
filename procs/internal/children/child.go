package children

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"boundaries/procs/internal/frame"
)

// A Child is the parent's side of one process, from its start until the parent
// has waited for its end.
type Child struct {
	In    *os.File      // writes to the child's standard input
	Out   *os.File      // reads from its standard output
	Ended chan struct{} // closed when the parent has waited for it
	Kept  any           // data of the variant, kept as long as the child lives

	cmd   *exec.Cmd
	ready atomic.Bool   // it has greeted its parent
	dead  atomic.Bool   // set before Ended is closed
	held  atomic.Uint64 // 1 + the sequence number at which it died while it held the lock, or 0
}

// Pid returns the child's process id.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Kill kills the child.
func (c *Child) Kill() error { return c.cmd.Process.Kill() }

// Ready reports whether the child has greeted its parent.
func (c *Child) Ready() bool { return c.ready.Load() }

// State says how the child ended, once Ended is closed.
func (c *Child) State() *os.ProcessState { return c.cmd.ProcessState }

// GreetPatience is how long a child may take to start. Tests change it.
var GreetPatience = defaultPatience

// launch starts a child.
func (l *Lane) launch() error {
	fail := func(err error) error { return fmt.Errorf("procs: starting child %d: %w", l.Index, err) }
	cmd, err := command(l.Pool.Variant, task{
		Words: l.Pool.Words, Children: len(l.Pool.Lanes), Index: l.Index, Spinning: l.Pool.Spinning,
	})
	if err != nil {
		return fail(err)
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		childIn.Close()
		in.Close()
		return fail(err)
	}
	cmd.Stdin, cmd.Stdout = childIn, childOut
	if l.Pool.file != nil {
		cmd.ExtraFiles = []*os.File{l.Pool.file}
	}
	c := &Child{cmd: cmd, In: in, Out: out, Ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel kills the child when the thread that started it ends
		// (Pdeathsig), so that thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		childIn.Close() // otherwise neither side would see the end of these pipes
		childOut.Close()
		started <- err
		if err != nil {
			return
		}
		cmd.Wait() // its error is in ProcessState as well
		l.afterExit(c)
	}()
	if err := <-started; err != nil {
		in.Close()
		out.Close()
		return fail(err)
	}
	l.child.Store(c)
	if l.Pool.broken.Load() {
		c.Kill() // abort may have come too early to see it
	}
	return nil
}

// greet waits until the child says that it is ready.
func (l *Lane) greet() error {
	c := l.Child()
	var hello [1]uint64
	c.Out.SetReadDeadline(time.Now().Add(GreetPatience)) // has no effect on pipes without deadlines
	err := frame.Read(c.Out, frame.New(1), hello[:])
	if err == nil && hello[0] != uint64(c.Pid()) {
		err = fmt.Errorf("it is %d, want its pid", hello[0])
	}
	if err != nil {
		return l.Fault(-1, fmt.Errorf("waiting for its greeting (does the program call procs.Main first?): %w", err))
	}
	c.ready.Store(true)
	return nil
}

// afterExit handles the end of a child. First it marks the lock as abandoned, and then it
// sets dead. So a replacement never finds a lock that still has the number of the dead
// child. Then it wakes the parent and every process that waits for a lock, because the
// dead child may have died before it woke them: see futex.Bell. The bells of the
// children need no ring: only the parent rings them, and if the parent dies, all
// children end.
func (l *Lane) afterExit(c *Child) {
	for i := range l.Pool.Layout.Queues {
		q := l.Pool.Layout.Queue(l.Pool.memory, i)
		done := q.Done.Load() // does not change while the dead child holds the lock
		if q.Lock.Abandon(uint32(l.Index + 1)) {
			c.held.Store(done + 1)
		}
	}
	c.dead.Store(true)
	for i := range l.Pool.Layout.Queues {
		q := l.Pool.Layout.Queue(l.Pool.memory, i)
		q.Lock.WakeAll()
		q.Answers.Alarm()
	}
	close(c.Ended)
}
