package explore_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
)

var (
	only   = flag.String("subject", "", "explore only the subject with this name")
	update = flag.Bool("update", false, "write what was found to testdata/orders.txt and docs/proof.md")
)

var subjects = []subject{
	{
		title: "the ticket ring", name: "ring", folder: "internal/ring",
		shrinks: []edit{{"ring.go", "const Size = 1024", "const Size = 2"}},
		broken: []broken{
			{"Put publishes before it writes", "empty, two put and one takes", []edit{
				{"ring.go", "s.item = item\n				s.turn.Store(ticket + 1)\n", "s.turn.Store(ticket + 1)\n				s.item = item\n"}}},
			{"Put does not look whose turn it is", "full, two take and one puts", []edit{
				{"ring.go", "if s.turn.Load() == ticket {", "if true {"}}},
			{"Take draws a ticket without comparing", "two take the last item", []edit{
				{"ring.go", "if r.take.CompareAndSwap(ticket, ticket+1) {", "if r.take.Add(1); true {"}}},
			{"Put gives up when another was faster", "empty, two put and one takes", []edit{
				{"ring.go", "} else if r.put.Load() == ticket { // otherwise another Put was faster\n", "} else {\n"}}},
			{"Take gives up when another was faster", "full, two take and one puts", []edit{
				{"ring.go", "} else if r.take.Load() == ticket { // otherwise another Take was faster\n", "} else {\n"}}},
			{"Len looks at the oldest item alone", "one puts two and looks for a sleeper, one takes once, one takes and sleeps", []edit{
				{"ring.go", "} else if r.take.Load() == ticket { // otherwise a Take has the item, and another is the oldest\n", "} else {\n"}}},
		},
	},
	{
		title: "park", name: "park", folder: "internal/park",
		broken: []broken{
			{"the two stores swapped", "one publishes two, one parks, one is asleep", []edit{
				{"park.go", "	l.idle.Add(1)\n	s.asleep.Store(true)\n", "	s.asleep.Store(true)\n	l.idle.Add(1)\n"}}},
			{"the worker looks for work first", "one publishes, one parks", []edit{
				{"park.go", "	l.idle.Add(1)\n	s.asleep.Store(true)\n	if ready() &&", "	found := ready()\n	l.idle.Add(1)\n	s.asleep.Store(true)\n	if found &&"}}},
			{"the worker that Rouse has woken does not say that it is awake", "one publishes two, two park, and each rouses one", []edit{
				{"park.go", "	l.waking.Store(false)\n", ""}}},
			{"two wake one worker", "two publish, one parks", []edit{
				{"park.go", "if !s.asleep.Load() || !s.asleep.CompareAndSwap(true, false) {", "if s.asleep.Store(false); false {"}}},
		},
	},
	{
		title: "the pools' tally", name: "tally", folder: "workerpool", files: []string{"tally.go"},
		broken: []broken{
			{"wait reads submitted first", "a task submits a task while one waits", []edit{
				{"tally.go", "ran := t.ran() // before submitted\n		if int64(ran) == t.submitted.Load() {", "submitted := t.submitted.Load()\n		if int64(t.ran()) == submitted {"}}},
			{"admit looks whether the pool is closed first", "one submits, one closes", []edit{
				{"tally.go", "	t.submitted.Add(int64(n))\n	if t.closed.Load() {\n		t.refuse(n)\n		return refusal(ErrClosed)\n	}\n", "	if t.closed.Load() {\n		return refusal(ErrClosed)\n	}\n	t.submitted.Add(int64(n))\n"}}},
			{"settle looks for waiters first", "two submit, two wait", []edit{
				{"tally.go", "	t.settled[worker].Store(int64(ran))\n	t.notify()\n", "	t.notify()\n	t.settled[worker].Store(int64(ran))\n"}}},
			{"notify wakes one waiter", "two submit, two wait", []edit{
				{"tally.go", "t.cond.Broadcast()", "t.cond.Signal()"}}},
			{"close does not wait for the first", "two close, and the second waits for the first", []edit{
				{"tally.go", "		<-t.over\n", ""}}},
		},
	},
	{
		title: "the lock-free pool's inbox", name: "inbox", folder: "workerpool", files: []string{"inbox.go"},
		broken: []broken{
			{"publish looks at what takers have claimed", "full, one publishes and two take", []edit{
				{"inbox.go", "if full && int64(first+n-q.emptied.follow()) > capacity {", "if full = int64(first+n-q.taking.Load()) > capacity; full {"}}},
			{"publish marks before it writes", "one publishes twice, two take", []edit{
				{"inbox.go", "			i := first % capacity\n			copy(q.slots[:]", "			i := first % capacity\n			q.filled.done(first, first+n)\n			copy(q.slots[:]"}}},
			{"take marks before it reads", "full, one publishes and two take", []edit{
				{"inbox.go", "			i := first % capacity\n			head :=", "			i := first % capacity\n			q.emptied.done(first, first+n)\n			head :="}}},
			{"take claims without comparing", "full, one publishes and two take", []edit{
				{"inbox.go", "		if q.taking.CompareAndSwap(first, first+n) {", "		if q.taking.Store(first + n); true {"}}},
			{"len looks at the marks first", "the length while one publishes and one takes", []edit{
				{"inbox.go", "	taking := q.taking.Load() // before follow, whose result is never lower\n	return int(q.filled.follow() - taking)\n", "	end := q.filled.follow()\n	return int(end - q.taking.Load())\n"}}},
		},
	},
	{
		title: "the lock-free pool's wakes", name: "lockfree", folder: "workerpool", files: []string{"lock_free.go", "inbox.go", "deque.go"},
		shrinks: []edit{
			{"lock_free.go", "	\"boundaries/internal/park\"\n", ""},
			{"lock_free.go", "*park.Lot", "*lot"},
			{"lock_free.go", "park.New", "newLot"},
			{"lock_free.go", "const batchLen = 64", "const batchLen = 2"},
		},
		broken: []broken{
			{"a submitter looks for a sleeper first", "a batch is submitted, a worker falls asleep", []edit{
				{"lock_free.go", "	if !b.inbox.publish(tasks) {", "	idle := p.lot.Idle()\n	if !b.inbox.publish(tasks) {"},
				{"lock_free.go", "	if p.lot.Idle() {", "	if idle {"}}},
			{"a taker looks for a sleeper before the rest is in its deque", "a worker takes two of three, another takes one, and then one that was in a deque", []edit{
				{"lock_free.go", "		if n > 1 {\n			s.push(s.batch[1:n]...)\n		}\n", ""},
				{"lock_free.go", "		task := s.batch[0]\n", "		s.push(s.batch[1:n]...)\n		task := s.batch[0]\n"}}},
		},
	},
	{
		title: "the work-stealing deque", name: "deque", folder: "workerpool", files: []string{"deque.go"},
		broken: []broken{
			{"the last task without the compare-and-swap", "the last task, the owner and one thief", []edit{
				{"deque.go", "	if d.top.CompareAndSwap(top, top+1) {\n		d.read", "	if d.top.Store(top + 1); true {\n		d.read"}}},
			{"pop looks at top before it says what it wants", "two tasks, the owner pops one and two thieves", []edit{
				{"deque.go", "	d.bottom.Store(b)\n	top := d.top.Load()\n", "	top := d.top.Load()\n	d.bottom.Store(b)\n"}}},
			{"makeRoom loads top first", "full, the owner pushes and two thieves", []edit{
				{"deque.go", "read, top := d.read.Load(), d.top.Load()", "top, read := d.top.Load(), d.read.Load()"}}},
			{"makeRoom does not look at read", "full, the owner pushes and two thieves", []edit{
				{"deque.go", "if read == top {", "if _ = read; true {"}}},
			{"push publishes before it writes", "the owner pushes and pops, one thief", []edit{
				{"deque.go", "	for i, task := range tasks {\n", "	d.bottom.Store(b + uint64(len(tasks)))\n	for i, task := range tasks {\n"}}},
			{"steal loads the ring before bottom", "empty, the owner pushes three at once, one thief", []edit{
				{"deque.go", "	if int64(d.bottom.Load()-top) <= 0 {\n		return nil, false\n	}\n	ring := *d.tasks.Load() // after bottom, so that this ring has the task\n", "	ring := *d.tasks.Load()\n	if int64(d.bottom.Load()-top) <= 0 {\n		return nil, false\n	}\n"}}},
			{"steal counts what it has read before it reads", "full, the owner pushes and two thieves", []edit{
				{"deque.go", "	task = ring[top&uint64(len(ring)-1)]\n	d.read.Add(1)\n", "	d.read.Add(1)\n	task = ring[top&uint64(len(ring)-1)]\n"}}},
			{"a lost last task is not given up", "the last task, the owner and one thief", []edit{
				{"deque.go", "	} else {\n		task = nil\n	}\n", "	}\n"}}},
		},
	},
	{
		title: "the fork-join deques", name: "forkjoin", folder: "workerpool/forkjoin", files: []string{"lock_free.go", "atomic.go", "locked.go"},
		shrinks: []edit{{"locked.go", "const depth = 1024", "const depth = 4"}},
		broken: []broken{
			{"publish does not look whether a task is public", "the owner helps while a thief steals its only task", []edit{
				{"lock_free.go", "	if top < w.split {\n		return\n	}\n", ""}}},
			{"publish says that tasks are public after they are", "two tasks, one thief steals both", []edit{
				{"lock_free.go", "	w.floor.Store(w.split)\n	w.public.Store(uint64(top) | uint64(w.split)<<32)\n", "	w.public.Store(uint64(top) | uint64(w.split)<<32)\n	w.floor.Store(w.split)\n"}}},
			{"a thief does not say that it has taken the last", "two tasks, one thief steals both", []edit{
				{"lock_free.go", "			v.floor.Store(wanted)\n", "			_ = v\n"}}},
			{"a join says that tasks are public after it has taken half", "three public tasks, the owner joins one, one thief", []edit{
				{"lock_free.go", "		if split > top {\n			w.floor.Store(split)\n		}\n		if w.public.CompareAndSwap(s, uint64(top)|uint64(split)<<32) {\n", "		if w.public.CompareAndSwap(s, uint64(top)|uint64(split)<<32) {\n			w.floor.Store(split)\n"}}},
			{"a join takes back without comparing", "one task, the owner joins it, one thief", []edit{
				{"lock_free.go", "if w.public.CompareAndSwap(s, uint64(top)|uint64(split)<<32) {", "if w.public.Store(uint64(top) | uint64(split)<<32); true {"}}},
			{"a join that is too late leaves what it has said", "three public tasks, the owner joins one, one thief", []edit{
				{"lock_free.go", "			w.floor.Store(wanted) // again", "			// again"}}},
			{"a fork publishes before it writes", "one task, the owner joins it, one thief", []edit{
				{"lock_free.go", "	t.fn, t.arg = fn, arg\n	w.head = h + 1\n	w.publish()\n", "	w.head = h + 1\n	w.publish()\n	t.fn, t.arg = fn, arg\n"}}},
			{"a worker is woken before its task is public", "one task, a worker falls asleep", []edit{
				{"lock_free.go", "	w.public.Store(uint64(top) | uint64(w.split)<<32)\n	w.pool.published()\n", "	w.pool.published()\n	w.public.Store(uint64(top) | uint64(w.split)<<32)\n"}}},
			{"atomic: a worker is woken before its task is public", "atomic: one task, a worker falls asleep", []edit{
				{"atomic.go", "	t.state.Store(open)\n	w.crew.published()\n", "	w.crew.published()\n	t.state.Store(open)\n"}}},
			{"locked: a worker is woken before its task is public", "locked: one task, a worker falls asleep", []edit{
				{"locked.go", "	w.lock.Lock()\n	t.fn, t.arg = fn, arg\n	w.head++\n	w.lock.Unlock()\n	w.crew.published()\n", "	w.crew.published()\n	w.lock.Lock()\n	t.fn, t.arg = fn, arg\n	w.head++\n	w.lock.Unlock()\n"}}},
			{"atomic: a join claims without comparing", "atomic: two tasks, the owner joins both, one thief", []edit{
				{"atomic.go", "if t.state.CompareAndSwap(open, free) {", "if t.state.Load() == open {\n		t.state.Store(free)"}}},
			{"atomic: a thief claims without comparing", "atomic: one task, the owner joins it, two thieves", []edit{
				{"atomic.go", "!t.state.CompareAndSwap(open, stolen) {", "t.state.Swap(stolen) != open && false {"}}},
			{"atomic: done is reset after the task is free", "atomic: the owner uses a task again, one thief", []edit{
				{"atomic.go", "	t.done.Store(false)\n	t.state.Store(free)\n", "	t.state.Store(free)\n"}}},
			{"locked: a join claims without the lock", "locked: one task, the owner joins it, two thieves", []edit{
				{"locked.go", "	w.lock.Lock()\n	if w.top < w.head {\n		w.head--\n		w.lock.Unlock()\n		return t.fn(w, t.arg)\n	}\n	w.lock.Unlock()\n", "	if w.top < w.head {\n		w.head--\n		return t.fn(w, t.arg)\n	}\n"}}},
			{"locked: done is not reset", "locked: the owner uses a task again, one thief", []edit{
				{"locked.go", "	t.done.Store(false)\n", ""}}},
			{"locked: a fork publishes before it writes", "locked: two tasks, the owner joins both, one thief", []edit{
				{"locked.go", "	t.fn, t.arg = fn, arg\n	w.head++\n	w.lock.Unlock()\n", "	w.head++\n	w.lock.Unlock()\n	t.fn, t.arg = fn, arg\n"}}},
		},
	},
	{
		title: "atomic, biased and buffered reference counts", name: "refcount", folder: "refcount",
		broken: []broken{
			{"atomic: TryIncref counts up from zero", "atomic: the owner drops the last, a stranger tries", []edit{
				{"atomic.go", "		if count == 0 {", "		if count < 0 {"}}},
			{"atomic: TryIncref does not look at the generation again", "atomic: the owner drops the last and uses the slot again, a stranger tries", []edit{
				{"atomic.go", "	if o.gen.Load() != r.gen {", "	if false {"}}},
			{"atomic: Decref loads and stores", "atomic: the owner drops one and ends, a stranger drops one", []edit{
				{"atomic.go", "	if left := o.count.Add(-1); left == 0 {", "	left := o.count.Load() - 1\n	if o.count.Store(left); left == 0 {"}}},
			{"lock-free: TryIncref counts up from {default, 0}", "lock-free: the owner drops the last, a stranger tries", []edit{
				{"lock_free.go", "if word == isDefault || word == isMerged {", "if word == isMerged {"}}},
			{"lock-free: TryIncref counts up from {merged, 0}", "lock-free: the owner drops the last of a shared object, a stranger tries", []edit{
				{"lock_free.go", "if word == isDefault || word == isMerged {", "if word == isDefault {"}}},
			{"lock-free: TryIncref does not look at the generation again", "lock-free: the owner drops the last and uses the slot again, a stranger tries", []edit{
				{"lock_free.go", "	if o.gen.Load() != r.gen {", "	if false {"}}},
			{"lock-free: nobody asks the owner to merge", "lock-free: the owner drops one and ends, a stranger drops one", []edit{
				{"lock_free.go", "	owner.inbox = append(owner.inbox, o)\n", ""}}},
			{"lock-free: a drop loads and stores", "lock-free: the owner ends, two strangers drop one each", []edit{
				{"lock_free.go", "	} else if word := o.count.shared.Add(-unit); word < 0 || word == isMerged {\n		dropped(o, word)\n	}\n}\n", "	} else {\n		word := o.count.shared.Load() - unit\n		if o.count.shared.Store(word); word < 0 || word == isMerged {\n			dropped(o, word)\n		}\n	}\n}\n"}}},
			{"lock-free: the mark is stored", "lock-free: the owner ends, two strangers drop one each", []edit{
				{"lock_free.go", "o.count.shared.CompareAndSwap(word, word&^stateMask|isQueued)", "o.count.shared.Store(word&^stateMask | isQueued)"}}},
			{"lock-free: a late request merges counts that are merged", "lock-free: a request to merge comes when the slot has the next object", []edit{
				{"lock_free.go", "if o.count.owner.Load() == h && merge(o) == 0 {", "if merge(o) == 0 {"}}},
			{"lock-free: Close merges without the lock", "lock-free: the owner ends, two strangers drop one each", []edit{
				{"lock_free.go", "	dead := queued[:0]\n", "	h.mu.Unlock()\n	dead := queued[:0]\n"},
				{"lock_free.go", "	h.mu.Unlock()\n	each(dead, h.arena.release)", "	each(dead, h.arena.release)"}}},
			{"lock-free: mergeZero frees a shared object after a load", "lock-free: the owner drops the last of a shared object, a stranger tries", []edit{
				{"lock_free.go", "	if o.count.shared.Load() == isDefault {\n", "	if o.count.shared.Load() <= isWeak {\n"}}},
			{"lock-free: merge forgets what the others have", "lock-free: the owner drops one and ends, one stranger drops one, one tries", []edit{
				{"lock_free.go", "count := int(word>>2) + local", "count := local"}}},
			{"lock-free: merge clears the owner after the word says merged", "lock-free: the owner ticks, one stranger drops one, one drops one and uses the slot again", []edit{
				{"lock_free.go", "	o.count.local = 0\n	o.count.owner.Store(nil)\n	for {\n", "	for {\n"},
				{"lock_free.go", "int64(count)*unit|isMerged) {\n", "int64(count)*unit|isMerged) {\n			o.count.local = 0\n			o.count.owner.Store(nil)\n"}}},
			{"lock-free: Close empties the inbox before it closes it", "lock-free: the owner drops one and ends, a stranger drops one", []edit{
				{"lock_free.go", "	h.closed = true\n	h.drain()\n", "	h.drain()\n	h.closed = true\n	h.mu.Lock()\n	h.gone = true\n	h.mu.Unlock()\n"}}},
			{"lock-free: a try that takes its reference back asks nobody", "lock-free: a stranger tries and finds the next object, another drops that", []edit{
				{"lock_free.go", "word < 0 || word == isMerged {\n			dropped(o, word)\n		}\n		return false", "word == isMerged {\n			dropped(o, word)\n		}\n		return false"}}},
			{"lock-free: Shared stores the word", "lock-free: one shares while another takes", []edit{
				{"lock_free.go", "word&stateMask != isDefault || o.count.shared.CompareAndSwap(word, word|isWeak) {", "o.count.shared.Store(word | isWeak); true {"}}},
			{"buffered: a commit subtracts the drops of its own epoch", "buffered: a reference is taken in one epoch and dropped in the epoch before", []edit{
				{"buffered.go", "	for _, log := range b.pending {\n", "	b.pending, b.dropped = append(b.pending, b.dropped...), nil\n	for _, log := range b.pending {\n"}}},
			{"buffered: a handle that has handed over is counted again when it leaves", "buffered: what is owed while one hands over and leaves", []edit{
				{"buffered.go", "	if h.epoch < b.epoch {\n		b.owed--\n	}\n	if b.owed", "	b.owed--\n	if b.owed"}}},
			{"buffered: TryIncref takes what is about to be finalized", "buffered: the last drop is committed, and a try", []edit{
				{"buffered.go", "	if o.gen.Load() != r.gen || o.count == 0 {", "	if o.gen.Load() != r.gen {"}}},
		},
	},
	{
		title: "the GIL", name: "gil", folder: "internal/gil",
		broken: []broken{
			{"Release wakes no waiter", "two threads take it", []edit{
				{"gil.go", "		case g.waiters[0].wake <- struct{}{}:\n", "		case make(chan struct{}, 1) <- struct{}{}:\n"}}},
			{"Release does not wait for the switch", "one thread ticks, one takes it", []edit{
				{"gil.go", "		for g.drop.Load() && g.last == t {", "		for false {"}}},
			{"Acquire does not say that the lock has changed hands", "one thread ticks, one takes it", []edit{
				{"gil.go", "		g.switched.Broadcast()\n", ""}}},
			{"Acquire leaves the request", "one thread ticks, one takes it", []edit{
				{"gil.go", "	g.drop.Store(false)\n", ""}}},
		},
	},
	{
		title: "the lock and the bell between processes", name: "futex", folder: "procs/internal/futex", files: []string{"lock.go", "bell.go"},
		broken: []broken{
			{"a waiter that has slept forgets the others", "Lock: three processes take it", []edit{
				{"lock.go", "		me |= lockWaiters\n", ""}}},
			{"Release wakes no waiter", "Lock: two processes take it", []edit{
				{"lock.go", "		wake(&l.word, 1)\n", ""}}},
			{"Release loads and stores", "Lock: two processes take it", []edit{
				{"lock.go", "	if l.word.Swap(0)&lockWaiters != 0 {", "	w := l.word.Load()\n	if l.word.Store(0); w&lockWaiters != 0 {"}}},
			{"Abandon does not mark the lock", "Lock: the holder dies, one takes it", []edit{
				{"lock.go", "if l.word.CompareAndSwap(w, lockDied) {", "if l.word.CompareAndSwap(w, 0) {"}}},
			{"Sleep looks for a reason before it says that it sleeps", "Bell: one rings, one sleeps", []edit{
				{"bell.go", "	w := b.word.Or(somebodySleeps) | somebodySleeps\n	if !reason() {", "	found := reason()\n	w := b.word.Or(somebodySleeps) | somebodySleeps\n	if !found {"}}},
			{"Ring clears the bit and does not count", "Bell: one rings, two sleep", []edit{
				{"bell.go", "	if b.word.CompareAndSwap(w, w+somebodySleeps) {", "	if b.word.CompareAndSwap(w, w-somebodySleeps) {"}}},
		},
	},
	{
		title: "the event loop's posts and cancellation", name: "eventloop", folder: "asyncio/eventloop", files: []string{"loop.go", "future.go", "task.go"},
		broken: []broken{
			{"take unlocks before it says that nothing is posted", "two post, the loop sleeps", []edit{
				{"loop.go", "	l.hasPosted.Store(false)\n	l.mu.Unlock()\n", "	l.mu.Unlock()\n	l.hasPosted.Store(false)\n"}}},
			{"sleep does not look for posts", "one posts, the loop sleeps", []edit{
				{"loop.go", "	l.asleep = len(l.posted) == 0\n", "	l.asleep = true\n"}}},
			{"a post does not look whether the loop sleeps", "one posts, the loop sleeps", []edit{
				{"loop.go", "	wake, selector := l.asleep, l.selector\n", "	wake, selector := false, l.selector\n"}}},
			{"a canceled future is resolved", "one cancels a task, one completes what it awaits", []edit{
				{"future.go", "		if isCanceled(f.err) {\n			return\n		}\n", ""}}},
			{"close does not say that it is closed", "one posts, the loop closes", []edit{
				{"loop.go", "	l.closed = true\n", ""}}},
			{"fail posts before it says with what", "a helper panics", []edit{
				{"loop.go", "	l.mu.Lock()\n	l.failure = v\n	l.mu.Unlock()\n	l.callSoonThreadsafe(l.repeatFailure)\n", "	l.callSoonThreadsafe(l.repeatFailure)\n	l.mu.Lock()\n	l.failure = v\n	l.mu.Unlock()\n"}}},
			{"a post leaves the loop asleep", "one posts, the loop sleeps", []edit{
				{"loop.go", "	l.asleep = false\n	l.mu.Unlock()\n", "	l.mu.Unlock()\n"}}},
		},
	},
	{
		title: "the pools of connections", name: "asyncio", folder: "asyncio", files: []string{"atomic.go", "lock_free.go"},
		broken: []broken{
			{"stack: the head has no tag", "stack: two take, and one puts back the first", []edit{
				{"lock_free.go", "return (head>>32+1)<<32 | uint64(top)", "return uint64(top)"}}},
			{"stack: put links its connection before it looks", "stack: two put back and take", []edit{
				{"lock_free.go", "		head := s.head.Load()\n		s.below[slot].Store(uint32(head))\n", "		s.below[slot].Store(uint32(s.head.Load()))\n		head := s.head.Load()\n"}}},
			{"ring: put overwrites what no take has taken", "ring: two take, put back and take", []edit{
				{"atomic.go", "for !place.CompareAndSwap(empty, int32(slot)) {", "for place.Store(int32(slot)); false; {"}}},
			{"ring: take leaves what it has taken", "ring: three take, and one puts back", []edit{
				{"atomic.go", "place.Swap(empty)", "place.Load()"}}},
		},
	},
	{
		title: "nogil's optimistic read, pending calls, and Python 1.4's lock", name: "systems", folder: "systems",
		files:   []string{"nogil.go", "zz_generated_nogil.go", "object.go", "space.go", "machine.go", "kernels.go", "code.go", "counts.go", "count_off.go", "lock_both.go", "gil_ticks.go"},
		shrinks: []edit{{"object.go", "const chunk = 1024", "const chunk = 4"}, {"space.go", "	smallMax = 256\n", "	smallMax = -5\n"}},
		broken: []broken{
			{"get does not look at the item again", "a shared item is replaced, and its slot gets an object that is elsewhere", []edit{
				{"nogil.go", "	if (*object)(atomic.LoadPointer(item)) == o && container.array.Load() == a {", "	if true {"}}},
			{"tryIncref takes a reference from {default, 0}", "an item is replaced twice", []edit{
				{"nogil.go", "if word == isDefault || word == isMerged || word < 0 {", "if word == isMerged || word < 0 {"}}},
			{"tryIncref takes a reference from {merged, 0}", "a shared item is replaced", []edit{
				{"nogil.go", "if word == isDefault || word == isMerged || word < 0 {", "if word == isDefault || word < 0 {"}}},
			{"mergeZero frees a shared object after a load", "a shared item is replaced twice", []edit{
				{"nogil.go", "	if atomic.LoadInt64(&o.refs) == isDefault {\n", "	if atomic.LoadInt64(&o.refs) <= isWeak {\n"}}},
			{"refill cuts what is left after it unlocks", "two threads take slots that a third gave away", []edit{
				{"nogil.go", "	t.surplus = t.surplus[:rest]\n	t.space.mu.Unlock()\n", "	t.space.mu.Unlock()\n	t.surplus = t.surplus[:rest]\n"}}},
			{"declareWeak stores the word", "one declares an object weak while another takes it", []edit{
				{"nogil.go", "word&stateMask != isDefault || atomic.CompareAndSwapInt64(&o.refs, word, word|isWeak) {", "atomic.StoreInt64(&o.refs, word|isWeak); true {"}}},
			{"callSoon says that a call is pending before it is", "a call is requested while a thread makes another", []edit{
				{"space.go", "	s.mu.Lock()\n	defer s.mu.Unlock()\n	s.pending = f\n	s.breaker.Store(true)\n", "	s.breaker.Store(true)\n	s.mu.Lock()\n	defer s.mu.Unlock()\n	s.pending = f\n"}}},
			{"callPending says that no call is pending after it unlocks", "a call is requested while a thread makes another", []edit{
				{"space.go", "	s.pending = nil\n	s.breaker.Store(false)\n", "	s.pending = nil\n	s.mu.Unlock()\n	s.breaker.Store(false)\n	s.mu.Lock()\n"}}},
			{"release wakes a waiter before the lock is free", "the lock of Python 1.4: three threads take it", []edit{
				{"gil_ticks.go", "	l.mu.Lock()\n	l.locked = false\n	l.mu.Unlock()\n	l.freed.Signal()\n", "	l.freed.Signal()\n	l.mu.Lock()\n	l.locked = false\n	l.mu.Unlock()\n"}}},
		},
	},
	{
		title: "the lab's sequence lock", name: "sequence", folder: "contention", files: []string{"atomic.go"},
		shrinks: []edit{{"atomic.go", "	if tries%16 == 0 {\n", "	if tries > 0 {\n"}},
		broken: []broken{
			{"a reader does not look at the sequence again", "one updates, one reads", []edit{
				{"atomic.go", "if record.sequence.Load() == before {", "if before > 0 || true {"}}},
			{"a reader reads while the sequence is odd", "one updates, one reads", []edit{
				{"atomic.go", "if before := record.sequence.Load(); before%2 == 0 {", "if before := record.sequence.Load(); true {"}}},
			{"lock adds without comparing", "two update", []edit{
				{"atomic.go", "before%2 == 0 && s.sequence.CompareAndSwap(before, before+1) {\n", "before%2 == 0 {\n			s.sequence.Add(1)\n"}}},
			{"a writer unlocks before its last store", "one updates, one reads", []edit{
				{"atomic.go", "				record.words[3].Store(record.words[3].Load() + 1)\n				record.unlock()\n", "				record.unlock()\n				record.words[3].Store(record.words[3].Load() + 1)\n"}}},
		},
	},
}

