//go:build !unix

package shm

import (
	"errors"
	"fmt"
	"os"
)

// New returns an error that wraps errors.ErrUnsupported.
func New(int) (*os.File, []byte, error) {
	return nil, nil, fmt.Errorf("making shared memory: %w", errors.ErrUnsupported)
}

// Map returns an error that wraps errors.ErrUnsupported.
func Map(*os.File, int) ([]byte, error) {
	return nil, fmt.Errorf("mapping shared memory: %w", errors.ErrUnsupported)
}

// Unmap does nothing: there is no shared memory here.
func Unmap([]byte) error { return nil }
