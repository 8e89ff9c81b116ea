// Package spawn starts and ends goroutines, threads and processes. It measures the
// article's sentence that a thread starts in about 100 µs and a process in about
// 50 ms.
//
// A step starts a goroutine, a thread or a process, which does nothing, and waits
// until it has ended. A goroutine or a thread reports just before it ends, so its end
// may overlap the next start. All the time goes to starting and ending. In the row
// warm-process the child lives on: a step sends it one item and waits for the answer.
// Each worker takes its own steps and shares nothing with the others.
//
// What a process costs is mostly the kernel's work and that of Go's runtime.
// Package procs says which program a child is.
//
// # What Python does
//
// multiprocessing starts a child in one of three ways. fork copies the process as
// it is, in one to a few milliseconds. Code block 5.1 used it on Linux, and it is the
// source of the article's deadlocks: only the forking thread exists in the
// child, where the locks that other threads held stay locked forever. spawn starts
// a new interpreter and sends it what it needs: the article's 50 ms. forkserver
// forks from a process with a single thread, and is Linux's default since 3.14. Go can
// only spawn: its runtime has threads of its own and cannot be forked without an
// exec. So it has none of fork's deadlocks, and none of its speed. The row
// warm-process is the nearest to forkserver.
package spawn

import (
	"boundaries/internal/suite"
	"boundaries/procs/internal/children"
)

// Variants lists what can be started, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = children.Table("spawn", "procs/spawn/internal/child",
	children.Variant{Name: "goroutine", Run: runGoroutine},
	children.Variant{Name: "thread", Run: runThread},
	children.Variant{Name: "process", Serve: serveProcess, Run: runProcess},
	children.Variant{Name: "warm-process", Medium: children.Pipes, Crew: children.Each, Serve: serveWarmProcess, Run: runWarmProcess},
)

// Workload returns the benchmark of that name: the variants as rows.
func Workload(name string) suite.Workload {
	return children.Workload(name, "start", "procs/spawn", Variants, children.None)
}
