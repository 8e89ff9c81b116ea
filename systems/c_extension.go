package systems

// startCExtension starts gil.go with an extension that releases the lock around
// its work, which is nearly the whole program: one call of the extension adds for
// 262,144 steps of Loop, or computes 64 steps of Fib, some 70 and 200 µs.
//
// A call must be that long. A thread that finds the lock taken sleeps, and waking
// it takes as long as several microseconds of work. With calls of one fib(15), two
// threads are hardly faster than one.
//
// The interpreter does not release the lock by itself. A kernel too short to be
// worth a release keeps the lock, as hashlib does below 2048 bytes.
//
// Cost: a release and an acquisition of the lock for each call. The interpreter
// executes about twenty more instructions per call, one thread at a time.
// Progress: blocking.
func startCExtension(p *Program, threads int) interpreter { return startLocked(p, p.native, threads) }