// A found is what the child prints for a program.
type found struct {
	Subject, Broken, Program string
	Orders, Steps            int
	StandFor                 float64
	GivenUp                  bool
	Bound                    int
	Err, Order, Table        string
	Replayed                 string // what the replay of Order says
}

// program is the child's main package. It ends when its standard input does.
const program = `package main

import (
	"encoding/json"
	"io"
	"os"
	"time"

	"boundaries/internal/explore"
%s)

type found struct {
	Subject, Broken, Program string
	Orders, Steps            int
	StandFor                   float64
	GivenUp                  bool
	Bound                    int
	Err, Order, Table        string
	Replayed                 string
}

func main() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	var overlay struct{ Replace map[string]string }
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &overlay)
	}
	if err != nil {
		panic(err)
	}
	explore.Source = func(file string) ([]byte, error) { return os.ReadFile(overlay.Replace[file]) }
	out := json.NewEncoder(os.Stdout)
	for _, s := range []struct {
		subject, broken, program string
		programs                 []explore.Program
	}{
%s	} {
		for _, p := range s.programs {
			if s.program != "" && s.program != p.Name {
				continue
			}
			// Code that takes no step, such as a loop of plain code, ends in no limit of Explore.
			hang := time.AfterFunc(20*time.Second, func() {
				out.Encode(found{Subject: s.subject, Broken: s.broken, Program: p.Name, Err: "it hangs"})
				os.Exit(1)
			})
			res := p.Explore()
			f := found{Subject: s.subject, Broken: s.broken, Program: p.Name, Orders: res.Orders, Steps: res.Steps,
				StandFor: res.StandFor, GivenUp: res.GivenUp, Bound: p.Preemptions}
			if res.Failure != nil {
				f.Err, f.Order, f.Table = res.Failure.Err.Error(), res.Failure.Order, res.Failure.Table
				if again := p.Replay(f.Order); again != nil {
					f.Replayed = again.Err.Error()
				}
			}
			hang.Stop()
			out.Encode(f)
		}
	}
}
`

