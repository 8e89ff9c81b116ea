package peers

import (
	"strings"
	"testing"
	"time"

	"boundaries/asyncio"
)

// A row of a peer is right in the second run of a session, too.
func TestPeersAreRight(t *testing.T) {
	t.Setenv(asyncio.Address, "")
	for _, job := range Jobs() {
		for _, b := range job.Peers.Benches {
			s, err := b.Open(2)
			if err != nil {
				t.Fatalf("%s: %s: %v", job.Ours.Name, b.Name, err)
			}
			for _, n := range []int{5, 3} {
				s.Run(n)
				if err := s.Check(n); err != nil {
					t.Errorf("%s: %s: %v", job.Ours.Name, b.Name, err)
				}
			}
			if s.Close != nil {
				if err := s.Close(); err != nil {
					t.Errorf("%s: %s: %v", job.Ours.Name, b.Name, err)
				}
			}
		}
	}
}

// A run ends when its last task has ended, and not when that has begun, and a task takes the
// time of its kind. No processor computes a task=1us in less than 0.2 us.
func TestPoolsTakeTheTimeOfTheirTasks(t *testing.T) {
	for _, test := range []struct {
		task  string
		n     int
		least time.Duration
	}{{"1us", 10_000, 2 * time.Millisecond}, {"io", 1, time.Millisecond}} {
		for _, job := range Jobs() {
			for _, b := range job.Peers.Benches {
				if !strings.HasSuffix(job.Ours.Name, "task="+test.task) {
					continue
				}
				s, err := b.Open(1)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				s.Run(test.n)
				if took := time.Since(began); took < test.least {
					t.Errorf("%s: %s: %d tasks took %v", job.Ours.Name, b.Name, test.n, took)
				}
				if err := s.Check(test.n); err != nil {
					t.Errorf("%s: %s: %v", job.Ours.Name, b.Name, err)
				}
			}
		}
	}
}

// The suite's rows would ask another database than the peers.
func TestPeersRefuseAnotherDatabase(t *testing.T) {
	t.Setenv(asyncio.Address, "localhost:6379")
	for _, b := range clients.Peers.Benches {
		if _, err := b.Open(1); err == nil || !strings.Contains(err.Error(), "unset "+asyncio.Address) {
			t.Errorf("%s: got %v", b.Name, err)
		}
	}
}
