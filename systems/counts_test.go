package systems

import (
	"strings"
	"testing"
)

// countInChild runs the calling test with systems that count what they do.
func countInChild(t *testing.T) {
	out, err := goIn(t, ".", "test", "-tags", "systemscount", "-count=1", "-v", "-run", "^"+t.Name()+"$", ".")
	if err != nil || !strings.Contains(out, "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
