// Package eventloop is what Python's asyncio is: tasks that take turns on one
// goroutine, and give the turn away only where they say so.
//
// [Run] starts a loop with its first task and returns when that task has. A task
// is a coroutine (iter.Pull): it runs until it waits for something, and while it
// waits the loop runs others. So between two of its waits a task is alone, and
// tasks share plain variables without a lock; and a task that computes for 50 ms
// delays every other task and every timer by 50 ms. That is the bargain.
//
//	err := eventloop.Run(ctx, func(t *eventloop.Task) error {
//		a := eventloop.Go(t.Loop(), fetch)
//		b := eventloop.Go(t.Loop(), fetch)
//		both, err := eventloop.Await(t, eventloop.Gather(t.Loop(), a, b))
//		...
//	})
//
// What asyncio calls by one name has that name here: call_soon is CallSoon, and
// so on. A turn of the loop does what BaseEventLoop._run_once does: it takes what
// other goroutines have posted, makes the due timers ready, and runs exactly the
// callbacks that were ready at its start, first come first served. A callback
// that is added during a turn runs in the next.
//
// Two things differ from Python. Coroutines here have stacks of their own, so
// that a plain function may wait on behalf of a task (see [Stream.As]), where
// Python needs an async twin of every function on the way. And there is no
// selector: for every [Stream] a helper goroutine is blocked in a read, that is,
// in Go's own poller, and posts what it has read to the loop, as the proactor
// loop that asyncio uses on Windows has completions posted to it. The helpers
// never touch what belongs to tasks. They cost a hand-over between goroutines
// for each read that finds the loop asleep.
//
// Read Loop.turn first, then Task.Yield and Await.
package eventloop

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrCanceled is what a wait returns in a task that was canceled, and the error
// of a task that let it pass. It wraps context.Canceled.
var ErrCanceled = fmt.Errorf("eventloop: task: %w", context.Canceled)

// A Loop runs callbacks one at a time, on the goroutine that called [Run]. All
// its methods but CallSoonThreadsafe are for that goroutine only, that is, for
// callbacks and tasks.
type Loop struct {
	ready  ring
	timers timers
	made   int // timers so far: of two that are due at once, the earlier made is first
	tasks  map[*Task]struct{}

	streams map[*Stream]struct{}
	dials   map[*dial]struct{}
	helpers sync.WaitGroup     // goroutines that may post
	ctx     context.Context    // done when the loop closes; ends what helpers wait for
	cancel  context.CancelFunc // of ctx

	hasPosted atomic.Bool // something is in posted; lets a busy turn do without mu

	mu     sync.Mutex
	posted []func() // guarded by mu
	asleep bool     // guarded by mu; the loop may be waiting for wake, and nobody has sent it yet
	closed bool     // guarded by mu; what is posted now will never run

	wake chan struct{} // capacity 1; a token says "look at posted"
}

// Run runs main as the first task of a new loop, and returns its error. When main
// has returned, the other tasks are canceled and awaited, open streams are
// closed, and running calls of executors are awaited, so that nothing of the loop
// is left. If ctx is done before, main is canceled.
//
// If a task panics, so does Run, with the same value; the other tasks are
// unwound where they wait.
func Run(ctx context.Context, main func(t *Task) error) error {
	l := &Loop{
		tasks:   map[*Task]struct{}{},
		streams: map[*Stream]struct{}{},
		dials:   map[*dial]struct{}{},
		wake:    make(chan struct{}, 1),
	}
	// Not ended by ctx: tasks decide what they still wait for when canceled.
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer l.close()
	done := Go(l, func(t *Task) (struct{}, error) { return struct{}{}, main(t) })
	stop := context.AfterFunc(ctx, func() {
		l.CallSoonThreadsafe(func() { done.Cancel() })
	})
	defer stop()
	for !done.Done() {
		l.turn()
	}
	for t := range l.tasks {
		t.Cancel()
	}
	for len(l.tasks) > 0 {
		l.turn()
	}
	return done.err
}

// close ends what is left of the loop: nothing but streams and executors' calls
// after an ordinary end, tasks too after a panic.
func (l *Loop) close() {
	l.cancel()
	if len(l.tasks) > 0 {
		defer l.close() // deferred calls may make tasks, and panic
		for t := range l.tasks {
			delete(l.tasks, t)
			t.stop() // its wait does not return, its deferred calls run
		}
		return
	}
	for s := range l.streams {
		s.Close()
	}
	l.mu.Lock()
	l.closed = true
	l.posted = nil
	l.mu.Unlock()
	l.helpers.Wait()
	for d := range l.dials { // what they posted came too late to run
		if d.conn != nil {
			d.conn.Close()
		}
	}
}

