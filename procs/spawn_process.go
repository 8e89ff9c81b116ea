package procs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"

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
	fork.Run("procs", p.workers, n, func(_, n int) {
		for range n {
			if err := p.spawn(); err != nil {
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
func (p *Pool) spawn() error {
	cmd, err := command(p.variant, task{words: 1, children: 1})
	if err != nil {
		return fmt.Errorf("procs: starting a child: %w", err)
	}
	err = cmd.Run()
	if err == nil {
		err = errors.New("exit status 0")
	}
	if e := (*exec.ExitError)(nil); !errors.As(err, &e) || e.ExitCode() != spawned {
		return fmt.Errorf("procs: a child that had only to end (does the program call procs.Main first?): %w", err)
	}
	return nil
}
