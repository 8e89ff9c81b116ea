// Package process ends commands together with every process that they have started.
package process

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// TempDir returns the folder for temporary programs, as the go command chooses it. A user
// whose temporary directory forbids programs, or is small, sets GOTMPDIR, perhaps with
// go env -w.
func TempDir() string {
	if own := os.Getenv("GOTMPDIR"); own != "" {
		return own
	}
	own, _ := exec.Command("go", "env", "-json=false", "GOTMPDIR").Output()
	return cmp.Or(strings.TrimSpace(string(own)), os.TempDir())
}

// RemoveAll removes a folder and what is in it. A killed benchmark may leave read-only
// folders, such as those of a module cache.
func RemoveAll(folder string) error {
	if os.RemoveAll(folder) == nil {
		return nil
	}
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(folder)
}

// Room returns why a megabyte cannot be written to the folder, or nil. If a command's
// output goes to a file in a full folder, the command fails without a word. Room may
// return nil although the folder was full: when a command fails, it may remove its own
// files.
func Room(folder string) error {
	f, err := os.CreateTemp(folder, "room-")
	if err == nil {
		defer os.Remove(f.Name())
		_, err = f.Write(make([]byte, 1<<20))
		err = cmp.Or(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("%w; want room there, or temporary files elsewhere (TMPDIR, or TMP on Windows)", err)
	}
	return nil
}
