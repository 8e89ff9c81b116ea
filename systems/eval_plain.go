package systems

//go:generate go run gen.go

// This file is the interpreter: eval, which has the instructions, and the functions
// that do their work. gen.go copies it for each system, with another receiver. Systems
// differ in the methods that this file calls and plain.go defines.
//
// The work of an instruction is that of CPython 3.6, before there were caches in
// the bytecode. An operator looks up its function in the types of its operands. An
// integer has a sign, a size and digits. A comparison counts as a call. Every
// instruction notes where it is and checks whether it is traced. Every operation
// that can fail has its result checked. The references are those of 3.11, which
// has no frame objects to count and moves arguments to the function that is
// called.

// run calls the program's function for a thread with n and returns its value. It
// panics if the program fails.
func (t *plainThread) run(thread, n int) int64 {
	result := t.eval(t.entry(thread), refer(t.newInt(int64(n))))
	if result == nil {
		panic(t.err)
	}
	value := result.value()
	t.decref(result)
	if counting {
		t.counts.note()
	}
	return value
}

// eval calls a function and returns its result, or nil if the program fails. It
// takes over the references to the arguments, but not the one to the function.
//
// As in CPython, it is one function, and a call of the program is not a call of Go:
// most instructions are so short that a call for each would cost as much as they do.
func (t *plainThread) eval(function *object, args ...reference) *object {
	t.err = nil
	f := t.enterFrame(function.code, args)
	if f == nil {
		return nil
	}
	top := f.top // f.top is out of date while f runs
	for pc := 0; ; pc++ {
		f.last = pc
		t.tick()
		if t.trace != nil {
			t.trace(f)
		}
		in := f.code.program[pc]
		arg := in.arg()
		var o *object // what the instruction pushes, or nil if it fails
		switch in.op() {
		case opLoadFast:
			if f.slots[arg].object == nil {
				t.fail("a local is used before it has a value")
				break
			}
			t.incref(f.at(arg))
			f.slots[top] = f.slots[arg]
			top++
			continue
		case opLoadConst:
			o := f.code.consts[arg]
			t.incref(o)
			f.slots[top] = refer(o)
			top++
			continue
		case opLoadGlobal:
			o = t.getKey(f.globals, f.code.names[arg])
		case opBinary:
			top -= 2
			a, b := f.at(top), f.at(top+1)
			o = t.binary(operation(arg), a, b)
			t.decref(a)
			t.decref(b)
		case opCompare:
			top -= 2
			a, b := f.at(top), f.at(top+1)
			o = t.compare(comparison(arg), a, b)
			t.decref(a)
			t.decref(b)
		case opGetIter:
			top--
			n := f.at(top)
			o = t.rangeOf(n)
			t.decref(n)
		case opForIter:
			it := f.at(top - 1)
			if it.num == it.size {
				top--
				t.decref(it)
				pc = arg - 1
				continue
			}
			o = t.newInt(it.num)
			it.num++
		case opCall: // leaves the function on the stack
			callee := f.at(top - 1 - arg)
			if callee.kind != kindFunction || callee.code.params != arg {
				t.fail("call of %v with %d arguments", callee.kind, arg)
				break
			}
			called := t.enterFrame(callee.code, f.slots[top-arg:top])
			if called == nil {
				break
			}
			f.top = top - arg
			f, pc, top = called, -1, called.top
			continue
		case opReturn: // drops the function
			top--
			o = f.at(top)
			for _, r := range f.slots[:top] {
				if r.object != nil {
					t.decref(r.use())
				}
			}
			if f = t.leaveFrame(); f == nil {
				return o
			}
			pc, top = f.last, f.top-1
			t.decref(f.at(top))
		case opSubscript:
			top -= 2
			list, i := f.at(top), f.at(top+1)
			o = t.getItem(list, i)
			t.decref(list)
			t.decref(i)
		case opLoadAttr:
			top--
			record := f.at(top)
			o = t.getKey(record, f.code.names[arg])
			t.decref(record)
		case opCopy:
			top--
			from := f.at(top)
			o = t.copyOf(from)
			t.decref(from)
		case opCallNative:
			top -= 2
			x, n := f.at(top), f.at(top+1)
			o = t.callNative(&kernels[arg], x, n)
			t.decref(x)
			t.decref(n)

		// The instructions below push nothing.
		case opStoreFast:
			top--
			old := f.slots[arg]
			f.slots[arg] = refer(f.at(top))
			if old.object != nil {
				t.decref(old.use())
			}
			continue
		case opPopJumpIfFalse:
			top--
			o := f.at(top)
			if o == t.no || o != t.yes && !truth(o) {
				pc = arg - 1
			}
			t.decref(o)
			continue
		case opJump:
			pc = t.jump(pc, arg) - 1
			continue
		case opPopTop:
			top--
			t.decref(f.at(top))
			continue
		case opStoreGlobal:
			top--
			value := f.at(top)
			ok := t.setKey(f.globals, f.code.names[arg], value)
			t.decref(value)
			if ok {
				continue
			}
		case opStoreSubscript:
			top -= 3
			value, list, i := f.at(top), f.at(top+1), f.at(top+2)
			ok := t.setItem(list, i, value)
			t.decref(value)
			t.decref(list)
			t.decref(i)
			if ok {
				continue
			}
		case opStoreAttr:
			top -= 2
			value, record := f.at(top), f.at(top+1)
			ok := t.setKey(record, f.code.names[arg], value)
			t.decref(value)
			t.decref(record)
			if ok {
				continue
			}
		case opAssignSlice:
			top -= 2
			from, to := f.at(top), f.at(top+1)
			ok := t.assign(to, from)
			t.decref(from)
			t.decref(to)
			if ok {
				continue
			}
		}
		if o == nil {
			f.top = top
			t.unwind()
			return nil
		}
		f.slots[top] = refer(o)
		top++
	}
}

