//go:build unix

package shm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// New returns memory of that size in bytes, all zero, and the file that it is
// mapped from. The file has no name, and only this user may open it.
func New(size int) (*os.File, []byte, error) {
	file, err := namelessFile()
	if err != nil {
		return nil, nil, fmt.Errorf("making shared memory: %w", err)
	}
	if err := file.Truncate(int64(size)); err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("making %d bytes of shared memory: %w", size, err)
	}
	memory, err := Map(file, size)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, memory, nil
}

// Map returns the first size bytes of a file as shared memory. The memory stays
// when the file is closed.
func Map(file *os.File, size int) ([]byte, error) {
	memory, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes of shared memory: %w", size, err)
	}
	return memory, nil
}

// Unmap gives shared memory back.
func Unmap(memory []byte) error { return unix.Munmap(memory) }

// unlinkedFile returns an empty file of mode 0600 whose name is already removed.
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
