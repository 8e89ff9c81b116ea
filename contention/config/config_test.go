package config

import (
	"testing"

	"github.com/stretchr/testify/require"

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

// The dials that are not set are those that the docs name.
func TestDefault(t *testing.T) {
	require.Equal(t, "hold=0/think=0/read=99/records=1000/skew=none/roles=mixed/goroutines=1", Default.String())
}
