package spawn

import (
	"time"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/items"
)

// runWarmProcess hands an item to a child that sleeps, and waits for its answer.
// This is what forkserver and process pools are for.
//
// Cost: two messages through pipes, and two wake-ups.
// Progress: blocking.
func runWarmProcess(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		item, buffer := make([]uint64, p.Words), frame.New(p.Words)
		for got := 0; got < n; {
			c := l.Child()
			items.Fill(item, uint64(got))
			c.Out.SetReadDeadline(time.Now().Add(p.Patience))
			err := frame.Write(c.In, buffer, item)
			if err == nil {
				err = frame.Read(c.Out, buffer, item)
			}
			if err == nil && !items.Right(item, uint64(got)) {
				err = items.ErrWrong
			}
			if err == nil {
				got++
				continue
			}
			fault := l.Fault(got*len(p.Lanes)+l.Index, err)
			if fault.Signal == nil {
				return got, fault
			}
			if err := l.Revive(fault.Item); err != nil {
				return got, err
			}
		}
		return n, nil
	})
}

func serveWarmProcess(w *children.Worker) {
	w.Answer(func(item []uint64) {
		if number := item[0]; !items.Change(item) {
			w.ExitTorn(number)
		}
	})
}
