package children

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/futex"
	"boundaries/procs/internal/items"
	"boundaries/procs/internal/shm"
)

// A Lane is the parent's side of one child, and of those that replace it.
type Lane struct {
	Pool  *Pool
	Index int
	Queue *shm.Queue // the child's own or that of all; nil without shared memory
	First uint64     // sequence number of the first item of this run
	Sent  uint64     // sequence number of the next item to send

	child atomic.Pointer[Child]

	// killed is the last item of this run at which a child was killed, and tries
	// is how many children in a row were killed at it.
	killed, tries int
}

// MaxTries is how many children in a row must be killed at one item before the run
// gives up. Tests change it.
var MaxTries = 10

// Child returns the lane's present child, or nil before the first.
func (l *Lane) Child() *Child { return l.child.Load() }

// Item returns the number in this run of the item with that sequence number.
func (l *Lane) Item(seq uint64) int {
	seq = min(max(seq, l.First), l.Sent) // a broken child may have written it
	if l.Pool.Layout.Queues < len(l.Pool.Lanes) {
		return int(seq - l.First)
	}
	return int(seq-l.First)*len(l.Pool.Lanes) + l.Index
}

// Await waits until Done is at least target, and returns Done. The queue belongs to
// one child. If the child dies first, Await writes its unanswered items again for
// the child that replaces it. Got is the sequence number of the next answer that the
// parent reads.
func (l *Lane) Await(got, target uint64) (uint64, error) {
	q := l.Queue
	var began time.Time
	for !futex.Spin(l.Pool.Spinning, &q.Done, target) {
		c := l.Child()
		if c.dead.Load() {
			// The parent has waited for the child, so it sees the child's
			// last writes, and they may be the answer.
			done := q.Done.Load()
			if done < got || done >= target {
				break
			}
			err := l.revive(l.Item(done), func() {
				for seq := done; seq < l.Sent; seq++ {
					items.Fill(q.Slot(seq), seq)
				}
			})
			if err != nil {
				return 0, err
			}
			began = time.Time{}
			continue
		}
		if began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > l.Pool.Patience {
			return 0, l.Fault(l.Item(q.Done.Load()), Silence(l.Pool.Patience))
		}
		q.Answers.Sleep(l.Pool.Patience, func() bool {
			return q.Done.Load() >= target || c.dead.Load()
		})
	}
	done := q.Done.Load()
	if done < got || done > l.Sent {
		return 0, l.Fault(l.Item(got), Claims(done, got, l.Sent))
	}
	return done, nil
}

// Exchange sends n items down the child's pipe, with no more than window in
// flight, and reads the answers. It calls open for each child, in each run. Open
// returns two functions: send writes item i, and receive reads the answer and says
// what is wrong with it. They run on two goroutines. An answer may take as long as
// patience. Pipes keep order, so one number says which items are answered: after a
// death, Exchange sends again every item after the last answer. It returns how many items
// are answered.
func (l *Lane) Exchange(n, window int, patience time.Duration, open func(c *Child) (send, receive func(i int) error)) (int, error) {
	got := 0
	// How many answers share one deadline: one, or more if many are in flight.
	// These are quick, and a call of SetReadDeadline for each would cost too much.
	together := max(1, window/16)
	for got < n {
		c := l.Child()
		send, receive := open(c)
		flight := make(chan struct{}, window) // a token for each item in flight
		stop := make(chan struct{})           // closed when the reader has stopped
		sender := make(chan struct{})         // closed when the sender has returned
		var unsent error                      // of the sender
		go func() {
			defer close(sender)
			for i := got; i < n; i++ {
				select {
				case flight <- struct{}{}:
				case <-stop:
					return
				}
				if unsent = send(i); unsent != nil {
					return
				}
			}
		}()
		var err error
		for begun := got; err == nil && got < n; {
			if (got-begun)%together == 0 {
				c.Out.SetReadDeadline(time.Now().Add(patience))
			}
			if err = receive(got); err != nil {
				break
			}
			select {
			case <-flight:
				got++
			default: // the sender puts the token before it writes the request
				err = ErrUnasked
			}
		}
		close(stop)
		if err == nil {
			// If the child has read all that it has answered, the sender has
			// nothing left to write.
			c.In.SetWriteDeadline(time.Now().Add(patience))
			if <-sender; unsent == nil {
				c.In.SetWriteDeadline(time.Time{})
				break
			}
			err = fmt.Errorf("%w: %w", ErrUnasked, unsent)
			got--
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			select {
			case <-sender:
				if unsent != nil { // the child cannot answer what it did not get
					err = unsent
				}
			default:
			}
		}
		fault := l.Fault(got*len(l.Pool.Lanes)+l.Index, err)
		c.In.Close() // which stops a sender that is writing
		<-sender
		if fault.Signal == nil {
			return got, fault
		}
		if err := l.Revive(fault.Item); err != nil {
			return got, err
		}
	}
	return got, nil
}

