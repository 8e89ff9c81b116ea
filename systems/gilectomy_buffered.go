package systems

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// startGilectomyBuffered starts the Gilectomy's second design, of 2016 and 2017: a
// thread writes every reference that it takes or drops into logs of its own. One
// more thread, the committer, owns all counts and brings them up to date.
// Containers and memory are locked as in gilectomy.go. For the origin of buffered
// counts, see buffered.go in package refcount.
//
// Cost: the committer's processor, memory for the logs, and late frees. The
// committer frees an object in the second or third commit after its last drop.
// Progress: blocking. A thread whose logs are full waits for the committer.
func startGilectomyBuffered(p *Program, threads int) interpreter {
	return newBufferedInterpreter(p.build(threads), threads, defaultLogLen)
}

func newBufferedInterpreter(s *space, threads, logLen int) interpreter {
	r := newReflog(s, logLen)
	in := newInterpreter(s, threads, func() thread { return r.newThread() })
	in.end = func() int {
		last := r.newThread()
		s.release(last.drop)
		last.end()
		r.stop()
		return s.live
	}
	return in
}

// A reflog is what the threads and the committer share.
//
// The committer begins an epoch when a thread's logs are full, and every thread
// hands over its logs before its next instruction. A commit adds the references
// taken in this epoch and subtracts those dropped in the epoch before.
//
// It cannot subtract the drops of this epoch. Thread A may hand over, then take a
// reference and give it to thread B, and B may drop it before B hands over. The
// drop is then in this epoch and the take in the next. The take cannot be any later: A
// took the reference before B handed over, and so before this epoch ended, and A hands
// over in the next.
type reflog struct {
	space  *space
	logLen int
	memory gilectomyMemory

	epoch atomic.Int64 // the eval breaker; written only under mu
	_     cacheline.Pad

	mu      sync.Mutex
	changed sync.Cond // of mu
	wanted  bool      // guarded by mu; a thread waits for a commit
	stopped bool      // guarded by mu; all threads have ended
	members int       // guarded by mu; threads that have not ended
	owed    int       // guarded by mu; members that have not handed over in this epoch
	taken   [][]*object
	dropped [][]*object // taken and dropped are guarded by mu; handed over, not committed
	spare   [][]*object // guarded by mu; empty logs
	counts  counts      // the committer's
	done    chan struct{}
}

// defaultLogLen is the number of entries of a log, 32 KiB. A thread has at most
// two logs of takes, one that it writes and one that is being committed, and three of
// drops, of which one waits for the next commit.
const defaultLogLen = 1 << 12

// slack is the room that a log keeps for one instruction. An instruction that needs
// more, such as a copy of a long container, makes this one log longer.
const slack = 256

func newReflog(s *space, logLen int) *reflog {
	r := &reflog{space: s, logLen: logLen, done: make(chan struct{})}
	r.changed.L = &r.mu
	go r.commitAll()
	return r
}

// A bufferedThread writes its logs. Only the committer writes a count, except the
// count of an object that no other thread has yet.
type bufferedThread struct {
	machine
	log   *reflog
	epoch int64 // in which the thread handed over last

	taken, dropped []*object
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

// tick hands over when the committer has asked for it, and asks for a commit when
// the logs are nearly full. incref cannot do so: its caller may hold the lock of a
// container, and a thread that waits for this lock does not tick.
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

func (t *bufferedThread) incref(o *object) {
	if counting {
		t.counts.increfs++
	}
	t.taken = append(t.taken, o)
}

func (t *bufferedThread) decref(o *object) {
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

// submit gives the logs to the committer, once per epoch. The caller holds mu.
func (t *bufferedThread) submit() {
	r := t.log
	r.taken = append(r.taken, t.taken)
	r.dropped = append(r.dropped, t.dropped)
	t.taken, t.dropped = r.empty(), r.empty()
	t.epoch = r.epoch.Load()
	r.owed--
	r.changed.Broadcast()
}

// makeRoom asks for a commit, waits for its epoch, and hands over.
func (t *bufferedThread) makeRoom() {
	r := t.log
	r.mu.Lock()
	if r.epoch.Load() == t.epoch {
		r.wanted = true
		r.changed.Broadcast() // once: threads that wait would wake each other without end
	}
	for r.epoch.Load() == t.epoch {
		r.changed.Wait()
	}
	t.submit()
	r.mu.Unlock()
}

// end hands over for the last time. It may be called more than once.
func (t *bufferedThread) end() {
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

// empty returns an empty log. The caller holds mu.
func (r *reflog) empty() []*object {
	last := len(r.spare) - 1
	if last < 0 {
		return make([]*object, 0, r.logLen)
	}
	log := r.spare[last]
	r.spare = r.spare[:last]
	return log
}

// commitAll is the committer. It returns when all threads have ended and everything
// is committed.
func (r *reflog) commitAll() {
	defer close(r.done)
	var pending [][]*object // dropped in the epoch before
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
		var more []*object // held by the objects that are freed now
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

// next waits until a commit is wanted or all threads have ended, and returns the
// logs to commit, or last if nothing is left. pending says that drops of the last
// epoch wait to be committed.
func (r *reflog) next(pending bool) (taken, dropped [][]*object, last bool) {
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

// dropOne commits a drop. If it frees a container, it appends the container's items
// to more. These are drops of this epoch, which the next commit subtracts.
func (r *reflog) dropOne(o *object, more []*object) []*object {
	o.refs--
	switch {
	case o.refs < 0:
		panic("systems: the committer dropped a reference of an object that had none left")
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

// stop waits until everything is committed. All threads must have ended.
func (r *reflog) stop() {
	r.mu.Lock()
	r.stopped = true
	r.changed.Broadcast()
	r.mu.Unlock()
	<-r.done
}

func (t *bufferedThread) take(k kind) *object {
	if counting {
		t.counts.allocations++
	}
	t.log.memory.Lock()
	o := t.heap.take(k)
	t.log.memory.Unlock()
	o.refs = 1 // no other thread has o yet
	return o
}

// give must not be called: only the committer frees objects, in dropOne.
func (t *bufferedThread) give(*object) {
	panic("systems: a thread of gilectomy-buffered freed an object, want only the committer to do so")
}

func (t *bufferedThread) lock(o *object)   { o.mu.Lock() }
func (t *bufferedThread) unlock(o *object) { o.mu.Unlock() }

func (t *bufferedThread) lockBoth(a, b *object)   { lockBoth(a, b) }
func (t *bufferedThread) unlockBoth(a, b *object) { unlockBoth(a, b) }
