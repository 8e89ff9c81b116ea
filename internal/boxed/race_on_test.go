//go:build race

package boxed

// underRace says that the race detector watches, and everything is slow.
const underRace = true
