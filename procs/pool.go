package procs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"boundaries/internal/fork"
)

// A Pool is the parent's side of a variant: its children, and the memory that
// they share with it. It may be run many times, and then closed, by one goroutine
// at a time.
type Pool struct {
	// Patience is how long a child that has something to do may be silent
	// before it counts as broken. It may be changed between runs.
	Patience time.Duration

	variant  *Variant
	workers  int
	words    int // of an item
	shape    shape
	memory   []byte   // nil if there is none
	file     *os.File // of memory
	lanes    []*lane
	spinning bool

	broken atomic.Bool // for good
	mu     sync.Mutex
	deaths []error // guarded by mu; not yet returned by Run or Close
}

// A lane is the parent's side of one child, and of those started in its place.
type lane struct {
	pool  *Pool
	index int
	queue *queue // its own or that of all; nil without shared memory
	child atomic.Pointer[child]
	first uint64 // sequence number of the first item of this run
	sent  uint64 // sequence number of the next item to send
	// Of the last item of this run at which a child was killed: its number, and
	// how many were killed there in a row.
	killed, tries int
}

// A child is one process, from its start until it has been waited for.
type child struct {
	cmd   *exec.Cmd
	in    *os.File // the other end of its standard input
	out   *os.File // the other end of its standard output
	ended chan struct{}
	ready atomic.Bool   // it has greeted
	dead  atomic.Bool   // set before ended is closed
	held  atomic.Uint64 // 1 + the item it died with under the lock, or 0
}

const defaultPatience = 10 * time.Second

// maxTries is how many children one item may cost.
var maxTries = 10

// greetPatience is how long a child may take to start.
var greetPatience = defaultPatience

// Start starts the children of a variant for that many workers and returns when
// all are ready. If one cannot be started those that were are ended. The error
// wraps errors.ErrUnsupported if this platform lacks what the variant needs.
// Start panics if there is no worker or the payload is not a multiple of 8. The
// variants of Fib and Spawn have no payload.
func (v Variant) Start(workers int, payload Payload) (*Pool, error) {
	fork.Check("procs", workers, 0)
	if v.of != "procs" {
		payload = Word // of its messages
	}
	if payload < Word || payload%wordSize != 0 {
		panic(fmt.Sprintf("procs: payload of %d bytes, need a multiple of 8", payload))
	}
	if isChild() {
		return nil, errors.New("procs: a child does not start children: its program must call Main first")
	}
	children := map[crew]int{nobody: 0, one: 1, each: workers}[v.crew]
	p := &Pool{
		Patience: defaultPatience,
		variant:  &v,
		workers:  workers,
		words:    int(payload) / wordSize,
		shape:    shapeOf(&v, payload, children),
	}
	feeders := children // goroutines that hand out work
	if v.medium == oneQueue {
		feeders = 1
	}
	p.spinning = children+feeders <= runtime.NumCPU()
	if v.medium == queues || v.medium == oneQueue {
		var err error
		if p.file, p.memory, err = newMemory(p.shape.size()); err != nil {
			return nil, err
		}
	}
	for i := range children {
		l := &lane{pool: p, index: i}
		if p.memory != nil {
			q := p.shape.queue(p.memory, i%p.shape.queues)
			l.queue = &q
		}
		p.lanes = append(p.lanes, l)
	}
	// All at once, then all greetings: children start in parallel.
	var err error
	for _, l := range p.lanes {
		if err = l.launch(); err != nil {
			break
		}
	}
	for _, l := range p.lanes {
		if err == nil {
			err = l.greet()
		}
	}
	if err != nil {
		p.abort()
		p.Close()
		return nil, err
	}
	return p, nil
}

// Run has n steps done and returns how many were, which is n unless the error
// says that the pool is broken. A child that was killed is not a reason to stop:
// its place is taken and its unanswered items are done again, and the error
// holds an [*Error] for each such child.
func (p *Pool) Run(n int) (int, error) {
	fork.Check("procs", p.workers, n)
	if p.broken.Load() {
		return 0, errBroken
	}
	if p.Patience <= 0 {
		panic(fmt.Sprintf("procs: patience of %v, need more", p.Patience))
	}
	for _, l := range p.lanes {
		l.tries = 0
	}
	done, err := p.variant.run(p, n)
	// Those who were killed and were not missed.
	for _, l := range p.lanes {
		if err == nil && l.child.Load().dead.Load() {
			err = l.revive(l.held(), func() {})
		}
	}
	if err != nil {
		p.abort()
	}
	return done, errors.Join(append(p.takeDeaths(), err)...)
}

