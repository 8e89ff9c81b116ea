package runner

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/windows"
)

func detach(*exec.Cmd) {}

// lock returns an error if another process has locked the file. The lock ends with the
// process. File systems without locks are no error. Windows keeps others from reading
// the bytes that are locked, so lock takes a byte far behind the last one.
func lock(file *os.File) error {
	far := &windows.Overlapped{Offset: ^uint32(0), OffsetHigh: 1<<31 - 1}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, far)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return err
	}
	return nil
}
