// Package explore runs small concurrent programs in every order of their steps.
//
// A stress test finds mistakes that show often. Those of lock-free code may show
// once in a billion runs. An exploration runs the code once for every order that
// differs, and so finds each mistake that the program can show.
//
// # Words
//
// An actor is one goroutine of a program. A program has two to four, and they take
// turns: no two ever run at the same time.
//
// A step is one atomic operation, one operation of a lock, a condition variable or a
// channel, and all plain code of its actor after it, up to the next such operation.
// To unlock a lock is not a step but the end of one: no other actor can tell the
// difference.
//
// An order is the sequence of the actors' steps from the start of a program to its
// end. A program ends when each of its actors has returned. Written down, an order
// is one letter a step, such as ABBA, and [Program.Replay] runs it again.
//
// Two orders are equal if one becomes the other by exchanging neighboring steps that
// do not meet, because they use different words or both only read. Equal orders have
// the same end, so an exploration runs one order of each class of equal orders.
//
// An invariant is a function that says what must always hold. The exploration calls it
// after each step, and another function at the end. An exploration also fails if an actor
// panics, if no actor that is left can take a step, or if a program takes more than
// [MaxSteps] steps. In a binary that was built with -race, it fails, too, if the race
// detector finds two plain accesses that nothing orders.
//
// # How it drives the real code
//
// The packages below hook are sync, sync/atomic, runtime and time as far as this module
// needs them, and the operations of channels as functions. Each operation ends a step.
// The test of this package builds copies of the packages it explores, with go build
// -overlay. In the copies, the imports are those hooks. The source files do not change,
// so the hooks do not slow down the benchmarks.
//
// # What it proves, and what not
//
// A finished exploration without a bound proves that its program, with its few
// actors and its few calls, has no order that fails. It does not prove the same of
// more actors or more calls, and it trusts the compiler, the processor and the kernel.
//
// Only the orders of hooked operations are explored. For code without data races that
// is complete: Go's atomic operations are sequentially consistent, and the Go memory
// model promises that a program without data races behaves as if its operations were
// executed one after another, in one of these orders. No other actor can tell when an
// actor's plain code runs between two of its hooked operations. In a binary that was
// built with -race, the race detector watches each order for data races. It sees the
// synchronization of the explored code and not that of the explorer. It does not see the
// built-in function clear.
//
// A spinning goroutine must call runtime.Gosched between two looks, as [Spins] says.
package explore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// MaxSteps is the number of steps after which a program counts as endless.
const MaxSteps = 2000

// MaxRuns is the number of runs after which an exploration gives up. A test changes it.
var MaxRuns = 20_000

// A Program is a few actors and what must hold of them.
type Program struct {
	Name string

	// Start makes a new state and the actors. It is called once for each order
	// and must do the same each time.
	Start func(*Run)

	// Preemptions, if it is not 0, bounds how often an order may take the turn from
	// an actor that could go on. A bounded exploration runs every order within the
	// bound, including equal ones.
	Preemptions int

	// All makes Explore run every order, including equal ones, and go on after an
	// order that fails.
	All bool
}

// A Result says what an exploration has found.
type Result struct {
	Orders   int     // orders that ran to their ends: one of each class, or more if the program sets All or a bound
	StandFor float64 // orders in those classes, or Orders if the program sets All or a bound
	Cut      int     // orders that were begun and left, because another equals them or a bound forbids them
	Steps    int     // steps of the longest order
	Failed   int     // orders that failed; at most 1 unless the program sets All
	GivenUp  bool    // the exploration ended after MaxRuns, and orders are left that have not run
	Failure  *Failure
}

// A Failure is the first order that failed.
type Failure struct {
	Err   error  // what went wrong
	Order string // for Replay: a letter for each step
	Table string // the order, with a column for each actor
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%v\norder %s\n%s", f.Err, f.Order, f.Table)
}

// Explore and Replay hold exploring, because the hooks have one running actor.
var exploring sync.Mutex

// A node is a state that the running order has passed.
type node struct {
	enabled []choice
	todo    []choice // choices to make here, in order; grows while the orders below are run
	at      int      // todo[at] is the choice that runs
	asleep  uint64   // the sleep set: a bit for each choice that would only repeat an equal order
	last    int      // the actor of the step before, or -1
	preempt int      // preemptions on the way here
}

