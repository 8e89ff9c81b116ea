package asyncio

import "boundaries/internal/cacheline"

// runPrivate gives every connection a plain histogram, which belongs to the goroutine
// that holds the connection: the ceiling. No goroutine may read the histograms
// until all have ended.
//
// Cost: nothing is shared.
// Progress: wait-free.
func runPrivate(db *Database, n int) Answer {
	check(n)
	type cell struct {
		h Histogram
		_ cacheline.Pad // no two cells on one line
	}
	cells := make([]cell, inFlight)
	right, err := db.goroutines(n, func(slot, size int) {
		cells[slot].h.record(size)
	})
	var all Histogram
	for i := range cells {
		all.add(&cells[i].h)
	}
	return Answer{right, all, err}
}
