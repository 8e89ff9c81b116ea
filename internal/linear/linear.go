// Package linear checks that histories of a structure are linearizable (Herlihy and Wing,
// 1990). Then every operation takes effect at one moment between its call and its return.
// The answers are those of a sequential model that takes the operations in the order of
// these moments. Package porcupine searches for such an order.
//
// A test records short histories of several goroutines, states the sequential model, and
// passes both to [Accepts]. The model proves something only if it refuses a wrong
// structure, so the test passes one to [Refuses].
package linear

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"boundaries/internal/race"
)

// A History is a list of operations that have returned. In is the type of a question, and
// Out that of its answer. The zero value is ready to use, by any number of goroutines.
type History[In, Out any] struct {
	mu  sync.Mutex
	ops []porcupine.Operation
}

var epoch = time.Now()

// Now returns the current moment, for Add.
func Now() time.Duration { return time.Since(epoch) }

// Add adds a worker's operation, with the moments of its call and its return.
func (h *History[In, Out]) Add(worker int, in In, out Out, called, returned time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: worker, Input: in, Output: out, Call: int64(called), Return: int64(returned)})
}

// Do calls f and adds the operation: the question in, and the answer that f returns.
func (h *History[In, Out]) Do(worker int, in In, f func() Out) Out {
	called := Now()
	out := f()
	h.Add(worker, in, out, called, Now())
	return out
}

// String returns a line for each operation, in the order of the calls.
func (h *History[In, Out]) String() string {
	slices.SortFunc(h.ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var text strings.Builder
	for _, op := range h.ops {
		fmt.Fprintf(&text, "%d ns to %d ns: worker %d asks %+v and gets %+v\n", op.Call, op.Return, op.ClientId, op.Input, op.Output)
	}
	return text.String()
}

// Go calls step as often as steps says for each worker, which has a goroutine of its own.
// It returns when all calls have returned. Before each step a worker waits a moment for the
// others, so that their operations overlap.
func Go(workers, steps int, step func(worker, i int)) {
	var all sync.WaitGroup
	var arrived atomic.Int64
	for worker := range workers {
		all.Go(func() {
			for i := range steps {
				arrived.Add(1)
				for turns := 0; turns < 100 && arrived.Load() < int64((i+1)*workers); turns++ {
					runtime.Gosched()
				}
				step(worker, i)
			}
		})
	}
	all.Wait()
}

// A Model is the sequential structure. Step reports whether an operation with argument in
// may return out in a state, and returns the state after the operation.
type Model[State comparable, In, Out any] struct {
	Init State // before the first operation
	Step func(state State, in In, out Out) (State, bool)
}

// rounds is how many histories of a structure a test records. The race detector makes
// each take about ten times as long.
var rounds = 300

// patience bounds the search for one order, and for a wrong history on a busy machine.
const patience = 20 * time.Second

func init() {
	if race.Enabled {
		rounds = 100
	}
}

// Accepts fails the test if one of many histories, of 2 to 8 workers, is not
// linearizable. Record makes a new structure and returns a history of it.
func Accepts[State comparable, In, Out any](t *testing.T, m Model[State, In, Out], record func(workers int) *History[In, Out]) {
	t.Helper()
	if h := m.refused(t, 0, record); h != nil {
		t.Errorf("no order of these operations explains their answers:\n%v", h)
	}
}

// Refuses fails the test if every history is linearizable: a model that accepts a wrong
// structure proves nothing. It returns at the first history that is not. Until then it
// records as many histories as Accepts, and goes on until 20 seconds have passed, because on
// a busy machine operations seldom overlap.
func Refuses[State comparable, In, Out any](t *testing.T, m Model[State, In, Out], record func(workers int) *History[In, Out]) {
	t.Helper()
	if m.refused(t, patience, record) == nil {
		t.Errorf("all histories of %v are linearizable, want one that is not", patience)
	}
}

// refused returns the first history that is not linearizable, or nil after the rounds and
// the time.
func (m Model[State, In, Out]) refused(t *testing.T, atLeast time.Duration, record func(workers int) *History[In, Out]) *History[In, Out] {
	t.Helper()
	// Goroutines that take turns on one proc seldom overlap.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0))))
	model := porcupine.Model{
		Init: func() any { return m.Init },
		Step: func(state, in, out any) (bool, any) {
			next, ok := m.Step(state.(State), in.(In), out.(Out))
			return ok, next
		},
	}
	start := time.Now()
	for round := 0; round < rounds || time.Since(start) < atLeast; round++ {
		h := record(2 + round%7)
		switch porcupine.CheckOperationsTimeout(model, h.ops, patience) {
		case porcupine.Illegal:
			return h
		case porcupine.Unknown:
			t.Fatalf("no verdict on a history of %d operations in %v", len(h.ops), patience)
		}
	}
	return nil
}
