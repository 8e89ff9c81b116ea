// Package atomic is sync/atomic for an exploration: each operation ends a step.
package atomic

import (
	"sync/atomic"
	"unsafe"

	"boundaries/internal/explore"
)

func load(at unsafe.Pointer) { explore.Before(explore.Op{Name: "Load", Word: at, Reads: true}) }

func write(name string, at unsafe.Pointer) { explore.Before(explore.Op{Name: name, Word: at}) }

// An Int32 is an atomic.Int32.
type Int32 struct{ v atomic.Int32 }

func (x *Int32) Load() int32 {
	load(unsafe.Pointer(x))
	v := x.v.Load()
	explore.After(false, explore.Returns, explore.Int(v))
	return v
}

func (x *Int32) Store(v int32) {
	write("Store", unsafe.Pointer(x))
	x.v.Store(v)
	explore.After(true, explore.Int(v))
}

func (x *Int32) Add(delta int32) int32 {
	write("Add", unsafe.Pointer(x))
	v := x.v.Add(delta)
	explore.After(true, explore.Int(delta), explore.Returns, explore.Int(v))
	return v
}

func (x *Int32) Swap(v int32) int32 {
	write("Swap", unsafe.Pointer(x))
	old := x.v.Swap(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Int32) Or(v int32) int32 {
	write("Or", unsafe.Pointer(x))
	old := x.v.Or(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Int32) CompareAndSwap(old, v int32) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := x.v.CompareAndSwap(old, v)
	explore.After(ok, explore.Int(old), explore.Int(v), explore.Returns, explore.Bool(ok))
	return ok
}

// An Int64 is an atomic.Int64.
type Int64 struct{ v atomic.Int64 }

func (x *Int64) Load() int64 {
	load(unsafe.Pointer(x))
	v := x.v.Load()
	explore.After(false, explore.Returns, explore.Int(v))
	return v
}

func (x *Int64) Store(v int64) {
	write("Store", unsafe.Pointer(x))
	x.v.Store(v)
	explore.After(true, explore.Int(v))
}

func (x *Int64) Add(delta int64) int64 {
	write("Add", unsafe.Pointer(x))
	v := x.v.Add(delta)
	explore.After(true, explore.Int(delta), explore.Returns, explore.Int(v))
	return v
}

func (x *Int64) Swap(v int64) int64 {
	write("Swap", unsafe.Pointer(x))
	old := x.v.Swap(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Int64) Or(v int64) int64 {
	write("Or", unsafe.Pointer(x))
	old := x.v.Or(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Int64) CompareAndSwap(old, v int64) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := x.v.CompareAndSwap(old, v)
	explore.After(ok, explore.Int(old), explore.Int(v), explore.Returns, explore.Bool(ok))
	return ok
}

// A Uint32 is an atomic.Uint32.
type Uint32 struct{ v atomic.Uint32 }

func (x *Uint32) Load() uint32 {
	load(unsafe.Pointer(x))
	v := x.v.Load()
	explore.After(false, explore.Returns, explore.Int(v))
	return v
}

func (x *Uint32) Store(v uint32) {
	write("Store", unsafe.Pointer(x))
	x.v.Store(v)
	explore.After(true, explore.Int(v))
}

func (x *Uint32) Add(delta uint32) uint32 {
	write("Add", unsafe.Pointer(x))
	v := x.v.Add(delta)
	explore.After(true, explore.Int(delta), explore.Returns, explore.Int(v))
	return v
}

func (x *Uint32) Swap(v uint32) uint32 {
	write("Swap", unsafe.Pointer(x))
	old := x.v.Swap(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Uint32) Or(v uint32) uint32 {
	write("Or", unsafe.Pointer(x))
	old := x.v.Or(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Uint32) CompareAndSwap(old, v uint32) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := x.v.CompareAndSwap(old, v)
	explore.After(ok, explore.Int(old), explore.Int(v), explore.Returns, explore.Bool(ok))
	return ok
}

// A Uint64 is an atomic.Uint64.
type Uint64 struct{ v atomic.Uint64 }

func (x *Uint64) Load() uint64 {
	load(unsafe.Pointer(x))
	v := x.v.Load()
	explore.After(false, explore.Returns, explore.Int(v))
	return v
}

func (x *Uint64) Store(v uint64) {
	write("Store", unsafe.Pointer(x))
	x.v.Store(v)
	explore.After(true, explore.Int(v))
}

func (x *Uint64) Add(delta uint64) uint64 {
	write("Add", unsafe.Pointer(x))
	v := x.v.Add(delta)
	explore.After(true, explore.Int(delta), explore.Returns, explore.Int(v))
	return v
}

func (x *Uint64) Swap(v uint64) uint64 {
	write("Swap", unsafe.Pointer(x))
	old := x.v.Swap(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Uint64) Or(v uint64) uint64 {
	write("Or", unsafe.Pointer(x))
	old := x.v.Or(v)
	explore.After(true, explore.Int(v), explore.Returns, explore.Int(old))
	return old
}

func (x *Uint64) CompareAndSwap(old, v uint64) bool {
	write("CompareAndSwap", unsafe.Pointer(x))
	ok := x.v.CompareAndSwap(old, v)
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

func (x *Bool) Swap(v bool) bool {
	write("Swap", unsafe.Pointer(x))
	old := x.v.Swap(v)
	explore.After(true, explore.Bool(v), explore.Returns, explore.Bool(old))
	return old
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

func (x *Pointer[T]) Swap(v *T) *T {
	write("Swap", unsafe.Pointer(x))
	old := x.v.Swap(v)
	explore.After(true, explore.Pointer(unsafe.Pointer(v)), explore.Returns, explore.Pointer(unsafe.Pointer(old)))
	return old
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
