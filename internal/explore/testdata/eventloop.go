package eventloop

import (
	"errors"
	"fmt"

	"boundaries/internal/explore"
)

// A Stream is not explored.
type Stream struct{}

func (*Stream) Close() error { return nil }

var Programs = []explore.Program{
	{Name: "one posts, the loop sleeps", Start: func(r *explore.Run) { posts(r, 1) }},
	{Name: "two post, the loop sleeps", Start: func(r *explore.Run) { posts(r, 1, 1) }},
	{Name: "one posts two, the loop sleeps", Start: func(r *explore.Run) { posts(r, 2) }},
	{Name: "one cancels a task, one completes what it awaits", Start: func(r *explore.Run) {
		l := newLoop()
		awaited := NewFuture[int](l)
		var got error
		ran, completed := 0, false
		task := Go(l, func(t *Task) (int, error) {
			ran++
			var n int
			n, got = Await(t, awaited)
			if got == nil && n != 7 {
				panic(fmt.Sprintf("the task got %d, want 7", n))
			}
			return n, got
		})
		r.Actor("loop", func() {
			l.run(func() bool { return completed && task.Done() })
		})
		r.Actor("canceler", func() { l.callSoonThreadsafe(func() { task.Cancel() }) })
		r.Actor("completer", func() {
			l.callSoonThreadsafe(func() {
				awaited.Resolve(7, nil)
				completed = true
			})
		})
		r.End(func() error {
			if ran > 1 || ran == 1 && !errors.Is(task.err, got) || got != nil && !isCanceled(got) {
				return fmt.Errorf("the task ran %d times, its wait returned %v, and its future has %v", ran, got, task.err)
			}
			if len(l.tasks) != 0 {
				return fmt.Errorf("%d tasks are left", len(l.tasks))
			}
			return nil
		})
	}},
	{Name: "a helper panics", Start: func(r *explore.Run) {
		l := newLoop()
		r.Actor("loop", func() {
			defer func() {
				if v := recover(); v != "spam" {
					panic(v)
				}
			}()
			l.run(func() bool { return false })
		})
		r.Actor("helper", func() { l.fail("spam") })
	}},
	{Name: "one posts, the loop closes", Start: func(r *explore.Run) {
		l := newLoop()
		l.cancel = func() {}
		ran := 0
		r.Actor("loop", func() {
			turns := 1
			if l.hasPosted.Load() {
				turns = 0 // take and run what is there
			}
			l.run(func() bool { turns++; return turns > 1 })
			l.close()
		})
		var open bool
		r.Actor("poster", func() { open = l.callSoonThreadsafe(func() { ran++ }) })
		r.End(func() error {
			if ran > 1 || ran == 1 && !open || len(l.posted) > 0 {
				return fmt.Errorf("the callback ran %d times, the loop was open: %v, %d posts are left", ran, open, len(l.posted))
			}
			return nil
		})
	}},
}

func newLoop() *Loop {
	return &Loop{tasks: map[*Task]struct{}{}, streams: map[*Stream]struct{}{}, wake: make(chan struct{}, 1)}
}

// posts makes a loop that runs until it has run what each poster posts.
func posts(r *explore.Run, posts ...int) {
	l := newLoop()
	total, ran := 0, 0
	for _, n := range posts {
		total += n
	}
	r.Actor("loop", func() {
		l.run(func() bool { return ran == total })
	})
	for i, n := range posts {
		r.Actor(fmt.Sprint("poster ", i+1), func() {
			for range n {
				if !l.callSoonThreadsafe(func() { ran++ }) {
					panic("the loop is closed")
				}
			}
		})
	}
	r.End(func() error {
		if ran != total || len(l.posted) > 0 || l.asleep {
			return fmt.Errorf("%d of %d callbacks ran, %d are left, and a post would wake the loop: %v", ran, total, len(l.posted), l.asleep)
		}
		return nil
	})
}
