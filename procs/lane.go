package procs

import (
	"errors"
	"fmt"
	"time"
)

var (
	errWrong   = errors.New("the answer is wrong")
	errUnasked = errors.New("it answers what it has not read")
)

// await returns q.done when it is at least target. If the child dies first, its
// unanswered items are written again and given to another; got is how far the
// parent has read. For queues that belong to one child.
func (l *lane) await(got, target uint64) (uint64, error) {
	q := l.queue
	var began time.Time
	for !spin(l.pool.spinning, &q.done, target) {
		c := l.child.Load()
		if c.dead.Load() {
			// What it wrote last is visible, since it has been waited for,
			// and may be the answer.
			done := q.done.Load()
			if done < got || done >= target {
				break
			}
			err := l.revive(l.item(done), func() {
				for seq := done; seq < l.sent; seq++ {
					fill(q.slot(seq), seq)
				}
			})
			if err != nil {
				return 0, err
			}
			began = time.Time{}
			continue
		}
		if began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > l.pool.Patience {
			return 0, l.fault(l.item(q.done.Load()), fmt.Errorf("no answer for %v", l.pool.Patience))
		}
		q.answers.sleep(l.pool.Patience, func() bool {
			return q.done.Load() >= target || c.dead.Load()
		})
	}
	done := q.done.Load()
	if done < got || done > l.sent {
		return 0, l.fault(l.item(got), fmt.Errorf("it claims %d answers of %d to %d", done, got, l.sent))
	}
	return done, nil
}