// jump returns the place of the next instruction: to, and not what follows from.
func (t *plainThread) jump(from, to int) int { return to }

// dropAll drops what a frame holds.
func (t *plainThread) dropAll(f *frame) {
	for _, r := range f.slots[:f.top] {
		if r.object != nil {
			t.decref(r.use())
		}
	}
}

// unwind ends a program that fails. It drops what the frames hold.
func (t *plainThread) unwind() {
	for f := t.frame; f != nil; f = t.leaveFrame() {
		t.dropAll(f)
	}
}

// callNative returns the result of a kernel, or nil.
func (t *plainThread) callNative(k *kernel, x, n *object) *object {
	if n.kind != kindInt || x.kind != kindInt {
		t.fail("a kernel of %v and %v", x.kind, n.kind)
		return nil
	}
	return t.newInt(t.native(k, x.value(), n.value()))
}

// binary applies an operator: CPython's binary_op1.
func (t *plainThread) binary(op operation, a, b *object) *object {
	if slot := plainTypes[a.kind].operators[op]; slot != nil {
		if result := slot(t, a, b); result != nil || t.err != nil {
			return result
		}
	}
	if a.kind != b.kind {
		if slot := plainTypes[b.kind].operators[op]; slot != nil {
			if result := slot(t, a, b); result != nil || t.err != nil {
				return result
			}
		}
	}
	t.fail("%v of %v and %v", op, a.kind, b.kind)
	return nil
}

// compare compares two objects: CPython's PyObject_RichCompare.
func (t *plainThread) compare(c comparison, a, b *object) *object {
	if !t.enter() {
		return nil
	}
	var result *object
	if slot := plainTypes[a.kind].compare; slot != nil {
		result = slot(t, c, a, b)
	}
	t.leave()
	if result == nil {
		t.fail("comparison of %v and %v", a.kind, b.kind)
	}
	return result
}

// A plainType is the behavior of a kind of objects. The functions return nil if an
// operand is of a kind that they do not know.
type plainType struct {
	operators [operations]func(t *plainThread, a, b *object) *object
	compare   func(t *plainThread, c comparison, a, b *object) *object
}

var plainTypes = [kinds]plainType{
	kindInt: {
		[operations]func(t *plainThread, a, b *object) *object{
			(*plainThread).addInts, (*plainThread).subtractInts, (*plainThread).multiplyInts,
		},
		(*plainThread).compareInts,
	},
}

func (t *plainThread) addInts(a, b *object) *object {
	if a.kind != kindInt || b.kind != kindInt {
		return nil
	}
	if a.size*a.size <= 1 && b.size*b.size <= 1 {
		return t.newInt(a.medium() + b.medium())
	}
	return t.newInt(a.value() + b.value())
}

func (t *plainThread) subtractInts(a, b *object) *object {
	if a.kind != kindInt || b.kind != kindInt {
		return nil
	}
	if a.size*a.size <= 1 && b.size*b.size <= 1 {
		return t.newInt(a.medium() - b.medium())
	}
	return t.newInt(a.value() - b.value())
}

func (t *plainThread) multiplyInts(a, b *object) *object {
	if a.kind != kindInt || b.kind != kindInt {
		return nil
	}
	if a.size*a.size > 1 || b.size*b.size > 1 {
		t.fail("multiplication of integers of two digits")
		return nil
	}
	return t.newInt(a.value() * b.value())
}

func (t *plainThread) compareInts(c comparison, a, b *object) *object {
	if a.kind != kindInt || b.kind != kindInt {
		return nil
	}
	order := compareInts(a, b)
	is := false
	switch c {
	case less:
		is = order < 0
	case equal:
		is = order == 0
	}
	result := t.no
	if is {
		result = t.yes
	}
	t.incref(result)
	return result
}

