//go:build !darwin

package noise

import "os"

// systemProcessor is for systems without /proc/cpuinfo. Windows has the numbers in
// an environment variable.
func systemProcessor() string { return os.Getenv("PROCESSOR_IDENTIFIER") }
