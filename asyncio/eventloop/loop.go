// Package eventloop shows what Python's asyncio is: tasks that take turns on one
// goroutine, and that give up their turn only where their code says so.
//
// [Run] starts a loop with its first task and returns when that task has returned.
// A task is a coroutine (iter.Pull). It runs until it waits for something, and
// while it waits the loop runs other tasks. Between two of its waits a task
// therefore runs alone, and tasks share plain variables without a lock. The price:
// a task that computes for 50 ms delays every other task and every timer by 50 ms.
//
//	err := eventloop.Run(ctx, func(t *eventloop.Task) error {
//		a := eventloop.Go(t.Loop(), fetch)
//		b := eventloop.Go(t.Loop(), fetch)
//		both, err := eventloop.Await(t, eventloop.Gather(t.Loop(), a, b))
//		...
//	})
//
// Names come from asyncio: callSoon is its call_soon, callLater its call_later,
// callSoonThreadsafe its call_soon_threadsafe. A turn of the loop does what
// BaseEventLoop._run_once does. It asks the selector which sockets are ready, and
// waits in it if there is nothing else to do. It takes the callbacks that other
// goroutines have posted, makes the due timers ready, and runs exactly the callbacks
// that are ready then, first come, first served. A callback that is added while they
// run runs in the next turn. The loop's goroutine reads and writes the sockets itself.
//
// Two things differ from Python. A coroutine here has a stack of its own, so a plain
// function may wait on behalf of a task (see [Stream.As]); Python needs an async twin
// of every function on the way. And the only selectors are epoll on Linux and kqueue on
// macOS, FreeBSD and DragonFly BSD. On other systems, and for connections that are not
// sockets, a helper goroutine blocks in a read of each connection and posts what it has
// read to the loop; asyncio's proactor loop on Windows has completions posted to it in
// the same way. The helpers never touch what belongs to tasks. A read that finds the
// loop asleep then costs a hand-over between goroutines.
//
// Read Loop.run first, then Task.Yield and Await.
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

// ErrCanceled is the error of a wait in a task that was canceled, and of a task
// that returned that error. It wraps context.Canceled.
var ErrCanceled = fmt.Errorf("eventloop: task: %w", context.Canceled)

// A Loop runs callbacks one at a time, on the goroutine that called [Run]. Only
// callbacks and tasks of the loop may use it; callSoonThreadsafe and fail are the
// exceptions, which helper goroutines call.
type Loop struct {
	ready  []callback // for the next turn
	spare  []callback // empty, for the turn after it
	timers timers
	made   int // timers so far; of two timers due at once, the one made first runs first
	tasks  map[*Task]struct{}

	streams  map[*Stream]struct{}
	selector selector           // nil until a socket is attached; written with mu held
	helpers  sync.WaitGroup     // goroutines that may post
	ctx      context.Context    // done when the loop closes; calls that wait for an executor then give up
	cancel   context.CancelFunc // of ctx

	hasPosted atomic.Bool // posted is not empty; spares a busy turn the lock

	mu      sync.Mutex
	posted  []func() // guarded by mu
	asleep  bool     // guarded by mu; the loop may wait for wake, and no token has been sent yet
	closed  bool     // guarded by mu; what is posted from now on never runs
	failure any      // guarded by mu; the value of a helper's panic that Run has yet to repeat

	wake chan struct{} // capacity 1; a token says "look at posted"; unused once there is a selector
}

// Run runs main as the first task of a new loop and returns its error. When main
// has returned, Run cancels the other tasks and waits for them, closes open
// streams, and waits for the executors' calls that still run, however long they
// take: nothing of the loop is left. If ctx is done earlier, Run cancels main.
//
// If a task, a callback, an executor's call or a connection's method panics, Run
// panics with the same value. First it unwinds the other tasks: their waits do not
// return, and their deferred calls run.
func Run(ctx context.Context, main func(t *Task) error) error {
	l := &Loop{
		tasks:   map[*Task]struct{}{},
		streams: map[*Stream]struct{}{},
		wake:    make(chan struct{}, 1),
	}
	// ctx does not end l.ctx: a canceled task decides what it still waits for.
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer l.close()
	done := Go(l, func(t *Task) (struct{}, error) { return struct{}{}, main(t) })
	stop := context.AfterFunc(ctx, func() {
		l.callSoonThreadsafe(func() { done.Cancel() })
	})
	defer stop()
	l.run(done.Done)
	for t := range l.tasks {
		t.Cancel()
	}
	l.run(func() bool { return len(l.tasks) == 0 })
	return done.err
}

// close releases what the loop still has: streams and executors' calls, and after a panic
// also tasks.
func (l *Loop) close() {
	l.cancel()
	if len(l.tasks) > 0 {
		defer l.close() // the tasks' deferred calls may make new tasks, and may panic
		for t := range l.tasks {
			delete(l.tasks, t)
			t.stop() // the task's wait does not return; its deferred calls run
		}
		return
	}
	if len(l.streams) > 0 {
		defer l.close() // a connection's Close may panic
		for s := range l.streams {
			s.Close()
		}
		return
	}
	l.mu.Lock()
	l.closed = true
	l.posted = nil
	l.mu.Unlock()
	if l.selector != nil {
		l.selector.close() // no other goroutine uses it now
	}
	l.helpers.Wait()
	l.repeatFailure()
}

