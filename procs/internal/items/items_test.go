package items

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// An item shows whether it is whole, and whether it is the answer.
func TestItems(t *testing.T) {
	for _, words := range []int{1, 2, 9} {
		item := make([]uint64, words)
		Fill(item, 41)
		require.False(t, Right(item, 41), "nobody changed it")
		require.True(t, Change(item))
		require.True(t, Right(item, 41))
		require.False(t, Right(item, 40), "it answers another request")
		require.NoError(t, Check(item, 41))
		require.ErrorIs(t, Check(item, 40), ErrWrong)
		for i := range item {
			item[i]++
			require.False(t, Right(item, 41), "word %d is another", i)
			item[i]--
		}
		Change(item)
		require.False(t, Right(item, 41), "it was changed twice")
		for torn := 1; torn < words; torn++ {
			Fill(item, 41)
			Change(item[:torn])
			require.False(t, Change(slices.Clone(item)), "%d of %d words changed", torn, words)
			require.False(t, Right(item, 41), "%d of %d words changed", torn, words)
		}
	}
}