// turn waits until there is something to do and does it.
func (l *Loop) turn() {
	if l.hasPosted.Load() {
		l.take()
	}
	if len(l.timers) > 0 {
		l.expire()
	}
	if l.ready.len() == 0 {
		l.sleep()
		return
	}
	// Not "until none is ready": a callback that makes itself ready again would
	// keep timers and posts waiting for ever.
	for range l.ready.len() {
		l.ready.pop()()
	}
}

// take makes ready what other goroutines have posted.
func (l *Loop) take() {
	l.mu.Lock()
	for i, f := range l.posted {
		l.ready.push(f)
		l.posted[i] = nil
	}
	l.posted = l.posted[:0]
	l.hasPosted.Store(false)
	l.mu.Unlock()
}

// expire makes the due timers ready.
func (l *Loop) expire() {
	now := time.Now()
	for len(l.timers) > 0 && !l.timers[0].when.After(now) {
		l.ready.push(heap.Pop(&l.timers).(*Timer).f)
	}
}

// sleep returns when something was posted or the next timer is due, or earlier.
func (l *Loop) sleep() {
	l.mu.Lock()
	l.asleep = len(l.posted) == 0
	asleep := l.asleep
	l.mu.Unlock()
	if !asleep {
		return
	}
	var due <-chan time.Time
	if len(l.timers) > 0 {
		timer := time.NewTimer(time.Until(l.timers[0].when))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-l.wake:
	case <-due:
		// asleep stays set, and the next post sends a token that nobody waits
		// for: the next sleep is a short one.
	}
}

// CallSoon makes f run in the next turn, after what was made ready before it.
func (l *Loop) CallSoon(f func()) { l.ready.push(f) }

// CallSoonThreadsafe is CallSoon for other goroutines: f runs on the loop's. What
// was done before the call synchronizes before f. It reports whether the loop was
// still open. If it was not, f will never run; if it was, f runs unless the loop
// ends first.
func (l *Loop) CallSoonThreadsafe(f func()) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.posted = append(l.posted, f)
	l.hasPosted.Store(true)
	wake := l.asleep
	l.asleep = false
	l.mu.Unlock()
	if wake {
		select {
		case l.wake <- struct{}{}:
		default: // there is a token that the loop has not seen yet
		}
	}
	return true
}

// CallLater makes f run in the first turn that begins when d is over.
func (l *Loop) CallLater(d time.Duration, f func()) *Timer {
	l.made++
	t := &Timer{loop: l, when: time.Now().Add(d), made: l.made, f: f}
	heap.Push(&l.timers, t)
	return t
}

// help runs f on a goroutine of its own, which Run will wait for.
func (l *Loop) help(f func()) { l.helpers.Go(f) }

// A Timer is a callback that is to run later.
type Timer struct {
	loop  *Loop
	when  time.Time
	made  int
	index int // in loop.timers; -1 when it is not there any more
	f     func()
}

// Stop keeps the callback from running and reports whether it did: not if its
// time has come.
func (t *Timer) Stop() bool {
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.loop.timers, t.index)
	return true
}

// timers is a heap by time.
type timers []*Timer

func (h timers) Len() int { return len(h) }

func (h timers) Less(i, j int) bool {
	if !h[i].when.Equal(h[j].when) {
		return h[i].when.Before(h[j].when)
	}
	return h[i].made < h[j].made
}

func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timers) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timers) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = -1
	return t
}

// A ring is a queue of callbacks that allocates only when it grows. head and tail
// count the callbacks that were ever taken out and put in, and may wrap around.
type ring struct {
	slots []func() // a power of two of them
	head  uint
	tail  uint
}

func (r *ring) len() int { return int(r.tail - r.head) }

func (r *ring) push(f func()) {
	if r.len() == len(r.slots) {
		r.grow()
	}
	r.slots[r.tail&uint(len(r.slots)-1)] = f
	r.tail++
}

func (r *ring) pop() func() {
	slot := &r.slots[r.head&uint(len(r.slots)-1)]
	f := *slot
	*slot = nil
	r.head++
	return f
}

func (r *ring) grow() {
	slots := make([]func(), max(16, 2*len(r.slots)))
	n := r.len()
	for i := range n {
		slots[i] = r.pop()
	}
	r.slots, r.head, r.tail = slots, 0, uint(n)
}

// isCanceled reports whether err is the end of a canceled wait.
func isCanceled(err error) bool { return errors.Is(err, ErrCanceled) }
