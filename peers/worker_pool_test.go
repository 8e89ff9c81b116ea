package peers

import (
	"testing"
	"time"

	ours "boundaries/workerpool"
)

// A run ends when its last task has ended, and not when that has begun.
func TestPoolsWaitForTasksThatSleep(t *testing.T) {
	for _, b := range poolsFor("io", ours.IO).Peers.Benches {
		s, err := b.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s.Run(1)
		if took := time.Since(began); took < time.Millisecond {
			t.Errorf("%s: a task that sleeps for 1ms took %v", b.Name, took)
		}
		if err := s.Check(1); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
	}
}
