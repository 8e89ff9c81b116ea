//go:build race

package systems

// underRace says that the race detector watches, and everything is slow.
const underRace = true
