package procs

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the tests ask of the children that they start, by environment.
const (
	testServe  = "PROCS_TEST_SERVE"  // do this instead of the variant's work: see misbehaviour
	testNoMain = "PROCS_TEST_NOMAIN" // the program forgets to call Main
	testParent = "PROCS_TEST_PARENT" // be a parent: see TestParentDies
)

func TestMain(m *testing.M) {
	if serve := misbehaviour[os.Getenv(testServe)]; serve != nil {
		for i := range Variants {
			Variants[i].serve = serve
		}
		for i := range Sums {
			Sums[i].serve = serve
		}
		for i := range FibVariants {
			FibVariants[i].serve = serve
		}
		for i := range SpawnVariants {
			SpawnVariants[i].serve = serve
		}
	}
	if begin := misbeginning[os.Getenv(testServe)]; begin != nil && isChild() {
		begin()
	}
	if os.Getenv(testNoMain) == "" {
		Main()
	}
	if os.Getenv(testParent) != "" {
		beParent()
	}
	os.Exit(m.Run())
}

// rows is every row with each payload that it has.
func rows(yield func(v Variant, payload Payload) bool) {
	for _, table := range [][]Variant{Variants, FibVariants, SpawnVariants} {
		for _, v := range table {
			if !yield(v, Word) {
				return
			}
			if v.of == "procs" && v.crew != one && !yield(v, Block) {
				return
			}
		}
	}
}

// eachRow runs a subtest for every row that keep keeps.
func eachRow(t *testing.T, keep func(v Variant) bool, test func(t *testing.T, v Variant, payload Payload)) {
	for v, payload := range rows {
		if keep(v) {
			t.Run(fmt.Sprintf("%s/%s/%d", v.of, v.Name, payload), func(t *testing.T) { test(t, v, payload) })
		}
	}
}

func hasChildren(v Variant) bool { return v.crew != nobody }

