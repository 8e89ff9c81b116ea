package shm

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The words of a Control are where the package doc says.
func TestControlIsAsDocumented(t *testing.T) {
	var c Control
	for name, offset := range map[string][2]uintptr{
		"Sent":    {unsafe.Offsetof(c.Sent), 128},
		"Done":    {unsafe.Offsetof(c.Done), 256},
		"Lock":    {unsafe.Offsetof(c.Lock), 384},
		"Torn":    {unsafe.Offsetof(c.Torn), 392},
		"Count":   {unsafe.Offsetof(c.Count), 400},
		"Claimed": {unsafe.Offsetof(c.Claimed), 512},
		"Rescue":  {unsafe.Offsetof(c.Rescue), 640},
		"Wanted":  {unsafe.Offsetof(c.Wanted), 768},
		"Work":    {unsafe.Offsetof(c.Work), 896},
		"Answers": {unsafe.Offsetof(c.Answers), 1024},
		"slots":   {unsafe.Sizeof(c), 1280},
	} {
		require.Equal(t, offset[1], offset[0], name)
	}
}

// Every word of every slot belongs to one item or state.
func TestQueuesDoNotOverlap(t *testing.T) {
	for _, l := range []Layout{
		{Queues: 1, Window: 1, Words: 1},
		{Queues: 3, Window: 1024, Words: 1},
		{Queues: 3, Window: 16, Words: 8192},
		{Queues: 1, Window: 9 * 1024, Words: 1, States: true},
		{Queues: 1, Window: 3 * 16, Words: 8192, States: true},
		{Queues: 2, Window: 5, Words: 9, States: true},
	} {
		memory := make([]byte, l.Size())
		for i := range l.Queues {
			q := l.Queue(memory, i)
			require.Zero(t, (uintptr(unsafe.Pointer(q.Control))-uintptr(unsafe.Pointer(&memory[0])))%64, "%+v: a queue begins within a cache line", l)
			require.Contains(t, [][2]uint64{{1, 1}, {5, 2}, {16, 8}, {48, 24}, {1024, 512}, {9216, 4608}}, [2]uint64{q.Window, q.Batch})
			if l.States {
				require.Zero(t, q.Stride*WordSize%64, "%+v: slots on one cache line", l)
			}
			for seq := range q.Window {
				for j := range q.Slot(seq + q.Window) {
					q.Slot(seq)[j]++
				}
				if l.States {
					q.Slots[int(seq)*q.Stride]++
				}
			}
		}
		touched := 0
		for i := range l.Queues {
			for _, word := range l.Queue(memory, i).Slots {
				if word > 1 {
					t.Fatalf("%+v: a word belongs to %d slots or states", l, word)
				}
				touched += int(word)
			}
		}
		require.Equal(t, l.Queues*l.Window*(l.Words+l.head()), touched, "%+v", l)
	}
}
