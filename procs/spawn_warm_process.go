package procs

import "time"

// runSpawnWarmProcess hands work to a child that waits asleep, and hears its
// answer, which is what forkserver and process pools are for. It pays for two
// messages through pipes and two wake-ups. Blocking.
func runSpawnWarmProcess(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		item, buffer := make([]uint64, p.words), newFrame(p.words)
		for got := 0; got < n; {
			c := l.child.Load()
			fill(item, uint64(got))
			c.out.SetReadDeadline(time.Now().Add(p.Patience))
			err := writeFrame(c.in, buffer, item)
			if err == nil {
				err = readFrame(c.out, buffer, item)
			}
			if err == nil && !right(item, uint64(got)) {
				err = errWrong
			}
			if err == nil {
				got++
				continue
			}
			fault := l.fault(got*len(p.lanes)+l.index, err)
			if fault.Signal == nil {
				return got, fault
			}
			if err := l.revive(fault.Item, func() {}); err != nil {
				return got, err
			}
		}
		return n, nil
	})
}

func serveSpawnWarmProcess(w *worker) { servePipe(w) }
