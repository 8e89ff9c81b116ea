package explore

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// A Run is one run of a program, in one order.
type Run struct {
	actors []*actor
	always func() error
	end    func() error

	tracing bool
	failure error
	cut     bool
	races   int // reports of the race detector so far

	// Of each step taken.
	taken  []choice
	number []int // how many steps its actor had taken before
	uses   []uses
	before [][]int // how many steps of each actor come before it in every equal order
	rows   []row   // if tracing

	written map[unsafe.Pointer]int  // how often each word has been written
	closed  map[unsafe.Pointer]bool // channels

	// said is what the race detector sees the actors and the explorer synchronize by.
	// An actor's turn synchronizes before what the explorer does after the turn. There
	// is no such edge in the other direction: it would order the actors, and the race
	// detector would not see what the explored code leaves unordered.
	said byte
}

// An actor is a goroutine that runs while it has the turn.
type actor struct {
	name string
	do   func()
	turn chan int    // the way that the next step goes, or quit
	says chan report // when the turn ends

	// Fields that only the explorer uses.
	next   report // what the actor said last
	looked []look // the words that it used since it last wrote one or waited for one
	awaits bool   // its next step waits until one of them is written
	steps  int    // taken
	knows  []int  // how many steps of each actor come before its next step in every equal order, whatever that step does

	// Fields that the actor itself uses.
	run      *Run
	did      did
	spins    bool
	quitting bool
}

// A look is a word that was used, and how often it had been written then.
type look struct {
	word  unsafe.Pointer
	times int
}

// An actor that receives quit in place of a way returns.
const quit = -1

// A report is what an actor says when its turn ends: what it did in the turn, and which
// step it wants to take next. The data that the report points to does not change anymore.
type report struct {
	did     did
	spins   bool // the actor called Gosched in the turn
	next    Op
	ended   bool
	failure error // if ended
}

// A did is what a step has done.
type did struct {
	wrote bool
	frame runtime.Frame // of the explored code, if tracing
	name  string
	args  []Value

	released []Op // what the actor unlocked between this step and its next
}

type row struct {
	actor int
	did
}

// An Op is an operation that ends a step. Enabled and Apply are called on the
// explorer's goroutine, while no actor runs.
type Op struct {
	Name  string
	Word  unsafe.Pointer // the word that it uses
	Also  unsafe.Pointer // another word that it uses, or nil
	Reads bool           // it only reads

	Ways    int                // how many ways it can go; 0 is 1
	Enabled func(way int) bool // reports whether it can go this way now; nil is always
	Apply   func(way int)      // called when it goes this way; nil does nothing
}

// Actor adds an actor. Only a program's Start may call it.
func (r *Run) Actor(name string, do func()) {
	r.actors = append(r.actors, &actor{run: r, name: name, do: do, turn: make(chan int), says: make(chan report)})
}

// Always sets the invariant, which is called after each step. It may read only atomic
// variables, because an actor may be about to write a plain one.
func (r *Run) Always(holds func() error) { r.always = holds }

// End sets the function that is called when all actors have returned.
func (r *Run) End(holds func() error) { r.end = holds }

// running is the actor that has the turn, or nil. current is the run.
var (
	running *actor
	current *Run
)

//go:norace
func setRunning(a *actor) { running = a }

//go:norace
func self() *actor { return running }

// start makes the program's state and lets each actor run to its first step.
func (p Program) start(tracing bool) *Run {
	r := &Run{
		tracing: tracing,
		races:   raceErrors(),
		written: map[unsafe.Pointer]int{},
		closed:  map[unsafe.Pointer]bool{},
	}
	current = r
	p.Start(r)
	for _, a := range r.actors {
		a.knows = make([]int, len(r.actors))
		go a.main()
	}
	for _, a := range r.actors {
		r.give(a, 0)
	}
	return r
}

