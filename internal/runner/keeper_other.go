//go:build !unix

package runner

import (
	"os"
	"os/exec"
)

// A keeper removes the folder. On this system, nothing removes it if this process is
// killed.
type keeper struct{ folder string }

func keep(folder string) (*keeper, error) { return &keeper{folder}, nil }

func (k *keeper) started(int) {}

func (k *keeper) end() { _ = os.RemoveAll(k.folder) }

func detach(*exec.Cmd) {}

func lock(*os.File) error { return nil }
