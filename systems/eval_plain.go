package systems

//go:generate go run gen.go

// This file is the interpreter: a function for each instruction, and eval, which
// calls them. gen.go copies it for each system, with another receiver. Systems
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
func (t *plainThread) eval(function *object, args ...reference) *object {
	t.result, t.err = nil, nil
	for f := t.enterFrame(function.code, args); f != nil; {
		t.tick()
		if t.trace != nil {
			t.trace(f)
		}
		at := f.code.program[f.next : f.next+instructionSize]
		f.last = f.next
		f.next += instructionSize
		f = plainInstructions[at[0]](t, f, int(at[1])|int(at[2])<<8)
	}
	return t.result
}

// plainInstructions has the function of every instruction. The function gets the
// frame of the call that is running and the instruction's argument. It returns the
// frame to go on with: the same frame, a called function's, the caller's, or nil
// when the program has ended.
var plainInstructions = [opcodes]func(t *plainThread, f *frame, arg int) *frame{
	opLoadFast:       (*plainThread).loadFast,
	opStoreFast:      (*plainThread).storeFast,
	opLoadConst:      (*plainThread).loadConst,
	opLoadGlobal:     (*plainThread).loadGlobal,
	opStoreGlobal:    (*plainThread).storeGlobal,
	opBinary:         (*plainThread).binaryOp,
	opCompare:        (*plainThread).compareOp,
	opPopJumpIfFalse: (*plainThread).popJumpIfFalse,
	opJump:           (*plainThread).jump,
	opGetIter:        (*plainThread).getIter,
	opForIter:        (*plainThread).forIter,
	opPopTop:         (*plainThread).popTop,
	opCall:           (*plainThread).call,
	opReturn:         (*plainThread).returnValue,
	opSubscript:      (*plainThread).subscript,
	opStoreSubscript: (*plainThread).storeSubscript,
	opLoadAttr:       (*plainThread).loadAttr,
	opStoreAttr:      (*plainThread).storeAttr,
	opCopy:           (*plainThread).copyObject,
	opAssignSlice:    (*plainThread).assignSlice,
	opCallNative:     (*plainThread).callNative,
}

func (t *plainThread) loadFast(f *frame, arg int) *frame {
	if f.slots[arg].object == nil {
		t.fail("a local is used before it has a value")
		return t.unwind(f)
	}
	o := f.slots[arg].use()
	t.incref(o)
	f.push(o)
	return f
}

func (t *plainThread) storeFast(f *frame, arg int) *frame {
	old := f.slots[arg]
	f.slots[arg] = refer(f.pop())
	if old.object != nil {
		t.decref(old.use())
	}
	return f
}

func (t *plainThread) loadConst(f *frame, arg int) *frame {
	o := f.code.consts[arg]
	t.incref(o)
	f.push(o)
	return f
}

func (t *plainThread) loadGlobal(f *frame, arg int) *frame {
	return t.pushed(f, t.getKey(f.globals, f.code.names[arg]))
}

func (t *plainThread) storeGlobal(f *frame, arg int) *frame {
	value := f.pop()
	ok := t.setKey(f.globals, f.code.names[arg], value)
	t.decref(value)
	return t.done(f, ok)
}

func (t *plainThread) binaryOp(f *frame, arg int) *frame {
	b, a := f.pop(), f.pop()
	o := t.binary(operation(arg), a, b)
	t.decref(a)
	t.decref(b)
	return t.pushed(f, o)
}

func (t *plainThread) compareOp(f *frame, arg int) *frame {
	b, a := f.pop(), f.pop()
	o := t.compare(comparison(arg), a, b)
	t.decref(a)
	t.decref(b)
	return t.pushed(f, o)
}

func (t *plainThread) popJumpIfFalse(f *frame, arg int) *frame {
	o := f.pop()
	if o == t.no || o != t.yes && !truth(o) {
		f.next = arg
	}
	t.decref(o)
	return f
}

func (t *plainThread) jump(f *frame, arg int) *frame {
	f.next = arg
	return f
}

func (t *plainThread) getIter(f *frame, _ int) *frame {
	n := f.pop()
	o := t.rangeOf(n)
	t.decref(n)
	return t.pushed(f, o)
}

