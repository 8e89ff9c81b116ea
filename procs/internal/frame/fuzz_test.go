package frame

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"boundaries/procs/internal/shm"
)

// FuzzRead reads a frame out of any bytes. Reading must fail unless the head says the
// length that fits and so many bytes follow, and must leave what follows the frame.
func FuzzRead(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte, words uint8) {
		said := int64(-1)
		if len(in) >= head {
			said = int64(binary.BigEndian.Uint32(in))
		}
		room := int(words) * shm.WordSize
		arrived := int64(len(in)-head) >= said && said >= 0

		for _, pieces := range []func(io.Reader) io.Reader{iotest.OneByteReader, func(r io.Reader) io.Reader { return r }} {
			item, from := make([]uint64, words), bytes.NewReader(in)
			if err := Read(pieces(from), New(0), item); arrived && said == int64(room) {
				require.NoError(t, err)
				require.Equal(t, string(in[head:head+room]), string(bytesOf(item)))
				require.Equal(t, len(in)-head-room, from.Len())
			} else {
				require.Error(t, err)
			}
			from = bytes.NewReader(in)
			if body, err := ReadBytes(pieces(from), New(int(words))); arrived && said <= int64(room) {
				require.NoError(t, err)
				require.Equal(t, string(in[head:head+said]), string(body))
				require.Equal(t, len(in)-head-int(said), from.Len())
			} else {
				require.Error(t, err)
			}
		}
	})
}

// FuzzWrite checks that Read reads what Write has written, in one call.
func FuzzWrite(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		item := make([]uint64, len(in)/shm.WordSize)
		copy(bytesOf(item), in)
		var wire oneWrite
		require.NoError(t, Write(&wire, New(len(item)), item))
		require.Equal(t, 1, wire.calls)
		got := make([]uint64, len(item))
		require.NoError(t, Read(&wire, New(0), got))
		require.Equal(t, item, got)
		require.Zero(t, wire.Len())
	})
}

// A oneWrite counts the calls of Write.
type oneWrite struct {
	bytes.Buffer
	calls int
}

func (w *oneWrite) Write(p []byte) (int, error) {
	w.calls++
	return w.Buffer.Write(p)
}
