package procs

import (
	"bytes"
	"encoding/gob"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"boundaries/procs/fib"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/items"
	"boundaries/procs/spawn"
)

// The environment variables by which a test tells the processes that it starts what to do.
const (
	testNoMain = "PROCS_TEST_NOMAIN" // be a program that does not call Main
	testParent = "PROCS_TEST_PARENT" // be a parent: see beParent
)

func TestMain(m *testing.M) {
	if begin := badGreetings[os.Getenv(childtest.Serve)]; begin != nil && os.Getenv(children.Env) != "" {
		begin()
	}
	if os.Getenv(testNoMain) == "" {
		childtest.Main(misbehavior, Variants, Sums, fib.Variants, spawn.Variants)
	}
	if os.Getenv(testParent) != "" {
		beParent()
	}
	// The tests that run in parallel only wait.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	status := m.Run()
	children.RemovePrograms()
	os.Exit(status)
}

// A row is a variant of one of the three packages with a payload that it has.
type row struct {
	children.Variant
	table   string
	payload children.Payload
}

func rows() (all []row) {
	for _, payload := range []children.Payload{Word, Block} {
		for _, v := range rowsOf(payload) {
			all = append(all, row{v, "procs", payload})
		}
	}
	for _, v := range fib.Variants {
		all = append(all, row{v, "fib", Word})
	}
	for _, v := range spawn.Variants {
		all = append(all, row{v, "spawn", Word})
	}
	return all
}

// eachRow runs a subtest for every row that keep keeps.
func eachRow(t *testing.T, keep func(r row) bool, test func(t *testing.T, r row)) {
	for _, r := range rows() {
		if keep(r) {
			t.Run(fmt.Sprintf("%s/%s/%d", r.table, r.Name, r.payload), func(t *testing.T) { test(t, r) })
		}
	}
}

func everyRow(row) bool      { return true }
func isOwn(r row) bool       { return r.table == "procs" }
func hasChildren(r row) bool { return r.Crew != children.Nobody }

func start(t *testing.T, v children.Variant, workers int, payload children.Payload) *children.Pool {
	t.Helper()
	return childtest.Start(t, v, workers, payload)
}

func named(name string) children.Variant { return childtest.Named(Variants, name) }

// badGreetings are what children can do wrong in place of their greeting.
var badGreetings = map[string]func(){
	"killed at start": childtest.KillItself,
	"no greeting":     func() { time.Sleep(time.Minute) },
	"wrong greeting": func() {
		frame.Write(os.Stdout, frame.New(1), []uint64{4711})
		time.Sleep(time.Minute)
	},
}

