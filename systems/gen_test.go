package systems

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The interpreters of all systems are that of eval_plain.go, as it is now.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to run gen.go")
	}
	generated, err := filepath.Glob("eval_*.go")
	require.NoError(t, err)
	require.Len(t, generated, 7)
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range sources {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o600))
	}
	cmd := exec.CommandContext(t.Context(), goCommand, "run", filepath.Join(here, "gen.go"))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, file := range generated {
		want, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s is not what gen.go writes: run go generate ./systems", file)
	}
}