// give gives the turn to an actor and returns when the actor ends it.
func (r *Run) give(a *actor, way int) {
	setRunning(a)
	raceIgnore()
	a.turn <- way
	a.next = <-a.says
	raceResume()
	raceAcquire(&r.said)
	setRunning(nil)
	if way == quit {
		return
	}
	a.awaits = a.next.spins
	for _, op := range a.next.did.released {
		op.Apply(0)
		r.written[op.Word]++
		r.uses[len(r.uses)-1] = append(r.uses[len(r.uses)-1], use{op.Word, true, true})
	}
	if r.failure == nil && a.next.failure != nil {
		r.failure = fmt.Errorf("%s: %w", a.name, a.next.failure)
	}
	if races := raceErrors(); races > r.races {
		r.races = races
		if r.failure == nil {
			r.failure = fmt.Errorf("%s: %w", a.name, errRace)
		}
	}
}

var (
	errRace    = errors.New("a data race: nothing orders this actor's plain access and another's")
	errEndless = fmt.Errorf("the program has not ended after %d steps", MaxSteps)
	errGoexit  = errors.New("it ended in runtime.Goexit")
)

// enabled returns the choices whose steps can be taken now. If there are none and an
// actor has not ended, the run has failed.
func (r *Run) enabled() []choice {
	var all []choice
	var stuck []string
	for i, a := range r.actors {
		if a.next.ended {
			continue
		}
		op := &a.next.next
		if a.awaits && !r.news(a) {
			stuck = append(stuck, a.name+" spins before "+op.Name)
			continue
		}
		stuck = append(stuck, a.name+" waits in "+op.Name)
		for way := range max(1, op.Ways) {
			if op.Enabled == nil || op.Enabled(way) {
				all = append(all, choice{i, way})
			}
		}
	}
	if len(stuck) > 0 && len(all) == 0 && r.failure == nil {
		r.failure = fmt.Errorf("no actor can go on: %s", strings.Join(stuck, ", "))
	}
	return all
}

// news reports whether an actor has written a word since actor a looked at it.
func (r *Run) news(a *actor) bool {
	for _, l := range a.looked {
		if r.written[l.word] != l.times {
			return true
		}
	}
	return false
}

// step lets an actor take its step.
func (r *Run) step(c choice) {
	a := r.actors[c.actor]
	op := a.next.next
	uses := a.uses()
	before := slices.Clone(a.knows)
	for i := range r.taken {
		if r.uses[i].meets(uses) {
			for q, n := range r.before[i] {
				before[q] = max(before[q], n)
			}
			by := r.taken[i].actor
			before[by] = max(before[by], r.number[i]+1)
		}
	}
	r.taken = append(r.taken, c)
	r.number = append(r.number, a.steps)
	r.uses = append(r.uses, uses)
	r.before = append(r.before, before)
	a.steps++
	a.knows = slices.Clone(before)
	a.knows[c.actor] = a.steps
	if a.awaits {
		a.looked = a.looked[:0]
	}
	for _, word := range [...]unsafe.Pointer{op.Word, op.Also} {
		if word != nil {
			a.looked = append(a.looked, look{word, r.written[word]})
		}
	}
	if op.Apply != nil {
		op.Apply(c.way)
	}
	r.give(a, c.way)
	if a.next.did.wrote {
		r.written[op.Word]++
		if op.Also != nil {
			r.written[op.Also]++
		}
		a.looked = a.looked[:0]
	}
	if r.tracing {
		r.rows = append(r.rows, row{c.actor, a.next.did})
	}
	if r.failure == nil && r.always != nil {
		r.failure = r.always()
	}
	if r.failure == nil && len(r.taken) == MaxSteps {
		r.failure = errEndless
	}
}

// finish ends the actors that have not ended. If all had, it calls the End function.
func (r *Run) finish() {
	complete := true
	for _, a := range r.actors {
		if !a.next.ended {
			complete = false
			r.give(a, quit)
		}
	}
	if complete && r.failure == nil && r.end != nil {
		r.failure = r.end()
	}
	current = nil
}

// A use is a word that a step uses, and whether the step may write it. If the step unlocks
// the word, the step that locks it next cannot come before this step.
type use struct {
	word    unsafe.Pointer
	writes  bool
	unlocks bool
}

type uses []use

