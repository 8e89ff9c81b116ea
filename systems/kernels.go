package systems

// A kernel is the C loop of an extension. It touches no object.
type kernel struct {
	run func(x, n int64) int64

	// least is the smallest n for which it is worth releasing the GIL. For
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

// fibonacci computes fib(x) n times and returns the sum.
func fibonacci(x, n int64) int64 {
	sum := int64(0)
	for range n {
		sum += fib(x)
	}
	return sum
}

func fib(n int64) int64 {
	if n < 2 {
		return 1
	}
	return fib(n-1) + fib(n-2)
}
