package procs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
)

// A child has its two pipes, standard error, what Go's runtime opens, and no other
// descriptor: not the parent's files, and not the memory once it is mapped. What the
// parent itself has inherited is not in the parent's hands. The child has the variables
// that say what it is, and no other.
func TestChildrenInheritOnlyWhatTheyNeed(t *testing.T) {
	childtest.NeedsProc(t)
	t.Setenv("SECRET", "x")
	secret, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer secret.Close()
	variable := regexp.MustCompile(`^(GOMAXPROCS|` + children.Env + `|GORACE|GOCOVERDIR|BOUNDARIES_\w+)=`)
	eachRow(t, hasChildren, func(t *testing.T, r row) {
		p := start(t, r.Variant, 2, r.payload)
		for _, pid := range p.Pids() {
			proc := fmt.Sprintf("/proc/%d/", pid)
			entries, err := os.ReadDir(proc + "fd")
			require.NoError(t, err)
			require.Len(t, p.Pids(), len(p.Lanes))
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
			environment, err := os.ReadFile(proc + "environ")
			require.NoError(t, err)
			for _, v := range strings.Split(strings.TrimSuffix(string(environment), "\x00"), "\x00") {
				require.Regexp(t, variable, v)
			}
		}
	})
}

// inherited reports whether this process has that descriptor, too, from its own parent.
// Go marks those that it opens to be closed in children.
func inherited(number, target string) bool {
	mine, _ := os.Readlink("/proc/self/fd/" + number)
	info, _ := os.ReadFile("/proc/self/fdinfo/" + number)
	flags, _ := strconv.ParseInt(regexp.MustCompile(`flags:\s*(\d+)`).FindStringSubmatch(string(info) + "flags: 0")[1], 8, 64)
	return mine == target && flags&syscall.O_CLOEXEC == 0
}
