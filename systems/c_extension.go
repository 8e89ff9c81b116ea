package systems

// runCExtension is gil.go with an extension that gives the lock away around its
// work, which is nearly the whole program: in one call the extension adds for
// 262,144 steps of Loop, or computes fib(15) for 64 steps of Fib, some 70 and 150
// us. It pays a release and an acquisition of the lock for each call, and what
// remains in the interpreter, about twenty instructions a call, is still done one
// thread at a time. Blocking.
//
// Why so much in a call: a thread that finds the lock taken sleeps, and to wake it
// takes as long as some microseconds of work. With calls of one fib(15) two
// threads are hardly faster than one.
//
// It is not automatic: a kernel that is too short to be worth it keeps the lock,
// as hashlib does below 2048 bytes.
func runCExtension(p *Program, workers, n int) Answer { return gilRun(p, p.native, workers, n) }
