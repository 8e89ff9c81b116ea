package resp

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// FuzzServer sends any bytes to a database. It must not panic or hold more than its
// limits, every answer must be one that a Conn can read, and it must not matter in which
// pieces the bytes arrive.
func FuzzServer(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		s := newDatabase()
		out, end := converse(t, s, bytes.NewReader(in))
		used := 0
		for key, value := range s.store {
			used += keyBytes + len(key) + len(value)
		}
		require.Equal(t, used, s.used)

		c := &Conn{r: bufio.NewReaderSize(bytes.NewReader(out), lineBytes)}
		for c.r.Buffered() > 0 || peek(c.r) == nil {
			_, err := c.answer()
			if _, isAnswer := err.(Error); err != ErrNil && !isAnswer {
				require.NoError(t, err, "%q", out)
			}
		}

		again, sameEnd := converse(t, newDatabase(), iotest.OneByteReader(bytes.NewReader(in)))
		require.Equal(t, string(out), string(again))
		require.Equal(t, end, sameEnd)
	})
}

func peek(r *bufio.Reader) error { _, err := r.Peek(1); return err }

// converse returns what a database answers to the bytes, and the error that ends the
// connection.
func converse(t *testing.T, s *Server, in io.Reader) (out []byte, end error) {
	var cmd command
	r := bufio.NewReaderSize(in, lineBytes)
	for {
		if end = cmd.read(r); end != nil {
			return append(out, errorLine(end)...), end
		}
		require.NotEmpty(t, cmd.args)
		require.LessOrEqual(t, len(cmd.args), max(maxArgs, lineBytes))
		require.LessOrEqual(t, len(cmd.text), maxBytes)
		out = s.answer(out, cmd.args)
	}
}

// FuzzClient answers a client with any bytes. The client must not panic or hold more
// than its limits, and ends with an error that it repeats.
func FuzzClient(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		listen := func(in io.Reader) (values []string, end error) {
			c := NewConn(struct {
				io.Reader
				io.Writer
			}{in, io.Discard}, 0)
			for c.err == nil {
				value, err := c.Get("k")
				require.LessOrEqual(t, len(value), maxBytes)
				values, end = append(values, string(value)), err
			}
			_, again := c.Get("k")
			require.Equal(t, end, again)
			return values, end
		}
		values, end := listen(bytes.NewReader(in))
		require.Error(t, end)
		again, sameEnd := listen(iotest.OneByteReader(bytes.NewReader(in)))
		require.Equal(t, values, again)
		require.Equal(t, end, sameEnd)
	})
}

// FuzzWords checks that a database reads the words that a client sends, and that the
// client reads the value that the database keeps, whatever the bytes are.
func FuzzWords(f *testing.F) {
	f.Fuzz(func(t *testing.T, key, value string) {
		if len(key)+len(value) > maxBytes/2 {
			return
		}
		var wire bytes.Buffer
		c := NewConn(struct {
			io.Reader
			io.Writer
		}{strings.NewReader("+OK\r\n"), &wire}, 0)
		require.NoError(t, c.Set(key, value))
		var cmd command
		require.NoError(t, cmd.read(bufio.NewReader(&wire)))
		require.Equal(t, [][]byte{[]byte("SET"), []byte(key), []byte(value)}, cmd.args)

		s := newDatabase()
		s.answer(nil, cmd.args)
		answer := s.answer(nil, [][]byte{[]byte("get"), []byte(key)})
		c = NewConn(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(answer), io.Discard}, 0)
		got, err := c.Get(key)
		require.NoError(t, err)
		require.Equal(t, value, string(got))
	})
}
