//go:build !race

package explore

func raceIgnore()            {}
func raceResume()            {}
func raceAcquire(*byte)      {}
func raceReleaseMerge(*byte) {}
func raceErrors() int        { return 0 }
