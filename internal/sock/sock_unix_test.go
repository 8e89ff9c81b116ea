//go:build unix

package sock

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Dial that waits, here for a listener whose queue is full, ends with its
// context.
func TestDialIsBounded(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer syscall.Close(fd)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	began := time.Now()
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		c, err := Dial(ctx, address)
		cancel()
		if err == nil { // there was room
			defer c.Close()
			continue
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "dial tcp "+address)
		require.Less(t, time.Since(began), patience)
		return
	}
	require.NotEqual(t, "linux", runtime.GOOS, "connected, though the queue is full")
	t.Skip("the queue is never full")
}

func TestAddresses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	require.NoError(t, os.WriteFile(file, []byte("# spam\n\n127.0.0.2\tredis redis.example # ham\n::2 Redis\nspam ham\n127.0.0.3\n"), 0o600))
	defer func(old string) { hosts = old }(hosts)
	hosts = file
	four := func(a, b, c, d byte, port int) syscall.Sockaddr {
		return &syscall.SockaddrInet4{Addr: [4]byte{a, b, c, d}, Port: port}
	}
	six := func(last byte, port int) syscall.Sockaddr {
		return &syscall.SockaddrInet6{Addr: [16]byte{15: last}, Port: port}
	}
	for address, want := range map[string][]syscall.Sockaddr{
		"127.0.0.1:6379":        {four(127, 0, 0, 1, 6379)},
		"255.254.253.252:65535": {four(255, 254, 253, 252, 65535)},
		"[::1]:80":              {six(1, 80)},
		"[::]:80":               {six(0, 80)},
		"[0:0:0:0:0:0:0:1]:80":  {six(1, 80)},
		"[1:203::f]:80":         {&syscall.SockaddrInet6{Addr: [16]byte{0, 1, 2, 3, 15: 15}, Port: 80}},
		"[a::]:80":              {&syscall.SockaddrInet6{Addr: [16]byte{1: 10}, Port: 80}},
		"localhost:1":           {four(127, 0, 0, 1, 1), six(1, 1)},
		"redis:1":               {four(127, 0, 0, 2, 1), six(2, 1)},
		"REDIS.example:1":       {four(127, 0, 0, 2, 1)},
	} {
		got, err := resolve(address)
		require.NoError(t, err, address)
		require.Equal(t, want, got, address)
		require.NoError(t, Check(address))
	}
	for _, address := range []string{
		"", ":", "spam", "spam:1", "ham:1", "ham:", "#:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:spam", "127.0.0.1:65536",
		"127.0.0.1:-1", ":1", "127.0.0:1", "127.0.0.256:1", "1.2.3.4.5:1", "127.0.0.3x:1", "::1:1", "::2:1", "[::1]", "[]:1", "[:]:1",
		"[1::2::3]:1", "[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1:2:3:4::5:6:7:8]:1", "[10000::]:1", "[g::]:1",
	} {
		require.Error(t, Check(address), "%q", address)
	}
	hosts = filepath.Join(t.TempDir(), "none")
	err := Check("redis:1")
	require.ErrorContains(t, err, `the host is "redis", want an IP address`)
	require.NotContains(t, err.Error(), "\n")
	_, err = Dial(t.Context(), "redis:1")
	require.ErrorContains(t, err, `dial tcp redis:1: the host is "redis"`)
	require.ErrorContains(t, Check("redis"), `the port is "redis", want a number`)
}

// Without a free descriptor a Dial and an Accept fail and say why, and the connection
// that was not accepted still can be.
func TestNoDescriptorIsFree(t *testing.T) {
	l := listen(t)
	near, err := Dial(t.Context(), l.Addr())
	require.NoError(t, err)
	defer near.Close()

	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	lowest, err := os.Open(os.DevNull)
	require.NoError(t, err)
	set(&none.Cur, lowest.Fd())
	lowest.Close()
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	_, dialErr := Dial(t.Context(), l.Addr())
	_, acceptErr := l.Accept()
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))

	require.ErrorIs(t, dialErr, syscall.EMFILE)
	require.ErrorContains(t, dialErr, "dial tcp "+l.Addr()+": socket: ")
	require.ErrorIs(t, acceptErr, syscall.EMFILE)
	require.ErrorContains(t, acceptErr, "accept: ")
	far, err := l.Accept()
	require.NoError(t, err)
	far.Close()
}

// set is an assignment to a limit, which is not of one type on every Unix.
func set[T int64 | uint64](limit *T, to uintptr) { *limit = T(to) }

// The first address of a name may be the wrong one.
func TestEveryAddressIsTried(t *testing.T) {
	l := listen(t)
	_, port, _ := strings.Cut(l.Addr(), ":")
	file := filepath.Join(t.TempDir(), "hosts")
	require.NoError(t, os.WriteFile(file, []byte("127.0.0.9 redis\n127.0.0.1 redis\n"), 0o600))
	defer func(old string) { hosts = old }(hosts)
	hosts = file
	c, err := Dial(t.Context(), "redis:"+port)
	require.NoError(t, err)
	c.Close()
}
