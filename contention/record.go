package contention

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/race"
)

// A Record is four words that must agree: each is the number of updates. The zero
// value is ready to use.
type Record [4]uint64

// See reads the record, with the work of hold in the middle.
func (w *Worker) See(r *Record) {
	a, b := r[0], r[1]
	w.Hold()
	w.Agree(a, b, r[2], r[3])
}

// Change updates the record, with the work of hold in the middle.
func (w *Worker) Change(r *Record) {
	r[0]++
	r[1]++
	w.Hold()
	r[2]++
	r[3]++
}

// Agree checks the words that a read has seen.
func (w *Worker) Agree(a, b, c, d uint64) {
	if a != b || b != c || c != d {
		w.wrong++
	}
	if race.Enabled { // for Observe, without a store in what is measured
		w.seen = int64(a)
	}
}

// Saw checks a count that a read has seen. It must not be less than the number of
// the worker's own updates, nor less than any count that the worker has read before.
func (w *Worker) Saw(count int64) {
	if count < w.seen || count < int64(w.updates) {
		w.wrong++
	}
	w.seen = max(w.seen, count)
}

// Updates returns how many updates the record has had, or -1 if its words
// disagree.
func (r *Record) Updates() int {
	if *r != (Record{r[0], r[0], r[0], r[0]}) {
		return -1
	}
	return int(r[0])
}

// Total returns how many updates the records have had, or -1 if the words of one
// record disagree.
func Total(records []Record) int {
	total := 0
	for i := range records {
		n := records[i].Updates()
		if n < 0 {
			return -1
		}
		total += n
	}
	return total
}

// A slot keeps the records of an array on cache lines of their own.
type slot struct {
	Record
	_ cacheline.Pad
}

// total is Total of the records in slots.
func total(slots ...slot) int {
	records := make([]Record, len(slots))
	for i := range slots {
		records[i] = slots[i].Record
	}
	return Total(records)
}
