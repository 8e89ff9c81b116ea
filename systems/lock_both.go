package systems

import "unsafe"

// lockBoth locks two containers in the order of their addresses, whatever their
// order as arguments. Otherwise two threads that assign a to b and b to a could
// wait for each other forever. If both arguments are the same container, lockBoth
// locks it once. Addresses serve as an order because Go's collector does not move
// objects.
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