// start starts a pool that is closed when the test ends.
func start(t *testing.T, v Variant, workers int, payload Payload) *Pool {
	t.Helper()
	p, err := v.Start(workers, payload)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// named returns a variant of a table.
func named(name string) Variant { return namedOf(Variants, name) }

func namedOf(table []Variant, name string) Variant {
	for _, v := range table {
		if v.Name == name {
			return v
		}
	}
	panic(name)
}

// childErrors returns every *Error that err holds.
func childErrors(err error) []*Error {
	switch e := err.(type) {
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, err := range e.Unwrap() {
			all = append(all, childErrors(err)...)
		}
		return all
	}
	return nil
}

// misbeginning is what children can do wrong before they greet, or instead.
var misbeginning = map[string]func(){
	"killed at start": killItself,
	"no greeting":     func() { time.Sleep(time.Minute) },
	"wrong greeting": func() {
		writeFrame(os.Stdout, newFrame(1), []uint64{4711})
		time.Sleep(time.Minute)
	},
}

// misbehaviour is what children can do wrong.
var misbehaviour = map[string]func(w *worker){
	"nothing":     func(w *worker) { time.Sleep(time.Minute) },
	"end":         func(w *worker) { os.Exit(7) },
	"kill itself": func(w *worker) { killItself() },
	"slow": func(w *worker) {
		w.answer(func(item []uint64) {
			time.Sleep(5 * time.Millisecond)
			change(item)
		})
	},
	"tell processors": func(w *worker) { os.Exit(runtime.GOMAXPROCS(0)) },
	"3 batches and end": func(w *worker) {
		answered := 0
		w.answer(func(item []uint64) {
			if answered++; answered > 3 {
				os.Exit(7)
			}
			item[0] *= fibValue
		})
	},
	"30 and no more": func(w *worker) {
		answered := 0
		w.answer(func(item []uint64) {
			if answered++; answered > 30 {
				killItself()
			}
			change(item)
		})
	},
	"rubbish": func(w *worker) {
		sent := w.awaitSent(1)
		w.queue.slot(0)[0] = 4711
		w.queue.done.Store(sent)
		w.queue.answers.ring()
		time.Sleep(time.Minute)
	},
	"unchanged": func(w *worker) {
		w.queue.done.Store(w.awaitSent(1))
		w.queue.answers.ring()
		time.Sleep(time.Minute)
	},
	"too many": func(w *worker) {
		w.awaitSent(1)
		w.queue.done.Store(1 << 40)
		w.queue.answers.ring()
		time.Sleep(time.Minute)
	},
	"backwards": func(w *worker) {
		w.backwards()
		time.Sleep(time.Minute)
	},
	"backwards and end": func(w *worker) {
		w.backwards()
		os.Exit(7)
	},
	"keep lock": func(w *worker) {
		w.queue.lock.acquire(w.id, 0)
		time.Sleep(time.Minute)
	},
	"foreign lock": func(w *worker) {
		w.awaitSent(1) // or the parent would release it as its own
		for !w.queue.lock.word.CompareAndSwap(0, 12345) {
		}
		time.Sleep(time.Minute)
	},
	"take and sleep": func(w *worker) {
		w.awaitSentAtomic(0)
		time.Sleep(time.Minute)
	},
	"frame wrong": func(w *worker) {
		readFrame(os.Stdin, newFrame(w.words), make([]uint64, w.words))
		writeFrame(os.Stdout, newFrame(w.words), make([]uint64, w.words))
		time.Sleep(time.Minute)
	},
	"answer unread": func(w *worker) {
		os.Stdin.Read(make([]byte, 1)) // it is asked, and the rest of a block fills the pipe
		item := make([]uint64, w.words)
		for i := range uint64(2) {
			fill(item, i)
			change(item)
			writeFrame(os.Stdout, newFrame(w.words), item)
		}
		time.Sleep(time.Minute)
	},
	"frame long": func(w *worker) {
		os.Stdout.WriteString("\xff\xff\xff\xff")
		time.Sleep(time.Minute)
	},
	"frame short": func(w *worker) {
		os.Stdout.WriteString("\x00\x00\x00\x00")
		time.Sleep(time.Minute)
	},
	"half a frame": func(w *worker) {
		os.Stdout.WriteString("\x00\x00\x00\x08abc")
		time.Sleep(time.Minute)
	},
	"half a frame and end": func(w *worker) { os.Stdout.WriteString("\x00\x00\x00\x08abc") },
	"half a head and end":  func(w *worker) { os.Stdout.WriteString("\x00\x00") },
	"die in an item": func(w *worker) {
		q := w.queue
		w.dieOnce(&q.wanted, &q.claimed, func() {
			w.awaitSent(4)
			for {
				if abandoned, _ := q.lock.acquire(w.id, 0); abandoned {
					exit(1, "the lock was abandoned before anybody died")
				}
				if q.done.Load() == 3 {
					break
				}
				change(q.slot(q.done.Load()))
				q.done.Add(1)
				q.lock.release()
			}
			item := q.slot(3)
			change(item[:len(item)/2])
		}, w.serveLocked)
	},
	"die in a taken item": func(w *worker) {
		w.dieOnce(&w.queue.torn, &w.queue.done, w.takeHalf, func() { serveAtomic(w) })
	},
	"die with a claim": func(w *worker) {
		w.dieOnce(&w.queue.torn, &w.queue.done, func() { w.queue.claimed.Add(1) }, func() { serveAtomic(w) })
	},
}

// backwards answers rightly, and then takes it back.
func (w *worker) backwards() {
	sent := w.awaitSent(1)
	for seq := range sent {
		change(w.queue.slot(seq))
	}
	w.queue.done.Store(sent)
	w.queue.answers.ring()
	w.awaitSent(sent + 1)
	w.queue.done.Store(0)
}

// dieOnce has the first child to come do something and be killed, and all
// others, those in its place too, serve after that. It uses two words that the
// row does not.
func (w *worker) dieOnce(first, dead *atomic.Uint64, do, serve func()) {
	if first.Add(1) > 1 {
		for dead.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		serve()
	}
	do()
	dead.Store(1)
	killItself()
}

func killItself() {
	self, _ := os.FindProcess(os.Getpid())
	self.Kill()
	time.Sleep(time.Minute)
}

// takeHalf does half of item 3 of an atomic row.
func (w *worker) takeHalf() {
	q := w.queue
	w.awaitSentAtomic(3)
	item := q.slot(3)
	change(item[:len(item)/2])
}

// awaitSentAtomic takes an item.
func (w *worker) awaitSentAtomic(seq uint64) {
	for w.queue.state(seq).Load() != stateOf(seq, stateSent) {
		time.Sleep(time.Millisecond)
	}
	w.queue.state(seq).Store(stateOf(seq, stateTaken) | uint64(w.id))
}

// beParent starts children, says who they are, and waits to be killed.
func beParent() {
	name, how, _ := strings.Cut(os.Getenv(testParent), " ")
	if how == "quietly" {
		orphanSignal = 0
	}
	if how == "deleted" {
		os.Remove(os.Args[0])
	}
	p, err := named(name).Start(3, Word)
	if err != nil {
		exit(1, "%v", err)
	}
	if how == "deleted" {
		os.Exit(0)
	}
	for how == "starting" {
		p.Close()
		fmt.Println("started")
		if p, err = named(name).Start(3, Word); err != nil {
			exit(1, "%v", err)
		}
	}
	if how != "with the deaf" {
		p.Run(1000)
	}
	fmt.Println(p.Pids())
	time.Sleep(time.Minute)
}
