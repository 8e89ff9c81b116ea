package systems

import "boundaries/internal/gil"

// startSubinterpreters starts an interpreter for every thread, with a GIL and a
// space of its own and its own objects, down to None (PEP 684, Python 3.12).
//
// Cost: memory, and a copy of everything that one interpreter passes to another:
// here the number of steps on the way in, and the value on the way out.
// Progress: blocking in principle, but no other thread wants the lock.
func startSubinterpreters(p *Program, threads int) interpreter {
	in := interpreter{}
	for range threads {
		in.threads = append(in.threads, &gilThread{machine: machine{space: p.build(threads)}, gil: new(gil.GIL)})
	}
	in.end = func() int {
		live := 0
		for _, t := range in.threads {
			live += t.(*gilThread).close(t.drop)
		}
		return live
	}
	return in
}
