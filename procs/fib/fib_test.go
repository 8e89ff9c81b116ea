package fib

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
)

func TestMain(m *testing.M) {
	childtest.Main(map[string]func(*children.Worker){
		"3 batches and end": func(w *children.Worker) {
			answered := 0
			w.Answer(func(item []uint64) {
				if answered++; answered > 3 {
					os.Exit(7)
				}
				item[0] *= value
			})
		},
		"wrong sum": func(w *children.Worker) { w.Answer(func(item []uint64) { item[0] = 4711 }) },
	}, Variants)
	os.Exit(m.Run())
}

func TestFiles(t *testing.T) { suitetest.Files(t, ".", childtest.Names(Variants)) }

func TestAnswersAreExact(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			childtest.Exact(t, v, children.Word, []int{1, 2, 3, 4, 7, 9}, 0, 1, 7, 50)
		})
	}
}

// What is counted as done is what was answered, also if shares are not equal.
func TestHalfDone(t *testing.T) {
	t.Setenv(childtest.Serve, "3 batches and end")
	p := childtest.Start(t, childtest.Named(Variants, "private"), 1, children.Word)
	done, err := p.Run(100) // in 9 batches, of 12, 11, 11...
	require.ErrorContains(t, err, "exit status 7")
	require.Equal(t, 34, done)
}

func TestWrongSum(t *testing.T) {
	t.Setenv(childtest.Serve, "wrong sum")
	p := childtest.Start(t, childtest.Named(Variants, "private"), 1, children.Word)
	done, err := p.Run(8)
	require.ErrorContains(t, err, "at item 0: the sum is 4711, want 10946")
	require.Zero(t, done)
}
