//go:build !systemscount

package systems

// counting says whether the systems count what they do. It is a constant, so that
// a benchmark contains no trace of the counting.
const counting = false
