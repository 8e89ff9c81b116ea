//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/linkonce"
)

// sshd starts a server on loopback that lets this user in, and returns the ssh command
// that reaches it under the names one and two.
func sshd(t *testing.T) (ssh string) {
	t.Helper()
	server := "/usr/sbin/sshd"
	if _, err := os.Stat(server); err != nil {
		t.Skip("no sshd: ", err)
	}
	for _, name := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	me, err := user.Current()
	require.NoError(t, err)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, key := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	public, err := os.ReadFile(filepath.Join(dir, "user.pub"))
	require.NoError(t, err)
	config := write("sshd_config", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nSetEnv \"TMPDIR=%s\" HOME=%s\n",
		port, dir, write("authorized_keys", string(public)), os.Getenv("THERE"), dir)) // there are no files of the user's shell
	_ = os.MkdirAll("/run/sshd", 0o755)
	cmd := exec.Command(server, "-D", "-e", "-f", config)
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	client := write("ssh_config", fmt.Sprintf("Host one two\n\tHostName 127.0.0.1\n\tPort %d\n\tUser %s\n\tIdentityFile %s/user\n\tIdentitiesOnly yes\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile %s/known\n\tLogLevel ERROR\n",
		port, me.Username, dir, dir))
	ssh = "ssh -F " + client + " -o BatchMode=yes"
	for range 50 {
		if exec.Command("ssh", append(strings.Fields(ssh)[1:], "one", "true")...).Run() == nil {
			return ssh
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Skip("the server lets nobody in: ", log.String())
	return ""
}

func TestRunOnOtherMachines(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command and an sshd")
	}
	there, here, dir := filepath.Join(t.TempDir(), "the user's folder"), t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(there, 0o700))
	t.Setenv("THERE", there)
	t.Setenv("PATH", linkonce.Path()) // before TMPDIR is what a run must leave empty
	t.Setenv("LINK", "copy")          // because both runs pack the same program
	ssh := sshd(t)
	t.Setenv("TMPDIR", here)
	t.Setenv("GOTMPDIR", here)
	t.Chdir(dir)
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "'-ldflags=-s -w'")
	t.Setenv("GOGC", "off")
	t.Setenv("GZIP", "-1") // to pack the binaries would take longer than to send them
	require.NoError(t, os.WriteFile("go.mod", []byte("module tiny\n\ngo 1.26\n"), 0o666))
	require.NoError(t, os.WriteFile("tiny_test.go", []byte("package tiny\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nfunc BenchmarkA(b *testing.B) {}\n\nfunc BenchmarkSlow(b *testing.B) { time.Sleep(20 * time.Millisecond) }\n"), 0o666))
	empty := func() {
		t.Helper()
		require.Eventually(t, func() bool {
			a, _ := filepath.Glob(filepath.Join(there, "*"))
			b, _ := filepath.Glob(filepath.Join(here, "*"))
			return len(a)+len(b) == 0
		}, 10*time.Second, 50*time.Millisecond, "nothing stays, here or there")
	}

	var stdout, stderr bytes.Buffer
	args := []string{"run", "-o", "out.txt", "-on", "one,two", "-ssh", ssh, "-bench", "A", "-cpu", "1,2", "-rounds", "2", "-benchtime", "1x", "-seed", "3", "./..."}
	require.Equal(t, 0, statusOf(t.Context(), args, &stdout, &stderr), stderr.String())
	for _, host := range []string{"one", "two"} {
		text, err := os.ReadFile("out." + host + ".txt")
		require.NoError(t, err)
		assert.Contains(t, string(text), "# host: "+host+"\n")
		assert.Contains(t, string(text), "-seed 3 ./...\n# seed: 3\n", "the command that measures the same")
		assert.Contains(t, string(text), "# complete: 2 rounds")
		assert.Equal(t, 4, strings.Count(string(text), "\nBenchmarkA"))
		assert.Contains(t, stderr.String(), "boundaries: "+host+": round 2 of 2")
	}
	empty()
	status := statusOf(t.Context(), []string{"scaling", "out.one.txt", "out.two.txt"}, &stdout, &stderr)
	assert.Equal(t, 0, status)
	assert.Equal(t, 2, strings.Count(stdout.String(), "A: speed-up")+strings.Count(stdout.String(), "tiny: speed-up"), "two hosts are two machines")

	// Interrupted, it keeps what there is. A host that failed before stays named.
	ctx, cancel := context.WithCancel(t.Context())
	args = []string{"run", "-o", "cut.txt", "-on", "three,one", "-ssh", ssh, "-rounds", "1000", "-benchtime", "1x"}
	go func() {
		for ctx.Err() == nil {
			if text, _ := os.ReadFile("cut.one.txt"); bytes.Count(text, []byte("\nBenchmarkSlow")) >= 2 {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	stderr.Reset()
	assert.Equal(t, 130, statusOf(ctx, args, &stdout, &stderr), stderr.String())
	assert.Contains(t, stderr.String(), "boundaries: run: three: ")
	assert.Contains(t, stderr.String(), "boundaries: one: run: interrupted\n")
	text, err := os.ReadFile("cut.one.txt")
	require.NoError(t, err)
	assert.Contains(t, string(text), "# interrupted: ")
	empty()

	// What fails on the other machine leaves neither its binaries nor a file without results.
	fails := filepath.Join(t.TempDir(), "ssh")
	require.NoError(t, os.WriteFile(fails, []byte("#!/bin/sh\ncase $* in *-prebuilt*) echo lost >&2; exit 255 ;; esac\nexec "+ssh+" \"$@\"\n"), 0o777))
	for reach, want := range map[string]string{fails: "lost", ssh: `run: no benchmark of . matches "None", or all skip`} {
		stderr.Reset()
		assert.Equal(t, 1, statusOf(t.Context(), []string{"run", "-o", "none.txt", "-on", "one", "-ssh", reach, "-bench", "None"}, &stdout, &stderr))
		assert.Contains(t, stderr.String(), "boundaries: run: one: "+want+"\n")
		assert.NoFileExists(t, "none.one.txt")
		empty()
	}

	stderr.Reset()
	args = []string{"run", "-o", "none.txt", "-on", "three", "-ssh", "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=1"}
	assert.Equal(t, 1, statusOf(t.Context(), args, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "boundaries: run: three: ")
	empty()
}

// far sets up a machine that runs the shell script in place of a command, and returns the
// folder of the results and the arguments of a run on it.
func far(t *testing.T, script string) (dir string, args []string) {
	dir = t.TempDir()
	for name, script := range map[string]string{
		"go":  `[ "$1 $GOOS/$GOARCH/$CGO_ENABLED" != "build linux/riscv64/0" ] || : >"$5"`, // there are no tests, and the command is empty
		"ssh": `case $* in *-prebuilt*) ` + script + ` ;; *uname*) echo Linux riscv64 ;; *) cat >/dev/null; pwd ;; esac`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o777))
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir, []string{"run", "-o", filepath.Join(dir, "out.txt"), "-on", "far", "-ssh", filepath.Join(dir, "ssh")}
}

// A file that cannot be made is found before anything is built or reached. A run that fails
// keeps a file with results, and none with those of the control alone.
func TestFilesOfOtherMachines(t *testing.T) {
	dir, args := far(t, `printf 'numcpu: 2\nBenchmarkControl/at=first 1 1 ns/op\n'"$RESULT" && printf 'lost \033[31m\n' >&2 && exit 1`)
	file := filepath.Join(dir, "out.far.txt")
	for result, kept := range map[string]bool{"": false, `BenchmarkControl/at=last 1 1 ns/op\n`: false, `BenchmarkA 1 1 ns/op\n`: true} {
		t.Setenv("RESULT", result)
		status, _, stderr := boundaries(t, args...)
		require.Equal(t, 1, status)
		require.Equal(t, `boundaries: far: lost \x1b[31m`+"\n"+`boundaries: run: far: lost \x1b[31m`+"\n", stderr)
		require.Equal(t, kept, exists(file), result)
		_ = os.Remove(file)
	}
	t.Setenv("PATH", dir) // without the programs that a run needs
	args[2] = filepath.Join(dir, "none", "out.txt")
	status, _, stderr := boundaries(t, args...)
	require.Equal(t, 2, status)
	require.Contains(t, stderr, "boundaries: run: far: open ")
	require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
}

// Without -cpu each machine has a default of its own.
func TestCPUOfOtherMachines(t *testing.T) {
	_, args := far(t, `echo "$*" >&2; exit 1`)
	_, _, stderr := boundaries(t, args...)
	require.Contains(t, stderr, "-prebuilt")
	require.NotContains(t, stderr, "-cpu")
	_, _, stderr = boundaries(t, append(args, "-cpu", "3,7")...)
	require.Regexp(t, `-cpu\W+3,7\W`, stderr)
}
