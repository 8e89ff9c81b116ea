package procs

// runFibSerial computes on the caller's goroutine, without a child: the base of
// the speed-ups. It pays for nothing but the calls. Wait-free.
func runFibSerial(p *Pool, n int) (int, error) {
	for done := range n {
		if fib(fibN) != fibValue {
			return done, errWrong
		}
	}
	return n, nil
}

const (
	fibN     = 20
	fibValue = 10946 // fib(fibN) with fib(0) = fib(1) = 1
)

func fib(n int) int {
	if n < 2 {
		return 1
	}
	return fib(n-1) + fib(n-2)
}
