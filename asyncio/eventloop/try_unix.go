//go:build unix

package eventloop

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// trier returns a function that writes what the connection's socket takes without
// waiting. A connection without a socket takes nothing so.
func trier(conn net.Conn) func(p []byte) (int, error) {
	var raw syscall.RawConn
	if c, ok := conn.(syscall.Conn); ok {
		raw, _ = c.SyscallConn()
	}
	if raw == nil {
		return func([]byte) (int, error) { return 0, nil }
	}
	var (
		rest []byte
		n    int
		err  error
	)
	once := func(fd uintptr) bool { // made once, because it escapes
		n, err = syscall.Write(int(fd), rest)
		return true // do not wait
	}
	return func(p []byte) (int, error) {
		rest = p
		closed := raw.Write(once)
		rest = nil
		switch {
		case closed != nil:
			return 0, closed
		case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
			return 0, nil
		case err != nil:
			return 0, os.NewSyscallError("write", err)
		}
		return n, nil
	}
}
