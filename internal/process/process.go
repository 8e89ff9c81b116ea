// Package process ends commands together with every process that they have started.
package process

import (
	"fmt"
	"os"
)

// Room returns why a megabyte cannot be written to the folder, or nil. A command whose
// output goes to a file in a full folder fails without a word, and may remove files when
// it fails.
func Room(folder string) error {
	f, err := os.CreateTemp(folder, "room-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 1<<20))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%w; want room there, or another TMPDIR", err)
	}
	return nil
}
