//go:build !unix

package procs

import "os"

// signalOf returns nil: processes are not killed by signals here.
func signalOf(*os.ProcessState) os.Signal { return nil }
