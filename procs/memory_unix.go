//go:build unix

package procs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newMemory returns a file of that size which has no name, and its memory.
func newMemory(size int) (*os.File, []byte, error) {
	file, err := namelessFile()
	if err != nil {
		return nil, nil, fmt.Errorf("making shared memory: %w", err)
	}
	if err := file.Truncate(int64(size)); err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("making %d bytes of shared memory: %w", size, err)
	}
	memory, err := mapMemory(file, size)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, memory, nil
}

// mapMemory returns the memory of a file, which may be closed then.
func mapMemory(file *os.File, size int) ([]byte, error) {
	memory, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes of shared memory: %w", size, err)
	}
	return memory, nil
}

func unmapMemory(memory []byte) error { return unix.Munmap(memory) }

// unlinkedFile returns an empty file, mode 0600, whose name is gone already.
func unlinkedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "boundaries-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
