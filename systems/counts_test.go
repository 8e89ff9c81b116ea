package systems

import (
	"os/exec"
	"strings"
	"testing"
)

// countInChild runs the calling test with systems that count what they do.
func countInChild(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build the systems with -tags systemscount")
	}
	out, err := exec.CommandContext(t.Context(), goCommand, "test", "-tags", "systemscount", "-count=1", "-v", "-run", "^"+t.Name()+"$", ".").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
