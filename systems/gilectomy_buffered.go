package systems

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runGilectomyBuffered is the Gilectomy's second design, of 2016 and 2017: a
// thread writes every reference that it takes or drops into logs of its own, and
// one more thread, the committer, owns all counts and brings them up to date. It
// pays with that thread, with memory for the logs, and with the age of the counts:
// an object is freed one or two commits after its last drop, and only by the
// committer. Containers and memory are locked as in gilectomy.go. Blocking: a
// thread whose logs are full waits for the committer.
//
// See package refcount, buffered.go, for where buffered counts come from.
func runGilectomyBuffered(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	s := p.build(workers)
	r := newReflog(s, defaultLogLen)
	threads := make([]*bufferedThread, workers)
	for i := range threads {
		threads[i] = r.newThread()
	}
	var value atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := threads[worker]
		value.Add(t.run(worker, n))
		t.close()
	})
	t := r.newThread()
	s.release(t.drop)
	t.close()
	r.stop()
	return Answer{value.Load(), s.live}
}

// A reflog is what the threads and the committer share.
//
// The committer begins an epoch when a thread's logs are full, and every thread
// hands over its logs before its next instruction. A commit adds all that was
// taken in the epoch, and subtracts what was dropped in the epoch before. Why
// not what was dropped in this one: a thread hands over, takes a reference, and
// gives it to another, which drops it and only then hands over. The drop is in
// this epoch and the take is in the next. It cannot be later than the next, for
// the other saw the take before it dropped.
type reflog struct {
	space  *space
	logLen int
	memory gilectomyMemory

	epoch atomic.Int64 // the eval breaker; written only under mu
	_     cacheline.Pad

	mu      sync.Mutex
	changed sync.Cond // of mu
	wanted  bool      // guarded by mu; a thread waits for a commit
	stopped bool      // guarded by mu; all threads have closed
	members int       // guarded by mu; threads that have not closed
	owed    int       // guarded by mu; members that have not handed over in this epoch
	taken   [][]*Object
	dropped [][]*Object // taken and dropped are guarded by mu: handed over and not committed
	spare   [][]*Object // guarded by mu; empty logs
	counts  counts      // the committer's
	done    chan struct{}
}

// defaultLogLen is the number of entries of a log, 32 KiB. A thread has at most
// three of each kind: one that it writes, one that is being committed, and one
// of drops that wait for the commit after that.
const defaultLogLen = 1 << 12

// slack is the room that a log has for one instruction. An instruction that needs
// more, a copy of a long container, makes the log longer for once.
const slack = 256

func newReflog(s *space, logLen int) *reflog {
	r := &reflog{space: s, logLen: logLen, done: make(chan struct{})}
	r.changed.L = &r.mu
	go r.commitAll()
	return r
}

// A bufferedThread writes the logs; only the committer writes a count, except of
// an object that nobody else has yet.
type bufferedThread struct {
	machine
	log   *reflog
	epoch int64 // the one in which it handed over last

	taken, dropped []*Object
	_              cacheline.Pad
}

func (r *reflog) newThread() *bufferedThread {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &bufferedThread{machine: machine{space: r.space}, log: r, epoch: r.epoch.Load()}
	t.taken, t.dropped = r.empty(), r.empty()
	r.members++
	return t
}

// tick hands over when the committer has asked for it, and asks when the logs are
// nearly full. It cannot be done where a reference is taken: that may be under
// the lock of a container, and a thread that waits for the lock does not tick.
func (t *bufferedThread) tick() {
	if counting {
		t.counts.ticks++
	}
	if t.log.epoch.Load() != t.epoch {
		t.handOver()
	} else if max(len(t.taken), len(t.dropped)) > t.log.logLen-slack {
		t.makeRoom()
	}
}

func (t *bufferedThread) incref(o *Object) {
	if counting {
		t.counts.increfs++
	}
	t.taken = append(t.taken, o)
}

func (t *bufferedThread) decref(o *Object) {
	if counting {
		t.counts.decrefs++
	}
	t.dropped = append(t.dropped, o)
}

// handOver gives the logs to the committer, which has asked for them.
func (t *bufferedThread) handOver() {
	t.log.mu.Lock()
	t.submit()
	t.log.mu.Unlock()
}

// submit is called with mu held, once in an epoch.
func (t *bufferedThread) submit() {
	r := t.log
	r.taken = append(r.taken, t.taken)
	r.dropped = append(r.dropped, t.dropped)
	t.taken, t.dropped = r.empty(), r.empty()
	t.epoch = r.epoch.Load()
	r.owed--
	r.changed.Broadcast()
}

