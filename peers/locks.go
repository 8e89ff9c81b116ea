package peers

import (
	"fmt"
	"hash/maphash"

	"github.com/bytedance/gopkg/lang/syncx"
	"github.com/puzpuzpuz/xsync/v4"
	"tailscale.com/syncs"

	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/internal/suite"
)

// readLocks are the peers of the lab's shape=record: locks for data that are mostly read.
var readLocks = lab("record", contention.Default, contention.Variants,
	[]string{"global-mutex", "rw-mutex", "sharded-lock", "big-reader-lock", "atomic", "lock-free"},
	[]contention.Variant{
		{Name: "xsync", Run: runRBMutex},
		{Name: "syncx", Run: runSyncx},
	})

// maps are the peers of the lab's shape=map.
var maps = lab("map", config.Default, config.Variants,
	[]string{"global-mutex", "rw-mutex", "sharded-lock", "sync-map", "copy-on-write"},
	[]contention.Variant{
		{Name: "xsync", Run: runXsyncMap},
		{Name: "tailscale", Run: runShardedMap},
	})

func lab(shape string, c contention.Case, ours []contention.Variant, rows []string, peers []contention.Variant) Job {
	job := Job{Ours: c.Workload(shape, ours), Rows: rows, Peers: c.Workload(shape, peers)}
	job.Peers.Key = "peer"
	for _, w := range []suite.Workload{job.Ours, job.Peers} {
		for i, b := range w.Benches {
			w.Benches[i].Open = func(workers int) (suite.Session, error) {
				s, err := b.Open(workers)
				s.Metrics = nil // only the lab reports waits and shares
				return s, err
			}
		}
	}
	return job
}

// newRecords returns records that share no cache line, each in the middle of memory of
// its own.
func newRecords(t *contention.Trial) []*contention.Record {
	records := make([]*contention.Record, t.Case.Records)
	for i := range records {
		records[i] = &new([16]contention.Record)[8]
	}
	return records
}

func total(records []*contention.Record) int {
	all := make([]contention.Record, len(records))
	for i, r := range records {
		all[i] = *r
	}
	return contention.Total(all)
}

// runRBMutex guards all records with a reader-biased lock of xsync, an implementation of
// BRAVO (Dice and Kogan, ATC 2019). Its RLock returns a token, which RUnlock takes.
func runRBMutex(t *contention.Trial) int {
	mu := xsync.NewRBMutex()
	records := newRecords(t)
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				mu.Lock()
				w.Change(records[w.Record])
				mu.Unlock()
			} else {
				token := mu.RLock()
				w.See(records[w.Record])
				mu.RUnlock(token)
			}
			w.Done()
		}
	})
	return total(records)
}

// runSyncx guards all records with a lock of bytedance for each P. NewRWMutex would make as
// many parts as GOMAXPROCS was when the program started, whatever -cpu says.
func runSyncx(t *contention.Trial) int {
	mu := make(syncx.RWMutex, t.Procs)
	records := newRecords(t)
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				mu.Lock()
				w.Change(records[w.Record])
				mu.Unlock()
			} else {
				reader := mu.RLocker()
				reader.Lock()
				w.See(records[w.Record])
				reader.Unlock()
			}
			w.Done()
		}
	})
	return total(records)
}

// runXsyncMap keeps records that do not change in a map of xsync. An update locks a bucket
// of the map.
func runXsyncMap(t *contention.Trial) int {
	keys := configKeys(t.Case.Records)
	m := xsync.NewMap[string, *contention.Record]()
	for _, key := range keys {
		m.Store(key, new(contention.Record))
	}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				m.Compute(keys[w.Record], func(old *contention.Record, _ bool) (*contention.Record, xsync.ComputeOp) {
					changed := *old
					w.Change(&changed)
					return &changed, xsync.UpdateOp
				})
			} else {
				record, _ := m.Load(keys[w.Record])
				w.See(record)
			}
			w.Done()
		}
	})
	var last []*contention.Record
	for _, record := range m.All() {
		last = append(last, record)
	}
	return total(last)
}

// runShardedMap keeps records that do not change in a map of tailscale, which has a mutex
// for each of 64 shards.
func runShardedMap(t *contention.Trial) int {
	const shards = 64
	keys, seed := configKeys(t.Case.Records), maphash.MakeSeed()
	m := syncs.NewShardedMap[string, *contention.Record](shards, func(key string) int {
		return int(maphash.String(seed, key) % shards)
	})
	for _, key := range keys {
		m.Set(key, new(contention.Record))
	}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				m.Mutate(keys[w.Record], func(old *contention.Record, _ bool) (*contention.Record, bool) {
					changed := *old
					w.Change(&changed)
					return &changed, true
				})
			} else {
				w.See(m.Get(keys[w.Record]))
			}
			w.Done()
		}
	})
	var last []*contention.Record
	for _, key := range keys {
		last = append(last, m.Get(key))
	}
	return total(last)
}

// configKeys returns the keys of the suite's map.
func configKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("service.option.%05d", i)
	}
	return keys
}
