package asyncio

import "boundaries/internal/cacheline"

// runPrivate gives every connection a plain histogram, which belongs to whoever
// holds the connection: the ceiling. It pays with silence: until all are done,
// nobody may look. Wait-free.
func runPrivate(db *Database, n int) Answer {
	check(n)
	type cell struct {
		h Histogram
		_ cacheline.Pad // no two cells on one line
	}
	cells := make([]cell, InFlight)
	right, err := db.goroutines(n, func(slot, size int) {
		cells[slot].h.record(size)
	})
	var all Histogram
	for i := range cells {
		all.add(&cells[i].h)
	}
	return Answer{right, all, err}
}
