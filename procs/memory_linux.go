package procs

import (
	"os"

	"golang.org/x/sys/unix"
)

// namelessFile returns an empty file in memory, or where the kernel refuses one,
// on disk.
func namelessFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("boundaries", unix.MFD_CLOEXEC)
	if err != nil {
		return unlinkedFile()
	}
	file := os.NewFile(uintptr(fd), "memfd:boundaries")
	if err := file.Chmod(0o600); err != nil { // a memfd is made with 0777
		file.Close()
		return nil, err
	}
	return file, nil
}
