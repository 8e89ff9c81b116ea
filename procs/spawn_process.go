package procs

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"boundaries/internal/fork"
)

// runSpawnProcess executes this binary again, whose child ends as soon as it
// knows what it is for, and waits for it. It pays for a process of the kernel's,
// and for all that a Go program does before main: its runtime, and the
// initialisation of every package that is linked in. Blocking.
func runSpawnProcess(p *Pool, n int) (int, error) {
	var ended atomic.Int64
	var failed sync.Once
	var failure error
	fork.Run("procs", p.workers, n, func(worker, n int) {
		for i := range n {
			if err := p.spawn(i*p.workers + worker); err != nil {
				failed.Do(func() { failure = err })
				return
			}
			ended.Add(1)
		}
	})
	return int(ended.Load()), failure
}

func serveSpawnProcess(*worker) { os.Exit(spawned) }

// spawn starts a child and waits for its end.
func (p *Pool) spawn(item int) error {
	cmd, err := command(p.variant, task{words: 1, children: 1})
	if err != nil {
		return fmt.Errorf("procs: starting a child: %w", err)
	}
	runtime.LockOSThread() // as in launch, the child ends with its thread
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("procs: starting a child: %w", err)
	}
	patience := time.AfterFunc(p.Patience, func() { cmd.Process.Kill() })
	cmd.Wait() // what it returns is in ProcessState
	inTime := patience.Stop()
	state := cmd.ProcessState
	if state.ExitCode() == spawned {
		return nil
	}
	e := &Error{Pid: cmd.Process.Pid, Signal: signalOf(state), Item: item}
	if inTime {
		e.Err = fmt.Errorf("it had only to end (does the program call procs.Main first?): %v", state)
	} else {
		e.Err = fmt.Errorf("it had only to end, and did not for %v (%v)", p.Patience, state)
	}
	return e
}
