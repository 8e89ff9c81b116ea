package peers

import (
	"sync"

	"github.com/sourcegraph/conc"
	"golang.org/x/sync/errgroup"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
	"boundaries/workerpool/forkjoin"
)

// forks are the peers of ForkJoin. No maintained library for Go steals work. The packages
// that programs use instead start a goroutine for each fork.
var forks = Job{
	Ours: suite.New("ForkJoin", "sync", "", forkjoin.Variants, forkjoin.Want, forkjoin.Metrics),
	Rows: []string{"global-mutex", "sharded-lock", "atomic", "lock-free", "goroutine"},
	Peers: suite.New("ForkJoin", "peer", "", []suite.Row[forkjoin.Answer]{
		{Name: "wait-group", Run: func(workers, n int) forkjoin.Answer { return fibs(workers, n, fibWaitGroup) }},
		{Name: "errgroup", Run: func(workers, n int) forkjoin.Answer { return fibs(workers, n, fibErrgroup) }},
		{Name: "conc", Run: func(workers, n int) forkjoin.Answer { return fibs(workers, n, fibConc) }},
		{Name: "tokens", Run: runTokens},
	}, forkjoin.Want, forkjoin.Metrics),
}

func fibs(workers, n int, fib func(n int) forkjoin.Answer) (a forkjoin.Answer) {
	fork.Check("peers", workers, n)
	for range n {
		f := fib(forkjoin.N)
		a.Sum += f.Sum
		a.Forks += f.Forks
	}
	return a
}

func joined(a, b forkjoin.Answer) forkjoin.Answer {
	return forkjoin.Answer{Sum: a.Sum + b.Sum, Forks: a.Forks + b.Forks + 1}
}

func fibWaitGroup(n int) forkjoin.Answer {
	if n < 2 {
		return forkjoin.Answer{Sum: 1}
	}
	var a forkjoin.Answer
	var forked sync.WaitGroup
	forked.Go(func() { a = fibWaitGroup(n - 1) })
	b := fibWaitGroup(n - 2)
	forked.Wait()
	return joined(a, b)
}

func fibErrgroup(n int) forkjoin.Answer {
	if n < 2 {
		return forkjoin.Answer{Sum: 1}
	}
	var a forkjoin.Answer
	var forked errgroup.Group
	forked.Go(func() error {
		a = fibErrgroup(n - 1)
		return nil
	})
	b := fibErrgroup(n - 2)
	must(forked.Wait())
	return joined(a, b)
}

func fibConc(n int) forkjoin.Answer {
	if n < 2 {
		return forkjoin.Answer{Sum: 1}
	}
	var a forkjoin.Answer
	var forked conc.WaitGroup
	forked.Go(func() { a = fibConc(n - 1) })
	b := fibConc(n - 2)
	forked.Wait()
	return joined(a, b)
}

// runTokens forks only while fewer goroutines run than there are workers, and otherwise
// calls. A fork that becomes a call counts as one.
func runTokens(workers, n int) forkjoin.Answer {
	fork.Check("peers", workers, n)
	tokens := make(chan struct{}, workers-1)
	return fibs(workers, n, func(n int) forkjoin.Answer { return fibTokens(tokens, n) })
}

func fibTokens(tokens chan struct{}, n int) forkjoin.Answer {
	if n < 2 {
		return forkjoin.Answer{Sum: 1}
	}
	select {
	case tokens <- struct{}{}:
		forked := make(chan forkjoin.Answer, 1)
		go func() {
			a := fibTokens(tokens, n-1)
			<-tokens
			forked <- a
		}()
		b := fibTokens(tokens, n-2)
		return joined(<-forked, b)
	default:
		return joined(fibTokens(tokens, n-1), fibTokens(tokens, n-2))
	}
}
