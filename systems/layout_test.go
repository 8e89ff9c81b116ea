package systems

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// No field that one thread keeps writing shares a cache line with a field that other
// threads keep reading, whatever the allocator puts beside it. Otherwise threads
// would wait for something that their system does not share.
func TestLayout(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.EqualValues(t, 64, unsafe.Sizeof(object{}), "an object is a line")
	}
	var s space
	var r reflog
	var f freeLocks
	var m gilectomyMemory
	var buffered bufferedThread
	var nogil nogilThread
	suitetest.Gap(t, "the memory before a space, and its heap", 0, unsafe.Offsetof(s.heap))
	suitetest.Gap(t, "a space's heap, and the fields that all threads read", unsafe.Offsetof(s.heap)+unsafe.Sizeof(s.heap), min(
		unsafe.Offsetof(s.none), unsafe.Offsetof(s.yes), unsafe.Offsetof(s.no), unsafe.Offsetof(s.small),
		unsafe.Offsetof(s.globals), unsafe.Offsetof(s.breaker),
	))
	suitetest.Gap(t, "the memory before the locks, and the lock of all counts", 0, unsafe.Offsetof(f.counts))
	suitetest.Gap(t, "the lock of all counts, and that of the memory", unsafe.Offsetof(f.counts)+unsafe.Sizeof(f.counts), unsafe.Offsetof(f.memory))
	suitetest.Gap(t, "the lock of the memory, and the memory after the locks", unsafe.Offsetof(f.memory)+unsafe.Sizeof(f.memory), unsafe.Sizeof(f))
	suitetest.Gap(t, "the memory before the Gilectomy's lock, and the lock", 0, unsafe.Offsetof(m.Mutex))
	suitetest.Gap(t, "the Gilectomy's lock, and the memory after it", unsafe.Offsetof(m.Mutex)+unsafe.Sizeof(m.Mutex), unsafe.Sizeof(m))
	suitetest.Gap(t, "the log's length, and the lock of the memory", unsafe.Offsetof(r.logLen)+unsafe.Sizeof(r.logLen), unsafe.Offsetof(r.memory)+unsafe.Offsetof(m.Mutex))
	suitetest.Gap(t, "the lock of the memory, and the epoch", unsafe.Offsetof(r.memory)+unsafe.Offsetof(m.Mutex)+unsafe.Sizeof(m.Mutex), unsafe.Offsetof(r.epoch))
	suitetest.Gap(t, "the epoch, and the fields that a hand-over writes", unsafe.Offsetof(r.epoch)+unsafe.Sizeof(r.epoch), unsafe.Offsetof(r.mu))
	suitetest.Gap(t, "the memory before a thread, and its frames", 0, unsafe.Offsetof(machine{}.space))
	suitetest.Gap(t, "a thread's frames, and the memory after it", unsafe.Offsetof(machine{}.trace)+unsafe.Sizeof(machine{}.trace), unsafe.Sizeof(machine{}))
	suitetest.Gap(t, "a thread's logs, and the memory after it", unsafe.Offsetof(buffered.dropped)+unsafe.Sizeof(buffered.dropped), unsafe.Sizeof(buffered))
	suitetest.Gap(t, "a nogil thread's heap, and the fields that other threads write", unsafe.Offsetof(nogil.own)+unsafe.Sizeof(nogil.own), unsafe.Offsetof(nogil.asked))
	suitetest.Gap(t, "the fields of a nogil thread that other threads write, and the memory after it", unsafe.Offsetof(nogil.gone)+unsafe.Sizeof(nogil.gone), unsafe.Sizeof(nogil))
}
