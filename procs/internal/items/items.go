// Package items makes requests and answers that show whether they are whole.
//
// An item is words of memory. The words of a request count up from the item's
// number. The answer is the request with all bits of each word inverted. So a
// child sees whether a request is whole, and the parent sees which request an
// answer belongs to. An item that no child changed, or that two children changed,
// is no answer.
package items

import (
	"errors"

	"boundaries/internal/race"
)

// ErrWrong is the error for an item that is not the answer to its request.
var ErrWrong = errors.New("the answer is wrong, want every word of the request inverted")

// Fill writes the request with that number.
func Fill(item []uint64, number uint64) {
	for i := range item {
		item[i] = number + uint64(i)
	}
}

// Spoil makes Change give a wrong answer. Tests set it. Change reads it only in a binary with
// the race detector, so that a benchmark does not.
var Spoil bool

// Change turns a request into its answer, and reports whether the request was
// whole.
func Change(item []uint64) bool {
	first, wrong := item[0], uint64(0)
	for i, v := range item {
		wrong |= v ^ (first + uint64(i))
		item[i] = ^v
	}
	if race.Enabled && Spoil {
		item[0]++
	}
	return wrong == 0
}

// Check returns ErrWrong if the item is not the answer to the request with that
// number.
func Check(item []uint64, number uint64) error {
	if !Right(item, number) {
		return ErrWrong
	}
	return nil
}

// Right reports whether the item is the answer to the request with that number.
func Right(item []uint64, number uint64) bool {
	wrong := uint64(0)
	for i, v := range item {
		wrong |= ^v ^ (number + uint64(i))
	}
	return wrong == 0
}
