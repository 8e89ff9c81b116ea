package systems

// startPlain starts an interpreter with only one thread, which takes all steps. A system's
// row divided by this one is the price of what keeps the system's threads apart.
//
// Cost: objects and counts, and nothing that keeps threads apart.
// Progress: wait-free, because there is no other thread to wait for.
func startPlain(p *Program, _ int) interpreter {
	s := p.build(1)
	return newInterpreter(s, 1, func() thread { return &plainThread{machine{space: s}} })
}

type plainThread struct {
	machine
}

// Systems replace the methods below. For each system, gen.go copies the methods that
// it does not replace.

func (t *plainThread) begin() {}
func (t *plainThread) end()   {}

// tick is called before every instruction. It looks at the eval breaker.
func (t *plainThread) tick() {
	if counting {
		t.counts.ticks++
	}
	if t.breaker.Load() {
		t.callPending()
	}
}

func (t *plainThread) incref(o *object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	o.refs++
}

func (t *plainThread) decref(o *object) {
	if counting {
		t.counts.decrefs++
	}
	o.refs--
	if o.refs <= 0 {
		t.free(o)
	}
}

// take returns a new object with one reference.
func (t *plainThread) take(k kind) *object {
	if counting {
		t.counts.allocations++
	}
	o := t.heap.take(k)
	o.refs = 1
	return o
}

// give returns the memory of an object that has no references and holds none.
func (t *plainThread) give(o *object) {
	o.refs = freed
	t.heap.give(o)
}

func (t *plainThread) lock(*object)            {}
func (t *plainThread) unlock(*object)          {}
func (t *plainThread) lockBoth(a, b *object)   {}
func (t *plainThread) unlockBoth(a, b *object) {}

// native runs a kernel of an extension on two integers.
func (t *plainThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }
