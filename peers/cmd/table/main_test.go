package main

import (
	"fmt"
	"strings"
	"testing"

	"boundaries/internal/benchfile"
)

// A peer is marked exactly if its whole interval is below our best row.
func TestFasterPeersAreMarked(t *testing.T) {
	var text strings.Builder
	text.WriteString("numcpu: 1\n")
	for round := range 6 {
		for name, ns := range map[string]int{
			"Loop/sync=slow": 900, "Loop/sync=best": 200,
			"Loop/peer=alike": 199, "Loop/peer=faster": 100, "Loop/peer=slower": 400,
			"Loop/sync=slow-2": 90, "Loop/sync=best-2": 200,
			"Loop/peer=alike-2": 199, "Loop/peer=faster-2": 100, "Loop/peer=slower-2": 400,
		} {
			fmt.Fprintf(&text, "Benchmark%s 1 %d ns/op\n", name, ns+round)
		}
	}
	text.WriteString("goos: linux\ngoarch: amd64\npkg: boundaries/control\nBenchmarkControl/at=first 1 5 ns/op\n# disturbed: Loop/peer=slower 2.00 times (others used 1.00 processors)\n")
	file, err := benchfile.ReadFrom(strings.NewReader(text.String()), "bench.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := print(&out, file); err != nil {
		t.Fatal(err)
	}
	var got []string
	for row := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(row), " "))
	}
	want := []string{
		"Loop -cpu 1: time ratio -cpu 2, oversubscribed: time ratio",
		"sync=slow 902.5ns 4.46 [4.41, 4.5] 92.50ns 1, our best",
		"sync=best 202.5ns 1, our best 202.5ns 2.19 [2.14, 2.24]",
		"peer=faster 102.5ns 0.506 [0.495, 0.517] 102.5ns 1.11 [1.08, 1.14] FASTER THAN OURS at -cpu 1",
		"peer=alike 201.5ns 0.995 [0.98, 1.01] 201.5ns 2.18 [2.13, 2.23]",
		"peer=slower 402.5ns 1.99 [1.97, 2.01] 402.5ns 4.35 [4.26, 4.45]",
		"", "bench.txt says which rows ran disturbed: 1",
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
