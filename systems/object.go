package systems

import (
	"sync"
	"sync/atomic"
)

// An object is a boxed value. Every value of a program is one: its integers, its
// functions, its containers.
//
// All systems use the same objects, each of them one cache line long. Systems
// differ in how they use refs, owner, local and mu. The other fields are written
// before the object is shared, except array, which is guarded as the system guards
// containers.
type object struct {
	_     [0]atomic.Int64             // aligns refs, also where a word has 32 bits
	refs  int64                       // the count; plain, locked or atomic, depending on the system
	owner atomic.Pointer[nogilThread] // nogil: the thread that counts in local
	local uint32                      // nogil: the owner's part of the count, plain memory
	kind  kind
	gen   uint16     // of the slot; rises when its object is freed
	mu    sync.Mutex // of a container, in systems where each container has its own

	size  int64                 // an integer's number of digits, negative if the integer is; or an iterator's end
	num   int64                 // an integer's digits, a truth value, a name's hash, or an iterator's position
	array atomic.Pointer[array] // of a list or a dict
	code  *code                 // of a function
}

// A kind is the type of an object: what CPython has in ob_type.
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

// A reference is what a stack holds: an object and the generation of its slot. So
// use detects an object that has been freed, even if the slot already holds another
// object, unless 65,536 objects have come in between.
type reference struct {
	object *object
	gen    uint16
}

func refer(o *object) reference { return reference{o, o.gen} }

// use returns the object. It panics if the object has been freed.
func (r reference) use() *object {
	if r.object.gen != r.gen {
		panic("systems: a stack held an object that had been freed")
	}
	return r.object
}

// An array is the memory of a container. A container that grows gets a new one,
// because a reader that does not lock may still be reading the old one.
type array struct {
	keys  *keys // of a dict
	items []*object
}

// keys maps each name to the place of its value in a dict's array. As in the
// compact dict of CPython 3.6, it is a sparse table of indices into a dense table
// of entries. Keys never change: a new name makes new keys and a new array. So
// dicts with the same names share their keys, as instances do since PEP 412.
type keys struct {
	entries []keyEntry // by place
	indices []int32    // open addressing, never more than half full; -1 is empty
}

type keyEntry struct {
	hash int64
	name *object
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

// find returns the place of a name, or -1. Names are interned, so equal names are
// the same object.
func (k *keys) find(name *object) int {
	mask := int64(len(k.indices) - 1)
	for i := name.num & mask; ; i = (i + 1) & mask {
		place := int(k.indices[i])
		if place < 0 {
			return place
		}
		if k.entries[place].name == name {
			return place
		}
	}
}

// item returns an item of a list's array, or nil if there is none. A negative index
// counts from the end in Python, and is out of range here.
func (a *array) item(i int64) *object {
	if uint64(i) >= uint64(len(a.items)) {
		return nil
	}
	return a.items[i]
}

// value returns the value of a name in a dict's array, or nil.
func (a *array) value(name *object) *object {
	place := a.keys.find(name)
	if place < 0 {
		return nil
	}
	return a.items[place]
}

// with returns a dict's array with one more name. The old array does not change.
func (a *array) with(name, value *object) *array {
	n := len(a.items)
	entries := append(a.keys.entries[:n:n], keyEntry{name.num, name})
	return &array{newKeys(entries), append(a.items[:n:n], value)}
}

// A heap is the memory of objects. It reuses the most recently freed slot first,
// so that a stale reference soon meets another object. It never returns a slot to
// Go and never uses one for anything but an object.
//
// nogil needs that: it reads the count of an object that may have been freed, and
// the word must still be a count. CPython has quiescent-state-based reclamation
// and pages of one size for this purpose.
type heap struct {
	free []*object
	live int // objects taken less objects given; may be negative, if threads give it objects of other heaps
}

// freed is the count of a slot that holds no object. It is so far from zero that
// stray calls of incref and decref cannot lead to zero.
const freed = -1 << 40

func (h *heap) take(k kind) *object {
	if len(h.free) == 0 {
		h.grow()
	}
	return h.pop(k)
}

// pop is like take, for a heap that has a free slot.
func (h *heap) pop(k kind) *object {
	last := len(h.free) - 1
	o := h.free[last]
	h.free = h.free[:last]
	h.live++
	o.kind = k
	return o
}

// chunk is the number of slots by which a heap grows. They take more than 32 KiB,
// so that they begin at a page and each object begins at a cache line. Go may put a
// header before smaller allocations.
const chunk = 1024

func (h *heap) grow() {
	objects := make([]object, chunk)
	for i := range objects {
		objects[i].refs = freed
		h.free = append(h.free, &objects[i])
	}
}

func (h *heap) give(o *object) {
	if o.kind == kindFree {
		panic("systems: an object was freed twice")
	}
	o.kind = kindFree
	o.gen++
	h.live--
	h.free = append(h.free, o)
}

// digitBits is the number of bits of an integer's digit. As in CPython, an integer
// is a size and that many digits, the lowest first, and the size of a negative
// integer is negative. Here it has at most two digits, both in num.
const digitBits = 30

// setInt gives a new integer its value.
func (o *object) setInt(n int64) {
	abs := max(n, -n)
	size := int64(0)
	for rest := abs; rest != 0; rest >>= digitBits {
		size++
	}
	if size > 2 {
		panic("systems: an integer has more than 60 bits, want at most two digits of 30")
	}
	if n < 0 {
		size = -size
	}
	o.size, o.num = size, abs
}

// medium returns the value of an integer of at most one digit, whose size is its sign.
func (o *object) medium() int64 { return o.size * o.num }

// value returns the value of an integer.
func (o *object) value() int64 {
	if o.size < 0 {
		return -o.num
	}
	return o.num
}

// compareInts returns a number that is negative if a < b, zero if a == b and
// positive if a > b. Like CPython's long_compare, it compares the sizes, and the
// digits only if those are equal.
func compareInts(a, b *object) int64 {
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
