package workerpool

import (
	"fmt"

	"boundaries/internal/explore"
)

// A Task is a number here.
type Task = *int

var Programs = []explore.Program{
	{Name: "the last task, the owner and one thief", Start: func(r *explore.Run) { start(r, 1, "-", 1) }},
	{Name: "the last task, the owner and two thieves", Start: func(r *explore.Run) { start(r, 1, "-", 1, 1) }},
	{Name: "two tasks, the owner pops two and one thief", Start: func(r *explore.Run) { start(r, 2, "--", 1) }},
	{Name: "two tasks, the owner pops one and two thieves", Start: func(r *explore.Run) { start(r, 2, "-", 1, 1) }},
	{Name: "the owner pushes and pops, one thief", Start: func(r *explore.Run) { start(r, 0, "+-+-", 2) }},
	{Name: "full, the owner pushes and two thieves", Start: func(r *explore.Run) { start(r, 2, "+", 1, 1) }},
	{Name: "full, the owner pushes two and one thief", Start: func(r *explore.Run) { start(r, 2, "++", 2) }},
	{Name: "full, the owner pops, pushes two and one thief", Start: func(r *explore.Run) { start(r, 2, "-++", 2) }},
	{Name: "empty, the owner pushes three at once, one thief", Start: func(r *explore.Run) { start(r, 0, "3", 1) }},
	{Name: "the owner goes round, one thief", Start: func(r *explore.Run) { start(r, 1, "+-++", 2) }},
}

// start makes a deque of two slots that has some tasks, an owner that pushes one (+) or
// three (3) and pops (-), and a thief for each number of tries to steal.
func start(r *explore.Run, filled int, owner string, thieves ...int) {
	d := &deque{}
	d.init(1<<64-1, 2)
	number := 0
	taken := make([][]int, 1+len(thieves))
	take := func(by int, task Task) {
		if task != nil {
			taken[by] = append(taken[by], *task)
		}
	}
	push := func(n int) {
		var tasks []Task
		for range n {
			number++
			tasks = append(tasks, &[]int{number}[0])
		}
		d.push(tasks...)
	}
	for range filled {
		push(1)
	}
	r.Actor("owner", func() {
		for _, op := range owner {
			switch op {
			case '+':
				push(1)
			case '3':
				push(3)
			default:
				take(0, d.pop())
			}
		}
	})
	for i, n := range thieves {
		r.Actor(fmt.Sprint("thief ", i+1), func() {
			for range n {
				task, _ := d.steal()
				take(1+i, task)
			}
		})
	}
	r.End(func() error {
		for d.len() > 0 {
			take(0, d.pop())
		}
		var pushed []int
		for i := range number {
			pushed = append(pushed, i+1)
		}
		var each [][]int // the owner takes the newest first, so the order is free
		for _, by := range taken {
			for _, task := range by {
				each = append(each, []int{task})
			}
		}
		if err := explore.Queued([][]int{pushed}, each); err != nil {
			return err
		}
		if top, read := d.top.Load(), d.read.Load(); top != read {
			return fmt.Errorf("%d tasks were claimed and %d were read", top, read)
		}
		return nil
	})
}
