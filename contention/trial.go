package contention

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A Trial is a case on a number of procs, ready to run.
//
// Goroutines draw steps from one budget of the whole trial, a few at a time, so that
// a fast goroutine takes more of them. With a fixed number of steps for each
// goroutine, all would take the same number, and no unfairness could show. A
// goroutine draws only as many steps as it takes in 200 µs. Otherwise a starving
// goroutine would take most of its steps after the others have ended.
//
// Only some steps are timed. The goroutine reads the clock outside the lock, before
// the access begins and when it is done. A clock reading takes about 20 to 50 ns,
// which is measured once, before the first trial. All readings together cost at most 2 %
// of the work, with 20 ns counted for the access itself. So all steps of a few microseconds
// or more are timed, and one in 100 to 250 at hold=0 and think=0. A wait that no
// timed step saw still shows in stall-ns, because the waiting goroutine could not
// read the clock during it. Percentiles are right to within 3 % and include one clock
// reading: at hold=0 those of private are the clock's own.
//
// Go gives a goroutine a time slice of 10 ms. If there are more goroutines than
// procs, or more procs than processors, goroutines also wait for a proc or a
// processor. Compare shares and tails with those of private, which has no lock to
// wait for.
type Trial struct {
	Case  Case
	Procs int // each with as many goroutines as Case says

	workers   []*Worker
	budget    budget
	asked     int // how many steps the variant must take
	updates   int // how many updates the variant accounts for
	mutexWait time.Duration
}

// A budget is the steps that no worker has drawn yet. Workers draw a few at a time.
type budget struct {
	_    cacheline.Pad
	left atomic.Int64
	most int // how many a worker draws at a time; not changed while workers run
	_    cacheline.Pad
}

// NewTrial makes a trial. It panics if there is no proc or the case does not pass
// Check.
func NewTrial(c Case, procs int) *Trial {
	fork.Check("contention", procs, 0)
	if err := c.Check(); err != nil {
		panic("contention: " + err.Error())
	}
	t := &Trial{Case: c, Procs: procs, workers: make([]*Worker, procs*c.Goroutines)}
	units := calibrate()
	for i := range t.workers {
		t.workers[i] = &Worker{
			Number: i,
			hold:   units.turns(c.Hold),
			think:  units.turns(c.Think),
			work:   c.Hold + c.Think,
			every:  units.every(c.Hold + c.Think),
			budget: &t.budget,
			plan:   c.plan(i, len(t.workers)),
		}
	}
	return t
}

// Workers returns how many goroutines the trial has.
func (t *Trial) Workers() int { return len(t.workers) }

// Take makes the variant take n steps. It panics if n is negative.
func (t *Trial) Take(v Variant, n int) {
	fork.Check("contention", len(t.workers), n)
	for _, w := range t.workers {
		w.reset()
	}
	t.asked = n
	t.budget.left.Store(int64(n))
	t.budget.most = min(max(n/len(t.workers)/64, 1), 256)
	before := mutexWait()
	t.updates = v.Run(t)
	t.mutexWait = mutexWait() - before
}

// Fork calls work once for each worker, on a goroutine of its own, and returns
// when all have returned. No worker starts before all are ready.
func (t *Trial) Fork(work func(w *Worker)) {
	fork.Run("contention", len(t.workers), 0, func(worker, _ int) {
		w := t.workers[worker]
		w.clock = now()
		w.drew = w.clock
		work(w)
		w.setClock(now())
	})
}

// A Worker is one goroutine of a trial: what it has to do, and what it has seen.
// Only that goroutine may call its methods, or a goroutine that acts for it
// while it waits.
type Worker struct {
	// Record is the record that the current step accesses. Update says whether the
	// step updates the record or reads it.
	Record int
	Update bool

	// Number counts the workers from 0. A variant that uses it must say so, because
	// goroutines of a real program may have no number.
	Number int

	hold, think int    // turns of spin
	state       uint64 // of spin
	every       int    // one step in this many is timed
	plan        []uint16
	budget      *budget

	batch      int           // how many steps it draws from the budget at once
	drew       time.Duration // when it drew last
	left       int           // steps it has drawn and not taken
	taken      int
	updates    int
	wrong      int
	seen       int64         // the largest count that it has read
	untilTimed int           // how many steps come before the next timed one
	timed      bool          // whether the current step is timed
	undone     int           // timed steps after which the variant called Next before Done
	clock      time.Duration // when it last read the clock
	clockAt    int           // how many steps it had taken then
	stall      time.Duration
	work       time.Duration // of a step
	waits      [2]waits      // of reads and of updates
	observe    func(Step)    // nil, or is called after each timed step

	_ cacheline.Pad
}