// run takes turns. It calls over before each, and returns when over reports true.
func (l *Loop) run(over func() bool) {
	for !over() {
		l.prepare()
		// Looping until none is ready would starve timers, posts and sockets when a
		// callback makes itself ready again.
		ready := l.ready
		l.ready = l.spare
		for i, c := range ready {
			ready[i] = callback{}
			t := c.task
			if t == nil {
				c.f()
				continue
			}
			t.err = nil
			if t.cancel {
				t.cancel, t.err = false, ErrCanceled
			}
			again, waits := t.next()
			if again {
				l.ready = append(l.ready, callback{task: t})
			} else if !waits {
				delete(l.tasks, t)
			}
		}
		l.spare = ready[:0]
	}
}

// prepare begins a turn: it waits until there is something to do and makes it ready.
func (l *Loop) prepare() {
	idle := len(l.ready) == 0 && !l.hasPosted.Load()
	switch {
	case idle:
		l.sleep()
	case l.selector != nil:
		l.selector.poll() // sockets must not starve either
	}
	if l.hasPosted.Load() {
		l.take()
	}
	if len(l.timers) > 0 {
		l.expire()
	}
}

// take makes ready the callbacks that other goroutines have posted.
func (l *Loop) take() {
	l.mu.Lock()
	for i, f := range l.posted {
		l.callSoon(f)
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
		l.callSoon(heap.Pop(&l.timers).(*timer).f)
	}
}

// sleep returns when a socket is ready, something was posted, or the next timer is
// due. It may return earlier.
func (l *Loop) sleep() {
	if l.selector != nil && len(l.timers) > 0 {
		l.selector.setDue(l.timers[0].when) // before asleep is set: later, setDue could undo a wake
	}
	l.mu.Lock()
	l.asleep = len(l.posted) == 0
	asleep := l.asleep
	l.mu.Unlock()
	if !asleep {
		return
	}
	if l.selector != nil {
		l.selector.wait()
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
		// asleep stays set, so the next post sends a token that no sleep waits
		// for. It makes the next sleep return at once.
	}
}

// A selector watches sockets and wakes the tasks that wait for them. Only wake may be
// called on another goroutine than the loop's.
type selector interface {
	poll()                // makes ready the tasks whose sockets are ready
	wait()                // waits until a socket is ready, wake was called or due has passed, and polls; may return earlier
	setDue(due time.Time) // sets when wait returns at the latest, unless that is set to an earlier time
	wake()                // makes the current or next wait return
	close()
}

// callSoonThreadsafe makes f run in one of the next turns, after the callbacks
// that were made ready before it. Any goroutine may call it; the call
// synchronizes before f. callSoonThreadsafe reports whether the loop was open. If
// it was not, f never runs. If it was, f runs unless the loop ends first.
func (l *Loop) callSoonThreadsafe(f func()) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.posted = append(l.posted, f)
	l.hasPosted.Store(true)
	wake, selector := l.asleep, l.selector
	l.asleep = false
	l.mu.Unlock()
	switch {
	case !wake:
	case selector != nil:
		selector.wake()
	default:
		select {
		case l.wake <- struct{}{}:
		default: // there is a token that the loop has not seen yet
		}
	}
	return true
}

// callSoon makes f ready. f runs in the next turn, or in this turn if its callbacks have
// not begun.
func (l *Loop) callSoon(f func()) { l.ready = append(l.ready, callback{f: f}) }

// callLater makes f run in the first turn that begins after d has passed.
func (l *Loop) callLater(d time.Duration, f func()) *timer {
	t := &timer{loop: l, f: f}
	t.start(d)
	return t
}

// errGoexit is the error of a call that ended its goroutine, as a failing test does.
var errGoexit = errors.New("eventloop: the call did not return: it ended in runtime.Goexit")

// help runs f on a goroutine of its own, a helper, which Run waits for. If f
// panics, so does Run. If f ends in runtime.Goexit, exited is called.
func (l *Loop) help(f, exited func()) {
	l.helpers.Go(func() {
		returned := false
		defer func() {
			if v := recover(); v != nil {
				l.fail(v)
			} else if !returned {
				exited()
			}
		}()
		f()
		returned = true
	})
}

// fail makes Run panic with v. A helper calls it.
func (l *Loop) fail(v any) {
	l.mu.Lock()
	l.failure = v
	l.mu.Unlock()
	l.callSoonThreadsafe(l.repeatFailure)
}

// repeatFailure panics with the value of a helper's panic, once.
func (l *Loop) repeatFailure() {
	l.mu.Lock()
	v := l.failure
	l.failure = nil
	l.mu.Unlock()
	if v != nil {
		panic(v)
	}
}

// A timer is a callback that is to run later. It may be started again after a stop that
// has kept the callback from running.
type timer struct {
	loop  *Loop
	when  time.Time
	made  int
	index int // in loop.timers, or -1 after the timer has left it
	f     func()
}

func (t *timer) start(d time.Duration) {
	t.loop.made++
	t.when, t.made = time.Now().Add(d), t.loop.made
	heap.Push(&t.loop.timers, t)
}

// stop keeps the callback from running, unless it was due already. It reports
// whether it did.
func (t *timer) stop() bool {
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.loop.timers, t.index)
	return true
}

// timers is a heap ordered by time.
type timers []*timer

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
	t := x.(*timer)
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

// A callback is what the loop runs in a turn: a function, or a task until it waits.
type callback struct {
	f    func()
	task *Task // nil if it is f
}

// isCanceled reports whether err is that of a canceled wait.
func isCanceled(err error) bool { return errors.Is(err, ErrCanceled) }
