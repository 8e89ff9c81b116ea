package await

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTurnIsHandedOver(t *testing.T) {
	suitetest.Exact(t, Variants, Want, 0, 1, 2, 3, 7, 1000)
}

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "await", Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func Example() {
	fmt.Println(runEventLoop(1, 1000), "turns")
	// Output:
	// 1000 turns
}
