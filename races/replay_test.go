package races

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
	"boundaries/refcount"
)

// The article's figure 4.1.2, and what each discipline makes of it.
func ExampleReplay() {
	Replay(os.Stdout)
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
	//   step   thread 1           thread 2            count
	//      1   takes the GIL                          3
	//      2                      waits for the GIL   3
	//      3   reads 3                                3
	//      4                      waits for the GIL   3
	//      5   writes 4                               4
	//      6                      waits for the GIL   4
	//      7   releases the GIL                       4
	//      8                      takes the GIL       4
	//      9                      reads 4             4
	//     10                      writes 5            5
	//     11                      releases the GIL    5
	//   The count is 5. One thread waited for 3 turns.
	//
	// global-mutex: one lock for all counts
	//   step   thread 1            thread 2             count
	//      1   takes the lock                           3
	//      2                       waits for the lock   3
	//      3   reads 3                                  3
	//      4                       waits for the lock   3
	//      5   writes 4                                 4
	//      6                       waits for the lock   4
	//      7   releases the lock                        4
	//      8                       takes the lock       4
	//      9                       reads 4              4
	//     10                       writes 5             5
	//     11                       releases the lock    5
	//   The count is 5. One thread waited for 3 turns.
	//
	// sharded-lock: 64 locks: threads that use different objects seldom wait for each other
	//   step   thread 1                thread 2                 count
	//      1   takes lock 7 of 64                               3
	//      2                           waits for lock 7 of 64   3
	//      3   reads 3                                          3
	//      4                           waits for lock 7 of 64   3
	//      5   writes 4                                         4
	//      6                           waits for lock 7 of 64   4
	//      7   releases lock 7 of 64                            4
	//      8                           takes lock 7 of 64       4
	//      9                           reads 4                  4
	//     10                           writes 5                 5
	//     11                           releases lock 7 of 64    5
	//   The count is 5. One thread waited for 3 turns.
	//
	// atomic: reading, adding and writing are one instruction: there is no moment between them
	//   step   thread 1                thread 2                count
	//      1   adds 1, which makes 4                           4
	//      2                           adds 1, which makes 5   5
	//   The count is 5, and no thread waited.
	//
	// cas: write only if the count is still what was read (compare and swap)
	//   step   thread 1        thread 2                                    count
	//      1   reads 3                                                     3
	//      2                   reads 3                                     3
	//      3   swaps 3 for 4                                               4
	//      4                   finds that it is no longer 3: tries again   4
	//      5                   reads 4                                     4
	//      6                   swaps 4 for 5                               5
	//   The count is 5. One thread did its work twice.
	//
	// lock-free: two counts, one for the thread that made the object and one for all others (nogil, PEP 703)
	//   step   thread 1                    thread 2                                     count
	//      1   reads 3 in its own count                                                 3
	//      2                               adds 1 to the others' count, which makes 1   4
	//      3   writes 4 to its own count                                                5
	//   The count is 5, and no thread waited.
	//
	// buffered: each thread keeps a log, and the last to hand its log over counts for all (the Gilectomy of 2017)
	//   step   thread 1                 thread 2                                       count
	//      1   writes +1 into its log                                                  3
	//      2                            writes +1 into its log                         3
	//      3   hands its log over                                                      3
	//      4                            hands its log over, is the last, and reads 3   3
	//      5                            writes 5                                       5
	//   The count is 5, and no thread waited.
	//
	// private: the object is immortal: an object that is never freed needs no count (PEP 683)
	//   step   thread 1                             thread 2                             count
	//      1   reads immortal, and writes nothing                                        immortal
	//      2                                        reads immortal, and writes nothing   immortal
	//   No thread counts, so no thread can count wrong.
}

// Every discipline of package refcount but serial is replayed, comes to the right
// count, and to the same table each time.
func TestReplay(t *testing.T) {
	names := map[string]bool{}
	for _, d := range disciplines {
		names[d.name] = true
		first := d.replay()
		for range 20 {
			require.Equal(t, first.String(), d.replay().String())
		}
		switch d.name {
		case "racy":
			require.Equal(t, "4", first.count)
		case "private":
			require.Equal(t, immortal, first.count)
		default:
			require.Equal(t, "5", first.count)
		}
		require.Equal(t, d.name == "cas", first.retried > 0, d.name)
		require.Equal(t, d.name == "gil" || d.name == "global-mutex" || d.name == "sharded-lock", first.waited > 0, d.name)
		for line := range strings.Lines(first.String()) {
			require.Equal(t, strings.TrimRight(line, " \n")+"\n", line)
		}
	}
	measured := but(refcount.Variants, refcountName, "serial")
	for _, v := range measured {
		require.True(t, names[v.Name], v.Name)
	}
	require.Len(t, names, len(measured)+2) // and racy and cas
}

// A replay whose threads wait for each other panics.
func TestReplayThatDoesNotEnd(t *testing.T) {
	suitetest.Guard(t, "a replay that does not end goes on")
	deadlock := discipline{name: "deadlock", start: func() ([2]func(step), func() string) {
		var locks [2]sync.Mutex
		thread := func(me int) func(step) {
			return func(say step) {
				locks[me].Lock()
				say("takes its lock")
				for !locks[1-me].TryLock() {
					say("waits for the other's")
				}
			}
		}
		return [2]func(step){thread(0), thread(1)}, func() string { return "" }
	}}
	require.PanicsWithValue(t, "races: the replay of deadlock does not end", func() { deadlock.replay() })
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestReplayReturnsTheErrorOfItsWriter(t *testing.T) {
	require.ErrorIs(t, Replay(full{}), os.ErrClosed)
	require.EqualError(t, Replay(full{}), "races: writing a replay: file already closed")
}
