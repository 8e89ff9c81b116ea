package procs

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"
)

// A frame is a message: its length in 4 bytes, big-endian, as multiprocessing
// writes it, and so many bytes. The bytes are words of the machine's order.
type frame []byte

const frameHead = 4

// newFrame returns a buffer for messages of up to that many words.
func newFrame(words int) frame { return make(frame, frameHead+words*wordSize) }

// writeFrame writes words as one message in one call of Write.
func writeFrame(to io.Writer, buffer frame, words []uint64) error {
	binary.BigEndian.PutUint32(buffer, uint32(len(words)*wordSize))
	n := frameHead + copy(buffer[frameHead:], bytesOf(words))
	_, err := to.Write(buffer[:n])
	return err
}

// readFrame reads one message into words, which it must fill.
func readFrame(from io.Reader, buffer frame, words []uint64) error {
	head := buffer[:frameHead]
	if n, err := io.ReadFull(from, head); err != nil {
		return fmt.Errorf("reading the head of a frame, of which %d bytes came: %w", n, err)
	}
	want := len(words) * wordSize
	if length := binary.BigEndian.Uint32(head); int64(length) != int64(want) {
		return fmt.Errorf("a frame of %d bytes, not of %d", length, want)
	}
	if n, err := io.ReadFull(from, bytesOf(words)); err != nil {
		return fmt.Errorf("reading a frame of %d bytes, of which %d came: %w", want, n, err)
	}
	return nil
}

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*wordSize)
}
