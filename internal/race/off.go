//go:build !race

// Package race tells whether this program is built with the race detector.
package race

// Enabled reports whether the program is built with the race detector.
const Enabled = false
