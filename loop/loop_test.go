package loop

import (
	"fmt"
	"testing"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func TestTotalIsExact(t *testing.T) {
	suitetest.Exact(t, Variants, Total, 0, 1, 7, 1000, 10007)
}

// Each row runs on its workers.
func TestWorkers(t *testing.T) { suitetest.Workers(t, Variants) }

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "loop", Variants) }

func Example() {
	fmt.Println(runGlobalMutex(4, 1000))
	// Output: 2001
}
