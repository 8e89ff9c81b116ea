package spawn

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
)

// runProcess starts a child, which ends as soon as it knows its task, and waits
// for its end.
//
// Cost: a process of the kernel, and what a Go program does before main: the start
// of its runtime, and the initialization of every package that it links. On Windows
// the row's processor time is the parent's alone.
// Progress: blocking.
func runProcess(p *children.Pool, n int) (int, error) {
	var ended atomic.Int64
	var failed sync.Once
	var failure error
	fork.Run("procs", p.Workers, n, func(worker, n int) {
		for i := range n {
			if err := startAndEnd(p, worker, i*p.Workers+worker); err != nil {
				failed.Do(func() { failure = err })
				return
			}
			ended.Add(1)
		}
	})
	return int(ended.Load()), failure
}

// spawned is the exit status of a child that did its task. No program that ends
// for another reason is likely to have it.
const spawned = 86

func serveProcess(*children.Worker) { os.Exit(spawned) }

// startAndEnd starts a child for a worker and waits for its end.
func startAndEnd(p *children.Pool, worker, item int) error {
	cmd, err := p.Command()
	if err != nil {
		return fmt.Errorf("procs: starting a child: %w", err)
	}
	runtime.LockOSThread() // the kernel kills the child when this thread ends
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("procs: starting a child: %w", err)
	}
	patience := time.AfterFunc(p.Patience, func() { cmd.Process.Kill() })
	cmd.Wait() // its error is in ProcessState as well
	inTime := patience.Stop()
	state := cmd.ProcessState
	if state.ExitCode() == spawned {
		return nil
	}
	e := &children.Error{Child: worker, Pid: cmd.Process.Pid, Signal: children.SignalOf(state), Item: item}
	if inTime {
		e.Err = fmt.Errorf("its only task was to end with status %d (does the program call procs.Main first?): %v", spawned, state)
	} else {
		e.Err = fmt.Errorf("its only task was to end, and it did not for %v (%v)", p.Patience, state)
	}
	return e
}