// makeRoom waits for an epoch and hands over.
func (t *bufferedThread) makeRoom() {
	r := t.log
	r.mu.Lock()
	for r.epoch.Load() == t.epoch {
		r.wanted = true
		r.changed.Broadcast()
		r.changed.Wait()
	}
	t.submit()
	r.mu.Unlock()
}

// close hands over for the last time. It may be called more than once.
func (t *bufferedThread) close() {
	if t.taken == nil {
		return
	}
	r := t.log
	r.mu.Lock()
	r.taken = append(r.taken, t.taken)
	r.dropped = append(r.dropped, t.dropped)
	t.taken, t.dropped = nil, nil
	if t.epoch != r.epoch.Load() {
		r.owed--
	}
	r.members--
	r.changed.Broadcast()
	r.mu.Unlock()
}

// empty returns a log to write. mu is held.
func (r *reflog) empty() []*Object {
	last := len(r.spare) - 1
	if last < 0 {
		return make([]*Object, 0, r.logLen)
	}
	log := r.spare[last]
	r.spare = r.spare[:last]
	return log
}

// commitAll is the committer. It ends when all threads have closed and everything
// is committed.
func (r *reflog) commitAll() {
	defer close(r.done)
	var pending [][]*Object // dropped in the epoch before
	for {
		taken, dropped, last := r.next(len(pending) > 0)
		if last {
			if counting {
				r.counts.note()
			}
			return
		}
		for _, log := range taken {
			for _, o := range log {
				o.refs++
			}
		}
		var more []*Object // what the objects held that are freed now
		for _, log := range pending {
			for _, o := range log {
				more = r.dropOne(o, more)
			}
		}
		r.mu.Lock()
		for _, log := range append(taken, pending...) {
			if cap(log) == r.logLen {
				r.spare = append(r.spare, log[:0])
			}
		}
		r.mu.Unlock()
		pending = dropped
		if len(more) > 0 {
			pending = append(pending, more)
		}
	}
}

// next waits until a commit is wanted, or all threads have closed, and returns what
// there is to commit, or that there is nothing more. pending says whether drops
// of the last epoch wait.
func (r *reflog) next(pending bool) (taken, dropped [][]*Object, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.wanted && !r.stopped {
		r.changed.Wait()
	}
	if r.stopped && !pending && len(r.taken)+len(r.dropped) == 0 {
		return nil, nil, true
	}
	r.wanted = false
	r.owed = r.members
	r.epoch.Add(1)
	r.changed.Broadcast()
	for r.owed > 0 {
		r.changed.Wait()
	}
	taken, dropped = r.taken, r.dropped
	r.taken, r.dropped = nil, nil
	return taken, dropped, false
}

// dropOne commits a drop. Of an object that it frees, it appends what that held
// to more: these are drops of this epoch, and are committed after the next.
func (r *reflog) dropOne(o *Object, more []*Object) []*Object {
	o.refs--
	switch {
	case o.refs < 0:
		panic("systems: a reference is dropped of an object that had none left")
	case o.refs > 0:
		return more
	}
	if o.kind == kindList || o.kind == kindDict {
		items := o.array.Load().items
		if counting {
			r.counts.decrefs += len(items)
		}
		more = append(more, items...)
	}
	o.refs = freed
	r.memory.Lock()
	r.space.give(o)
	r.memory.Unlock()
	return more
}

// stop waits until everything is committed. All threads have closed.
func (r *reflog) stop() {
	r.mu.Lock()
	r.stopped = true
	r.changed.Broadcast()
	r.mu.Unlock()
	<-r.done
}

func (t *bufferedThread) take(k kind) *Object {
	if counting {
		t.counts.allocations++
	}
	t.log.memory.Lock()
	o := t.heap.take(k)
	t.log.memory.Unlock()
	o.refs = 1 // nobody else has o yet
	return o
}

// give is the committer's alone: see dropOne.
func (t *bufferedThread) give(*Object) { panic("systems: a thread frees an object") }

func (t *bufferedThread) lock(o *Object)   { o.mu.Lock() }
func (t *bufferedThread) unlock(o *Object) { o.mu.Unlock() }

func (t *bufferedThread) lockBoth(a, b *Object)   { lockBoth(a, b) }
func (t *bufferedThread) unlockBoth(a, b *Object) { unlockBoth(a, b) }

func (t *bufferedThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }
