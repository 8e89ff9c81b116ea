package systems

import "unsafe"

// lockBoth locks two containers in the order of their addresses, in whatever order
// they are named. Otherwise two threads that assign a to b and b to a could wait
// for each other forever. It locks a container that is named twice once. Addresses
// serve as an order because Go's collector does not move objects.
func lockBoth(a, b *object) {
	if uintptr(unsafe.Pointer(a)) > uintptr(unsafe.Pointer(b)) {
		a, b = b, a
	}
	a.mu.Lock()
	if a != b {
		b.mu.Lock()
	}
}

func unlockBoth(a, b *object) {
	a.mu.Unlock()
	if a != b {
		b.mu.Unlock()
	}
}
