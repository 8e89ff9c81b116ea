package children

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// An Error says which child failed, and at what. The errors of Run and Close hold
// one for each child that failed, for errors.As to find.
type Error struct {
	Child  int // counted from 0
	Pid    int
	Signal os.Signal // that killed the child; nil if none did

	// Item is the number in the run of the first item that the child had not
	// answered, or -1. In procs/fib an item is a batch: batch b of child c has
	// the number b times the number of children, plus c.
	Item int

	Err error
}

func (e *Error) Error() string {
	if e.Item < 0 {
		return fmt.Sprintf("procs: child %d (pid %d) without an item: %v", e.Child, e.Pid, e.Err)
	}
	return fmt.Sprintf("procs: child %d (pid %d) at item %d: %v", e.Child, e.Pid, e.Item, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// errEnded is the error of a child that has ended by itself.
var errEnded = errors.New("it ended, want it to serve until its parent ends it")

// errFailed is the error of a child that has not ended well when its parent ended it.
var errFailed = errors.New("it failed at its end, want status 0")

// Silence returns the error of a child that has not answered in time.
func Silence(patience time.Duration) error { return fmt.Errorf("no answer for %v", patience) }

// Claims returns the error of children that say they have answered the items
// before done, although the parent has read those before got and sent those before
// sent.
func Claims(done, got, sent uint64) error {
	return fmt.Errorf("it claims %d answers, want %d to %d", done, got, sent)
}

// ErrBroken is the error of Run on a pool that is closed, or in which a child was
// broken.
var ErrBroken = errors.New("procs: the pool is closed or broken, want one that is neither")

// ErrUnasked is the error of a child that answers an item before the parent has sent
// all of it.
var ErrUnasked = errors.New("it answered the item before it was sent")
