// Package atomic is sync/atomic for an exploration: each operation ends a step.
package atomic

import (
	"sync/atomic"
	"unsafe"

	"boundaries/internal/explore"
)

func load(at unsafe.Pointer) { explore.Before(explore.Op{Name: "Load", Word: at, Reads: true}) }

func write(name string, at unsafe.Pointer) { explore.Before(explore.Op{Name: name, Word: at}) }

// These stand for the types of the same names in sync/atomic.
type (
	Int32  = integer[int32, atomic.Int32, *atomic.Int32]
	Int64  = integer[int64, atomic.Int64, *atomic.Int64]
	Uint32 = integer[uint32, atomic.Uint32, *atomic.Uint32]
	Uint64 = integer[uint64, atomic.Uint64, *atomic.Uint64]
)

type number interface {
	int32 | int64 | uint32 | uint64
}

// An integer is a type of sync/atomic for numbers of type T. V is the real one, whose
// operations tell the race detector what they order.
type integer[T number, V any, P interface {
	*V
	Load() T
	Store(T)
	Add(T) T
	Swap(T) T
	Or(T) T
	CompareAndSwap(old, v T) bool
}] struct{ v V }

func (x *integer[T, V, P]) Load() T {
	load(unsafe.Pointer(x))
	v := P(&x.v).Load()
	explore.After(false, explore.Returns, explore.Int(v))
	return v
}

func (x *integer[T, V, P]) Store(v T) {
	write("Store", unsafe.Pointer(x))
	P(&x.v).Store(v)
	explore.After(true, explore.Int(v))
}

func (x *integer[T, V, P]) Add(delta T) T {
	write("Add", unsafe.Pointer(x))
	v := P(&x.v).Add(delta)
	explore.After(true, explore.Int(delta), explore.Returns, explore.Int(v))
	return v
}

func (x *integer[T, V, P]) Swap(v T) T {
	write("Swap", unsafe.Pointer(x))
	old := P(&x.v).Swap(v)
	explore.After(old != v, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *integer[T, V, P]) Or(v T) T {
	write("Or", unsafe.Pointer(x))
	old := P(&x.v).Or(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *integer[T, V, P]) CompareAndSwap(old, v T) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := P(&x.v).CompareAndSwap(old, v)
	explore.After(ok, explore.Int(old), explore.Int(v), explore.Returns, explore.Bool(ok))
	return ok
}

// A Bool is an atomic.Bool.
type Bool struct{ v atomic.Bool }

func (x *Bool) Load() bool {
	load(unsafe.Pointer(x))
	v := x.v.Load()
	explore.After(false, explore.Returns, explore.Bool(v))
	return v
}

func (x *Bool) Store(v bool) {
	write("Store", unsafe.Pointer(x))
	x.v.Store(v)
	explore.After(true, explore.Bool(v))
}

func (x *Bool) CompareAndSwap(old, v bool) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := x.v.CompareAndSwap(old, v)
	explore.After(ok, explore.Bool(old), explore.Bool(v), explore.Returns, explore.Bool(ok))
	return ok
}

// A Pointer is an atomic.Pointer.
type Pointer[T any] struct{ v atomic.Pointer[T] }

func (x *Pointer[T]) Load() *T {
	load(unsafe.Pointer(x))
	v := x.v.Load()
	explore.After(false, explore.Returns, explore.Pointer(unsafe.Pointer(v)))
	return v
}

func (x *Pointer[T]) Store(v *T) {
	write("Store", unsafe.Pointer(x))
	x.v.Store(v)
	explore.After(true, explore.Pointer(unsafe.Pointer(v)))
}

func (x *Pointer[T]) CompareAndSwap(old, v *T) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := x.v.CompareAndSwap(old, v)
	explore.After(ok, explore.Pointer(unsafe.Pointer(old)), explore.Pointer(unsafe.Pointer(v)), explore.Returns, explore.Bool(ok))
	return ok
}

// The functions that package systems calls.

func LoadInt64(at *int64) int64 {
	explore.Before(explore.Op{Name: "LoadInt64", Word: unsafe.Pointer(at), Reads: true})
	v := atomic.LoadInt64(at)
	explore.After(false, explore.Returns, explore.Int(v))
	return v
}

func StoreInt64(at *int64, v int64) {
	write("StoreInt64", unsafe.Pointer(at))
	atomic.StoreInt64(at, v)
	explore.After(true, explore.Int(v))
}

func AddInt64(at *int64, delta int64) int64 {
	write("AddInt64", unsafe.Pointer(at))
	v := atomic.AddInt64(at, delta)
	explore.After(true, explore.Int(delta), explore.Returns, explore.Int(v))
	return v
}

func CompareAndSwapInt64(at *int64, old, v int64) bool {
	write("CompareAndSwapInt64", unsafe.Pointer(at))
	ok := atomic.CompareAndSwapInt64(at, old, v)
	explore.After(ok, explore.Int(old), explore.Int(v), explore.Returns, explore.Bool(ok))
	return ok
}

func LoadPointer(at *unsafe.Pointer) unsafe.Pointer {
	explore.Before(explore.Op{Name: "LoadPointer", Word: unsafe.Pointer(at), Reads: true})
	v := atomic.LoadPointer(at)
	explore.After(false, explore.Returns, explore.Pointer(v))
	return v
}

func StorePointer(at *unsafe.Pointer, v unsafe.Pointer) {
	write("StorePointer", unsafe.Pointer(at))
	atomic.StorePointer(at, v)
	explore.After(true, explore.Pointer(v))
}
