package counter

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/contention"
	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

// The tests of package contention check that the variants are right.

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) {
	var names []string
	for _, v := range Variants {
		names = append(names, v.Name)
	}
	suitetest.Files(t, ".", names)
}

// Goroutines that are alive have different stacks, so most of them have different cells.
// In a rare layout of the stacks they have not: then more goroutines, with other stacks,
// decide.
func TestOnStack(t *testing.T) {
	const goroutines, cells = 64, 256
	found := make(chan int)
	end := make(chan struct{})
	var group sync.WaitGroup
	most := 0
	for trial := 0; trial < 3 && most <= goroutines/2; trial++ {
		for range goroutines {
			group.Go(func() {
				found <- onStack(cells)
				<-end
			})
		}
		different := map[int]bool{}
		for range goroutines {
			cell := <-found
			require.True(t, 0 <= cell && cell < cells)
			different[cell] = true
		}
		most = max(most, len(different))
	}
	close(end)
	group.Wait()
	require.Greater(t, most, goroutines/2)
	require.Zero(t, onStack(1))
}

func TestNewCells(t *testing.T) {
	for procs, want := range map[int]int{1: 4, 2: 8, 3: 16, 4: 16, 5: 32} {
		require.Len(t, newCells(procs), want)
	}
}

// A dial that means nothing for one word is an error, and so is one that is out of range.
func TestCheck(t *testing.T) {
	require.NoError(t, Check(Default))
	for _, change := range []func(c *contention.Case){
		func(c *contention.Case) { c.Hold = 1 },
		func(c *contention.Case) { c.Records = 2 },
		func(c *contention.Case) { c.Skew = "zipf" },
	} {
		c := Default
		change(&c)
		require.ErrorContains(t, Check(c), "want no hold, records or skew")
	}
	c := Default
	c.Read = 101
	require.EqualError(t, Check(c), "read is 101, want 0 to 100 percent")
}

func TestDefault(t *testing.T) {
	require.Equal(t, "hold=0/think=0/read=1/records=1/skew=none/roles=mixed/goroutines=1", Default.String())
}
