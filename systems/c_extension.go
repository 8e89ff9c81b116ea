package systems

// startCExtension starts gil.go with an extension that releases the lock around
// its work, which is nearly the whole program: one call of the extension adds for
// 262,144 steps of Loop, or computes 64 steps of Fib, some 70 and 150 us.
//
// A call must be as long as that. A thread that finds the lock taken sleeps, and to
// wake it takes as long as some microseconds of work: with calls of one fib(15),
// two threads are hardly faster than one.
//
// The lock is not released automatically. A kernel that is too short to be worth
// it keeps the lock, as hashlib does below 2048 bytes.
//
// Cost: a release and an acquisition of the lock for each call. What remains in
// the interpreter, about twenty instructions a call, one thread executes at a time.
// Progress: blocking.
func startCExtension(p *Program, threads int) interpreter { return startLocked(p, p.native, threads) }
