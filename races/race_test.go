//go:build race

package races

// Each try takes ten times as long with the race detector.
func init() { safeTries = 10_000 }
