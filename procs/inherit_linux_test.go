package procs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fibsize"
	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/children"
)

func TestChildrenInheritOnlyWhatTheyNeed(t *testing.T) {
	suitetest.Once(t)
	t.Setenv("SECRET", "x")
	secret, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer secret.Close()
	eachRow(t, hasChildren, func(t *testing.T, r row) {
		p := start(t, r.Variant, 2, r.payload)
		require.Len(t, p.Pids(), len(p.Lanes))
		for _, pid := range p.Pids() {
			requireOnlyWhatItNeeds(t, strconv.Itoa(pid))
		}
	})
}

// requireOnlyWhatItNeeds requires that a child has its two pipes, standard error, what
// Go's runtime opens, and no other descriptor: not the parent's files, and not the memory
// once it is mapped. It allows what this process has inherited itself and so passes on.
// The child has the variables that say what it is, and no other.
func requireOnlyWhatItNeeds(t *testing.T, pid string) {
	t.Helper()
	proc := "/proc/" + pid
	entries, err := os.ReadDir(proc + "/fd")
	require.NoError(t, err)
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(proc, "fd", entry.Name()))
		require.NoError(t, err)
		switch entry.Name() {
		case "0", "1":
			require.Contains(t, target, "pipe:")
		case "2":
		default:
			runtimes := strings.HasPrefix(target, "anon_inode:") || strings.HasPrefix(target, "/sys/fs/cgroup/")
			require.True(t, runtimes || inherited(entry.Name(), target), "descriptor %s is %s", entry.Name(), target)
		}
	}
	environment, err := os.ReadFile(proc + "/environ")
	require.NoError(t, err)
	for v := range strings.SplitSeq(strings.TrimSuffix(string(environment), "\x00"), "\x00") {
		name, _, _ := strings.Cut(v, "=")
		require.Contains(t, []string{children.Env, "GOMAXPROCS", "GORACE", "GOCOVERDIR", fibsize.Variable}, name)
	}
}

// inherited reports whether this process has that descriptor, too, from its own parent.
// Go marks those that it opens to be closed in children.
func inherited(number, target string) bool {
	mine, _ := os.Readlink("/proc/self/fd/" + number)
	info, _ := os.ReadFile("/proc/self/fdinfo/" + number)
	flags, _ := strconv.ParseInt(regexp.MustCompile(`flags:\s*(\d+)`).FindStringSubmatch(string(info) + "flags: 0")[1], 8, 64)
	return mine == target && flags&syscall.O_CLOEXEC == 0
}

// A child that gets no shared memory ends with one line. A pipe is no memory.
func TestMainRefusesWhatIsNoMemory(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	defer writer.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), children.Env+"=procs lock-free 1 1 0 false")
	cmd.Stdin, cmd.ExtraFiles = reader, []*os.File{reader}
	out, err := cmd.CombinedOutput()
	var e *exec.ExitError
	require.ErrorAs(t, err, &e)
	require.Equal(t, 1, e.ExitCode())
	require.Regexp(t, `^procs: child 0: mapping \d+ bytes of shared memory: .*\n$`, string(out))
}
