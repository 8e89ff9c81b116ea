package shm

import (
	"os"

	"golang.org/x/sys/unix"
)

// namelessFile returns an empty file in memory, or on disk if the kernel makes
// none in memory.
func namelessFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("boundaries", unix.MFD_CLOEXEC)
	if err != nil {
		return unlinkedFile()
	}
	file := os.NewFile(uintptr(fd), "memfd:boundaries")
	if err := file.Chmod(0o600); err != nil { // the kernel makes it with 0777
		file.Close()
		return nil, err
	}
	return file, nil
}
