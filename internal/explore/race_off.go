//go:build !race

package explore

// RaceDetector reports whether the race detector watches the orders.
const RaceDetector = false

func raceIgnore()            {}
func raceHeed()              {}
func raceAcquire(*byte)      {}
func raceReleaseMerge(*byte) {}
func raceErrors() int        { return 0 }
