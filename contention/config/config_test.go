package config

import (
	"testing"

	"boundaries/internal/suite/suitetest"
)

// The tests of package contention check that the variants are right.

func TestFiles(t *testing.T) {
	var names []string
	for _, v := range Variants {
		names = append(names, v.Name)
	}
	suitetest.Files(t, ".", names)
}
