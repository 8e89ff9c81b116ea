//go:build !race

package boundaries_test

// raceDetector reports whether this binary, and so its children, have the race
// detector.
const raceDetector = false
