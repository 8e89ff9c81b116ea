// Package contention is the lab: which lock for my case?
//
// Goroutines share an array of records. Each record has four words that must
// agree. A step is: think (work that touches nothing shared), pick a record, and
// then either read it (see all four words and check that they agree) or update it
// (change all four words). The access does some work in the middle, after half of
// the words and before the others, so that the benchmark detects a variant that
// protects too little. The dials are the fields of [Case]:
//
//	hold        how long the work inside an access takes: 0, 100ns, 10us
//	think       work between two accesses
//	read        how many of 100 steps read
//	records     how many records there are
//	skew        none: all are equally popular; zipf: the first much more than the last
//	roles       mixed: every goroutine reads and updates; split: each does one
//	goroutines  how many there are for each proc
//
// # Shapes
//
// The key shape= says what is shared. The variants of shape=record are in this
// package. Those of shape=counter are in package counter: a count that is also
// read. Those of shape=map are in package config: a map of 1,000 keys.
//
// Read global_mutex.go first and compare the other variants with it.
//
// # Commands
//
//	go test -bench . -cpu 1,2,4,8 ./contention
//
// measures a small grid and ends in 3 minutes. To measure the full grid, add
// -timeout 0 and -args -grid. One or more dial flags replace the grid. Each
// takes a value or a list of values; dials without a flag have their
// defaults. -sync selects variants.
//
//	go test -bench . -cpu 1,2 -count 6 ./contention -args -hold 300ns -read 95 | tee mine.txt
//	go tool boundaries map mine.txt
//
// ranks the variants for one case. To measure a structure of your own, copy
// example_test.go and add -own.
//
// # What a row reports
//
//	ns/op             wall time of a step, whichever goroutine took it
//	user+sys-ns/op    processor time of a step
//	read-p50-ns, read-p99-ns, read-max-ns, and update-... likewise
//	                  how long an access takes, from asking to done, hold included
//	stall-ns          the longest time in which some goroutine finished no step, timed or
//	                  not, less the work that its steps had to do; the hold of a timed
//	                  step is not taken off
//	min-share, max-share
//	                  the steps of the goroutine that took fewest and of the one that
//	                  took most, relative to an equal share
//	mutex-wait-ns/op  how long goroutines waited for mutexes, as the runtime counts it
//	hold-ns, think-ns what the row's own goroutines measure after the run, if that is
//	                  more than 10 % off what the dial says
//
// A row fails if a read sees words that disagree, or an update is lost. The doc of
// [Trial] says how goroutines get their steps and which steps are timed, and that of
// [Variants] has three findings.
package contention

// A Variant is one way to share: a function in a file of its own, which owns its loop.
// It may touch what it makes, its [Trial]'s dials and its [Worker]. It must not use
// the worker's number to avoid sharing. The exceptions are private, which is a ceiling
// and not a choice, and the counter's lock-free.
type Variant struct {
	Name string // the value of the key sync=
	Is   string // what it is, in a few words

	// Run takes the steps of the trial and returns how many updates it can account
	// for at the end, or -1 if the words of a record disagree.
	Run func(t *Trial) (updates int)

	// Forbids says what a program that uses the variant must not do, or must accept.
	Forbids string

	// Reference says that the variant is a reference for the others and not a
	// choice: private shares nothing and is the ceiling, and gil is CPython's lock.
	Reference bool
}

// Variants lists the ways to share records, in the order of the rows.
//
// Three findings on two processors of an EPYC (family 25, model 17), medians of the ratios
// in the 16 rounds of docs/results/lab.txt. The shortest reads scale if they write nothing
// shared, and under sync.RWMutex they do not: two procs are 1.8 to 2.0 times as fast as one
// with big-reader-lock, lock-free, atomic and private, and 0.65 times with rw-mutex. Without
// updates, reads of 100 ns or more scale under rw-mutex, too.
//
//	go test -bench . -cpu 1,2 ./contention -args -read 100 -hold 0 -think 0
//
// Long updates of one record take turns: private is 2.0 times as fast on two procs, and no
// other variant more than 1.00 times. The gil costs 0.9 times what global-mutex does:
//
//	go test -bench . -cpu 1,2 ./contention -args -read 0 -hold 10us -think 0
//
// Where goroutines mostly think, the choice of the lock hardly matters, unless the lock is
// held while thinking, as the gil is. All variants are within 2 % of private except gil
// (2.0 times) and channel (1.04 times), whose owner needs a processor of its own:
//
//	go test -bench . -cpu 1,2 ./contention -args -read 0 -hold 100ns -think 10us
//
// To add a variant, write its file and add its line here. Then, in docs, run
//
//	go tool boundaries map -format which results/lab.txt > which.md
//
// because that page lists the variants.
var Variants = []Variant{
	{Name: "gil", Is: "CPython's lock, which the holder keeps while it thinks", Run: runGIL, Forbids: "any parallelism, even while thinking", Reference: true},
	{Name: "global-mutex", Is: "one sync.Mutex", Run: runGlobalMutex, Forbids: "two accesses at once; locking again while holding"},
	{Name: "rw-mutex", Is: "one sync.RWMutex", Run: runRWMutex, Forbids: "read locking again while read locked: a waiting writer deadlocks it"},
	{Name: "sharded-lock", Is: "64 mutexes; a record has one of them", Run: runShardedLock, Forbids: "a cheap view of all records at one moment: it takes every lock"},
	{Name: "big-reader-lock", Is: "a mutex for each processor: a reader takes one, and a writer all", Run: runBigReaderLock, Forbids: "cheap updates: each takes every processor's lock"},
	{Name: "atomic", Is: "a sequence lock for each record: a reader that overlaps an update reads again", Run: runAtomic, Forbids: "blocking or side effects while reading; fields that are not atomic words"},
	{Name: "lock-free", Is: "a pointer to each record: an update swaps in a changed copy", Run: runLockFree, Forbids: "changes in place: each attempt to update copies the record; side effects while updating"},
	{Name: "channel", Is: "one goroutine has all records, and acts for the others", Run: runChannel, Forbids: "any access except through the owner; blocking in the owner"},
	{Name: "private", Is: "nothing shared until the end", Run: runPrivate, Forbids: "sharing", Reference: true},
}
