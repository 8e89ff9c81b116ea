package config

import (
	"testing"

	"boundaries/internal/suite/suitetest"
)

// That the variants are right is tested with the others, in package contention.

func TestFiles(t *testing.T) {
	var names []string
	for _, v := range Variants {
		names = append(names, v.Name)
	}
	suitetest.Files(t, ".", names)
}
