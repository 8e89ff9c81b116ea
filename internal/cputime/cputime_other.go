//go:build !unix && !windows

package cputime

import (
	"errors"
	"time"
)

// Used returns errors.ErrUnsupported: this platform does not report processor time.
func Used(...int) (time.Duration, error) {
	return 0, errors.ErrUnsupported
}
