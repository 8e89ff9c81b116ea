//go:build race

// Package race tells whether the program was built with the race detector.
package race

// Enabled reports whether this program was built with go build -race.
const Enabled = true
