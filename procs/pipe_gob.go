package procs

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"os"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/items"
)

// runPipeGob is pipe with every item encoded by encoding/gob, as a []uint64, where
// multiprocessing pickles every object that it sends. What it costs above pipe is
// serialization. In all other rows an item is memory as it is.
//
// Each direction of a child is one gob stream, as gob is meant to be used: the
// first message describes the type, and the others are values. multiprocessing
// pickles every object by itself, because a pickle needs no description. If gob did
// the same, every item would need the description and a newly compiled decoder,
// which no program would accept.
//
// Both formats write a small number in few bytes. A word of a request takes one to
// four bytes here, and a word of an answer, with its high bits set, takes nine.
//
// Cost: what pipe costs, and encoding and decoding every word twice.
// Progress: blocking.
func runPipeGob(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		return l.Exchange(n, p.Layout.Window, p.Patience, func(c *children.Child) (send, receive func(i int) error) {
			item, answer := make([]uint64, p.Words), make([]uint64, p.Words)
			if c.Kept == nil {
				c.Kept = newGobPipe(c.Out, c.In, p.Words)
			}
			pipe := c.Kept.(*gobPipe)
			send = func(i int) error {
				items.Fill(item, uint64(i))
				return pipe.write(item)
			}
			receive = func(i int) error {
				if err := pipe.read(&answer); err != nil {
					return err
				}
				return items.Check(answer, uint64(i))
			}
			return send, receive
		})
	})
}

func servePipeGob(w *children.Worker) {
	item, pipe := make([]uint64, w.Words), newGobPipe(os.Stdin, os.Stdout, w.Words)
	for {
		w.ExitOn(pipe.read(&item))
		if number := item[0]; !items.Change(item) {
			w.ExitTorn(number)
		}
		w.ExitOn(pipe.write(item))
	}
}

// A gobPipe is one side of a child's pipes: a gob stream in each direction, with
// each item in a frame of its own. It lives as long as the child.
type gobPipe struct {
	from    io.Reader
	words   int // of an item
	in      frame.Buffer
	message bytes.Reader // what is left of the last frame
	decoder *gob.Decoder // reads from message

	to      io.Writer
	out     bytes.Buffer
	encoder *gob.Encoder // writes to out
}

func newGobPipe(from io.Reader, to io.Writer, words int) *gobPipe {
	// A word takes up to nine bytes, and the description of the type some thirty.
	p := &gobPipe{from: from, words: words, in: frame.New(2*words + 8), to: to}
	p.decoder = gob.NewDecoder(&p.message)
	p.encoder = gob.NewEncoder(&p.out)
	return p
}

func (p *gobPipe) write(item []uint64) error {
	p.out.Reset()
	p.out.Write(frame.New(0)) // room for the head
	if err := p.encoder.Encode(item); err != nil {
		return fmt.Errorf("encoding an item: %w", err)
	}
	return frame.WriteBytes(p.to, p.out.Bytes())
}

func (p *gobPipe) read(item *[]uint64) error {
	message, err := frame.ReadBytes(p.from, p.in)
	if err != nil {
		return err
	}
	p.message.Reset(message)
	if err := p.decoder.Decode(item); err != nil {
		// Not %w: the end of a message is not the end of the pipe.
		return fmt.Errorf("decoding a frame of %d bytes: %v", len(message), err)
	}
	if len(*item) != p.words || p.message.Len() > 0 {
		return fmt.Errorf("decoding a frame: got %d words and %d bytes more, want %d words and none", len(*item), p.message.Len(), p.words)
	}
	return nil
}
