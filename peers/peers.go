// Package peers does the jobs of the suite with the best libraries for Go that we found,
// and with tricks of a few lines. It is a module of its own, so that the suite depends on
// none of them.
//
// A peer is a row, as a variant of the suite is, and the same harness measures both. A
// peer is made inside its benchmark, after -cpu took effect, and a wrong or missing
// answer fails the benchmark. The commands
//
//	make peers                                  # in the root of the suite
//	go test -bench Loop -cpu 1,2                # in this folder
//
// measure both kinds of rows, sync= for the suite's and peer= for the others. The first
// also prints a table for each job, ours first.
//
// A job takes from the suite the rows that a program would choose. It leaves out the rows that
// others are compared with (serial), models of CPython (gil), lessons (cas, false-sharing, buffered, ping),
// ceilings (private, where it does less than the job), and rows that do the same as another
// one here and are slower (thread in Await; sharded-lock, atomic and executor in AsyncIO;
// channel in the lab and in Procs).
//
// # What a figure does not say
//
// Peers promise different things. A striped counter (xsync, crsync, tailscale) can be
// added to without a number of the worker, which Loop's lock-free row needs. A pool of
// goroutines without a bound (gopool, pond) lets its queue grow, where ours hold 1024
// tasks. Peers that count references do not detect a use after free. The comment of each
// peer says what else differs.
//
// # Left out
//
//	cespare/percpu, go-adder, tunny, tcard/coro,    the module proxy does not serve them
//	stealthrocket/coroutine, ZenQ, gnet, nbio,
//	shmipc-go, exascience/pargo, hybscloud/lfq
//	zhangyunhao116/lscq                             it is part of bytedance/gopkg, which is here
//	orcaman/concurrent-map                          no release since 2022, and slower than sync.Map
//	uber/atomic, VictoriaMetrics, OpenTelemetry     their counter is one atomic word: the row atomic
//	cloudwego/netpoll                               a library for servers, and AsyncIO measures clients
//	moby/sys/reexec, edsrzf/mmap-go                 no hand-over of items
//	errgroup                                        has rows in WorkerPool itself, and is here in ForkJoin
package peers

import (
	"fmt"
	"slices"

	"boundaries/internal/suite"
)

// A Job is a benchmark that the suite and its peers do.
type Job struct {
	Ours  suite.Workload
	Rows  []string // of Ours that are measured
	Peers suite.Workload
}

// Jobs returns all jobs, in the order of the output.
func Jobs() []Job {
	return slices.Concat([]Job{counters, totals}, references, pools, []Job{forks, queues, switches, clients, readLocks, maps, children})
}

// Workloads returns the job's rows of both kinds, ours first. It panics if one of Rows
// is missing.
func (j Job) Workloads() [2]suite.Workload {
	ours := j.Ours
	ours.Benches = nil
	for _, name := range j.Rows {
		i := slices.IndexFunc(j.Ours.Benches, func(b suite.Bench) bool { return b.Name == name })
		if i < 0 {
			panic(fmt.Sprintf("peers: %s has no row %s", j.Ours.Name, name))
		}
		ours.Benches = append(ours.Benches, j.Ours.Benches[i])
	}
	return [2]suite.Workload{ours, j.Peers}
}