// Explore runs the program in every order, or in one order of each class of equal ones.
// It finds one of each class with source sets (Abdulla, Aronis, Jonsson and Sagonas,
// "Optimal Dynamic Partial Order Reduction", POPL 2014) and sleep sets (Godefroid,
// "Partial-Order Methods for the Verification of Concurrent Systems", 1996).
//
// It explores a program with an invariant with sleep sets alone. They skip orders, but no
// state: the exploration still reaches every combination of values that the words can
// have between two steps.
func (p Program) Explore() Result {
	exploring.Lock()
	defer exploring.Unlock()
	var res Result
	var way []node
	reduced := !p.All && p.Preemptions == 0
	for {
		r := p.start(false)
		asleep, last, preempt := uint64(0), -1, 0
		for depth := 0; ; depth++ {
			enabled := r.enabled()
			if reduced && depth >= len(way) {
				r.reverse(way)
			}
			if r.failure != nil || len(enabled) == 0 {
				break
			}
			if depth == len(way) {
				n := node{enabled: enabled, asleep: asleep, last: last, preempt: preempt}
				n.todo = p.sort(&n)
				if len(n.todo) == 0 {
					r.cut = true
					break
				}
				if reduced && r.always == nil { // reverse adds the others that are needed
					first := n.todo[0].actor
					n.todo = slices.DeleteFunc(n.todo, func(c choice) bool { return c.actor != first })
				}
				way = append(way, n)
			}
			n := &way[depth]
			c := n.todo[n.at]
			if reduced {
				asleep = n.asleep
				for _, before := range n.todo[:n.at] {
					asleep |= before.bit()
				}
				asleep = r.stillAsleep(asleep, c)
			}
			preempt, last = n.preempt+n.costs(c), c.actor
			r.step(c)
		}
		r.finish()
		switch {
		case r.cut:
			res.Cut++
		case r.failure == nil:
			res.Orders++
			if reduced {
				res.StandFor += r.linearizations()
			} else {
				res.StandFor++
			}
		default:
			res.Orders++
			res.Failed++
			if res.Failure == nil {
				res.Failure = p.replay(r.taken, r.failure)
			}
			if !p.All {
				return res
			}
		}
		res.Steps = max(res.Steps, len(r.taken))
		for len(way) > 0 {
			n := &way[len(way)-1]
			if n.at++; n.at < len(n.todo) {
				break
			}
			way = way[:len(way)-1]
		}
		if res.GivenUp = len(way) > 0 && res.Orders+res.Cut >= MaxRuns; len(way) == 0 || res.GivenUp {
			return res
		}
	}
}

// reverse looks, for each actor's next step, for the steps before it that could also
// come after it, and makes the state before each of them try that order.
func (r *Run) reverse(way []node) {
	for p, a := range r.actors {
		if a.next.ended {
			continue
		}
		next, known := a.uses(), slices.Clone(a.knows)
		for i := len(r.taken) - 1; i >= 0; i-- {
			if r.known(i, known) || !next.races(r.uses[i]) {
				continue
			}
			n := &way[i]
			n.try(r.firsts(i, p, next))
			// As long as step i comes before the actor's next step, so
			// does every step that comes before step i.
			for q, steps := range r.before[i] {
				known[q] = max(known[q], steps)
			}
		}
	}
}

// known reports whether step i is among the first known[a] steps of its actor a.
func (r *Run) known(i int, known []int) bool { return r.number[i] < known[r.taken[i].actor] }

// firsts looks at the state before step i, and at the orders from there in which the next
// step of p comes before step i. It returns the actors that can begin such an order. The
// steps after i that do not depend on i keep their order.
func (r *Run) firsts(i, p int, next uses) []int {
	by := r.taken[i].actor
	rest := []int{} // the steps after i that i does not precede
	for j := i + 1; j < len(r.taken); j++ {
		if r.taken[j].actor != by && r.before[j][by] <= r.number[i] {
			rest = append(rest, j)
		}
	}
	var firsts []int
	seen := make([]bool, len(r.actors))
	for at, j := range rest {
		q := r.taken[j].actor
		if !seen[q] && !slices.ContainsFunc(rest[:at], func(k int) bool { return r.known(k, r.before[j]) }) {
			firsts = append(firsts, q)
		}
		seen[q] = true
	}
	if !seen[p] && !slices.ContainsFunc(rest, func(k int) bool { return r.known(k, r.actors[p].knows) || next.meets(r.uses[k]) }) {
		firsts = append(firsts, p)
	}
	return firsts
}

// try adds one of the actors to the choices of n, unless one of them is already a choice
// or need not be tried.
func (n *node) try(actors []int) {
	var add []choice
	for _, c := range n.enabled {
		if slices.Contains(actors, c.actor) {
			if n.asleep&c.bit() != 0 || slices.Contains(n.todo, c) {
				return
			}
			if len(add) == 0 || add[0].actor == c.actor {
				add = append(add, c)
			}
		}
	}
	if len(add) > 0 {
		n.todo = append(n.todo, add...)
		return
	}
	for _, c := range n.enabled { // none of the actors can go on here: try every choice
		if n.asleep&c.bit() == 0 && !slices.Contains(n.todo, c) {
			n.todo = append(n.todo, c)
		}
	}
}

