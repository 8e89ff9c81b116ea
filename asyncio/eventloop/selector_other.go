//go:build !(linux || darwin || dragonfly || freebsd)

package eventloop

// watch returns nil: there is no selector, and a helper serves every connection.
func (s *Stream) watch() transport { return nil }
