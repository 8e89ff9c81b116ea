//go:build !unix

package command

// unread is for a signal that this system does not have.
func unread() bool { return false }
