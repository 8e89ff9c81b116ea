package procs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// runPipe sends each item as a message down a pipe and reads the answer from
// another, as multiprocessing.Queue does: a write a message, and two reads, one
// for the length and one for the rest. It pays for six system calls an item, and
// for copying every byte four times. Blocking.
func runPipe(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		return l.exchange(n, p.shape.window,
			func(item []uint64, i int) { fill(item, uint64(i)) },
			func(item []uint64, i int) bool { return right(item, uint64(i)) })
	})
}

func servePipe(w *worker) {
	w.answer(func(item []uint64) {
		if number := item[0]; !change(item) {
			w.torn(number)
		}
	})
}

// exchange sends n items down the child's pipe, written by ask, no more than
// window of them in flight, and reads the answers, judged by check. The ledger
// is one number: pipes keep order, so after a death whatever follows the last
// answer is sent again.
func (l *lane) exchange(n, window int, ask func(item []uint64, i int), check func(item []uint64, i int) bool) (int, error) {
	got := 0
	answer, buffer := make([]uint64, l.pool.words), newFrame(l.pool.words)
	// How many answers may take Patience together: one, but of the quick ones,
	// where one call of SetReadDeadline an item would show.
	together := max(1, window/16)
	for got < n {
		c := l.child.Load()
		flight := make(chan struct{}, window) // a token for each item in flight
		stop := make(chan struct{})           // closed when nobody reads any more
		sender := make(chan struct{})         // closed when the sender has returned
		var unsent error                      // of the sender
		go func() {
			defer close(sender)
			item, buffer := make([]uint64, l.pool.words), newFrame(l.pool.words)
			for i := got; i < n; i++ {
				ask(item, i)
				select {
				case flight <- struct{}{}:
				case <-stop:
					return
				}
				if unsent = writeFrame(c.in, buffer, item); unsent != nil {
					return
				}
			}
		}()
		var err error
		for begun := got; got < n; {
			if (got-begun)%together == 0 {
				c.out.SetReadDeadline(time.Now().Add(l.pool.Patience))
			}
			if err = readFrame(c.out, buffer, answer); err != nil {
				break
			}
			if !check(answer, got) {
				err = errWrong
				break
			}
			if len(flight) == 0 { // its token would have been sent before the request was
				err = errUnasked
				break
			}
			<-flight
			got++
		}
		close(stop)
		if err == nil {
			// A child that has read what it has answered leaves nothing to write.
			c.in.SetWriteDeadline(time.Now().Add(l.pool.Patience))
			if <-sender; unsent == nil {
				c.in.SetWriteDeadline(time.Time{})
				break
			}
			err = fmt.Errorf("%w: %w", errUnasked, unsent)
			got--
		}
		fault := l.fault(got*len(l.pool.lanes)+l.index, err)
		c.in.Close() // a sender that is writing stops
		<-sender
		if fault.Signal == nil {
			return got, fault
		}
		if err := l.revive(fault.Item, func() {}); err != nil {
			return got, err
		}
	}
	return got, nil
}

// answer reads requests until the parent ends, and answers each with what do
// makes of it.
func (w *worker) answer(do func(item []uint64)) {
	item, buffer := make([]uint64, w.words), newFrame(w.words)
	for {
		if err := readFrame(os.Stdin, buffer, item); err != nil {
			if errors.Is(err, io.EOF) {
				return
			}
			exit(1, "child %d: %v", w.index, err)
		}
		do(item)
		if err := writeFrame(os.Stdout, buffer, item); err != nil {
			exit(1, "child %d: %v", w.index, err)
		}
	}
}
