package procs

import "boundaries/internal/fork"

// runFibPrivate has each child compute its share, which is code block 5.1: the
// ceiling. It pays for two messages in a batch of up to 10 ms of work, and for a
// process, whose start is not in these figures but in Spawn's. Blocking.
func runFibPrivate(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		// A batch is at most an eighth of the share, so that two in flight
		// keep the child busy, and one is soon done again after a death.
		size := min(max(n/8, 1), 256)
		batches := (n + size - 1) / size
		done, err := l.exchange(batches, 2,
			func(item []uint64, i int) { item[0] = uint64(fork.Share(i, batches, n)) },
			func(item []uint64, i int) bool { return item[0] == uint64(fork.Share(i, batches, n))*fibValue })
		steps := 0
		for i := range done {
			steps += fork.Share(i, batches, n)
		}
		return steps, err
	})
}

func serveFibPrivate(w *worker) {
	w.answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fib(fibN)
		}
		item[0] = uint64(sum)
	})
}