var errBroken = errors.New("procs: the pool is broken or closed")

// abort ends all children for good, so that nobody waits for an answer.
func (p *Pool) abort() {
	p.broken.Store(true)
	p.killAll()
}

func (p *Pool) takeDeaths() []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	deaths := p.deaths
	p.deaths = nil
	return deaths
}

// Pids returns the process ids of the children that are ready and live.
func (p *Pool) Pids() []int {
	var pids []int
	for _, l := range p.lanes {
		if c := l.child.Load(); c != nil && c.ready.Load() && !c.dead.Load() {
			pids = append(pids, c.cmd.Process.Pid)
		}
	}
	return pids
}

// Close ends all children, waits for them, and gives the shared memory back. It
// returns an error for each child that had been killed since the last run.
func (p *Pool) Close() error {
	ours := p.broken.Load() // we have killed the children, and told why, or do so now
	for _, l := range p.lanes {
		if c := l.child.Load(); c != nil {
			c.in.Close() // the child ends at the end of its standard input
		}
	}
	deadline := time.After(time.Second)
	for _, l := range p.lanes {
		c := l.child.Load()
		if c == nil {
			continue
		}
		select {
		case <-c.ended:
		case <-deadline:
			ours = true
			p.killAll()
			<-c.ended
		}
		if !ours {
			p.mourn(c, -1)
		}
		c.out.Close()
	}
	p.broken.Store(true)
	p.lanes = nil
	errs := p.takeDeaths()
	if p.memory != nil {
		errs = append(errs, unmapMemory(p.memory), p.file.Close())
		p.memory = nil
	}
	return errors.Join(errs...)
}

func (p *Pool) killAll() {
	for _, l := range p.lanes {
		if c := l.child.Load(); c != nil {
			c.cmd.Process.Kill() // an error says that it has ended already
		}
	}
}

// executable is what a child runs. The link of /proc works when the file has
// been removed or replaced meanwhile, and is always this program.
var executable = func() (string, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe", nil
		}
	}
	return os.Executable()
}

