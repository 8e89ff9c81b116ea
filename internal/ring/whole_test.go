package ring

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Take returns an item only when its Put has written all of it. The items are so
// large that a Put is mostly in the midst of that, and there are more threads than
// processors, so that others run meanwhile.
func TestItemsAreWhole(t *testing.T) {
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
	torn := 0
	sum := 0
	hands.Go(func() {
		for left := each * putters; left > 0; {
			item, ok := r.Take()
			if !ok {
				runtime.Gosched()
				continue
			}
			if item[0] != item[511] {
				torn++
			}
			sum += item[511]
			left--
		}
	})
	hands.Wait()
	require.Zero(t, torn, "items of which Take saw a part")
	require.Equal(t, putters*each*(each+1)/2, sum, "items that Take saw before they were written")
}
