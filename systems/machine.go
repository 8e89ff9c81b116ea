package systems

import (
	"fmt"

	"boundaries/internal/cacheline"
)

// A machine is the private part of a thread in every system: the frames of the
// functions that the thread is executing.
type machine struct {
	_ cacheline.Pad // depth and frame change at every call

	*space
	counts counts
	frame  *frame // of the function that is running
	callee *frame // of the program's function; kept for the next call, as frame.callee is
	depth  int
	err    error     // why the program fails
	old    []*object // of assign: the items that it must drop

	// trace, if not nil, is called before every instruction, as CPython calls
	// what sys.settrace has set.
	trace func(*frame)

	_ cacheline.Pad
}

// A frame is a call of a function. Its slots hold the locals and, above them, the
// operands.
type frame struct {
	back    *frame // the caller's
	callee  *frame // of the functions that this one calls; kept from call to call
	code    *code
	globals *object
	last    int // the place of the instruction that began last
	top     int // the number of slots in use, except while the function runs
	slots   [frameSlots]reference
}

// at returns the object in a slot.
func (f *frame) at(slot int) *object { return f.slots[slot].use() }

// frameSlots is the number of locals and operands that a function may have.
const frameSlots = 24

// recursionLimit is the number of calls that may be open at once. A comparison
// counts as one.
const recursionLimit = 1000

// enterFrame begins a call and gives it its arguments. It returns nil if too many
// calls are open.
func (m *machine) enterFrame(c *code, args []reference) *frame {
	if !m.enter() {
		return nil
	}
	callee := &m.callee
	if m.frame != nil {
		callee = &m.frame.callee
	}
	f := *callee
	if f == nil {
		f = &frame{back: m.frame}
		*callee = f
	}
	f.code, f.globals = c, m.globals
	f.last, f.top = 0, c.locals
	//lint:ignore S1001 there are one or two arguments, and copy is a call
	for i, arg := range args {
		f.slots[i] = arg
	}
	for i := len(args); i < c.locals; i++ {
		f.slots[i] = reference{}
	}
	m.frame = f
	return f
}

// leaveFrame ends the call and returns the frame of the caller.
func (m *machine) leaveFrame() *frame {
	m.frame = m.frame.back
	m.leave()
	return m.frame
}

// enter counts a call and reports whether the limit allows it.
func (m *machine) enter() bool {
	m.depth++
	if m.depth > recursionLimit {
		m.depth--
		m.fail("maximum recursion depth exceeded")
		return false
	}
	return true
}

func (m *machine) leave() { m.depth-- }

// fail notes why and where the program fails. The caller then returns nil or false,
// and unwind drops what the frames hold.
func (m *machine) fail(format string, args ...any) {
	where := "no function"
	if f := m.frame; f != nil {
		where = fmt.Sprintf("%s, instruction %d", f.code.name, f.last)
	}
	m.err = fmt.Errorf("systems: %s, in %s", fmt.Sprintf(format, args...), where)
}

// isIndex reports whether index can be an index of list.
func (m *machine) isIndex(list, index *object) bool {
	if list.kind == kindList && index.kind == kindInt {
		return true
	}
	m.fail("%v[%v]", list.kind, index.kind)
	return false
}

// hasNames reports whether o is a dict, in which names have values.
func (m *machine) hasNames(o *object) bool {
	if o.kind == kindDict {
		return true
	}
	m.fail("%v has no names", o.kind)
	return false
}

// truth reports whether an object counts as true. It is not called for True and
// False.
func truth(o *object) bool { return o.kind != kindNone && o.num != 0 }

// usedAfterFree panics, because the mistake is the system's and not the program's.
func usedAfterFree() { panic("systems: a thread used an object that had been freed") }
