package counter

import (
	"math/bits"
	"unsafe"

	"boundaries/contention"
)

// onStack returns a number below n, which is a power of two. It hashes the address
// of the caller's stack: stacks are at least 2 KiB apart.
//
//go:noinline
func onStack(n int) int {
	var here byte
	// Fibonacci hashing: the product's high bits depend on all bits of the address.
	hash := uint64(uintptr(unsafe.Pointer(&here))>>11) * 0x9E3779B97F4A7C15
	return int(hash >> (64 - bits.TrailingZeros(uint(n))))
}

// runStripedStack chooses the cell by a hash of the address of the goroutine's
// stack. Two unlucky goroutines share a cell as long as their stacks do not
// move.
//
// Cost: per update, a hash and one locked instruction, on a cache line that does not
// move unless two hashes are equal. A read loads all cells.
// Progress: wait-free on amd64.
func runStripedStack(t *contention.Trial) int {
	cells := newCells(t.Procs)
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				cells[onStack(len(cells))].Add(1)
			} else {
				w.Saw(sum(cells))
			}
			w.Done()
		}
	})
	return int(sum(cells))
}
