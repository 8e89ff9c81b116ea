// Package channel has the operations of channels as functions. Each ends a step. A
// channel that is sent to must be buffered.
package channel

import (
	"unsafe"

	"boundaries/internal/explore"
)

func word[T any](c <-chan T) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&c)) }

func readable[T any](c <-chan T) bool {
	return c != nil && (len(c) > 0 || explore.Closed(word(c)))
}

// Receive is <-c.
func Receive[T any](c <-chan T) T {
	v, _ := Receive2(c)
	return v
}

// Receive2 is v, ok := <-c.
func Receive2[T any](c <-chan T) (v T, ok bool) {
	explore.Before(explore.Op{Name: "Receive", Word: word(c), Enabled: func(int) bool { return readable(c) }})
	v, ok = <-c
	explore.After(true)
	return v, ok
}

// Send is c <- v.
func Send[T any](c chan T, v T) {
	explore.Before(explore.Op{Name: "Send", Word: word(c), Enabled: func(int) bool { return len(c) < cap(c) }})
	c <- v
	explore.After(true)
}

// A Case is a case of a select.
type Case struct {
	word  unsafe.Pointer
	ready func() bool
	do    func() bool // reports false if it would block
}

// ToReceive is the case of <-c.
func ToReceive[T any](c <-chan T) Case {
	return Case{word(c), func() bool { return readable(c) }, func() bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}}
}

// ToSend is the case of c <- v.
func ToSend[T any](c chan T, v T) Case {
	return Case{word(c), func() bool { return len(c) < cap(c) }, func() bool {
		select {
		case c <- v:
			return true
		default:
			return false
		}
	}}
}

// Select is a select of one case, with or without a default, or of two cases without a
// default. It returns the case that it has chosen, or -1. If two cases are ready, the
// exploration tries both.
func Select(otherwise bool, cases ...Case) int {
	op := explore.Op{Name: "Select", Ways: len(cases), Word: cases[0].word}
	if len(cases) > 1 {
		op.Also = cases[1].word
	}
	op.Enabled = func(way int) bool { return cases[way].ready() }
	if otherwise {
		if len(cases) > 1 {
			panic("channel: a select of two cases and a default has no hook")
		}
		op.Enabled = nil
	}
	way := explore.Before(op)
	ok := cases[way].do()
	if !ok {
		way = -1
	}
	explore.After(ok, explore.Returns, explore.Int(way))
	return way
}

// Close is close(c).
func Close[T any](c chan T) {
	explore.Before(explore.Op{Name: "Close", Word: word(c), Apply: func(int) { explore.Close(word(c)) }})
	close(c)
	explore.After(true)
}
