package asyncio

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A client reads the top connection and the one below it. Meanwhile others take both
// and put the top one back. Then the client must not make the one below the top.
func TestStackHasNoABA(t *testing.T) {
	var s stack
	s.put(0, 1)
	s.put(0, 2)
	head, below := s.head.Load(), s.below[2].Load()
	require.Equal(t, 2, s.take(0))
	require.Equal(t, 1, s.take(0))
	s.put(0, 2)
	require.False(t, s.head.CompareAndSwap(head, next(head, below)))
	require.Equal(t, 2, s.take(0))
	require.Equal(t, -1, s.take(0))
}
