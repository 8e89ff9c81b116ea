package ring

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A Take returns an item only when its Put has written all of it, and no Put overwrites
// an item that a Take is reading. The items are so large that a goroutine is mostly in
// the midst of that, and there are more threads than processors, so that others run
// meanwhile.
func TestItemsAreWhole(t *testing.T) {
	suitetest.Once(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 2))
	r := New[[512]int](0)
	var hands sync.WaitGroup
	const each, putters = 20_000, 4
	for range putters {
		hands.Go(func() {
			for i := 1; i <= each; i++ {
				item := [512]int{0: i, 511: i}
				for !r.Put(item) {
					runtime.Gosched()
				}
			}
		})
	}
	var torn, sum, took atomic.Int64
	for range 2 {
		hands.Go(func() {
			for took.Load() < each*putters {
				item, ok := r.Take()
				if !ok {
					runtime.Gosched()
					continue
				}
				if item[0] != item[511] {
					torn.Add(1)
				}
				sum.Add(int64(item[511]))
				took.Add(1)
			}
		})
	}
	hands.Wait()
	require.Zero(t, torn.Load(), "items of which Take saw a part")
	require.EqualValues(t, putters*each*(each+1)/2, sum.Load(), "items that Take saw before they were written")
}
