package revisions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// environ returns the environment of all children. Their temporary files go to
// tmp, because a killed child leaves them behind.
func environ(tmp string) ([]string, error) {
	temp := filepath.Join(tmp, "tmp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		return nil, fmt.Errorf("making a temporary directory: %w", err)
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
			"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES":
			// A git hook sets these. They would lead git from the worktrees
			// back to the user's checkout.
			return true
		case "GOWORK":
			// A file would be in the user's checkout, and both sides would
			// build that checkout.
			return value != "off"
		}
		return false
	})
	return append(env, "TMPDIR="+temp, "TMP="+temp, "TEMP="+temp, "GOTMPDIR="+temp), nil
}

// exe returns the path of the program. Windows runs only names that end in .exe.
func (c *comparison) exe(name string) string {
	return filepath.Join(c.tmp, name+".exe")
}

// exec runs a command, and kills it when ctx ends. The command has a process
// group of its own, so that a Ctrl-C reaches only this process. When exec returns,
// no process of that group is left. The output goes to files: a process that
// outlives the command could hold a pipe open.
func (c *comparison) exec(ctx context.Context, dir, name string, args ...string) (stdout, stderr string, err error) {
	outFile, err := os.Create(filepath.Join(c.tmp, "stdout"))
	if err != nil {
		return "", "", err
	}
	defer outFile.Close()
	errFile, err := os.Create(filepath.Join(c.tmp, "stderr"))
	if err != nil {
		return "", "", err
	}
	defer errFile.Close()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, outFile, errFile
	cmd.Env = slices.Concat(c.env, []string{"PWD=" + dir})
	ownGroup(cmd)
	err = cmd.Run()
	endGroup(cmd)
	out, outErr := os.ReadFile(outFile.Name())
	errOut, errErr := os.ReadFile(errFile.Name())
	return string(out), string(errOut), cmp.Or(err, outErr, errErr)
}

func (c *comparison) git(ctx context.Context, dir string, args ...string) (string, error) {
	// No command may change the user's index, run the user's hooks, or leave a
	// file system monitor running.
	options := []string{"--no-optional-locks", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false"}
	out, errOut, err := c.exec(ctx, dir, "git", slices.Concat(options, args)...)
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], firstLine(errOut, err))
	}
	return out, nil
}

func (c *comparison) goTool(ctx context.Context, dir string, args ...string) (string, error) {
	out, errOut, err := c.exec(ctx, dir, "go", args...)
	if err != nil {
		return "", firstLine(errOut, err)
	}
	return out, nil
}

// firstLine returns the first line of output that says what is wrong, or err if
// there is none.
func firstLine(output string, err error) error {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "go: downloading ") {
			return errors.New(line)
		}
	}
	return err
}
