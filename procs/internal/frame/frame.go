// Package frame sends words through pipes, as messages of the format that
// Python's multiprocessing uses: the length in 4 bytes, big-endian, and then so
// many bytes. The bytes are words in the machine's byte order.
package frame

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"

	"boundaries/procs/internal/shm"
)

// A Buffer is where a frame is put together.
type Buffer []byte

const head = 4

// New returns a buffer for frames of up to that many words.
func New(words int) Buffer { return make(Buffer, head+words*shm.WordSize) }

// Write writes words as one frame in one call of to.Write.
func Write(to io.Writer, buffer Buffer, words []uint64) error {
	binary.BigEndian.PutUint32(buffer, uint32(len(words)*shm.WordSize))
	n := head + copy(buffer[head:], bytesOf(words))
	_, err := to.Write(buffer[:n])
	return err
}

// Read reads one frame into words, which it must fill.
func Read(from io.Reader, buffer Buffer, words []uint64) error {
	length := buffer[:head]
	if n, err := io.ReadFull(from, length); err != nil {
		return fmt.Errorf("reading the head of a frame: got %d bytes, want %d: %w", n, head, err)
	}
	want := len(words) * shm.WordSize
	if got := binary.BigEndian.Uint32(length); int64(got) != int64(want) {
		return fmt.Errorf("reading a frame: its head says %d bytes, want %d", got, want)
	}
	if n, err := io.ReadFull(from, bytesOf(words)); err != nil {
		return fmt.Errorf("reading a frame: got %d bytes, want %d: %w", n, want, err)
	}
	return nil
}

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*shm.WordSize)
}
