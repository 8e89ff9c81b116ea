package frame

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pipe that ends before a frame has ended. One that ends within a frame was cut.
func TestShortFrames(t *testing.T) {
	var whole bytes.Buffer
	buffer := make(Buffer, 64)
	require.NoError(t, Write(&whole, buffer, []uint64{7}))
	for n := range whole.Len() {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		err := Read(bytes.NewReader(whole.Bytes()[:n]), buffer, make([]uint64, 1))
		require.ErrorIs(t, err, want, "%d bytes", n)
		_, err = ReadBytes(bytes.NewReader(whole.Bytes()[:n]), buffer)
		require.ErrorIs(t, err, want, "%d bytes", n)
	}
	read, write := io.Pipe()
	require.NoError(t, read.Close())
	err := Write(write, buffer, []uint64{7})
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.ErrorContains(t, err, "writing a frame: wrote 0 bytes of 12: ")
}
