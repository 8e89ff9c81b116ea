package forkjoin

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"boundaries/internal/explore"
)

var Programs = []explore.Program{
	{Name: "one task, the owner joins it, one thief", Start: func(r *explore.Run) { start(r, "+-", 1) }},
	{Name: "one task, the owner joins it, two thieves", Start: func(r *explore.Run) { start(r, "+-", 1, 1) }},
	{Name: "two tasks, the owner joins both, one thief", Start: func(r *explore.Run) { start(r, "++--", 1) }},
	{Name: "two tasks, one thief steals both", Start: func(r *explore.Run) { start(r, "++", 2) }},
	{Name: "two tasks, two thieves", Start: func(r *explore.Run) { start(r, "++", 1, 1) }},
	{Name: "the owner forks after a theft, one thief", Start: func(r *explore.Run) { start(r, "+-+-", 2) }},
	{Name: "three tasks, the owner joins two, one thief", Start: func(r *explore.Run) { start(r, "+++--", 2) }},
	{Name: "three public tasks, the owner joins one, one thief", Start: func(r *explore.Run) { start(r, "p-", 3) }},
	{Name: "one task that the owner takes for stolen, the owner forks, one thief", Start: func(r *explore.Run) { start(r, "l+", 1) }},
	{Name: "a stolen task forks, and the owner helps", Start: func(r *explore.Run) { start(r, "n-", 1) }},
	{Name: "the owner helps while a thief steals its only task", Start: func(r *explore.Run) { start(r, "w+-", 2) }},
	{Name: "one task, a worker falls asleep", Start: func(r *explore.Run) { start(r, "+", asleep) }},
	{Name: "atomic: one task, the owner joins it, two thieves", Start: func(r *explore.Run) { startAtomic(r, "+-", 1, 1) }},
	{Name: "atomic: two tasks, the owner joins both, one thief", Start: func(r *explore.Run) { startAtomic(r, "++--", 2) }},
	{Name: "atomic: the owner uses a task again, one thief", Start: func(r *explore.Run) { startAtomic(r, "+-+-", 2) }},
	{Name: "atomic: one task, a worker falls asleep", Start: func(r *explore.Run) { startAtomic(r, "+", asleep) }},
	{Name: "locked: one task, the owner joins it, two thieves", Start: func(r *explore.Run) { startLocked(r, 1, "+-", 1, 1) }},
	{Name: "locked: the owner uses a task again, one thief", Start: func(r *explore.Run) { startLocked(r, 2, "+-+-", 2) }},
	{Name: "locked: two tasks, the owner joins both, one thief", Start: func(r *explore.Run) { startLocked(r, 2, "++--", 2) }},
	{Name: "locked: one task, a worker falls asleep", Start: func(r *explore.Run) { startLocked(r, 2, "+", asleep) }},
}

// asleep stands for the steals of a worker that sleeps before it tries one.
const asleep = -1

// These are declared in the files of the package that are not explored.
const N = 1

type Answer struct{ Sum, Forks int }

type helper interface {
	help() bool
	found() bool
}

// A crew has workers that spin instead of sleeping. In the programs with sleeps, one sleeps.
type crew struct {
	lot         lot
	stop        atomic.Bool
	locks       bool // help takes locks, and a spinner's looks are those after its last write
	sleeps      bool
	idle, woken atomic.Bool
}

func (*crew) init(int, func(int)) {}
func (*crew) end()                {}
func (*crew) passOn(helper)       {}

func (c *crew) published() {
	if c.sleeps && c.idle.Load() {
		c.woken.Store(true)
	}
}

// steal tries n steals. A worker that sleeps must find a task when it wakes, because no other
// takes it.
func (c *crew) steal(h helper, n int) {
	if n != asleep {
		for range n {
			h.help()
		}
		return
	}
	c.idle.Store(true)
	if !h.found() {
		for !c.woken.Load() {
			runtime.Gosched()
		}
	}
	if !h.help() {
		panic("a worker was woken before its task was public")
	}
}

func (c *crew) await(_ int, h helper, over *atomic.Bool) {
	for !over.Load() {
		if !h.help() && !(c.locks && over.Load()) {
			runtime.Gosched()
		}
	}
}

type lot struct{}

func (lot) WakeWorker(int) bool { return false }

