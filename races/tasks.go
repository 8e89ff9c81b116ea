package races

import (
	"context"
	"sync/atomic"

	"boundaries/workerpool"
)

// taskVariants are the pools of package workerpool that have a queue, with two
// workers. There is no serial, and none of those without a queue, in which a task
// could be dropped: private, errgroup and goroutine.
func taskVariants() []Variant {
	all := []Variant{{"racy", "a queue without its lock", true, handOver(workerpool.NewRacy)}}
	for _, v := range workerpool.Variants[1:] {
		switch v.Name {
		case "private", "errgroup", "goroutine":
		default:
			all = append(all, Variant{v.Name, "", false, handOver(v.New)})
		}
	}
	return all
}

// handOver submits tasks and counts how often each has run. A racy pool gets all
// of them at once and may wait for those that it has lost for ever: it is left
// behind, with its workers.
func handOver(newPool func(workers int) workerpool.Pool) func(*Variant, int) Histogram {
	return func(v *Variant, tries int) Histogram {
		h := Histogram{
			{"once", Acceptable, "the task ran once", 0},
			{"never", v.wrong(), "two threads were at one place of the queue: a task was overwritten, or stepped over", 0},
			{"again", v.wrong(), "two threads took the same task before either had moved on", 0},
		}
		if tries == 0 {
			return h
		}
		pool := newPool(2)
		batch := min(tries, 10_000)
		if v.Racy {
			batch = tries
		}
		ran := make([]atomic.Int32, batch)
		tasks := make([]workerpool.Task, batch)
		for i := range tasks {
			tasks[i] = func(workerpool.Worker) { ran[i].Add(1) }
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		hand := func() {
			for _, task := range tasks {
				if pool.Submit(ctx, task) != nil {
					return // a queue that seems full, and nobody empties it
				}
			}
			pool.Wait()
		}
		for range (tries + batch - 1) / batch {
			if v.Racy {
				UntilStill(hand, func() (sum int) {
					for i := range ran {
						sum += int(ran[i].Load())
					}
					return sum
				})
			} else {
				hand()
			}
			for i := range ran {
				switch ran[i].Load() {
				case 1:
					h[0].Count++
				case 0:
					h[1].Count++
				default:
					h[2].Count++
				}
				ran[i].Store(0)
			}
		}
		if !v.Racy {
			pool.Close()
		}
		return h
	}
}