// newInt returns an integer: CPython's PyLong_FromLong.
func (t *plainThread) newInt(n int64) *object {
	if smallMin <= n && n <= smallMax {
		o := t.small[n-smallMin]
		t.incref(o)
		return o
	}
	o := t.take(kindInt)
	o.setInt(n)
	return o
}

// rangeOf returns an iterator over the integers from 0 to below n.
func (t *plainThread) rangeOf(n *object) *object {
	if n.kind != kindInt {
		t.fail("range of %v", n.kind)
		return nil
	}
	it := t.take(kindIterator)
	it.num, it.size = 0, n.value()
	return it
}

// free drops everything that an object holds and gives its memory back. The object's
// last reference is gone.
func (t *plainThread) free(o *object) {
	if o.kind == kindList || o.kind == kindDict {
		for _, item := range o.array.Load().items {
			t.drop(item)
		}
	}
	t.give(o)
}

// hold counts a reference from a container. incref counts one from a stack.
func (t *plainThread) hold(o *object) { t.incref(o) }

// drop drops a reference that was counted by hold.
func (t *plainThread) drop(o *object) { t.decref(o) }

// put stores a reference in a container that is locked.
func (t *plainThread) put(place **object, o *object) { *place = o }

// getItem returns an item of a list, or nil. It takes the reference while the list is
// locked: a moment later another thread may replace and free the item.
func (t *plainThread) getItem(list, index *object) *object {
	if counting {
		t.counts.listReads++
	}
	if !t.isIndex(list, index) {
		return nil
	}
	t.lock(list)
	o := list.array.Load().item(index.value())
	if o != nil {
		t.incref(o)
	}
	t.unlock(list)
	if o == nil {
		t.fail("list index out of range")
	}
	return o
}

// setItem puts a value into a list and reports whether it could. It drops the old
// item after it has unlocked the list, because that may free the item, which may
// take other locks.
func (t *plainThread) setItem(list, index, value *object) bool {
	if counting {
		t.counts.listWrites++
	}
	if !t.isIndex(list, index) {
		return false
	}
	t.hold(value)
	t.lock(list)
	a := list.array.Load()
	old := a.item(index.value())
	if old != nil {
		t.put(&a.items[index.value()], value)
	}
	t.unlock(list)
	if old == nil {
		t.drop(value)
		t.fail("list index out of range")
		return false
	}
	t.drop(old)
	return true
}

// getKey returns the value that a name has in a dict, or nil.
func (t *plainThread) getKey(dict, name *object) *object {
	if counting {
		t.counts.dictReads++
	}
	if !t.hasNames(dict) {
		return nil
	}
	t.lock(dict)
	o := dict.array.Load().value(name)
	if o != nil {
		t.incref(o)
	}
	t.unlock(dict)
	if o == nil {
		t.fail("a name has no value")
	}
	return o
}

// setKey gives a name a value in a dict and reports whether it could.
func (t *plainThread) setKey(dict, name, value *object) bool {
	if counting {
		t.counts.dictWrites++
	}
	if !t.hasNames(dict) {
		return false
	}
	t.hold(name)
	t.hold(value)
	t.lock(dict)
	a := dict.array.Load()
	place := a.keys.find(name)
	if place < 0 {
		dict.array.Store(a.with(name, value))
		t.unlock(dict)
		t.drop(name) // keys hold no references: names live as long as the space
		return true
	}
	old := a.items[place]
	t.put(&a.items[place], value)
	t.unlock(dict)
	t.drop(old)
	t.drop(name)
	return true
}

// copyOf returns a new container with the same items, or nil.
func (t *plainThread) copyOf(o *object) *object {
	if counting {
		t.counts.copies++
	}
	if o.kind != kindList && o.kind != kindDict {
		t.fail("copy of %v", o.kind)
		return nil
	}
	t.lock(o)
	from := o.array.Load()
	items := make([]*object, len(from.items))
	for i, item := range from.items {
		t.hold(item)
		items[i] = item
	}
	t.unlock(o)
	c := t.take(o.kind)
	c.array.Store(&array{from.keys, items})
	return c
}

// assign gives a list the items of another, to[:] = from, and reports whether it
// could. It locks both.
func (t *plainThread) assign(to, from *object) bool {
	if counting {
		t.counts.copies++
	}
	if to.kind != kindList || from.kind != kindList {
		t.fail("assignment of %v to a slice of %v", from.kind, to.kind)
		return false
	}
	t.lockBoth(to, from)
	source, target := from.array.Load().items, to.array.Load().items
	t.old = append(t.old[:0], target...)
	for _, item := range source {
		t.hold(item)
	}
	if len(source) == len(target) {
		for i, item := range source {
			t.put(&target[i], item)
		}
	} else {
		to.array.Store(&array{items: append([]*object(nil), source...)})
	}
	t.unlockBoth(to, from)
	for _, item := range t.old {
		t.drop(item)
	}
	return true
}