// line returns how the line of a broken form begins in testdata/orders.txt.
func (b broken) line(s subject) string { return fmt.Sprintf("%-9s broken: %s: ", s.name, b.name) }

// races reports whether the broken form fails by a data race, as testdata/orders.txt says.
// The code may do anything after a data race, such as loop forever, so such a form runs
// only with -race.
func (b broken) races(t *testing.T, s subject) bool {
	orders, err := os.ReadFile("testdata/orders.txt")
	require.NoError(t, err)
	return strings.Contains(linesOf(b.line(s), string(orders)), ": a data race: ")
}

// runs reports whether the broken form runs in this binary. With -race, the forms that
// fail without a data race run only if -subject or -update asks for them: the test without
// -race runs them, and to compile them with the detector is most of the work.
func (b broken) runs(t *testing.T, s subject) bool {
	return b.races(t, s) == race.Enabled || race.Enabled && (*update || *only != "")
}

// build builds the child, which has every subject and its broken forms, and returns its
// command. The race detector watches the child if it watches the test.
func build(t *testing.T) *exec.Cmd {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	o := &overlay{root: root, folder: t.TempDir(), Replace: map[string]string{}}
	var imports, list strings.Builder
	n := 0
	add := func(s subject, suffix string, edits []edit, broken, program string) {
		path, err := o.copy(s, suffix, edits)
		require.NoError(t, err)
		fmt.Fprintf(&imports, "\tp%d %q\n", n, path)
		fmt.Fprintf(&list, "\t\t{%q, %q, %q, p%d.Programs},\n", s.name, broken, program, n)
		n++
	}
	for _, s := range subjects {
		if *only != "" && s.name != *only {
			continue
		}
		add(s, "", nil, "", "")
		if mutant != nil {
			continue // it is broken already
		}
		for i, b := range s.broken {
			if !b.runs(t, s) {
				t.Logf("%s: %s: it does not run in this build, see docs/proof.md", s.name, b.name)
				continue
			}
			add(s, fmt.Sprint("__", i), b.edits, b.name, b.program)
		}
	}
	require.NoError(t, o.add("procs/explored__/main.go", fmt.Appendf(nil, program, &imports, &list)))
	file, err := o.write()
	require.NoError(t, err)
	binary := filepath.Join(o.folder, "child")
	// The copies run few steps. To compile them is most of the work.
	args := []string{"build", "-p", strconv.Itoa(runtime.NumCPU()), "-ldflags=-s -w", "-gcflags=boundaries/...__...=-N -l -dwarf=false", "-overlay", file, "-o", binary}
	if race.Enabled {
		// The race detector need not watch the explorer, which has most of the accesses.
		// Explored code must not call a generic function that the explorer also calls,
		// such as slices.Clone: the linker keeps one copy, perhaps the unwatched one.
		args = append(args, "-race", "-gcflags=boundaries/internal/explore=-race=false")
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./procs/explored__")...)
	// The compilers run side by side, and each needs less with one processor and no collection.
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOGC=off", "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd = exec.CommandContext(t.Context(), binary, file)
	// One processor, because actors take turns. Each race is reported every time.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOMEMLIMIT=256MiB", "GORACE=exitcode=0 suppress_equal_stacks=0 suppress_equal_addresses=0")
	return cmd
}

// run runs the child and returns what it has found.
func run(t *testing.T) []found {
	t.Helper()
	cmd := build(t)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start()) // without standard error: the race detector's reports
	var all []found
	lines := json.NewDecoder(out)
	for {
		var f found
		err := lines.Decode(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		all = append(all, f)
		if f.Err == "" {
			t.Logf("%s: %s: %d orders, which stand for %g", f.Subject, f.Program, f.Orders, f.StandFor)
		} else {
			t.Logf("%s: %s: %s\norder %s: %s\n%s", f.Subject, f.Broken, f.Program, f.Order, f.Err, f.Table)
		}
	}
	require.NoError(t, cmd.Wait())
	t.Logf("%v of processor time", cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	return all
}

// Every order of every program holds, and each broken form has an order that does not,
// which fails again when it is replayed. The numbers are those of testdata/orders.txt.
func TestSubjects(t *testing.T) {
	if _, err := exec.LookPath("go"); testing.Short() || err != nil {
		t.Skip("builds a program")
	}
	if first, _, _ := strings.Cut(flag.Lookup("test.cpu").Value.String(), ","); first != "" && first != strconv.Itoa(runtime.GOMAXPROCS(0)) {
		t.Skip("the child has one processor in every run, and it has run with -cpu " + first)
	}
	require.True(t, race.Enabled || !*update, "-update needs -race, which sees how each broken form fails")
	all := run(t)
	var text strings.Builder
	for _, f := range all {
		switch {
		case f.GivenUp:
			t.Errorf("%s: %s: there are more than %d orders", f.Subject, f.Program, f.Orders)
		case f.Broken == "":
			if f.Err != "" {
				t.Errorf("%s: %s: %s\norder %s\n%s", f.Subject, f.Program, f.Err, f.Order, f.Table)
			}
			fmt.Fprintf(&text, "%-9s %7d %12.6g %4d  %s\n", f.Subject, f.Orders, f.StandFor, f.Steps, f.Program)
		case f.Err == "":
			t.Errorf("%s: %s: no order of %q fails", f.Subject, f.Broken, f.Program)
		default:
			if f.Replayed != f.Err {
				t.Errorf("%s: %s: order %s fails with %q, and when it is replayed with %q", f.Subject, f.Broken, f.Order, f.Err, f.Replayed)
			}
			fmt.Fprintf(&text, "%s%s\n", broken{name: f.Broken}.line(subject{name: f.Subject}), f.Err)
		}
	}
	if t.Failed() || mutant != nil {
		return
	}
	golden(t, "testdata/orders.txt", func(have string) string {
		var all strings.Builder
		for _, s := range subjects {
			found := text.String()
			if *only != "" && s.name != *only {
				found = have
			}
			programs, _, _ := strings.Cut(linesOf(fmt.Sprintf("%-9s ", s.name), found), fmt.Sprintf("%-9s broken: ", s.name))
			all.WriteString(programs)
			for _, b := range s.broken {
				if !b.runs(t, s) {
					all.WriteString(linesOf(b.line(s), have))
				} else {
					all.WriteString(linesOf(b.line(s), found))
				}
			}
		}
		return all.String()
	})
	golden(t, "../../docs/proof.md", func(page string) string {
		before, rest, ok := strings.Cut(page, tableBegins)
		_, after, ok2 := strings.Cut(rest, tableEnds)
		require.True(t, ok && ok2, "docs/proof.md has no place for the table")
		return before + tableBegins + summary(all, rest) + tableEnds + after
	})
}

const (
	tableBegins = "<!-- The test of internal/explore writes this table. -->\n"
	tableEnds   = "<!-- Its end. -->\n"
)

// linesOf returns the lines of a text that begin with the prefix.
func linesOf(prefix, text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// summary returns the table of docs/proof.md, a row for each subject. have is the table
// that the page has.
func summary(all []found, have string) string {
	var text strings.Builder
	text.WriteString("\n| algorithm | programs | orders run | orders they stand for | longest, in steps | bound | broken forms found |\n|---|--:|--:|--:|--:|---|---|\n")
	for _, s := range subjects {
		programs, orders, steps, stands := 0, 0, 0, 0.0
		var bounds, broken []string
		for _, b := range s.broken {
			broken = append(broken, b.name)
		}
		for _, f := range all {
			if f.Subject == s.name && f.Broken == "" {
				programs, orders, steps, stands = programs+1, orders+f.Orders, max(steps, f.Steps), stands+f.StandFor
				if f.Bound > 0 {
					bounds = append(bounds, fmt.Sprintf("“%s”: preemptions ≤ %d", f.Program, f.Bound))
				}
			}
		}
		if bounds == nil {
			bounds = []string{"none"}
		}
		prefix := fmt.Sprintf("| %s (%s) | ", s.title, s.folder)
		row := fmt.Sprintf("%s%d | %d | %.3g | %d | %s | %d: %s |\n", prefix, programs, orders, stands, steps,
			strings.Join(bounds, "; "), len(broken), strings.Join(broken, "; "))
		if *only != "" && s.name != *only {
			row = linesOf(prefix, have)
		}
		text.WriteString(row)
	}
	text.WriteString("\n")
	return text.String()
}

// golden compares a file with what it should be, or makes it so.
func golden(t *testing.T, file string, want func(have string) string) {
	t.Helper()
	have, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	text := want(string(have))
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return
	}
	require.Equal(t, text, string(have), "%s is not what was found; with -race -update it will be", file)
}
