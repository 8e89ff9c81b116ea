// Package process ends commands together with every process that they have started.
package process

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// TempDir returns the folder for temporary programs, as the go command chooses it. A user
// whose temporary directory forbids programs, or is small, sets GOTMPDIR, perhaps with
// go env -w.
func TempDir() string {
	own, _ := exec.Command("go", "env", "-json=false", "GOTMPDIR").Output()
	return cmp.Or(strings.TrimSpace(string(own)), os.TempDir())
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
