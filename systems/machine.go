package systems

import (
	"fmt"

	"boundaries/internal/cacheline"
)

// A machine is what a thread of any system has of its own: the frames of the
// functions that it is in.
type machine struct {
	_ cacheline.Pad // depth and frame change at every call

	*space
	counts counts
	frame  *frame // of the function that runs
	spare  *frame // frames to use again
	depth  int
	result *Object   // of the program
	err    error     // why the program fails
	old    []*Object // of assign: what it is to drop

	// trace, if not nil, is called before every instruction, as CPython calls
	// what sys.settrace has set.
	trace func(*frame)

	_ cacheline.Pad
}

// A frame is a call of a function: its locals, and above them its operands.
type frame struct {
	back    *frame // the caller's
	code    *code
	globals *Object
	last    int // where the instruction is that was begun last
	next    int // where the next one is
	top     int // the number of slots in use
	slots   [frameSlots]reference
}

func (f *frame) push(o *Object) {
	f.slots[f.top] = refer(o)
	f.top++
}

// pop leaves nothing behind, so that the slots in use are all the references
// that a stack has.
func (f *frame) pop() *Object {
	f.top--
	o := f.slots[f.top].use()
	f.slots[f.top] = reference{}
	return o
}

// peek returns the object that is n below the top.
func (f *frame) peek(n int) *Object { return f.slots[f.top-1-n].use() }

// frameSlots is the number of locals and operands that a function may have.
const frameSlots = 24

// recursionLimit is how many calls may be open at once, those of operators
// included.
const recursionLimit = 1000

// enterFrame begins a call and gives it its arguments. It returns nil if there
// are too many calls open.
func (m *machine) enterFrame(c *code, args []reference) *frame {
	if !m.enter() {
		return nil
	}
	f := m.spare
	if f == nil {
		f = new(frame)
	} else {
		m.spare = f.back
	}
	f.back, f.code, f.globals = m.frame, c, m.globals
	f.last, f.next, f.top = -instructionSize, 0, c.locals
	locals := f.slots[:c.locals]
	for i := range locals {
		if i < len(args) {
			locals[i] = args[i]
		} else {
			locals[i] = reference{}
		}
	}
	m.frame = f
	return f
}

// leaveFrame ends the call, and returns the frame of the caller.
func (m *machine) leaveFrame() *frame {
	f := m.frame
	m.frame = f.back
	f.back, f.code, f.globals = m.spare, nil, nil
	m.spare = f
	m.leave()
	return m.frame
}

// enter counts a call and reports whether it may be made.
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

// fail notes why the program fails and where. Whoever calls it returns nil, and
// eval drops what its frames hold.
func (m *machine) fail(format string, args ...any) {
	where := "no function"
	if f := m.frame; f != nil {
		where = fmt.Sprintf("%s, instruction %d", f.code.name, f.last/instructionSize)
	}
	m.err = fmt.Errorf("systems: %s, in %s", fmt.Sprintf(format, args...), where)
}

// isIndex reports whether an object can be an index of another.
func (m *machine) isIndex(list, index *Object) bool {
	if list.kind == kindList && index.kind == kindInt {
		return true
	}
	m.fail("%v[%v]", list.kind, index.kind)
	return false
}

// hasNames reports whether names have values in an object.
func (m *machine) hasNames(o *Object) bool {
	if o.kind == kindDict {
		return true
	}
	m.fail("a name in %v", o.kind)
	return false
}

// truth says what an object is worth as a condition that is neither True nor
// False.
func truth(o *Object) bool { return o.kind != kindNone && o.num != 0 }

// usedAfterFree panics: it is a mistake of the system, not of the program.
func usedAfterFree() { panic("systems: a reference to an object that has been freed") }
