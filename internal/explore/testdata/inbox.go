package workerpool

import (
	"fmt"

	"boundaries/internal/explore"
)

// A Task is a number here, and the inbox has two slots.
type Task = *int

const capacity = 2

var Programs = []explore.Program{
	{Name: "two publish, one takes", Start: func(r *explore.Run) { start(r, 0, [][]int{{1}, {1}}, []int{1}) }},
	{Name: "one publishes twice, two take", Start: func(r *explore.Run) { start(r, 0, [][]int{{1, 1}}, []int{1, 1}) }},
	{Name: "full, one publishes and two take", Start: func(r *explore.Run) { start(r, 2, [][]int{{1}}, []int{1, 1}) }},
	{Name: "full, two publish and one takes both", Start: func(r *explore.Run) { start(r, 2, [][]int{{1}, {1}}, []int{1}) }},
	{Name: "a batch of two and one of one", Start: func(r *explore.Run) { start(r, 0, [][]int{{2}, {1}}, []int{1}) }},
	{Name: "one publishes three times, one takes three times", Start: func(r *explore.Run) { start(r, 0, [][]int{{1, 1, 1}}, []int{3}) }},
	{Name: "the length while one publishes and one takes", Start: func(r *explore.Run) {
		q := start(r, 1, [][]int{{1}}, []int{1})
		r.Actor("reader", func() {
			if n := q.len(); n < 0 {
				panic(fmt.Sprintf("the inbox has %d tasks", n))
			}
		})
	}},
	{Name: "one publishes and takes three times, and one finds room", Start: func(r *explore.Run) {
		q := &inbox{}
		q.init(1<<64 - 1)
		r.Actor("worker", func() {
			for range 3 {
				q.publish([]Task{new(int)})
				q.take(make([]Task, 1), 1)
			}
		})
		r.Actor("submitter", func() {
			if !q.publish([]Task{new(int)}) {
				panic("an inbox with room is full")
			}
		})
	}},
	{Name: "a reader stops in follow, one publishes and takes twice, and one publishes", Start: func(r *explore.Run) {
		q := &inbox{}
		q.init(1<<64 - 1)
		put, took := [2]int{}, 0
		publish := func(by int) {
			if q.publish([]Task{new(int)}) {
				put[by]++
			}
		}
		r.Actor("worker", func() {
			for range 2 {
				publish(0)
				var into [1]Task
				n := q.take(into[:], 1)
				if n == 1 && into[0] == nil {
					panic("an empty slot was taken")
				}
				took += n
			}
		})
		r.Actor("submitter", func() { publish(1) })
		r.Actor("reader", func() { q.len() })
		r.End(func() error {
			if n := q.len(); took+n != put[0]+put[1] {
				return fmt.Errorf("%d tasks were put, %d were taken, and %d are left", put[0]+put[1], took, n)
			}
			return nil
		})
	}},
}

// start makes an inbox that has some tasks, a submitter for each list of batches, and a
// taker for each number of takes.
func start(r *explore.Run, filled int, batches [][]int, takes []int) *inbox {
	q := &inbox{}
	q.init(1<<64 - 1)
	number := 0
	batch := func(n int) (tasks []Task, numbers []int) {
		for range n {
			number++
			tasks, numbers = append(tasks, &[]int{number}[0]), append(numbers, number)
		}
		return tasks, numbers
	}
	put, taken := make([][]int, 1+len(batches)), make([][]int, 1+len(takes))
	for range filled {
		tasks, numbers := batch(1)
		q.publish(tasks)
		put[0] = append(put[0], numbers...)
	}
	take := func(by, takers int) {
		var into [capacity]Task
		for _, task := range into[:q.take(into[:], takers)] {
			if task == nil {
				panic("an empty slot was taken")
			}
			taken[by] = append(taken[by], *task)
		}
	}
	for i, sizes := range batches {
		var tasks [][]Task
		var numbers [][]int
		for _, n := range sizes {
			a, b := batch(n)
			tasks, numbers = append(tasks, a), append(numbers, b)
		}
		r.Actor(fmt.Sprint("submitter ", i), func() {
			for j := range tasks {
				if q.publish(tasks[j]) {
					put[1+i] = append(put[1+i], numbers[j]...)
				}
			}
		})
	}
	for i, n := range takes {
		r.Actor(fmt.Sprint("taker ", i), func() {
			for range n {
				take(1+i, len(takes))
			}
		})
	}
	r.End(func() error {
		take(0, 1)
		take(0, 1) // what is beyond the end of the array
		if n := q.len(); n != 0 {
			return fmt.Errorf("the empty inbox has %d tasks", n)
		}
		return explore.Queued(put, taken)
	})
	return q
}
