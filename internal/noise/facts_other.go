//go:build !darwin

package noise

import "os"

// systemProcessor is for systems without /proc/cpuinfo. Windows has the numbers in a
// variable.
func systemProcessor() string { return os.Getenv("PROCESSOR_IDENTIFIER") }
