//go:build unix

package eventloop

import (
	"net"
	"os"
	"syscall"
)

// tryWrite returns a function that writes what the connection takes without
// waiting, which may be nothing. It is nil if conn is not a socket.
func tryWrite(conn net.Conn) func(p []byte) (int, error) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	var p []byte
	var n int
	var failed error
	write := func(fd uintptr) bool { // made once, because it escapes
		n, failed = syscall.Write(int(fd), p)
		return true // do not wait
	}
	return func(words []byte) (int, error) {
		p = words
		closed := raw.Write(write)
		p = nil
		switch {
		case closed != nil:
			return 0, closed
		case failed == syscall.EAGAIN || failed == syscall.EINTR:
			return 0, nil
		case failed != nil:
			return 0, os.NewSyscallError("write", failed)
		}
		return n, nil
	}
}
