package contention_test

import (
	"runtime"
	"sync/atomic"

	"boundaries/contention"
)

// A spinLock stands for a structure of your own. To measure yours, copy this file
// to contention/mine_test.go, and replace spin and Spin everywhere in it by a name
// of your own. Then
//
//	go test -run Right/record ./contention
//	go test -bench . -cpu 1,2 -count 6 ./contention -args -own -hold 300ns -read 95 | tee mine.txt
//	go tool boundaries map mine.txt
//
// tests it on 1 to 9 goroutines and ranks it among the others for your case.
type spinLock struct{ held atomic.Bool }

func (l *spinLock) Lock() {
	for !l.held.CompareAndSwap(false, true) {
		runtime.Gosched()
	}
}

func (l *spinLock) Unlock() { l.held.Store(false) }

func init() {
	add("record", contention.Variant{Name: "spin-lock", Run: runSpinLock, Forbids: "sleeping while others wait"})
}

func runSpinLock(t *contention.Trial) (updates int) {
	var lock spinLock
	records := make([]contention.Record, t.Case.Records)
	t.Fork(func(w *contention.Worker) { // calls this function on every goroutine
		for w.Next() { // thinks, and sets Update and Record
			lock.Lock()
			if w.Update {
				w.Change(&records[w.Record]) // with the work of hold
			} else {
				w.See(&records[w.Record]) // with the work of hold
			}
			lock.Unlock()
			w.Done()
		}
	})
	return contention.Total(records) // a lost update fails the row
}
