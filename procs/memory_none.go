//go:build !unix

package procs

import (
	"errors"
	"fmt"
	"os"
)

func newMemory(int) (*os.File, []byte, error) {
	return nil, nil, fmt.Errorf("making shared memory: %w", errors.ErrUnsupported)
}

func mapMemory(*os.File, int) ([]byte, error) {
	return nil, fmt.Errorf("mapping shared memory: %w", errors.ErrUnsupported)
}

func unmapMemory([]byte) error { return nil }
