package systems

import (
	"sync"
	"sync/atomic"
)

// An Object is one boxed value. Every value of a program is one: its integers,
// its functions, its containers.
//
// All systems use the same objects, as long as one line of the cache, and
// differ in which of the first four fields they use and how. The rest is
// written before the object is shared, or is a container's and guarded as the
// system guards containers.
type Object struct {
	_     [0]atomic.Int64             // aligns refs, also where a word has 32 bits
	refs  int64                       // the count; plain, locked or atomic, as the system says
	owner atomic.Pointer[nogilThread] // nogil: who counts in local
	local uint32                      // nogil: the owner's part of the count, plain memory
	kind  kind
	gen   uint16     // of the slot: rises when its object is freed
	mu    sync.Mutex // of a container, where each has its own

	size  int64                 // of an integer: how many digits, below zero if it is; where an iterator ends
	num   int64                 // an integer's digits, a truth value, a name's hash, where an iterator is
	array atomic.Pointer[array] // of a list or a dict
	code  *code                 // of a function
}

// A kind is what stands in CPython's ob_type.
type kind uint8

const (
	kindFree kind = iota // a slot that holds no object
	kindNone
	kindBool
	kindInt
	kindName // an interned string, compared by identity
	kindFunction
	kindIterator // over a range
	kindList
	kindDict // also a record, which is an instance's dict
	kinds
)

func (k kind) String() string {
	return [kinds]string{"freed object", "None", "bool", "int", "str", "function", "range_iterator", "list", "dict"}[k]
}

// A reference is what a stack holds: an object, and which of the slot's objects it
// is. One that is used when its object has been freed is found, even if the slot
// has another object by then, unless 65,536 objects came in between.
type reference struct {
	object *Object
	gen    uint16
}

func refer(o *Object) reference { return reference{o, o.gen} }

// use returns the object.
func (r reference) use() *Object {
	if r.object.gen != r.gen {
		panic("systems: a reference to an object that has been freed")
	}
	return r.object
}

// An array is the memory of a container. A container that grows gets another
// one; what reads without a lock may still be reading the first.
type array struct {
	keys  *keys // of a dict
	items []*Object
}

// keys says where in a dict's array the value of a name is. As in the compact dict
// of CPython 3.6, it is a sparse table of indices into a dense one of entries.
// Keys never change, so dicts with the same names share them, as instances do
// since PEP 412; a new name makes new keys and a new array.
type keys struct {
	entries []keyEntry // by place
	indices []int32    // open addressing, never more than half full; -1 is empty
}

type keyEntry struct {
	hash int64
	name *Object
}

func newKeys(entries []keyEntry) *keys {
	size := 8
	for size < 2*len(entries) {
		size *= 2
	}
	k := &keys{entries, make([]int32, size)}
	for i := range k.indices {
		k.indices[i] = -1
	}
	for place, e := range entries {
		i := e.hash & int64(size-1)
		for k.indices[i] >= 0 {
			i = (i + 1) & int64(size-1)
		}
		k.indices[i] = int32(place)
	}
	return k
}

// find returns the place of a name, or -1. Names are interned: those with the same
// letters are the same object.
func (k *keys) find(name *Object) int {
	mask := int64(len(k.indices) - 1)
	for i := name.num & mask; ; i = (i + 1) & mask {
		place := int(k.indices[i])
		if place < 0 {
			return place
		}
		if e := &k.entries[place]; e.hash == name.num && e.name == name {
			return place
		}
	}
}

// item returns an item of a list's array, or nil. Python counts from the end if
// the index is below zero; programs here do not.
func (a *array) item(i int64) *Object {
	if uint64(i) >= uint64(len(a.items)) {
		return nil
	}
	return a.items[i]
}

// value returns the value of a name in a dict's array, or nil.
func (a *array) value(name *Object) *Object {
	place := a.keys.find(name)
	if place < 0 {
		return nil
	}
	return a.items[place]
}

// with returns a dict's array with one more name. The old one stays as it is.
func (a *array) with(name, value *Object) *array {
	n := len(a.items)
	entries := append(a.keys.entries[:n:n], keyEntry{name.num, name})
	return &array{newKeys(entries), append(a.items[:n:n], value)}
}

// A heap is the memory of objects. It never gives a slot back and never uses one
// for anything but an Object, and the slot freed last is used first, so that a
// reference kept too long soon meets a stranger.
//
// nogil reads the count of an object that may have been freed meanwhile. That
// the word is still a count is what CPython has quiescent-state-based reclamation
// and pages of one size for; here it is true of every slot, always.
type heap struct {
	free []*Object
	live int // objects; below zero in a heap that got those of another
}

// freed is the count of a slot that holds no object. It is so far from zero that
// a stray Incref or Decref cannot lead to zero.
const freed = -1 << 40

func (h *heap) take(k kind) *Object {
	if len(h.free) == 0 {
		h.grow()
	}
	return h.pop(k)
}

// pop is take for a heap that has a free slot.
func (h *heap) pop(k kind) *Object {
	last := len(h.free) - 1
	o := h.free[last]
	h.free = h.free[:last]
	h.live++
	o.kind = k
	return o
}

// A chunk is more than 32 KiB, so that it begins at a page and each object at a
// line of the cache: before smaller ones Go puts a header.
const chunk = 1024

func (h *heap) grow() {
	objects := make([]Object, chunk)
	for i := range objects {
		objects[i].refs = freed
		h.free = append(h.free, &objects[i])
	}
}

func (h *heap) give(o *Object) {
	if o.kind == kindFree {
		panic("systems: an object is freed twice")
	}
	o.kind = kindFree
	o.gen++
	h.live--
	h.free = append(h.free, o)
}

// An integer is a size and that many digits of 30 bits, the first in the lowest
// bits of num, as in CPython, but no more than two. A size below zero is that of
// a number below zero.
const digitBits = 30

// setInt gives a new integer its value.
func (o *Object) setInt(n int64) {
	abs := max(n, -n)
	size := int64(0)
	for rest := abs; rest != 0; rest >>= digitBits {
		size++
	}
	if size > 2 {
		panic("systems: an integer of more than 60 bits")
	}
	if n < 0 {
		size = -size
	}
	o.size, o.num = size, abs
}

// medium returns the value of an integer of at most one digit.
func (o *Object) medium() int64 {
	switch {
	case o.size == 0:
		return 0
	case o.size < 0:
		return -o.num
	}
	return o.num
}

// value returns the value of an integer.
func (o *Object) value() int64 {
	if o.size < 0 {
		return -o.num
	}
	return o.num
}

// compareInts returns a number below zero, zero, or above, as CPython's
// long_compare does: by the sizes, and by the digits if those are equal.
func compareInts(a, b *Object) int64 {
	if a == b {
		return 0
	}
	sign := a.size - b.size
	if sign == 0 {
		sign = a.num - b.num
		if a.size < 0 {
			sign = -sign
		}
	}
	return sign
}
