//go:build race

package procs

// Children start ten times as slowly with the race detector.
func init() { manyKills = 20 }