// uses returns what an actor's next step uses. If the actor spins, these are also the
// words that it has looked at, because a write to one of them lets it go on.
func (a *actor) uses() uses {
	op := &a.next.next
	var all uses
	for _, word := range [...]unsafe.Pointer{op.Word, op.Also} {
		if word != nil {
			all = append(all, use{word, !op.Reads, false})
		}
	}
	if a.awaits {
		for _, l := range a.looked {
			all = append(all, use{l.word, false, false})
		}
	}
	return all
}

// meets reports whether the order of two steps can matter.
func (u uses) meets(v uses) bool {
	for _, a := range u {
		for _, b := range v {
			if a.word == b.word && (a.writes || b.writes) {
				return true
			}
		}
	}
	return false
}

// races reports whether two steps that meet may come in either order.
func (u uses) races(v uses) bool {
	for _, a := range u {
		for _, b := range v {
			if a.word == b.word && (a.writes || b.writes) && !a.unlocks && !b.unlocks {
				return true
			}
		}
	}
	return false
}

// stillAsleep returns which of the choices that are asleep at a state need not be
// made after c either: those whose steps do not meet c's.
func (r *Run) stillAsleep(asleep uint64, c choice) uint64 {
	if asleep == 0 {
		return 0
	}
	chosen := r.actors[c.actor].uses()
	still := uint64(0)
	for i, a := range r.actors {
		bits := asleep >> (i * maxWays) & (1<<maxWays - 1)
		if bits != 0 && i != c.actor && !a.uses().meets(chosen) {
			still |= bits << (i * maxWays)
		}
	}
	return still
}

func (a *actor) main() {
	last := report{ended: true}
	returned := false
	defer func() {
		if v := recover(); v != nil {
			last.failure = fmt.Errorf("panic: %v", v)
		} else if !returned && !a.quitting {
			last.failure = errGoexit
		}
		last.did, last.spins = a.did, a.spins
		raceReleaseMerge(&a.run.said)
		raceIgnore()
		a.says <- last
		raceResume()
	}()
	raceIgnore()
	way := <-a.turn
	raceResume()
	if way == quit {
		a.quitting = true
		return
	}
	a.do()
	returned = true
}

// Before ends the actor's step. A hook calls it before the hook does what op says. Before
// returns when the next step begins, with the way that this step is to go. Outside an
// actor it returns at once.
func Before(op Op) (way int) {
	a := self()
	if a == nil {
		if op.Apply != nil {
			op.Apply(0)
		}
		return 0
	}
	if a.quitting {
		runtime.Goexit()
	}
	now := report{did: a.did, spins: a.spins, next: op}
	a.did, a.spins = did{name: op.Name}, false
	raceReleaseMerge(&a.run.said)
	raceIgnore()
	a.says <- now
	way = <-a.turn
	raceResume()
	if way == quit {
		a.quitting = true
		runtime.Goexit()
	}
	return way
}

// After notes what a hook has done. The hook calls it when it has done what it announced
// to Before. wrote says whether that has written the word. args, and after them the
// result, are for the table.
func After(wrote bool, args ...Value) {
	a := self()
	if a == nil {
		return
	}
	a.did.wrote = wrote
	if a.run.tracing {
		a.did.args = append(a.did.args, args...)
		a.did.frame = caller()
	}
}

// Release notes that the actor unlocks something. A hook calls it before it does so.
// Release ends no step. The op's Apply is called when the actor's present step ends.
func Release(op Op) {
	a := self()
	switch {
	case a == nil:
		op.Apply(0)
	case a.quitting:
		runtime.Goexit()
	default:
		a.did.released = append(a.did.released, op)
	}
}

// Spins says that the actor spins. The hook of runtime.Gosched, which a spinning goroutine
// must call between two looks, calls it. The actor's next step waits until another actor
// has written a word that this actor has used since it last wrote one. So an exploration
// reports a program that spins forever, and skips turns in which the spinning actor would
// see no change.
func Spins() {
	if a := self(); a != nil {
		if a.quitting {
			runtime.Goexit()
		}
		a.spins = true
	}
}

// Closed reports whether Close was called with this channel. Only an Op's functions,
// and Start and End, may call it.
func Closed(channel unsafe.Pointer) bool { return current.closed[channel] }

// Close records that a channel is closed. Only an Op's Apply may call it.
func Close(channel unsafe.Pointer) { current.closed[channel] = true }
