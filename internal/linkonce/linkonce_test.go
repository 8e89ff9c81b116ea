package linkonce

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A program is linked again if anything that it is made of has changed, and not if it only has
// another path or another random layout.
func TestLinksAgain(t *testing.T) {
	suitetest.Once(t)
	defer Remove()
	if folder() == "" {
		t.Skip("this machine lacks a program that the script needs")
	}
	for _, name := range []string{"LINK", "GOWORK", "GOOS", "GOARCH", "CGO_ENABLED", "GOFLAGS"} {
		t.Setenv(name, "")
	}
	bin := t.TempDir()
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir(".git", 0o700)) // of which only the overlay counts
	require.NoError(t, os.MkdirAll("1/2/3/4", 0o700))
	write := func(file, text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o700)) }
	linker := filepath.Join(bin, "linker") // each program that it links is one line longer
	write(linker, fmt.Sprintf("#!/bin/sh\nwhile [ $1 != -o ]; do shift; done\necho >>%s/linked && cp %[1]s/linked $2\n", bin))
	script := filepath.Join(bin, "go")
	write(script, fmt.Sprintf(linkOnce, linker, bin))

	build := func(folder string, args []string) string {
		cmd := exec.Command(script, args...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
		program, err := os.ReadFile(filepath.Join(folder, args[len(args)-2]))
		require.NoError(t, err)
		return string(program)
	}
	last := ""
	for _, step := range []struct {
		change, args string // change is a variable or a file, and its new text
		again        bool
	}{
		{"main.go=1", "build -o a .", true},
		{"main.go=1", "build -o b .", false},
		{"main.go=2", "build -o a .", true},
		{"main_test.go=1", "test -c -o a .", true},
		{"main_test.go=1", "test -c -o a .", false},
		{"main_test.go=2", "test -c -o a .", true},
		{"go.mod=2", "test -c -o a .", true},
		{"1/go.mod=1", "test -c -o a .", true},
		{"1/2/go.mod=1", "test -c -o a .", true},
		{"1/a.go=1", "test -c -o a .", true},
		{"1/2/a.go=1", "test -c -o a .", true},
		{"1/2/3/a.go=1", "test -c -o a .", true},
		{"1/2/3/4/deep.go=1", "test -c -o a .", true},
		{"1/2/3/4/deep_test.go=1", "test -c -o a .", false},
		{"GOWORK=off", "test -c -o a .", true},
		{"GOOS=plan9", "test -c -o a .", true},
		{"GOARCH=386", "test -c -o a .", true},
		{"CGO_ENABLED=0", "test -c -o a .", true},
		{"GOFLAGS=-v", "test -c -o a .", true},
		{"GOFLAGS=-v", "test -race -c -o a .", true},
		{".git/changed.go=1", "build -overlay=.git/changed.json -o a .", true},
		{".git/changed.go=2", "build -overlay=.git/changed.json -o a .", true},
		{"main.go=2", "build -ldflags=-randlayout=1 -o a .", true},
		{"main.go=2", "build -ldflags=-randlayout=2 -o a .", false},
		{"LINK=mine", "build -ldflags=-randlayout=2 -o a .", true},
		{"LINK=mine", "build -ldflags=-randlayout=1 -o a .", false},
		{"LINK=always", "build -o a .", true},
		{"LINK=always", "build -o a .", true},
	} {
		if name, text, _ := strings.Cut(step.change, "="); strings.Contains(name, ".") {
			write(name, text)
		} else {
			t.Setenv(name, text)
		}
		program := build(".", strings.Fields(step.args))
		require.Equal(t, step.again, program != last, "%v", step)
		last = program
	}

	// Below a folder named tree, all of the tree counts, and so does the folder.
	t.Setenv("LINK", "")
	for _, step := range []struct {
		text, folder string // the text of main.go in the tree
		again        bool
	}{
		{"1", "base/tree/one", true},
		{"1", "base/tree/one", false},
		{"1", "base/tree/two", true},
		{"2", "base/tree/two", true},
		{"2", "head/tree/two", false},
	} {
		require.NoError(t, os.MkdirAll(step.folder, 0o700))
		write(filepath.Join(step.folder, "..", "main.go"), step.text)
		program := build(step.folder, []string{"build", "-o", "a", "."})
		require.Equal(t, step.again, program != last, "%v", step)
		last = program
	}

	t.Setenv("LINK", "copy")
	for _, name := range []string{"a", "b"} {
		require.NoError(t, exec.Command(script, "build", "-o", name, ".").Run())
	}
	a, err := os.Stat("a")
	require.NoError(t, err)
	b, err := os.Stat("b")
	require.NoError(t, err)
	require.False(t, os.SameFile(a, b), "what reads one does not notice the other")

	t.Setenv("PATH", Path())
	first, err := exec.LookPath("go")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(folder(), "go"), first)
	Remove()
	require.NoDirExists(t, folder())
}
