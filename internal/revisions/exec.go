package revisions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
	"boundaries/internal/process"
)

// keptGitVariable matches the git variables that say how to reach a server, who the user
// is, and which large files to fetch. The others are not for the children: some say where
// a repository is and would, if a hook or a script around this program has set them, lead
// git from the worktrees back to the user's checkout; some change what git prints.
var keptGitVariable = regexp.MustCompile(`^GIT_(CONFIG_|LFS_|SSH|SSL_|HTTP_|PROXY_|ASKPASS$|ALLOW_PROTOCOL$|EXEC_PATH$|AUTHOR_|COMMITTER_|CEILING_DIRECTORIES$|DISCOVERY_ACROSS_FILESYSTEM$)`)

// environ returns the environment of all children. Their temporary files go to
// tmp, because a killed child leaves them behind.
func environ(tmp string) ([]string, error) {
	temp := filepath.Join(tmp, "tmp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		return nil, fmt.Errorf("making a temporary directory: %w", err)
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "GOWORK" || strings.HasPrefix(name, "GIT_") && !keptGitVariable.MatchString(name)
	})
	return append(env, "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never",
		"TMPDIR="+temp, "TMP="+temp, "TEMP="+temp, "GOTMPDIR="+temp), nil
}

// exe returns the path of the program. Windows runs only names that end in .exe.
func (c *comparison) exe(name string) string {
	return filepath.Join(c.tmp, name+".exe")
}

// exec runs a command, and kills it when ctx ends. The command has a process
// group of its own, so that a Ctrl-C reaches only this process. When exec returns,
// no process of that group is left. On Linux the command dies with this process, even
// after a SIGKILL of this process; on other Unix systems the keeper kills the command. The
// output goes to files, because a process that outlives the command could hold a pipe open.
func (c *comparison) exec(ctx context.Context, dir, name string, args ...string) (stdout, stderr string, err error) {
	return c.execEnv(ctx, nil, dir, name, args...)
}

func (c *comparison) execEnv(ctx context.Context, env []string, dir, name string, args ...string) (stdout, stderr string, err error) {
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
	cmd.Env = slices.Concat(c.env, env, []string{"PWD=" + dir})
	process.OwnGroup(cmd)
	runtime.LockOSThread() // see process.OwnGroup
	if err = cmd.Start(); err == nil {
		c.keeper.Started(cmd.Process.Pid)
		err = cmd.Wait()
	} else if _, gone := os.Stat(dir); gone != nil { // the error names the program
		err = errors.New("the folder in which it runs: no such file or directory")
	}
	runtime.UnlockOSThread()
	process.EndGroup(cmd)
	c.keeper.Started(0)
	out, outErr := os.ReadFile(outFile.Name())
	errOut, errErr := os.ReadFile(errFile.Name())
	if err != nil && len(out)+len(errOut) == 0 && ctx.Err() == nil {
		if full := process.Room(c.tmp); full != nil {
			err = command.BadInput("%w", full)
		}
	}
	return string(out), string(errOut), cmp.Or(err, outErr, errErr)
}

// gitOptions are the options of every git command. No command may change the user's
// index, run the user's hooks, leave a file system monitor running, follow submodules
// (the worktrees have none), or clean up in the background.
var gitOptions = []string{"--no-optional-locks",
	"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false",
	"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "advice.detachedHead=false", "-c", "color.ui=false"}

func (c *comparison) git(ctx context.Context, dir string, args ...string) (string, error) {
	options := slices.Concat(gitOptions, c.noFilters)
	out, errOut, err := c.exec(ctx, dir, "git", slices.Concat(options, args)...)
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], gitReason(errOut, err))
	}
	return out, nil
}

// gitReason returns the first line of git's output, which has the reason, and its
// "fatal" line, which names the file.
func gitReason(output string, err error) error {
	first := firstLine(output, err)
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "fatal: ") && line != first.Error() {
			return fmt.Errorf("%w; %s", first, line)
		}
	}
	return first
}

// goTool runs the go command in a directory of a side.
func (c *comparison) goTool(ctx context.Context, s *side, dir string, args ...string) (string, error) {
	out, errOut, err := c.execEnv(ctx, []string{"GOWORK=" + s.workFile()}, dir, "go", args...)
	if err != nil {
		return "", firstLine(errOut, err)
	}
	return out, nil
}

// traceLine matches what a Go program prints because of GODEBUG=inittrace=1 or gctrace=1.
var traceLine = regexp.MustCompile(`^(init \S+|gc \d+) @`)

// firstLine returns the first line of output that says what is wrong, and the next
// one if the first ends in a colon. It returns err if there is none.
func firstLine(output string, err error) error {
	text := ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "go: downloading ") || traceLine.MatchString(line) {
			continue
		}
		text = strings.TrimSpace(text + " " + line)
		if !strings.HasSuffix(line, ":") {
			break
		}
	}
	if text == "" {
		return err
	}
	return errors.New(text)
}

// missing matches an error about a file that is not there.
var missing = regexp.MustCompile(`no such file or directory|cannot find the (file|path) specified`)

// failure returns why a test binary failed, and what the worktrees lack if it missed a file.
func (c *comparison) failure(ctx context.Context, s *side, stdout, stderr string, err error) error {
	err = failure(stdout, stderr, err)
	if missing.MatchString(err.Error()) {
		return fmt.Errorf("%w%s", err, c.lacking(ctx, s))
	}
	return err
}

// failure returns why a test binary failed: its failed benchmark, or its panic, or the end
// of what it wrote to standard error, where a program says why it exits.
func failure(stdout, stderr string, err error) error {
	if text := benchfile.Failure(stdout, stderr); text != "" {
		return errors.New(text)
	}
	var last []string
	for line := range strings.Lines(stderr) {
		if line = strings.TrimSpace(line); line != "" {
			last = append(last, line)
		}
	}
	last = last[max(0, len(last)-3):]
	if len(last) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, strings.Join(last, "; "))
}