// start makes an owner, and thieves that each try the given number of steals. The letters
// of owner are its operations: it forks a task (+), forks a task that forks another one and
// joins it (n), or joins its newest task (-). A p before them means that the owner has three
// public tasks, a w that another worker, which does nothing, has a task that forks two, and
// an l that the owner has a public task, and a thief has since stored wanted, too late.
func start(r *explore.Run, owner string, thieves ...int) {
	p := &Pool{workers: make([]Worker, 2+len(thieves))}
	p.sleeps = thieves[0] == asleep
	for id := range p.workers {
		p.workers[id].init(p, id)
	}
	w, idle := &p.workers[0], &p.workers[1+len(thieves)]
	ran := make([]int, 3*len(owner)) // by task
	forked := 0                      // tasks so far
	leaf := func(_ *Worker, i int) int { ran[i]++; return i }
	nested := func(w *Worker, i int) int {
		ran[i]++
		return w.Join(w.Fork(leaf, i+1)) - 1
	}
	wide := func(w *Worker, i int) int {
		ran[i]++
		a, b := w.Fork(leaf, i+1), w.Fork(leaf, i+2)
		return w.Join(b) - 2 + w.Join(a) - (i + 1)
	}
	var tasks []*Task
	var numbers []int
	fork := func(w *Worker, fn Func, n int) {
		numbers = append(numbers, forked)
		tasks = append(tasks, w.Fork(fn, forked))
		forked += n
	}
	join := func(w *Worker) {
		last := len(tasks) - 1
		t, want := tasks[last], numbers[last]
		tasks, numbers = tasks[:last], numbers[:last]
		check(w.Join(t), want)
	}
	others := 0
	switch owner[0] {
	case 'p':
		for range 3 {
			fork(w, leaf, 1)
		}
		w.split = 3
		w.floor.Store(3)
		w.public.Store(3 << 32)
		owner = owner[1:]
	case 'l':
		fork(w, leaf, 1)
		w.floor.Store(wanted)
		owner = owner[1:]
	case 'w':
		fork(idle, wide, 3)
		owner, others = owner[1:], 1
	}
	r.Actor("owner", func() {
		for _, op := range owner {
			switch op {
			case '+':
				fork(w, leaf, 1)
			case 'n':
				fork(w, nested, 2)
			default:
				join(w)
			}
		}
	})
	for i, n := range thieves {
		r.Actor(fmt.Sprint("thief ", i+1), func() { p.steal(&p.workers[1+i], n) })
	}
	r.End(func() error {
		for id := range p.workers {
			v := &p.workers[id]
			if s := v.public.Load(); uint32(s) == uint32(s>>32) && v.floor.Load() != wanted {
				return fmt.Errorf("worker %d has no public task and does not know it", id)
			}
		}
		for len(tasks) > others {
			join(w)
		}
		for len(tasks) > 0 {
			join(idle)
		}
		for i, n := range ran[:forked] {
			if n != 1 {
				return fmt.Errorf("task %d ran %d times", i, n)
			}
		}
		if s := w.public.Load(); w.head != 0 || s != 0 {
			return fmt.Errorf("the owner has %d tasks, and the public part is %x", w.head, s)
		}
		return nil
	})
}

func check(got, want int) {
	if got != want {
		panic(fmt.Sprintf("task %d has the result %d", want, got))
	}
}

// startAtomic does the same with atomic workers.
func startAtomic(r *explore.Run, owner string, thieves ...int) {
	all, c := make([]atomicWorker, 1+len(thieves)), &crew{sleeps: thieves[0] == asleep}
	for id := range all {
		all[id].crew, all[id].all, all[id].id = c, all, id
	}
	startOther(r, owner, thieves, func(id, n int) { c.steal(&all[id], n) }, func(fn func(int), arg int) (join func()) {
		t := all[0].fork(func(_ *atomicWorker, i int) int { fn(i); return i }, arg)
		return func() { check(all[0].join(t), arg) }
	})
}

// startLocked does the same with workers that have one lock, or one each.
func startLocked(r *explore.Run, locks int, owner string, thieves ...int) {
	all, lock := make([]lockedWorker, 1+len(thieves)), make([]sync.Mutex, locks)
	c := &crew{locks: true, sleeps: thieves[0] == asleep}
	for id := range all {
		all[id].lock, all[id].crew, all[id].all, all[id].id = &lock[id%locks], c, all, id
	}
	startOther(r, owner, thieves, func(id, n int) { c.steal(&all[id], n) }, func(fn func(int), arg int) (join func()) {
		t := all[0].fork(func(_ *lockedWorker, i int) int { fn(i); return i }, arg)
		return func() { check(all[0].join(t), arg) }
	})
}

// startOther makes the actors of startAtomic and startLocked.
func startOther(r *explore.Run, owner string, thieves []int, steal func(id, n int), fork func(fn func(int), arg int) (join func())) {
	ran := make([]int, len(owner))
	forked := 0
	var joins []func()
	join := func() {
		last := len(joins) - 1
		joins[last]()
		joins = joins[:last]
	}
	r.Actor("owner", func() {
		for _, op := range owner {
			if op == '-' {
				join()
				continue
			}
			joins = append(joins, fork(func(i int) { ran[i]++ }, forked))
			forked++
		}
	})
	for i, n := range thieves {
		r.Actor(fmt.Sprint("thief ", i+1), func() { steal(1+i, n) })
	}
	r.End(func() error {
		for len(joins) > 0 {
			join()
		}
		for i, n := range ran[:forked] {
			if n != 1 {
				return fmt.Errorf("task %d ran %d times", i, n)
			}
		}
		return nil
	})
}
