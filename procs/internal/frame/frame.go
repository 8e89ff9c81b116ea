// Package frame sends messages through pipes, in the format that Python's
// multiprocessing uses: the length in 4 bytes, big-endian, and then that many bytes.
// Words are sent in the machine's byte order.
package frame

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"

	"boundaries/procs/internal/shm"
)

// A Buffer holds a frame: a head, and the bytes that follow it.
type Buffer []byte

const head = 4

// New returns a buffer for frames of up to that many words.
func New(words int) Buffer { return make(Buffer, head+words*shm.WordSize) }

// Write writes words as one frame in one call of to.Write.
func Write(to io.Writer, buffer Buffer, words []uint64) error {
	return WriteBytes(to, buffer[:head+copy(buffer[head:], bytesOf(words))])
}

// WriteBytes sets the head of a frame, and writes the frame in one call of to.Write.
func WriteBytes(to io.Writer, frame Buffer) error {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-head))
	if n, err := to.Write(frame); err != nil {
		return fmt.Errorf("writing a frame: wrote %d bytes of %d: %w", n, len(frame), err)
	}
	return nil
}

// Read reads one frame into words. It returns an error if the frame is shorter or
// longer than words. The error wraps io.EOF if the pipe ended before the frame, and
// io.ErrUnexpectedEOF if it ended within.
func Read(from io.Reader, buffer Buffer, words []uint64) error {
	want := len(words) * shm.WordSize
	if got, err := readHead(from, buffer); err != nil {
		return err
	} else if got != int64(want) {
		return fmt.Errorf("reading a frame: its head says %d bytes, want %d", got, want)
	}
	return readBody(from, bytesOf(words))
}

// ReadBytes reads one frame and returns the bytes that follow its head. They are part
// of the buffer; a frame that does not fit there is an error. The error wraps io.EOF
// if the pipe ended before the frame, and io.ErrUnexpectedEOF if it ended within.
func ReadBytes(from io.Reader, buffer Buffer) ([]byte, error) {
	got, err := readHead(from, buffer)
	if err != nil {
		return nil, err
	}
	body := buffer[head:]
	if got > int64(len(body)) {
		return nil, fmt.Errorf("reading a frame: its head says %d bytes, want at most %d", got, len(body))
	}
	return body[:got], readBody(from, body[:got])
}

func readHead(from io.Reader, buffer Buffer) (int64, error) {
	if n, err := io.ReadFull(from, buffer[:head]); err != nil {
		return 0, fmt.Errorf("reading the head of a frame: got %d bytes, want %d: %w", n, head, err)
	}
	return int64(binary.BigEndian.Uint32(buffer)), nil
}

func readBody(from io.Reader, body []byte) error {
	if n, err := io.ReadFull(from, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // the head has come
		}
		return fmt.Errorf("reading a frame: got %d bytes, want %d: %w", n, len(body), err)
	}
	return nil
}

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*shm.WordSize)
}
