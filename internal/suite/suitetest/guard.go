package suitetest

import (
	"testing"
	"time"
)

// Guard ends the test binary with a panic if the test runs for longer than 20 s. A
// test that would hang calls it first and says what hangs then.
func Guard(t *testing.T, hangs string) {
	guard := time.AfterFunc(20*time.Second, func() { panic(t.Name() + ": " + hangs) })
	t.Cleanup(func() { guard.Stop() })
}
