//go:build !unix

package sock

import (
	"context"
	"errors"
	"net"
	"os"
)

// A Listener accepts connections.
type Listener struct{ *net.TCPListener }

// Listen listens on a free port of the loopback interface.
func Listen() (*Listener, error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	return &Listener{l}, err
}

// Addr returns the address to connect to.
func (l *Listener) Addr() string { return l.TCPListener.Addr().String() }

// Accept waits for a connection. After Close it returns os.ErrClosed.
func (l *Listener) Accept() (*Conn, error) {
	c, err := l.AcceptTCP()
	if errors.Is(err, net.ErrClosed) {
		err = os.ErrClosed
	}
	return &Conn{c}, err
}

// A Conn is a connection.
type Conn struct{ *net.TCPConn }

// Dial connects to a host:port. ctx bounds the connecting.
func Dial(ctx context.Context, address string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &Conn{c.(*net.TCPConn)}, nil
}

// TryWrite writes nothing: there is no portable way to ask a socket for what it
// takes without waiting.
func (c *Conn) TryWrite([]byte) (int, error) { return 0, nil }

// Check returns an error that says what is wrong if Dial cannot know where the
// address is.
func Check(address string) error {
	_, err := net.ResolveTCPAddr("tcp", address)
	return err
}
