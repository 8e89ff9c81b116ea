package resp

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"boundaries/internal/suite/suitetest"
)

// A relay does not wait longer than a command may take for a database that neither
// accepts nor refuses its connection, and the client learns why.
func TestRelayConnectsInTime(t *testing.T) {
	address := deaf(t)
	s := newServer()
	s.commandTime = 50 * time.Millisecond
	s.handle = func(conn *net.TCPConn) { s.relay(conn, address) }
	_, err := Dial(t.Context(), start(t, s).Addr(), patience)
	var no Error
	require.ErrorAs(t, err, &no)
	require.Contains(t, string(no), "timeout")
}

// A relay that closes does not wait for such a database at all.
func TestRelayClosesWhileItConnects(t *testing.T) {
	suitetest.Guard(t, "Close waits for a database that does not accept")
	address := deaf(t)
	s := newServer()
	s.commandTime = time.Hour
	s.handle = func(conn *net.TCPConn) { s.relay(conn, address) }
	client, err := net.Dial("tcp", start(t, s).Addr())
	require.NoError(t, err)
	defer client.Close()
	require.Eventually(t, func() bool { return conns(s) == 1 }, patience, time.Millisecond)
	require.NoError(t, s.Close())
}

// deaf returns the address of a listener that has no room for a connection. Linux then
// ignores a client that asks for one, and the client waits.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0)) // room for one
	name, err := unix.Getsockname(fd)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return address
}
