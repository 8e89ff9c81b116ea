package systems

// A kernel is the C loop of an extension. It works on no object.
type kernel struct {
	run func(x, n int64) int64

	// least is the smallest n for which it is worth giving the GIL away. For
	// hashlib, which hashes n bytes, it is 2048 (HASHLIB_GIL_MINSIZE).
	least int64
}

var kernels = [...]kernel{
	{addTwos, 2048},
	{fibonacci, 1},
}

// addTwos adds 2 to x, n times.
func addTwos(x, n int64) int64 {
	for range n {
		x += 2
	}
	return x
}

// fibonacci adds fib(15) to x, n times, and computes it each time.
func fibonacci(x, n int64) int64 {
	for range n {
		x += fib(15)
	}
	return x
}

func fib(n int64) int64 {
	if n < 2 {
		return 1
	}
	return fib(n-1) + fib(n-2)
}
