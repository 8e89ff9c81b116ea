package systems

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// merge clears the owner before it writes the word. A drop too many makes it panic in
// between. After the word says merged, the slot may have another object.
func TestOwnerIsClearedBeforeTheWord(t *testing.T) {
	o := &object{local: 1, refs: -unit | isQueued}
	o.owner.Store(new(nogilThread))
	require.Panics(t, func() { merge(o, -1) })
	require.Nil(t, o.owner.Load())
}
