package systems

import "unsafe"

// lockBoth locks two containers, in the order of their addresses whatever the
// order in which they are named: two threads that assign a to b and b to a would
// else wait for each other for ever. A container that is named twice is locked
// once. The collector of Go does not move objects.
func lockBoth(a, b *Object) {
	if uintptr(unsafe.Pointer(a)) > uintptr(unsafe.Pointer(b)) {
		a, b = b, a
	}
	a.mu.Lock()
	if a != b {
		b.mu.Lock()
	}
}

func unlockBoth(a, b *Object) {
	a.mu.Unlock()
	if a != b {
		b.mu.Unlock()
	}
}
