//go:build unix && !linux

package cputime

import (
	"errors"
	"time"
)

func usedBy(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
