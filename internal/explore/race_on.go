//go:build race

package explore

import (
	"runtime"
	"unsafe"
)

// raceIgnore and raceResume enclose what synchronizes the explorer with an actor and
// must not count for the race detector.

func raceIgnore() { runtime.RaceDisable() }
func raceResume() { runtime.RaceEnable() }

func raceAcquire(at *byte)      { runtime.RaceAcquire(unsafe.Pointer(at)) }
func raceReleaseMerge(at *byte) { runtime.RaceReleaseMerge(unsafe.Pointer(at)) }
func raceErrors() int           { return runtime.RaceErrors() }