func (w *Worker) reset() {
	w.batch, w.left, w.taken, w.updates, w.wrong, w.seen = 1, 0, 0, 0, 0, 0
	w.untilTimed, w.timed, w.undone, w.clockAt, w.stall = 0, false, 0, 0, 0
	w.waits = [2]waits{}
}

// Next does the work of think and describes the next step in Record and Update. It
// returns false when no step is left.
func (w *Worker) Next() bool {
	if w.left == 0 && !w.draw() {
		return false
	}
	w.left--
	if w.think > 0 {
		w.state = spin(w.state, w.think)
	}
	step := w.plan[w.taken%planLength]
	w.taken++
	w.Record, w.Update = int(step>>1), step&1 != 0
	w.updates += int(step & 1)
	w.untilTimed--
	if w.untilTimed < 0 {
		w.ask()
	}
	return true
}

// Done ends the step.
func (w *Worker) Done() {
	if w.timed {
		w.done()
	}
}

// Hold is the work inside an access.
func (w *Worker) Hold() {
	if w.hold > 0 {
		w.state = spin(w.state, w.hold)
	}
}

// draw takes steps from the budget: enough that the budget itself is not
// contended, but no more than the worker takes in 50 to 200 µs. A starving worker
// must not keep steps and take them without contention when the others have ended.
func (w *Worker) draw() bool {
	at := now()
	if at-w.drew < 50*time.Microsecond {
		w.batch = min(2*w.batch, w.budget.most)
	} else if at-w.drew > 200*time.Microsecond {
		w.batch = 1
	}
	w.drew = at
	w.setClock(at)
	left := int(w.budget.left.Add(int64(-w.batch)))
	w.left = min(max(left+w.batch, 0), w.batch)
	return w.left > 0
}

// ask starts the clock of a step that is timed.
func (w *Worker) ask() {
	w.untilTimed = w.every - 1
	if w.timed {
		w.undone++
	}
	w.timed = true
	w.setClock(now())
}

func (w *Worker) done() {
	w.timed = false
	if w.clockAt != w.taken { // the timed step is an earlier one
		w.undone++
	}
	began := w.clock
	w.setClock(now())
	kind := 0
	if w.Update {
		kind = 1
	}
	w.waits[kind].note(w.clock - began)
	if w.observe != nil {
		w.observe(Step{w.Number, w.Update, w.seen, began, w.clock})
	}
}

// A Step is what a worker has done.
type Step struct {
	Worker       int
	Update       bool
	Seen         int64         // by a read: the count, or with -race the updates of the record
	Began, Ended time.Duration // since a moment that all steps have in common
}

// Observe makes the workers call f after every step, each on its own goroutine. It is for
// tests, and slows the steps down.
func (t *Trial) Observe(f func(Step)) {
	for _, w := range t.workers {
		w.every, w.observe = 1, f
	}
}

// setClock sets w.clock. The time since it was last set, minus the work of the steps in
// between, is an upper bound of the wait of each of those steps. Of a timed step, the hold
// is subtracted too early, when its clock starts. stall is the largest such bound.
func (w *Worker) setClock(now time.Duration) {
	w.stall = max(w.stall, now-w.clock-time.Duration(w.taken-w.clockAt)*w.work)
	w.clock, w.clockAt = now, w.taken
}

// planLength is a power of two, so that Next needs no division.
const planLength = 1 << 12

// plan returns what a worker does in planLength steps; then it starts again from the
// first. An entry is the number of a record, shifted left by one, and its lowest bit
// says whether the step updates the record.
func (c Case) plan(worker, workers int) []uint16 {
	random := rand.New(rand.NewPCG(uint64(worker), 20))
	plan := make([]uint16, planLength)
	updates := planLength - (planLength*c.Read+50)/100
	if c.Roles == "split" {
		// If there are two roles and at least two workers, each role has a worker.
		updaters := workers - (workers*c.Read+50)/100
		if c.Read > 0 && c.Read < 100 && workers > 1 {
			updaters = min(max(updaters, 1), workers-1)
		}
		updates = 0
		if worker < updaters {
			updates = planLength
		}
	}
	zipf := rand.NewZipf(random, 1.1, 1, uint64(c.Records-1))
	for i := range plan {
		if c.Skew == "zipf" {
			plan[i] = uint16(zipf.Uint64() << 1)
		} else {
			plan[i] = uint16(random.IntN(c.Records) << 1)
		}
		if i < updates {
			plan[i] |= 1
		}
	}
	random.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	return plan
}
