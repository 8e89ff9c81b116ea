package systems

import "sync"

// A counts says how often a thread did each operation. Threads keep it only if
// counting is true: see count_off.go.
type counts struct {
	ticks            int // instructions
	increfs, decrefs int
	uncounted        int // nogil: references to immortal and deferred objects, taken or dropped
	shared           int // nogil: references taken or dropped with a locked instruction
	locked           int // nogil: reads that locked their container
	allocations      int

	dictReads, dictWrites int
	listReads, listWrites int
	copies                int // of containers
}

// counted is the sum over all threads since it was last set to zero.
var counted struct {
	mu sync.Mutex
	counts
}

// note adds c to counted.
func (c counts) note() {
	counted.mu.Lock()
	defer counted.mu.Unlock()
	counted.ticks += c.ticks
	counted.increfs += c.increfs
	counted.decrefs += c.decrefs
	counted.uncounted += c.uncounted
	counted.shared += c.shared
	counted.locked += c.locked
	counted.allocations += c.allocations
	counted.dictReads += c.dictReads
	counted.dictWrites += c.dictWrites
	counted.listReads += c.listReads
	counted.listWrites += c.listWrites
	counted.copies += c.copies
}
