package await

import "sync"

// runGoroutine lets two goroutines hand the turn over through unbuffered channels.
//
// Cost: Go's scheduler at every step, which makes one goroutine runnable and puts
// the other to sleep. With more than one processor, it may wake a second processor for
// nothing.
// Progress: blocking.
func runGoroutine(workers, n int) int {
	check(workers, n)
	return handOver(n, func() {}, func() {})
}

// handOver runs two parties, each on a goroutine of its own that calls begin first
// and end last, and lets them hand the turn over n times.
func handOver(n int, begin, end func()) int {
	last, handed := -1, 0 // the party that has the turn writes them
	turn := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	party := func(me, n, theirs int) {
		begin()
		defer end()
		for range n {
			<-turn[me]
			if last != me {
				handed++
			}
			last = me
			theirs--
			if theirs >= 0 {
				turn[1-me] <- struct{}{}
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { party(0, n-n/2, n/2) })
	both.Go(func() { party(1, n/2, n-n/2-1) })
	if n > 0 {
		turn[0] <- struct{}{}
	}
	both.Wait()
	return handed
}