// misbehavior is what children can do wrong in place of their work.
var misbehavior = map[string]func(w *children.Worker){
	"slow": func(w *children.Worker) {
		w.Answer(func(item []uint64) {
			time.Sleep(5 * time.Millisecond)
			items.Change(item)
		})
	},
	"fail at the end": func(w *children.Worker) {
		item := []uint64{0}
		frame.Read(os.Stdin, frame.New(1), item)
		items.Change(item)
		frame.Write(os.Stdout, frame.New(1), item)
		io.Copy(io.Discard, os.Stdin)
		os.Exit(7)
	},
	"tell where gil waits": func(w *children.Worker) {
		go serveGIL(w)
		for stacks := make([]byte, 1<<16); ; {
			text := string(stacks[:runtime.Stack(stacks, true)])
			if strings.Contains(text, "AwaitSent") {
				os.Exit(map[bool]int{false: 1, true: 0}[strings.Contains(text, "gil.(*GIL).Blocking")])
			}
			runtime.Gosched()
		}
	},
	"tell processors": func(w *children.Worker) { os.Exit(runtime.GOMAXPROCS(0)) },
	"30 and no more": func(w *children.Worker) {
		answered := 0
		w.Answer(func(item []uint64) {
			if answered++; answered > 30 {
				childtest.KillItself()
			}
			items.Change(item)
		})
	},
	"killed at item 5": func(w *children.Worker) {
		w.Answer(func(item []uint64) {
			if item[0] == 5 {
				childtest.KillItself()
			}
			items.Change(item)
		})
	},
	"rubbish": func(w *children.Worker) {
		sent := w.AwaitSent(1)
		w.Queue.Slot(0)[0] = 4711
		w.Queue.Done.Store(sent)
		w.Queue.Answers.Ring()
		time.Sleep(time.Minute)
	},
	"unchanged": func(w *children.Worker) {
		w.Queue.Done.Store(w.AwaitSent(1))
		w.Queue.Answers.Ring()
		time.Sleep(time.Minute)
	},
	"21 and end": func(w *children.Worker) {
		answer21(w)
		os.Exit(7)
	},
	"21 and a wrong one": func(w *children.Worker) {
		answer21(w)
		answerNext(w, func(item []uint64) { item[0] = 4711 })
		time.Sleep(time.Minute)
	},
	"too many": func(w *children.Worker) {
		w.AwaitSent(1)
		w.Queue.Done.Store(1 << 40)
		w.Queue.Answers.Ring()
		time.Sleep(time.Minute)
	},
	"backwards": func(w *children.Worker) {
		backwards(w)
		time.Sleep(time.Minute)
	},
	"backwards and end": func(w *children.Worker) {
		backwards(w)
		os.Exit(7)
	},
	"a window and wrong ones": func(w *children.Worker) {
		afterAWindow(w, func(first uint64, answer func(from, to uint64)) { answer(first, first+w.Queue.Window) })
	},
	"a window and too many": func(w *children.Worker) {
		afterAWindow(w, func(uint64, func(from, to uint64)) { w.Queue.Done.Store(1 << 40) })
	},
	"a window and one": func(w *children.Worker) {
		afterAWindow(w, func(first uint64, answer func(from, to uint64)) {
			items.Change(w.Queue.Slot(first))
			answer(first, first+1)
		})
	},
	"keep lock": func(w *children.Worker) {
		if w.Index == w.Children-1 {
			w.Queue.Lock.Acquire(w.ID, 0)
		}
		time.Sleep(time.Minute)
	},
	"foreign lock": func(w *children.Worker) {
		w.AwaitSent(1) // else the parent would release the lock as its own
		w.Queue.Lock.Acquire(12345, 0)
		time.Sleep(time.Minute)
	},
	"state too high": func(w *children.Worker) {
		wanted := w.Queue.Batch - 1
		for w.Queue.Wanted.Load() != wanted { // else the parent may never want it
			time.Sleep(time.Millisecond)
		}
		stateAt(w.Queue, wanted).Store(stateOf(4711, stateAnswered))
		w.Queue.Answers.Ring()
		time.Sleep(time.Minute)
	},
	"take and sleep": func(w *children.Worker) {
		if w.Index == w.Children-1 {
			takeWhenSent(w, 0)
		}
		time.Sleep(time.Minute)
	},
	"half and wait": func(w *children.Worker) {
		q := w.Queue
		for done := uint64(0); ; {
			if w.AwaitSent(done + 1); done == q.Batch {
				w.AwaitSent(q.Window + 1)
			}
			q.Lock.Acquire(w.ID, 0)
			items.Change(q.Slot(done))
			done++
			q.Done.Store(done)
			q.Lock.Release()
			if done%q.Batch == 0 {
				q.Answers.Ring()
			}
		}
	},
	"a window at a time": func(w *children.Worker) {
		window := make([][1]uint64, 1024)
		for {
			for i := range window {
				w.ExitOn(frame.Read(os.Stdin, frame.New(1), window[i][:]))
			}
			for i := range window {
				items.Change(window[i][:])
				w.ExitOn(frame.Write(os.Stdout, frame.New(1), window[i][:]))
			}
		}
	},
	"frame wrong": func(w *children.Worker) {
		frame.Read(os.Stdin, frame.New(w.Words), make([]uint64, w.Words))
		frame.Write(os.Stdout, frame.New(w.Words), make([]uint64, w.Words))
		time.Sleep(time.Minute)
	},
	"answer unread": func(w *children.Worker) {
		os.Stdin.Read(make([]byte, 1)) // the first request is on its way, and the rest of it fills the pipe
		item := make([]uint64, w.Words)
		for i := range uint64(2) {
			items.Fill(item, i)
			items.Change(item)
			frame.Write(os.Stdout, frame.New(w.Words), item)
		}
		time.Sleep(time.Minute)
	},
	"frame long": func(w *children.Worker) {
		os.Stdout.WriteString("\xff\xff\xff\xff")
		time.Sleep(time.Minute)
	},
	"frame short": func(w *children.Worker) {
		os.Stdout.WriteString("\x00\x00\x00\x00")
		time.Sleep(time.Minute)
	},
	"gob of none":         func(w *children.Worker) { answerGob([]uint64{}) },
	"gob of two":          func(w *children.Worker) { answerGob([]uint64{^uint64(0), 0}) },
	"gob of text":         func(w *children.Worker) { answerGob("text") },
	"gob wrong":           func(w *children.Worker) { answerGob([]uint64{4711}) },
	"two gobs in a frame": func(w *children.Worker) { answerGob([]uint64{^uint64(0)}, []uint64{0}) },
	"half a frame": func(w *children.Worker) {
		os.Stdout.WriteString("\x00\x00\x00\x08abc")
		time.Sleep(time.Minute)
	},
	"half a frame and end": func(w *children.Worker) { os.Stdout.WriteString("\x00\x00\x00\x08abc") },
	"half a head and end":  func(w *children.Worker) { os.Stdout.WriteString("\x00\x00") },
	"die in an item":       dieInAnItem,
	"the last dies in an item": func(w *children.Worker) {
		if w.Index == w.Children-1 {
			dieInAnItem(w)
		}
		for w.Queue.Claimed.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		serveLocked(w)
	},
	"die in an own item": func(w *children.Worker) {
		dieOnce(&w.Queue.Wanted, &w.Queue.Claimed, func() {
			for seq := range w.AwaitSent(1) {
				item := w.Queue.Slot(seq)
				items.Change(item[:len(item)/2])
			}
		}, func() {
			time.Sleep(50 * time.Millisecond)
			serveLockFree(w)
		})
	},
	"die in a taken item": func(w *children.Worker) {
		dieOnce(&w.Queue.Torn, &w.Queue.Done, func() { takeHalf(w) }, func() { serveAtomic(w) })
	},
	"die with a claim": func(w *children.Worker) {
		dieOnce(&w.Queue.Torn, &w.Queue.Done, func() { w.Queue.Claimed.Add(1) }, func() { serveAtomic(w) })
	},
}

// dieInAnItem has a child of a row with locks die with the lock, in the middle of item 3.
func dieInAnItem(w *children.Worker) {
	q := w.Queue
	dieOnce(&q.Wanted, &q.Claimed, func() {
		w.AwaitSent(4)
		for {
			if abandoned, _ := q.Lock.Acquire(w.ID, 0); abandoned {
				panic("the lock was abandoned before a child died")
			}
			if q.Done.Load() == 3 {
				break
			}
			items.Change(q.Slot(q.Done.Load()))
			q.Done.Add(1)
			q.Lock.Release()
		}
		item := q.Slot(3)
		items.Change(item[:len(item)/2])
	}, func() { serveLocked(w) })
}

// answer21 answers the first 21 items rightly, in a row with or without locks or states.
func answer21(w *children.Worker) {
	for range 21 {
		answerNext(w, func(item []uint64) { items.Change(item) })
	}
}

// answerNext answers the next item with what change makes of it. Count, which these rows do
// not use, says which one that is.
func answerNext(w *children.Worker, change func(item []uint64)) {
	q := w.Queue
	seq := q.Count
	q.Count++
	if q.Stride > w.Words { // it has states
		takeWhenSent(w, seq)
		change(q.Slot(seq))
		stateAt(q, seq).Store(stateOf(seq, stateAnswered))
		q.Answers.Ring()
		return
	}
	w.AwaitSent(seq + 1)
	q.Lock.Acquire(w.ID, 0)
	change(q.Slot(seq))
	q.Done.Store(seq + 1)
	q.Lock.Release()
	q.Answers.Ring()
}

// answerGob answers with those values in one frame, whatever the request.
func answerGob(values ...any) {
	out := bytes.NewBuffer(frame.New(0)) // room for the head
	encoder := gob.NewEncoder(out)
	for _, v := range values {
		encoder.Encode(v)
	}
	frame.WriteBytes(os.Stdout, out.Bytes())
	time.Sleep(time.Minute)
}

// backwards answers rightly, and then takes its answers back.
func backwards(w *children.Worker) {
	sent := w.AwaitSent(1)
	for seq := range sent {
		items.Change(w.Queue.Slot(seq))
	}
	w.Queue.Done.Store(sent)
	w.Queue.Answers.Ring()
	w.AwaitSent(sent + 1)
	w.Queue.Done.Store(0)
}

// afterAWindow answers as many items as may be in flight, and waits until the parent has
// read the answers and sent as many items again. Then it calls fail with the first of
// these, and with a function that says which are answered. Of children that share a queue,
// only one does this.
func afterAWindow(w *children.Worker, fail func(first uint64, answer func(from, to uint64))) {
	q := w.Queue
	await := func(seq uint64) { w.AwaitSent(seq + 1) }
	answer := func(_, to uint64) { q.Done.Store(to) }
	if q.Stride > w.Words { // its slots have states
		await = func(seq uint64) { takeWhenSent(w, seq) }
		answer = func(from, to uint64) {
			for seq := to; seq > from; seq-- { // the parent reads them only when all are answered
				stateAt(q, seq-1).Store(stateOf(seq-1, stateAnswered))
			}
		}
	}
	if q.Claimed.Add(1) == 1 { // a word that the row does not use
		for seq := range q.Window {
			await(seq)
			items.Change(q.Slot(seq))
		}
		answer(0, q.Window)
		q.Answers.Ring()
		await(2*q.Window - 1)
		fail(q.Window, answer)
		q.Answers.Ring()
	}
	time.Sleep(time.Minute)
}

// dieOnce makes the first child that calls it call do and kill itself. All others,
// including the one that replaces it, serve after that. First and dead are two
// words that the row does not use.
func dieOnce(first, dead *atomic.Uint64, do, serve func()) {
	if first.Add(1) > 1 {
		for dead.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		serve()
	}
	do()
	dead.Store(1)
	time.Sleep(10 * time.Millisecond) // until the others wait
	childtest.KillItself()
}

// takeHalf takes item 3 of an atomic row and changes half of it.
func takeHalf(w *children.Worker) {
	q := w.Queue
	takeWhenSent(w, 3)
	item := q.Slot(3)
	items.Change(item[:len(item)/2])
}

// takeWhenSent takes an item of an atomic row, once it is sent.
func takeWhenSent(w *children.Worker, seq uint64) {
	for stateAt(w.Queue, seq).Load() != stateOf(seq, stateSent) {
		time.Sleep(time.Millisecond)
	}
	stateAt(w.Queue, seq).Store(stateOf(seq, stateTaken) | uint64(w.ID))
}

// beParent starts children, prints their pids, and waits to be killed.
func beParent() {
	name, how, _ := strings.Cut(os.Getenv(testParent), " ")
	if how == "with the program" {
		children.Program = childtest.Built
		fmt.Println("# children:", Children())
		path, _, _ := childtest.Built(children.Source)
		if again, _, err := childtest.Built(children.Source); again != path {
			panic(fmt.Sprintf("the program is built again: %s is not %s, %v", again, path, err))
		}
		all := rows()
		if self, _ := children.Self(); path == self { // which other tests run: a row of each table will do
			all = slices.DeleteFunc(all, func(r row) bool { return r.Serve == nil })
			all = slices.CompactFunc(all, func(a, b row) bool { return a.table == b.table })
		}
		for _, r := range all {
			p, err := r.Start(2, r.payload)
			if err != nil {
				panic(err)
			}
			if done, err := p.Run(10); done != 10 || err != nil {
				panic(fmt.Sprint(done, err))
			}
			p.Close()
		}
	}
	if how == "quietly" {
		children.OrphanSignal = 0
	}
	if how == "deleted" {
		os.Remove(os.Args[0])
	}
	p, err := named(name).Start(3, Word)
	if err != nil {
		panic(err)
	}
	if how == "deleted" {
		os.Exit(0)
	}
	for how == "starting" {
		p.Close()
		fmt.Println("started")
		if p, err = named(name).Start(3, Word); err != nil {
			panic(err)
		}
	}
	if how != "with the deaf" {
		p.Run(1000)
	}
	fmt.Println(p.Pids())
	time.Sleep(time.Minute)
}