// Ask is Exchange for items of one word, two of which are in flight. Question
// returns item i, and check says what is wrong with its answer.
func (l *Lane) Ask(n int, patience time.Duration, question func(i int) uint64, check func(i int, answer uint64) error) (int, error) {
	return l.Exchange(n, 2, patience, func(c *Child) (send, receive func(i int) error) {
		send = func(i int) error { return frame.Write(c.In, frame.New(1), []uint64{question(i)}) }
		receive = func(i int) error {
			var answer [1]uint64
			if err := frame.Read(c.Out, frame.New(1), answer[:]); err != nil {
				return err
			}
			return check(i, answer[0])
		}
		return send, receive
	})
}

// DiedHolding returns the item at which the lane's child died with the lock, or -1 if it
// died without the lock.
func (l *Lane) DiedHolding() int {
	held := l.Child().held.Load()
	if l.Pool.Layout.Queues < len(l.Pool.Lanes) {
		l = l.Pool.Lanes[0] // which counts for all
	}
	if held == 0 || held > l.Sent {
		return -1
	}
	return l.Item(held - 1)
}

// AnyDead reports whether a child of these lanes has died and was not replaced.
func AnyDead(lanes []*Lane) bool {
	for _, l := range lanes {
		if l.Child().dead.Load() {
			return true
		}
	}
	return false
}

// ReviveDead replaces the children of these lanes that were killed. At returns the
// item at which a lane's child died, or a negative number.
func ReviveDead(lanes []*Lane, at func(dead *Lane) int) (revived bool, err error) {
	for _, l := range lanes {
		if l.Child().dead.Load() {
			if err := l.Revive(at(l)); err != nil {
				return true, err
			}
			revived = true
		}
	}
	return revived, nil
}

// Revive replaces a child that was killed at that item, or without an item if item
// is negative. It returns an error if the child was not killed but ended by itself,
// or if too many children in a row were killed at the item.
func (l *Lane) Revive(item int) error { return l.revive(item, func() {}) }

// revive is Revive with a function that writes again what the dead child had not
// answered.
func (l *Lane) revive(item int, redo func()) error {
	if l.Pool.broken.Load() {
		return ErrBroken
	}
	c := l.Child()
	if !l.noteDeath(item) {
		return l.Fault(item, errEnded)
	}
	if c.ready.Load() && (item < 0 || item != l.killed) {
		l.tries = 0
	}
	l.killed = item
	if l.tries++; l.tries == MaxTries {
		return l.Fault(item, fmt.Errorf("%d children in a row were killed there, want fewer", MaxTries))
	}
	c.In.Close()
	c.Out.Close()
	redo()
	if q := l.Queue; q != nil {
		// This matters between runs too: in atomic a child that waits for an
		// item has claimed it. The parent need not ring the bell, because the new
		// child looks before it sleeps. During a run Claimed only grows.
		q.Rescue.Store(q.Claimed.Load())
	}
	if err := l.launch(); err != nil {
		return err
	}
	err := l.greet()
	if e := (*Error)(nil); errors.As(err, &e) && e.Signal != nil {
		return l.revive(item, redo) // killed before it could greet
	}
	return err
}

// noteDeath notes the death of the lane's child at that item, and reports whether it
// was killed.
func (l *Lane) noteDeath(item int) bool {
	c := l.Child()
	<-c.Ended // until then, afterExit uses memory that Close would unmap
	signal := SignalOf(c.cmd.ProcessState)
	if signal == nil {
		return false
	}
	l.Pool.mu.Lock()
	defer l.Pool.mu.Unlock()
	l.Pool.deaths = append(l.Pool.deaths, &Error{l.Index, c.Pid(), signal, item, fmt.Errorf("ended by signal: %v", signal)})
	return true
}

// Fault returns the error of the lane's child, which is broken. It waits up to 10 s for the
// end of a child whose pipe has ended.
func (l *Lane) Fault(item int, err error) *Error {
	c := l.Child()
	e := &Error{Child: l.Index, Pid: c.Pid(), Item: item, Err: err}
	// If the child has just ended, the parent soon hears of it, and the error
	// should say so.
	patience := 10 * time.Millisecond
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		patience = defaultPatience // only the child holds the other ends of its pipes
	}
	select {
	case <-c.Ended:
		e.Signal = SignalOf(c.cmd.ProcessState)
		e.Err = fmt.Errorf("%w (%v)", err, c.cmd.ProcessState)
	case <-time.After(patience):
	}
	return e
}
