package benchfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
)

// maxLine is how many bytes of a line, or units of UTF-16, are read. The rest is skipped.
const maxLine = 32 << 10

// A source gives the lines of a file as UTF-8, whichever of the usual encodings
// they have.
type source struct {
	r     *bufio.Reader
	order binary.ByteOrder // of UTF-16, or nil for UTF-8
	raw   []byte           // of the line, as it is in the file
	text  []byte
}

// A file must have one encoding.
var (
	errUTF16InUTF8 = errors.New("this is neither UTF-8 nor UTF-16, or UTF-16 after UTF-8 (as >> of PowerShell appends it); want one encoding, best UTF-8")
	errUTF8InUTF16 = errors.New("UTF-8 in a file that begins as UTF-16; want one encoding, best UTF-8")
)

const mark = "\ufeff"

func newSource(r io.Reader) *source {
	s := &source{r: bufio.NewReaderSize(r, 64<<10)}
	head, _ := s.r.Peek(16)
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		s.order = binary.LittleEndian
		_, _ = s.r.Discard(2)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		s.order = binary.BigEndian
		_, _ = s.r.Discard(2)
	default:
		// Without a mark, text begins with ASCII: every second byte is zero.
		zeros, pairs := [2]int{}, len(head)/2
		for i, b := range head[:2*pairs] {
			if b == 0 {
				zeros[i%2]++
			}
		}
		if pairs > 0 && zeros[1] == pairs && zeros[0] == 0 {
			s.order = binary.LittleEndian
		} else if pairs > 0 && zeros[0] == pairs && zeros[1] == 0 {
			s.order = binary.BigEndian
		}
	}
	return s
}

// line returns the next line without its end, and whether it had one. The slice is
// valid until the next call. After the last line the error is io.EOF.
func (s *source) line() (text []byte, ended bool, err error) {
	if s.order != nil {
		return s.line16()
	}
	s.raw = s.raw[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		s.raw = append(s.raw, part[:min(len(part), maxLine-len(s.raw))]...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil && (err != io.EOF || len(s.raw) == 0) {
			return nil, false, err
		}
		ended = err == nil
		break
	}
	text = bytes.TrimRight(s.raw, "\r\n")
	if zeros := bytes.Count(text, []byte{0}); zeros > 2 && zeros > len(text)/3 {
		return nil, ended, errUTF16InUTF8
	}
	return bytes.TrimLeft(text, mark), ended, nil
}

func (s *source) line16() (text []byte, ended bool, err error) {
	s.raw = s.raw[:0]
	var units []uint16
	for {
		var b [2]byte
		if _, err = io.ReadFull(s.r, b[:]); err == io.ErrUnexpectedEOF {
			// Half a unit is nothing.
			err = io.EOF
		}
		if err != nil {
			break
		}
		if len(units) < maxLine {
			s.raw = append(s.raw, b[:]...)
			units = append(units, s.order.Uint16(b[:]))
		}
		if s.order.Uint16(b[:]) == '\n' {
			break
		}
	}
	if bytes.Contains(s.raw, []byte("Benchmark")) {
		return nil, false, errUTF8InUTF16
	}
	if err != nil && (err != io.EOF || len(units) == 0) {
		return nil, false, err
	}
	s.text = s.text[:0]
	for _, r := range utf16.Decode(units) {
		s.text = append(s.text, string(r)...)
	}
	return bytes.TrimLeft(bytes.TrimRight(s.text, "\r\n"), mark), err == nil, nil
}
