//go:build !unix

package children

import "os"

// SignalOf returns nil: no signal kills a process here.
func SignalOf(*os.ProcessState) os.Signal { return nil }
