package refcount

import (
	"strconv"
	"sync"

	"boundaries/internal/fork"
)

// A trial holds the objects of one run and records what becomes of them.
type trial struct {
	share   Share
	workers int
	handles []Handle // one for each worker
	refs    []Ref    // the object of each worker

	mu    sync.Mutex
	steps int             // guarded by mu; taken by all workers
	freed map[string]int  // guarded by mu; how often each object was freed, by name
	early map[string]bool // guarded by mu; whether it was freed while the run held a reference
	over  bool            // guarded by mu; the run has begun to drop its references
}

func newTrial(share Share, workers, n int) *trial {
	fork.Check("refcount", workers, n)
	return &trial{share: share, workers: workers, freed: map[string]int{}, early: map[string]bool{}}
}

// finalize is the finalizer of the heap under trial.
func (t *trial) finalize(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freed[name]++
	t.early[name] = !t.over
}

// begin opens a handle for each worker and makes the objects.
func (t *trial) begin(heap Heap) {
	for worker := range t.workers {
		h := heap.Handle()
		t.handles = append(t.handles, h)
		if t.share == Own || worker == 0 {
			t.refs = append(t.refs, h.New(strconv.Itoa(worker)))
		} else {
			t.refs = append(t.refs, t.refs[0])
		}
	}
}

// took counts the steps that a worker has taken.
func (t *trial) took(steps int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps += steps
}

// end drops the references to the objects, closes the handles, and returns the
// answer of the run.
func (t *trial) end() Answer {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	objects := t.refs[:t.share.Want(t.workers, 0).Ended]
	for i, r := range objects {
		t.handles[i].Decref(r)
	}
	for _, h := range t.handles {
		h.Close()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	answer := Answer{Steps: t.steps}
	for _, r := range objects {
		if t.freed[r.name] == 1 && !t.early[r.name] {
			answer.Ended++
		}
	}
	return answer
}

// slots returns the slots of refs.
func slots[C any](refs []Ref) []*slot[C] {
	var all []*slot[C]
	for _, r := range refs {
		all = append(all, r.slot.(*slot[C]))
	}
	return all
}