// launch starts a child.
func (l *lane) launch() error {
	fail := func(err error) error { return fmt.Errorf("procs: starting child %d: %w", l.index, err) }
	cmd, err := command(l.pool.variant, task{
		words: l.pool.words, children: max(1, len(l.pool.lanes)), index: l.index, spinning: l.pool.spinning,
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
	if l.pool.file != nil {
		cmd.ExtraFiles = []*os.File{l.pool.file}
	}
	c := &child{cmd: cmd, in: in, out: out, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel kills the child when the thread that started it ends
		// (Pdeathsig), so that thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		childIn.Close() // or nobody would see the end of these pipes
		childOut.Close()
		started <- err
		if err != nil {
			return
		}
		cmd.Wait() // what it returns is in ProcessState
		l.bury(c)
	}()
	if err := <-started; err != nil {
		in.Close()
		out.Close()
		return fail(err)
	}
	l.child.Store(c)
	if l.pool.broken.Load() {
		cmd.Process.Kill() // abort may have come too early to see it
	}
	return nil
}

// greet waits until the child says that it is ready.
func (l *lane) greet() error {
	c := l.child.Load()
	var hello [1]uint64
	c.out.SetReadDeadline(time.Now().Add(greetPatience)) // without, a pipe that cannot is waited for
	err := readFrame(c.out, newFrame(1), hello[:])
	if err == nil && hello[0] != uint64(c.cmd.Process.Pid) {
		err = fmt.Errorf("its greeting is %d", hello[0])
	}
	if err != nil {
		return l.fault(-1, fmt.Errorf("waiting for its greeting (does the program call procs.Main first?): %w", err))
	}
	c.ready.Store(true)
	return nil
}

// bury is what follows the end of a child. The order matters: the lock is marked
// before dead is set, so that whoever takes a dead child's place finds the lock
// free of its name, and who sleeps is woken after that, to see it. The parent is
// woken at its bells, and all who wait for the lock, because the dead may have
// taken wake-ups along, see bell. The bells of the children are only rung by the
// parent, whose death is everybody's.
func (l *lane) bury(c *child) {
	for i := range l.pool.shape.queues {
		q := l.pool.shape.queue(l.pool.memory, i)
		done := q.done.Load() // does not move while the dead holds the lock
		if q.lock.abandon(uint32(l.index + 1)) {
			c.held.Store(done + 1)
		}
	}
	c.dead.Store(true)
	for i := range l.pool.shape.queues {
		q := l.pool.shape.queue(l.pool.memory, i)
		futexWake(&q.lock.word, everybody)
		q.answers.alarm()
	}
	close(c.ended)
}

// mourn notes the death of a child that was killed, and reports whether it was.
func (p *Pool) mourn(c *child, item int) bool {
	<-c.ended // or bury would touch memory that Close has given back
	signal := signalOf(c.cmd.ProcessState)
	if signal == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaths = append(p.deaths, &Error{c.cmd.Process.Pid, signal, item, fmt.Errorf("ended by signal: %v", signal)})
	return true
}

// revive puts another child in the place of one that was killed at that item,
// after redo has written again whatever it had not answered. It returns an error
// if the child was not killed but ended, or if the item has cost too many.
func (l *lane) revive(item int, redo func()) error {
	if l.pool.broken.Load() {
		return errBroken
	}
	c := l.child.Load()
	if !l.pool.mourn(c, item) {
		return l.fault(item, errors.New("it ended"))
	}
	if c.ready.Load() && (item < 0 || item != l.killed) {
		l.tries = 0
	}
	l.killed = item
	if l.tries++; l.tries == maxTries {
		return l.fault(item, fmt.Errorf("%d children in a row were killed there", maxTries))
	}
	c.in.Close()
	c.out.Close()
	redo()
	if q := l.queue; q != nil {
		// Also between runs: in atomic who waits for an item has claimed it.
		// No bell: the child that is started now looks before it sleeps.
		q.rescue.Store(q.claimed.Load()) // it only grows
	}
	if err := l.launch(); err != nil {
		return err
	}
	err := l.greet()
	if e := (*Error)(nil); errors.As(err, &e) && e.Signal != nil {
		return l.revive(item, redo) // killed before it could greet
	}
	return err
}

// fault returns the error of a child that is broken.
func (l *lane) fault(item int, err error) *Error {
	c := l.child.Load()
	e := &Error{Pid: c.cmd.Process.Pid, Item: item, Err: err}
	// That it has just ended is part of the story, and soon heard.
	patience := 10 * time.Millisecond
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		patience = defaultPatience // nobody else holds the other end of its pipes
	}
	select {
	case <-c.ended:
		e.Signal = signalOf(c.cmd.ProcessState)
		e.Err = fmt.Errorf("%w (%v)", err, c.cmd.ProcessState)
	case <-time.After(patience):
	}
	return e
}

// item returns the number that the item with a sequence number has in this run.
func (l *lane) item(seq uint64) int {
	seq = min(max(seq, l.first), l.sent) // it may be what a broken child says
	if l.pool.shape.queues < len(l.pool.lanes) {
		return int(seq - l.first)
	}
	return int(seq-l.first)*len(l.pool.lanes) + l.index
}

// eachLane divides n items among the children and has drive see to each share.
func (p *Pool) eachLane(n int, drive func(l *lane, n int) (done int, err error)) (int, error) {
	dones := make([]int, len(p.lanes))
	errs := make([]error, len(p.lanes))
	fork.Run("procs", len(p.lanes), n, func(i, n int) {
		l := p.lanes[i]
		l.first = l.sent
		dones[i], errs[i] = drive(l, n)
		if errs[i] != nil {
			p.abort()
		}
	})
	done := 0
	for _, d := range dones {
		done += d
	}
	return done, errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == errBroken })...)
}
