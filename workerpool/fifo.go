package workerpool

// A fifo is a ring of at most capacity tasks, for the holder of its lock. The indexes
// may wrap around, because the capacity is a power of two.
type fifo struct {
	first, next uint32 // tasks are in [first, next)
	slots       []Task
}

// newFIFO returns an empty ring whose first index is start. Only tests pass anything
// but 0.
func newFIFO(start uint32) fifo {
	return fifo{first: start, next: start, slots: make([]Task, capacity)}
}

func (f *fifo) len() int { return int(f.next - f.first) }

func (f *fifo) put(task Task) bool {
	if f.len() == capacity {
		return false
	}
	f.slots[f.next%capacity] = task
	f.next++
	return true
}

// take removes the oldest task.
func (f *fifo) take() (task Task) {
	if f.len() == 0 {
		return nil
	}
	slot := &f.slots[f.first%capacity]
	task, *slot = *slot, nil
	f.first++
	return task
}

// takeNewest removes the newest task.
func (f *fifo) takeNewest() (task Task) {
	if f.len() == 0 {
		return nil
	}
	f.next--
	slot := &f.slots[f.next%capacity]
	task, *slot = *slot, nil
	return task
}
