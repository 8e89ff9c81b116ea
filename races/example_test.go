package races_test

import (
	"os"

	"boundaries/races"
)

// The article's figure 4.1.2, and what each discipline makes of it.
func ExampleReplay() {
	races.Replay(os.Stdout)
	// Output:
	// racy: no discipline, as in figure 4.1.2
	//   step   thread 1   thread 2   count
	//      1   reads 3               3
	//      2              reads 3    3
	//      3   writes 4              4
	//      4              writes 4   4
	//   The count is 4 and should be 5: one reference is not counted.
	//
	// gil: one lock for all that a thread does, as in CPython
	//   step   thread 1             thread 2             count
	//      1   takes the GIL                             3
	//      2                        waits for the GIL    3
	//      3   reads 3                                   3
	//      4                        waits for the GIL    3
	//      5   writes 4                                  4
	//      6                        waits for the GIL    4
	//      7   gives the GIL back                        4
	//      8                        takes the GIL        4
	//      9                        reads 4              4
	//     10                        writes 5             5
	//     11                        gives the GIL back   5
	//   The count is 5. Thread 2 has waited for 3 turns.
	//
	// global-mutex: one lock for all counts
	//   step   thread 1              thread 2              count
	//      1   takes the lock                              3
	//      2                         waits for the lock    3
	//      3   reads 3                                     3
	//      4                         waits for the lock    3
	//      5   writes 4                                    4
	//      6                         waits for the lock    4
	//      7   gives the lock back                         4
	//      8                         takes the lock        4
	//      9                         reads 4               4
	//     10                         writes 5              5
	//     11                         gives the lock back   5
	//   The count is 5. Thread 2 has waited for 3 turns.
	//
	// sharded-lock: 64 locks; another object would have had another, and nobody would have waited
	//   step   thread 1                  thread 2                  count
	//      1   takes lock 7 of 64                                  3
	//      2                             waits for lock 7 of 64    3
	//      3   reads 3                                             3
	//      4                             waits for lock 7 of 64    3
	//      5   writes 4                                            4
	//      6                             waits for lock 7 of 64    4
	//      7   gives lock 7 of 64 back                             4
	//      8                             takes lock 7 of 64        4
	//      9                             reads 4                   4
	//     10                             writes 5                  5
	//     11                             gives lock 7 of 64 back   5
	//   The count is 5. Thread 2 has waited for 3 turns.
	//
	// atomic: reading, adding and writing are one instruction: there is no moment between them
	//   step   thread 1                thread 2                count
	//      1   adds 1, which makes 4                           4
	//      2                           adds 1, which makes 5   5
	//   The count is 5, and nobody has waited.
	//
	// cas: write only if the count is still what was read (compare and swap)
	//   step   thread 1        thread 2                                    count
	//      1   reads 3                                                     3
	//      2                   reads 3                                     3
	//      3   swaps 3 for 4                                               4
	//      4                   finds that it is no longer 3: tries again   4
	//      5                   reads 4                                     4
	//      6                   swaps 4 for 5                               5
	//   The count is 5. Thread 2 has done its work twice.
	//
	// lock-free: two counts, one for the thread that made the object and one for all others (nogil, PEP 703)
	//   step   thread 1                    thread 2                                                     count
	//      1   reads 3 in its own count                                                                 3
	//      2                               goes elsewhere: adds 1 to the others' count, which makes 1   4
	//      3   writes 4 to its own count                                                                5
	//   The count is 5, and nobody has waited.
	//
	// buffered: each thread keeps a log, and the last to hand it over counts for all (the Gilectomy of 2017)
	//   step   thread 1                                 thread 2                                       count
	//      1   goes elsewhere: writes +1 into its log                                                  3
	//      2                                            goes elsewhere: writes +1 into its log         3
	//      3   hands its log over                                                                      3
	//      4                                            hands its log over, is the last, and reads 3   3
	//      5                                            writes 5                                       5
	//   The count is 5, and nobody has waited.
	//
	// private: the object is immortal: what will never be freed need not be counted (PEP 683)
	//   step   thread 1                             thread 2                             count
	//      1   reads immortal, and writes nothing                                        immortal
	//      2                                        reads immortal, and writes nothing   immortal
	//   Nobody counts, so nobody can count wrong.
}