func (n *node) can(actor int) bool {
	return slices.ContainsFunc(n.enabled, func(c choice) bool { return c.actor == actor })
}

// Replay runs the order of a Failure again and returns how it fails, or nil if it
// does not. It panics if the program cannot run in this order.
func (p Program) Replay(order string) *Failure {
	exploring.Lock()
	defer exploring.Unlock()
	return p.replay(parse(order), nil)
}

// replay runs an order and keeps what each step does. The race detector reports a
// race only once, so if the order is known to fail, its failure is passed.
func (p Program) replay(order []choice, known error) *Failure {
	r := p.start(true)
	refuse := func(why string, args ...any) {
		r.finish()
		panic(fmt.Sprintf("explore: %s cannot be in the order %s: %s", p.Name, format(order), fmt.Sprintf(why, args...)))
	}
	for i, c := range order {
		if r.failure != nil {
			break
		}
		if !slices.Contains(r.enabled(), c) {
			refuse("actor %s cannot take step %d", c, i+1)
		}
		r.step(c)
	}
	if r.failure == nil && len(r.enabled()) > 0 && known == nil {
		refuse("it goes on after step %d", len(order))
	}
	r.finish()
	err := known
	if err == nil {
		err = r.failure
	}
	if err == nil {
		return nil
	}
	return &Failure{Err: err, Order: format(r.taken), Table: r.table()}
}

// sort returns the choices that may be made at a node: those of the actor that has
// the turn first, so that the first order that fails has few changes of turn.
func (p Program) sort(n *node) []choice {
	var todo []choice
	for _, same := range []bool{true, false} {
		for _, c := range n.enabled {
			if same != (c.actor == n.last) || n.asleep&c.bit() != 0 {
				continue
			}
			if p.Preemptions > 0 && n.preempt+n.costs(c) > p.Preemptions {
				continue
			}
			todo = append(todo, c)
		}
	}
	return todo
}

// costs returns 1 if the choice takes the turn from an actor that could go on.
func (n *node) costs(c choice) int {
	if c.actor != n.last && n.can(n.last) {
		return 1
	}
	return 0
}

// A choice is the actor whose step is next and the way that the step goes, if it can go
// several ways, as a select can.
type choice struct{ actor, way int }

const maxWays = 8

func (c choice) bit() uint64 { return 1 << (c.actor*maxWays + c.way) }

func (c choice) String() string {
	if c.way == 0 {
		return string(rune('A' + c.actor))
	}
	return fmt.Sprintf("%c%d", 'A'+c.actor, c.way)
}

func format(order []choice) string {
	var text strings.Builder
	for _, c := range order {
		text.WriteString(c.String())
	}
	return text.String()
}

func parse(order string) []choice {
	var all []choice
	for _, letter := range order {
		switch {
		case 'A' <= letter && letter <= 'H':
			all = append(all, choice{actor: int(letter - 'A')})
		case '0' < letter && letter < '0'+maxWays && len(all) > 0:
			all[len(all)-1].way = int(letter - '0')
		default:
			panic(fmt.Sprintf("explore: %q is not an order: it has %q", order, letter))
		}
	}
	return all
}

// linearizations returns how many orders equal the one that has run. It counts the
// ways to interleave the actors' steps that keep every two steps that meet in their
// order.
func (r *Run) linearizations() float64 {
	n := len(r.actors)
	own := make([][]int, n) // the numbers of each actor's steps
	for i, c := range r.taken {
		own[c.actor] = append(own[c.actor], i)
	}
	size := 1
	for q := range own {
		size *= len(own[q]) + 1
	}
	ways := make([]float64, size) // by how many steps of each actor have been taken
	ways[0] = 1
	at := make([]int, n)
	for i := range ways {
		for rest, q := i, 0; q < n; q++ {
			at[q] = rest % (len(own[q]) + 1)
			rest /= len(own[q]) + 1
		}
		stride := 1
	actors:
		for q := range own {
			here := stride
			stride *= len(own[q]) + 1
			if at[q] == len(own[q]) || ways[i] == 0 {
				continue
			}
			for p, least := range r.before[own[q][at[q]]] {
				if at[p] < least {
					continue actors
				}
			}
			ways[i+here] += ways[i]
		}
	}
	return math.Round(ways[size-1])
}
