package gil_test

import (
	"fmt"

	"boundaries/internal/gil"
)

// The article's figure 4.1.3: a thread computes and then waits for I/O. It releases
// the lock for the wait, and the next thread takes it. In the end all four threads
// wait at once, but never do two compute at once.
func Example() {
	const threads = 4
	var lock gil.GIL
	computing, most := 0, 0 // guarded by lock
	compute := func(thread int, what string) {
		computing++
		most = max(most, computing)
		fmt.Println("thread", thread, what)
		computing--
	}

	waiting := make(chan int, threads)
	var answer, ended [threads]chan struct{}
	var thread func(i int)
	thread = func(i int) {
		var t gil.Thread
		lock.Acquire(&t)
		compute(i, "computes")
		if i+1 < threads {
			go thread(i + 1) // waits for the lock
		}
		lock.Blocking(&t, func() {
			waiting <- i
			<-answer[i]
		})
		compute(i, "has its answer and computes")
		lock.Release(&t)
		close(ended[i])
	}
	for i := range threads {
		answer[i], ended[i] = make(chan struct{}), make(chan struct{})
	}
	go thread(0)
	for range threads {
		<-waiting
	}
	fmt.Println("all", threads, "wait for I/O at once")
	for i := range threads {
		close(answer[i])
		<-ended[i]
	}
	fmt.Println("at most", most, "computed at once")
	// Output:
	// thread 0 computes
	// thread 1 computes
	// thread 2 computes
	// thread 3 computes
	// all 4 wait for I/O at once
	// thread 0 has its answer and computes
	// thread 1 has its answer and computes
	// thread 2 has its answer and computes
	// thread 3 has its answer and computes
	// at most 1 computed at once
}
