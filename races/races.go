// Package races shows what goes wrong when threads use the same memory and nothing
// keeps them apart, and how such a mistake is caught. It is a tour for readers who
// know threads and no Go. make race-demo prints it, or these two commands:
//
//	go test -v -run 'RaceReplay|RaceOutcomes' ./races
//	go test -v -run RaceDemo -race ./races
//
// The tour has three parts:
//
//  1. [Replay] takes the article's figure 4.1.2 apart, step by step: two threads
//     read a count of 3, both write 4, and it should be 5. It then runs the same
//     steps under each discipline of the suite. Read it first.
//  2. The outcomes count the results of millions of meetings of two threads, as
//     OpenJDK's concurrency stress tests (jcstress) do. A forbidden outcome must
//     never occur. An outcome that only a data race can cause is interesting.
//  3. The demo takes the protection away from a program of this suite, and nothing
//     else, and Go's race detector reports the race.
//
// A racy variant is an error by Go's memory model: it may crash or hang. It runs
// only in child processes of these tests. The main command has no row for it, and
// does not link this package.
//
// The histograms of part 2 are also written in the benchmark format, on request and
// with the usual flags of go test:
//
//	go test -bench Race -benchtime 1000000x -cpu 2 -count 6 ./races
//
// A row is a variant of a case, and an iteration is a try. Each unit is the share
// of the tries that had one interesting outcome. So lost/try of
//
//	BenchmarkRace/case=refcount/sync=racy-2
//
// says how often a reference was lost (figure 4.1.2). A row of a safe variant is 0,
// or it fails. A row makes the requested number of tries, or up to 1023 more. Part 2 stops
// after it has seen an interesting outcome, so do not quote its shares.
package races
