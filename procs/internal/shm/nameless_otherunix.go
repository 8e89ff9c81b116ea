//go:build unix && !linux

package shm

import "os"

func namelessFile() (*os.File, error) { return unlinkedFile() }
