package children

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"boundaries/internal/race"
)

// Source is the folder, from the root of the module, of the program that most
// children run.
const Source = "procs/internal/child"

// Program returns the path of the program of a folder, and the variables that its
// environment needs besides the task. Tests change it.
var Program = func(folder string) (path string, env []string, err error) {
	path, err = built(folder)
	return path, nil, err
}

// Race says whether the programs get the race detector, as this binary has it. Tests
// change it.
var Race = race.Enabled

// Description says in a few words which program a child is to run. It builds nothing.
func Description() string {
	if _, err := sourceRoot(); err != nil {
		return "this binary, executed again: " + err.Error()
	}
	return "a program of their own"
}

var (
	mu       sync.Mutex
	programs = map[string]string{} // their paths, by folder; guarded by mu
	files    []*os.File            // of programs whose file has no name; guarded by mu
	temp     []string              // folders of programs whose file has a name; guarded by mu
)

// built builds the program of a folder once and returns its path, or that of the
// running binary if it cannot be built.
func built(folder string) (string, error) {
	mu.Lock()
	defer mu.Unlock()
	if path := programs[folder]; path != "" {
		return path, nil
	}
	root, err := sourceRoot() // which Description has reported
	var path string
	if err == nil {
		if path, err = build(root, folder); err != nil {
			fmt.Println("# children: this binary, executed again:", err)
		}
	}
	if err != nil {
		if path, err = Self(); err != nil {
			return "", err
		}
	}
	programs[folder] = path
	return path, nil
}

// RemovePrograms removes what Program has made. A program that starts children
// calls it before it ends.
func RemovePrograms() {
	mu.Lock()
	defer mu.Unlock()
	for _, dir := range temp {
		os.RemoveAll(dir)
	}
}

// Self returns the path of the running binary. The link in /proc is always this
// binary, even if its file has been removed or replaced.
func Self() (string, error) {
	if _, err := os.Stat("/proc/self/exe"); err == nil && runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// builtIn is the root of the module that this binary was built from, or "" if -trimpath
// hides it.
var builtIn = func() string {
	_, file, _, _ := runtime.Caller(0)
	root, ok := strings.CutSuffix(filepath.ToSlash(file), "/procs/internal/children/program.go")
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	return filepath.FromSlash(root)
}()

// sourceRoot returns the root of the module that holds the current directory. It returns an
// error if there is no such module or no go command. It also returns one if a child would
// not fit this binary, which was built from another copy of the source, or before the source
// changed.
func sourceRoot() (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("no go command: %w", err)
	}
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(root, Source)); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return "", fmt.Errorf("the current directory is not in the suite's source")
		}
		root = parent
	}
	if builtIn != "" {
		here, err := os.Stat(root)
		there, errThere := os.Stat(builtIn)
		if err != nil || errThere != nil || !os.SameFile(here, there) {
			return "", errors.New("the current directory is in another copy of the suite's source than this binary was built from")
		}
	}
	self, err := Self()
	if err != nil {
		return "", err
	}
	binary, err := os.Stat(self)
	if err != nil {
		return "", err
	}
	for _, dir := range []string{"procs", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.ModTime().After(binary.ModTime()) {
				err = fmt.Errorf("%s is newer than this binary", strings.TrimPrefix(file, root+string(filepath.Separator)))
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return root, nil
}

// build builds the program of a folder in the module at root and returns its path. The
// program is in GOTMPDIR, if that is set, as the go command's own programs are: a user whose
// temporary directory forbids programs sets GOTMPDIR.
//
// On Linux, build removes the name of the program's file at once, so that nothing is left of
// it however this process ends. The path leads through this process's descriptor.
func build(root, folder string) (string, error) {
	if runtime.GOOS != "linux" {
		dir, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "boundaries-")
		if err != nil {
			return "", err
		}
		temp = append(temp, dir)
		path := filepath.Join(dir, "child.exe")
		return path, compile(root, folder, path)
	}
	file, err := os.CreateTemp(os.Getenv("GOTMPDIR"), "boundaries-*")
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := errors.Join(os.Remove(file.Name()), file.Chmod(0o700), compile(root, folder, descriptor(file))); err != nil {
		return "", err
	}
	// The kernel executes no file that is open for writing.
	program, err := os.Open(descriptor(file))
	if err != nil {
		return "", err
	}
	files = append(files, program)
	return descriptor(program), nil
}

// descriptor returns a path by which all processes of this user reach a file that
// this process has opened.
func descriptor(file *os.File) string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd())
}

// compile builds the program of a folder into a file. Only the race detector needs cgo, and a
// program without cgo starts faster.
func compile(root, folder, file string) error {
	cgo := map[bool]string{false: "0", true: "1"}[Race]
	cmd := exec.Command("go", "build", "-buildvcs=false", "-cover=false", "-race="+strconv.FormatBool(Race), "-ldflags=-w", "-o", file, "./"+folder)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "CGO_ENABLED="+cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w: %s", folder, err, strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", ", "))
	}
	return nil
}
