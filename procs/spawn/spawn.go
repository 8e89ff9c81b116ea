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

// Workload returns the rows.
func Workload(name string) suite.Workload {
	return children.Workload(name, "start", "procs/spawn", Variants, children.None)
}
