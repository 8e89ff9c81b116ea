package systems

import "boundaries/internal/fork"

// runPlain takes all steps on the one thread of an interpreter that knows of no
// other: the base of every ratio. It pays for objects and counts, and for nothing
// that keeps threads apart. Wait-free, there being nobody to wait for.
func runPlain(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	s := p.build(1)
	t := &plainThread{machine: machine{space: s}}
	return Answer{t.run(0, n), s.close(t.drop)}
}

type plainThread struct {
	machine
}

func (t *plainThread) tick() {
	if counting {
		t.counts.ticks++
	}
	if t.breaker.Load() {
		t.callPending()
	}
}

func (t *plainThread) incref(o *Object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	o.refs++
}

func (t *plainThread) decref(o *Object) {
	if counting {
		t.counts.decrefs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	o.refs--
	if o.refs <= 0 {
		t.free(o)
	}
}

func (t *plainThread) take(k kind) *Object {
	if counting {
		t.counts.allocations++
	}
	o := t.heap.take(k)
	o.refs = 1
	return o
}

func (t *plainThread) give(o *Object) {
	o.refs = freed
	t.heap.give(o)
}

func (t *plainThread) lock(*Object)            {}
func (t *plainThread) unlock(*Object)          {}
func (t *plainThread) lockBoth(a, b *Object)   {}
func (t *plainThread) unlockBoth(a, b *Object) {}

func (t *plainThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }
