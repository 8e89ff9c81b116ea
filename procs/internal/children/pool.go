package children

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
	"boundaries/procs/internal/shm"
)

// A Pool is the parent's side of a variant: its children, and the memory that
// they share with it. One goroutine at a time may run it, many times, and then
// close it.
type Pool struct {
	// Patience is how long the parent waits for the answers to what it has sent at once,
	// which may be many items, before the child counts as broken: 10 s. It may be changed
	// between runs. Its clock goes on while Ctrl-Z stops the program and its children.
	// Windows has no deadlines for pipes: there the parent waits for as long as the child
	// lives.
	Patience time.Duration

	// What Run's functions may read.
	Variant  *Variant
	Workers  int
	Words    int        // of an item
	Layout   shm.Layout // of the shared memory
	Lanes    []*Lane
	Spinning bool // waiters spin before they sleep

	memory []byte   // nil if none is shared
	file   *os.File // of memory

	broken atomic.Bool // from false to true only
	mu     sync.Mutex
	deaths []error // guarded by mu; not yet returned by Run or Close
}

const defaultPatience = 10 * time.Second

// Start starts the children of a variant for that many workers and returns when
// all are ready. If one cannot be started, Start ends the others. The error wraps
// errors.ErrUnsupported if this platform lacks what the variant needs. Start
// panics if there is no worker, or if the payload is not a positive multiple of 8.
func (v Variant) Start(workers int, payload Payload) (*Pool, error) {
	fork.Check("procs", workers, 0)
	if payload < Word || payload%Word != 0 {
		panic(fmt.Sprintf("procs: payload of %d bytes, need a multiple of 8", payload))
	}
	if isChild() {
		return nil, errors.New("procs: a child starts no children: its program must call procs.Main first")
	}
	children := map[Crew]int{Nobody: 0, One: 1, Each: workers}[v.Crew]
	p := &Pool{
		Patience: defaultPatience,
		Variant:  &v,
		Workers:  workers,
		Words:    int(payload / Word),
		Layout:   v.layout(payload, children),
	}
	p.Spinning = v.runnable(children) <= suite.Processors
	if p.Layout.Queues > 0 {
		var err error
		if p.file, p.memory, err = shm.New(p.Layout.Size()); err != nil {
			return nil, err
		}
	}
	if v.Serve != nil && children == 0 {
		// The steps start children: build their program before the clock starts.
		if _, _, err := Program(v.folder); err != nil {
			return nil, fmt.Errorf("procs: making the program of children: %w", err)
		}
	}
	for i := range children {
		l := &Lane{Pool: p, Index: i}
		if p.memory != nil {
			q := p.Layout.Queue(p.memory, i%p.Layout.Queues)
			l.Queue = &q
		}
		p.Lanes = append(p.Lanes, l)
	}
	// Launch all before the first greeting: the children start in parallel.
	var err error
	for _, l := range p.Lanes {
		if err = l.launch(); err != nil {
			break
		}
	}
	for _, l := range p.Lanes {
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

// Run takes n steps and returns how many are done, which is n unless the error
// says that the pool is broken. A child that is killed does not stop the run:
// another takes its place and does its unanswered items again, and the error
// holds an [*Error] for each child that was killed.
func (p *Pool) Run(n int) (int, error) {
	fork.Check("procs", p.Workers, n)
	if p.broken.Load() {
		return 0, ErrBroken
	}
	if p.Patience <= 0 {
		panic(fmt.Sprintf("procs: patience of %v, need more than 0", p.Patience))
	}
	for _, l := range p.Lanes {
		l.tries = 0
	}
	done, err := p.Variant.Run(p, n)
	// Replace the children whose death nobody noticed, because the run did not need them.
	for _, l := range p.Lanes {
		if err == nil && l.Child().dead.Load() {
			err = l.Revive(l.DiedHolding())
		}
	}
	if err != nil {
		p.abort()
	}
	return done, errors.Join(append(p.takeDeaths(), err)...)
}

// EachLane divides n items among the children and calls drive for each child with
// its share, all at once. It returns how many items are done.
func (p *Pool) EachLane(n int, drive func(l *Lane, n int) (done int, err error)) (int, error) {
	dones := make([]int, len(p.Lanes))
	errs := make([]error, len(p.Lanes))
	fork.Run("procs", len(p.Lanes), n, func(i, n int) {
		l := p.Lanes[i]
		l.First = l.Sent
		dones[i], errs[i] = drive(l, n)
		if errs[i] != nil {
			p.abort()
		}
	})
	done := 0
	for _, d := range dones {
		done += d
	}
	return done, errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == ErrBroken })...)
}

// Command returns the command that starts a child of a pool that has no lanes.
func (p *Pool) Command() (*exec.Cmd, error) {
	return command(p.Variant, task{Words: p.Words, Children: 1})
}

// Pids returns the process ids of the children that live.
func (p *Pool) Pids() []int {
	var pids []int
	for _, l := range p.Lanes {
		if c := l.Child(); c != nil && !c.dead.Load() {
			pids = append(pids, c.Pid())
		}
	}
	return pids
}

// abort ends all children for good, so that no goroutine waits for their answers.
func (p *Pool) abort() {
	p.broken.Store(true)
	p.killAll()
}

func (p *Pool) killAll() {
	for _, l := range p.Lanes {
		if c := l.Child(); c != nil {
			c.Kill() // fails if the child has already ended
		}
	}
}

// Close ends all children, waits for them, and gives the shared memory back. It kills a
// child that does not end within a second, which is no error. It returns an error for each
// child that was killed since the last run, or that ended with a status other than 0.
func (p *Pool) Close() error {
	ours := p.broken.Load() // this pool has killed the children, and has said why
	for _, l := range p.Lanes {
		if c := l.Child(); c != nil {
			c.In.Close() // which tells the child to end
		}
	}
	patience, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	deaf := false
	var failed []error
	for _, l := range p.Lanes {
		if c := l.Child(); c != nil {
			select {
			case <-c.Ended:
			case <-patience.Done():
			}
			select {
			case <-c.Ended:
				if !ours && !l.noteDeath(-1) && !c.State().Success() {
					failed = append(failed, l.Fault(-1, errFailed))
				}
			default:
				deaf = true
			}
		}
	}
	if deaf {
		p.killAll()
	}
	for _, l := range p.Lanes {
		if c := l.Child(); c != nil {
			<-c.Ended
			c.Out.Close()
		}
	}
	p.broken.Store(true)
	p.Lanes = nil
	errs := append(p.takeDeaths(), failed...)
	if p.memory != nil {
		errs = append(errs, shm.Unmap(p.memory), p.file.Close())
		p.memory = nil
	}
	return errors.Join(errs...)
}

// Deaths returns how many children were killed and replaced in this run so far.
func (p *Pool) Deaths() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.deaths)
}

func (p *Pool) takeDeaths() []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	deaths := p.deaths
	p.deaths = nil
	return deaths
}
