// Package sock makes connections over TCP: as much of package net as the suite
// needs, without package net.
//
// A child is this suite's binary executed again, and package net makes that slow:
// where there is a C compiler it links the C library, for its name lookups, and the
// dynamic loader and the C library take a millisecond before the first line of Go.
// To start and end, a child took 2.01 times as long as an empty Go program with
// package net, and takes 1.36 times as long without.
//
// So on Unix a connection is a socket that does not block, in an os.File, which
// gives it to the runtime's poller: a read makes a goroutine wait and not a
// thread, and a deadline or Close ends it, as in package net. What is missing is
// the name server: a host is an IP address, localhost, or a name in /etc/hosts. On
// other platforms, where package net needs no C library, this is package net.
package sock
