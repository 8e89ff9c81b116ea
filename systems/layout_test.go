package systems

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
)

// What a thread writes all the time is on no line of the cache that others read
// all the time, whatever the allocator puts beside a thread, or they would wait
// for something that no system has them share.
func TestLayout(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.EqualValues(t, 64, unsafe.Sizeof(Object{}), "an object is a line")
	}
	var s space
	var r reflog
	var f freeLocks
	var m gilectomyMemory
	var buffered bufferedThread
	var nogil nogilThread
	for _, apart := range []struct {
		what       string
		end, start uintptr // of what is before, and of what is after
	}{
		{"what is before a space, and its heap", 0, unsafe.Offsetof(s.heap)},
		{"a space's heap, and the objects that all threads look for", unsafe.Offsetof(s.heap) + unsafe.Sizeof(s.heap), min(
			unsafe.Offsetof(s.none), unsafe.Offsetof(s.yes), unsafe.Offsetof(s.no), unsafe.Offsetof(s.small),
			unsafe.Offsetof(s.globals), unsafe.Offsetof(s.breaker),
		)},
		{"the lock of all counts, and what is before it", 0, unsafe.Offsetof(f.counts)},
		{"the lock of all counts, and that of the memory", unsafe.Offsetof(f.counts) + unsafe.Sizeof(f.counts), unsafe.Offsetof(f.memory)},
		{"the lock of the memory, and what is after it", unsafe.Offsetof(f.memory) + unsafe.Sizeof(f.memory), unsafe.Sizeof(f)},
		{"the Gilectomy's lock of the memory, and what is before it", 0, unsafe.Offsetof(m.Mutex)},
		{"the Gilectomy's lock of the memory, and what is after it", unsafe.Offsetof(m.Mutex) + unsafe.Sizeof(m.Mutex), unsafe.Sizeof(m)},
		{"the log's length, and the lock of the memory", unsafe.Offsetof(r.logLen) + unsafe.Sizeof(r.logLen), unsafe.Offsetof(r.memory) + unsafe.Offsetof(m.Mutex)},
		{"the lock of the memory, and the epoch", unsafe.Offsetof(r.memory) + unsafe.Offsetof(m.Mutex) + unsafe.Sizeof(m.Mutex), unsafe.Offsetof(r.epoch)},
		{"the epoch, and what is written to hand over", unsafe.Offsetof(r.epoch) + unsafe.Sizeof(r.epoch), unsafe.Offsetof(r.mu)},
		{"what is before a thread, and its frames", 0, unsafe.Offsetof(machine{}.space)},
		{"a thread's frames, and what is after it", unsafe.Offsetof(machine{}.trace) + unsafe.Sizeof(machine{}.trace), unsafe.Sizeof(machine{})},
		{"a thread's logs, and what is after it", unsafe.Offsetof(buffered.dropped) + unsafe.Sizeof(buffered.dropped), unsafe.Sizeof(buffered)},
		{"a nogil thread's heap, and what others write to it", unsafe.Offsetof(nogil.own) + unsafe.Sizeof(nogil.own), unsafe.Offsetof(nogil.asked)},
		{"what others write to a nogil thread, and what is after it", unsafe.Offsetof(nogil.gone) + unsafe.Sizeof(nogil.gone), unsafe.Sizeof(nogil)},
	} {
		require.GreaterOrEqual(t, int(apart.start)-int(apart.end), cacheline.Size, apart.what)
	}
}
