// Package python tests the scripts of this folder, which measure the same workloads on
// CPython.
package python
