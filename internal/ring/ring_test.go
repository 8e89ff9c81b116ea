package ring

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

var starts = []uint32{0, math.MaxUint32 - 700, math.MaxInt32 - 700}

func TestPads(t *testing.T) {
	r := New[int](0)
	suitetest.Apart(t, &r.put, &r.take, &r.slots[0])
}

func TestOrderAndBounds(t *testing.T) {
	suitetest.Guard(t, "Put into a full ring waits")
	for _, start := range starts {
		r := New[int](start)
		_, ok := r.Take()
		require.False(t, ok)
		put, took := 0, 0
		for range 5 {
			for r.Put(put) {
				put++
			}
			require.Equal(t, Size, put-took)
			require.Equal(t, Size, r.Len())
			for range Size - 100 {
				got, ok := r.Take()
				require.True(t, ok)
				require.Equal(t, took, got)
				took++
			}
			require.Equal(t, 100, r.Len())
			for range 100 {
				got, _ := r.Take()
				require.Equal(t, took, got)
				took++
			}
		}
		_, ok = r.Take()
		require.False(t, ok)
	}
}

// Every item is taken once, and all room comes back.
func TestManyHands(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for hands := 1; hands <= 4; hands++ {
		for _, start := range starts {
			r := New[*int](start)
			items := make([]int, hands*n)
			var left atomic.Int64
			left.Store(int64(hands * n))
			var all sync.WaitGroup
			for hand := range hands {
				all.Go(func() {
					for i := range n {
						for !r.Put(&items[hand*n+i]) {
							runtime.Gosched()
						}
					}
				})
				all.Go(func() {
					for left.Load() > 0 {
						if item, ok := r.Take(); ok {
							*item++ // plain, so that -race sees two takers
							left.Add(-1)
						} else {
							runtime.Gosched()
						}
					}
				})
			}
			all.Wait()
			for i := range items {
				require.Equal(t, 1, items[i])
			}
			require.Zero(t, r.Len())
			for i := range Size {
				require.True(t, r.Put(&items[0]), "room for %d", i)
			}
			require.False(t, r.Put(&items[0]))
			n = max(n/3, 1000)
		}
	}
}

// Take draws no ticket if there is no item.
func TestTakeOfNothingLeavesNoTrace(t *testing.T) {
	suitetest.Guard(t, "Take of an empty ring waits")
	r := New[int](0)
	for range 10 {
		_, ok := r.Take()
		require.False(t, ok)
	}
	require.Zero(t, r.take.Load())
	require.True(t, r.Put(7))
	got, ok := r.Take()
	require.True(t, ok)
	require.Equal(t, 7, got)
	for i := range Size {
		require.True(t, r.Put(i))
	}
	for range 10 {
		require.False(t, r.Put(0))
	}
	require.EqualValues(t, Size+1, r.put.Load())
}

// The test plays a goroutine that has drawn a ticket and not finished. A goroutine that
// comes to the same slot finds no room, or nothing; others go on.
func TestUnfinishedTaker(t *testing.T) {
	r := New[int](0)
	for i := range Size {
		r.Put(i)
	}
	require.Zero(t, r.take.Add(1)-1)
	got, ok := r.Take()
	require.True(t, ok)
	require.Equal(t, 1, got)
	require.False(t, r.Put(Size), "there is room where 1 was, but the next ticket is for slot 0")
	require.Equal(t, 0, r.slots[0].item)
	r.slots[0].turn.Store(Size)
	require.True(t, r.Put(Size))
	require.Equal(t, Size, r.slots[0].item)
}

func TestUnfinishedPutter(t *testing.T) {
	r := New[int](0)
	require.Zero(t, r.put.Add(1)-1)
	require.Zero(t, r.Len())
	_, ok := r.Take()
	require.False(t, ok)
	require.True(t, r.Put(1))
	require.Zero(t, r.Len(), "a worker would look for it again and again, and not sleep")
	_, ok = r.Take()
	require.False(t, ok, "1 is not the oldest")
	r.slots[0].item = 7
	r.slots[0].turn.Store(1)
	require.Equal(t, 2, r.Len())
	for _, want := range []int{7, 1} {
		got, ok := r.Take()
		require.True(t, ok)
		require.Equal(t, want, got)
	}
}

// A slot does not keep an item alive that was taken.
func TestTakenItemsAreNotKept(t *testing.T) {
	r := New[*int](0)
	require.True(t, r.Put(new(int)))
	_, ok := r.Take()
	require.True(t, ok)
	require.Nil(t, r.slots[0].item)
}
