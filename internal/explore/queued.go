package explore

import (
	"fmt"
	"slices"
)

// Queued returns an error if the takers have not taken exactly the items that the putters
// have put, each once. It also returns one if a taker has found the items of one putter in
// another order than that in which the putter put them.
func Queued(put, taken [][]int) error {
	items := slices.Sorted(slices.Values(slices.Concat(put...)))
	found := slices.Sorted(slices.Values(slices.Concat(taken...)))
	if !slices.Equal(items, found) {
		return fmt.Errorf("%v were put, %v were taken", put, taken)
	}
	for _, from := range put {
		for _, by := range taken {
			last := -1
			for _, item := range by {
				if i := slices.Index(from, item); i >= 0 {
					if i < last {
						return fmt.Errorf("%v were put, and taken in another order: %v", put, taken)
					}
					last = i
				}
			}
		}
	}
	return nil
}
