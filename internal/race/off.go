//go:build !race

// Package race says whether the race detector watches this program.
package race

// Enabled reports whether the program was built with -race. Everything is slower
// then, and a test that judges speed or counts allocations must make allowance.
const Enabled = false
