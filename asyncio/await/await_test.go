package await

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

func TestTurnIsHandedOver(t *testing.T) {
	suitetest.Exact(t, Variants, Want, 0, 1, 2, 3, 7, 1000)
}

// The parties of the row thread are locked to threads.
func TestPartiesOfThread(t *testing.T) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runThread(1, 1<<13)
	}()
	stacks := make([]byte, 1<<16)
	for !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("locked to thread")) {
		select {
		case <-ended:
			t.Fatal("no goroutine was locked to a thread")
		default:
		}
	}
	<-ended
}

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "await", Variants) }

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func Example() {
	fmt.Println(runEventLoop(1, 1000), "turns")
	// Output:
	// 1000 turns
}
