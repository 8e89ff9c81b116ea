//go:build !unix && !windows

package cputime

import (
	"errors"
	"time"
)

// Used returns an error that wraps errors.ErrUnsupported: this platform does not
// tell how much processor time a process has used.
func Used(...int) (time.Duration, error) {
	return 0, errors.ErrUnsupported
}
