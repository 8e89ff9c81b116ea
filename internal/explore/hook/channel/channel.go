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
	explore.Before(explore.Op{Name: "receive", Word: word(c), Enabled: func(int) bool { return readable(c) }})
	v, ok = <-c
	explore.After(true)
	return v, ok
}

// Send is c <- v.
func Send[T any](c chan T, v T) {
	explore.Before(explore.Op{Name: "send", Word: word(c), Enabled: func(int) bool { return len(c) < cap(c) }})
	c <- v
	explore.After(true)
}

// TrySend is Send if the channel has room. It reports whether it was.
func TrySend[T any](c chan T, v T) bool {
	explore.Before(explore.Op{Name: "send", Word: word(c)})
	ok := false
	select {
	case c <- v:
		ok = true
	default:
	}
	explore.After(ok, explore.Returns, explore.Bool(ok))
	return ok
}

// Close is close(c).
func Close[T any](c chan T) {
	explore.Before(explore.Op{Name: "close", Word: word(c), Apply: func(int) { explore.Close(word(c)) }})
	close(c)
	explore.After(true)
}
