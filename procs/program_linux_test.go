package procs

import (
	"bufio"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// The programs of children link neither testing nor net, nor anything that makes
// them load the C library. That of spawn links no gob, which takes time to start.
func TestProgramsAreSmall(t *testing.T) {
	suitetest.Once(t)
	for folder, pkg := range map[string]string{"./internal/child": "boundaries/procs", "./spawn/internal/child": "boundaries/procs/spawn"} {
		cmd := exec.Command("go", "list", "-deps", folder)
		cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=1")
		out, err := cmd.Output()
		if err != nil {
			t.Skip("asking the go command: ", err)
		}
		deps := strings.Fields(string(out))
		require.Contains(t, deps, pkg)
		for _, pkg := range []string{"testing", "net", "os/user", "runtime/cgo"} {
			require.NotContains(t, deps, pkg)
		}
		require.Equal(t, folder == "./internal/child", slices.Contains(deps, "encoding/gob"), folder)
	}
}

// Children of every row are the program that the go command builds, or the running
// binary where it builds none, and the parent says which. Either way a child has
// only the descriptors and variables that it needs, and nothing is left behind if
// the parent is killed.
func TestProgram(t *testing.T) {
	suitetest.Once(t)
	self, err := os.Executable()
	require.NoError(t, err)
	older := filepath.Join(t.TempDir(), "older")
	binary, err := os.ReadFile(self)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(older, binary, 0o700)) // a copy, because a link would have self's time
	for _, test := range []struct {
		name, want, program string
		change              func(cmd *exec.Cmd)
	}{
		{"built", "# children: a program of their own\n", "", func(*exec.Cmd) {}},
		{"no go command", "# children: this binary, executed again: no go command", self,
			func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "PATH=/nowhere") }},
		{"no source", "# children: this binary, executed again: the current directory is not in the suite's source\n", self,
			func(cmd *exec.Cmd) { cmd.Dir = t.TempDir() }},
		{"no build", "# children: this binary, executed again: building procs/internal/child: ", self,
			func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "GOCACHE=off") }},
		{"newer source", " is newer than this binary\n", older, func(cmd *exec.Cmd) {
			old := time.Now().Add(-1e6 * time.Hour)
			require.NoError(t, os.Chtimes(older, old, old))
			cmd.Path = older
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if race.Enabled && test.name != "built" {
				t.Skip("what the others test has no race, and takes ten times as long")
			}
			tmp := t.TempDir()
			parent := exec.Command(self)
			parent.Env = append(os.Environ(), testParent+"=lock-free with the program", "TMPDIR="+tmp)
			parent.Stderr = os.Stderr
			test.change(parent)
			out, err := parent.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			defer func() { parent.Process.Kill(); parent.Wait() }() // what a failure leaves
			text, pids := "", []string(nil)
			for lines := bufio.NewScanner(out); pids == nil && lines.Scan(); text += lines.Text() + "\n" {
				if strings.HasPrefix(lines.Text(), "[") {
					pids = strings.Fields(strings.Trim(lines.Text(), "[]"))
				}
			}
			require.Len(t, pids, 3, "%s", text)
			require.Contains(t, text, test.want)
			for _, pid := range pids {
				exe, err := os.Readlink("/proc/" + pid + "/exe")
				require.NoError(t, err)
				if test.program != "" {
					require.Equal(t, test.program, exe)
				} else {
					require.Contains(t, exe, tmp+"/boundaries-")
					require.Contains(t, exe, " (deleted)")
					info, err := buildinfo.ReadFile("/proc/" + pid + "/exe")
					require.NoError(t, err)
					require.Equal(t, race.Enabled, slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}))
				}
				requireOnlyWhatItNeeds(t, pid)
			}
			requireDieWith(t, parent, func() []string { return pids })
			left, err := os.ReadDir(tmp)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}
