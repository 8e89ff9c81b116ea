//go:build unix && !linux

package procs

import "os"

func namelessFile() (*os.File, error) { return unlinkedFile() }