func (t *plainThread) forIter(f *frame, arg int) *frame {
	it := f.peek(0)
	if it.num == it.size {
		t.decref(f.pop())
		f.next = arg
		return f
	}
	it.num++
	f.push(t.newInt(it.num - 1))
	return f
}

func (t *plainThread) popTop(f *frame, _ int) *frame {
	t.decref(f.pop())
	return f
}

// call leaves the function on the stack. returnValue drops it.
func (t *plainThread) call(f *frame, arg int) *frame {
	callee := f.peek(arg)
	if callee.kind != kindFunction || callee.code.params != arg {
		t.fail("call of %v with %d arguments", callee.kind, arg)
		return t.unwind(f)
	}
	called := t.enterFrame(callee.code, f.slots[f.top-arg:f.top])
	if called == nil {
		return t.unwind(f)
	}
	f.top -= arg
	return called
}

func (t *plainThread) returnValue(f *frame, _ int) *frame {
	result := f.pop()
	for i := range f.top {
		if r := f.slots[i]; r.object != nil {
			t.decref(r.use())
		}
	}
	if f = t.leaveFrame(); f == nil {
		t.result = result
		return nil
	}
	t.decref(f.pop())
	f.push(result)
	return f
}

func (t *plainThread) subscript(f *frame, _ int) *frame {
	i, list := f.pop(), f.pop()
	o := t.getItem(list, i)
	t.decref(list)
	t.decref(i)
	return t.pushed(f, o)
}

func (t *plainThread) storeSubscript(f *frame, _ int) *frame {
	i, list, value := f.pop(), f.pop(), f.pop()
	ok := t.setItem(list, i, value)
	t.decref(value)
	t.decref(list)
	t.decref(i)
	return t.done(f, ok)
}

func (t *plainThread) loadAttr(f *frame, arg int) *frame {
	record := f.pop()
	o := t.getKey(record, f.code.names[arg])
	t.decref(record)
	return t.pushed(f, o)
}

func (t *plainThread) storeAttr(f *frame, arg int) *frame {
	record, value := f.pop(), f.pop()
	ok := t.setKey(record, f.code.names[arg], value)
	t.decref(value)
	t.decref(record)
	return t.done(f, ok)
}

func (t *plainThread) copyObject(f *frame, _ int) *frame {
	o := f.pop()
	c := t.copyOf(o)
	t.decref(o)
	return t.pushed(f, c)
}

func (t *plainThread) assignSlice(f *frame, _ int) *frame {
	to, from := f.pop(), f.pop()
	ok := t.assign(to, from)
	t.decref(from)
	t.decref(to)
	return t.done(f, ok)
}

func (t *plainThread) callNative(f *frame, arg int) *frame {
	n, x := f.pop(), f.pop()
	var o *object
	if n.kind != kindInt || x.kind != kindInt {
		t.fail("a kernel of %v and %v", x.kind, n.kind)
	} else {
		o = t.newInt(t.native(&kernels[arg], x.value(), n.value()))
	}
	t.decref(x)
	t.decref(n)
	return t.pushed(f, o)
}

// pushed pushes the result of an instruction. If it is nil, the instruction failed,
// and pushed ends the program.
func (t *plainThread) pushed(f *frame, o *object) *frame {
	if o == nil {
		return t.unwind(f)
	}
	f.push(o)
	return f
}

// done goes on after an instruction without a result. If the instruction failed, done
// ends the program.
func (t *plainThread) done(f *frame, ok bool) *frame {
	if !ok {
		return t.unwind(f)
	}
	return f
}

// unwind ends a program that fails. It drops what the frames hold.
func (t *plainThread) unwind(f *frame) *frame {
	for ; f != nil; f = t.leaveFrame() {
		for i := range f.top {
			if r := f.slots[i]; r.object != nil {
				t.decref(r.use())
			}
		}
	}
	return nil
}

// binary applies an operator: CPython's binary_op1.
func (t *plainThread) binary(op operation, a, b *object) *object {
	slot := plainTypes[a.kind].operators[op]
	other := slot
	if a.kind != b.kind {
		other = plainTypes[b.kind].operators[op]
	}
	if slot != nil {
		if result := slot(t, a, b); result != nil || t.err != nil {
			return result
		}
	}
	if other != nil && a.kind != b.kind {
		if result := other(t, a, b); result != nil || t.err != nil {
			return result
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
