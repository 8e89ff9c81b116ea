package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"boundaries/internal/benchfile"
)

// A peer is marked exactly if its whole interval is below our best row.
func TestFasterPeersAreMarked(t *testing.T) {
	var text strings.Builder
	text.WriteString("numcpu: 1\n# go: go1.26.8\n# date: 2026-11-28T15:29:00Z\n")
	for round := range 6 {
		for name, ns := range map[string]int{
			"Loop/sync=slow": 900, "Loop/sync=best": 200,
			"Loop/peer=alike": 199, "Loop/peer=faster": 100, "Loop/peer=slower": 400,
			"Loop/sync=slow-2": 90, "Loop/sync=best-2": 200,
			"Loop/peer=alike-2": 199, "Loop/peer=faster-2": 100, "Loop/peer=slower-2": 400,
		} {
			fmt.Fprintf(&text, "Benchmark%s 1 %d ns/op\n", name, ns+round)
		}
		fmt.Fprintf(&text, "BenchmarkAwait/sync=a-4 1 7 ns/op\nBenchmarkAwait/peer=b-4 1 %d ns/op\nBenchmarkAwait/peer=c-4 1 8 ns/op\nBenchmarkAwait/sync=a 1 7 ns/op\nBenchmarkAwait/peer=b 1 %[1]d ns/op\n", 5-round/3)
	}
	text.WriteString("BenchmarkQueue/sync=a 1 7 ns/op\nBenchmarkQueue/peer=b 1 14 ns/op\n") // too few for an interval
	text.WriteString("goos: linux\ngoarch: amd64\npkg: boundaries/control\nBenchmarkControl/at=first 1 5 ns/op\n# disturbed: Loop/peer=slower 2.00 times (others used 1.00 processors)\n")
	file, err := benchfile.ReadFrom(strings.NewReader(text.String()), "bench.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printText(&out, []*benchfile.File{file}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for row := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(row), " "))
	}
	want := []string{
		"Await -cpu 1: time ratio -cpu 4, oversubscribed: time ratio",
		"sync=a 7.000ns 1, our best 7.000ns 1, our best",
		"peer=b 4.500ns 0.639x [0.571, 0.714] 4.500ns 0.639x [0.571, 0.714] FASTER THAN OURS at -cpu 1 and 4",
		"peer=c none 8.000ns 1.14x [1.14, 1.14]",
		"",
		"Loop -cpu 1: time ratio -cpu 2, oversubscribed: time ratio",
		"sync=slow 902.5ns 4.46x [4.41, 4.5] 92.50ns 1, our best",
		"sync=best 202.5ns 1, our best 202.5ns 2.19x [2.14, 2.24]",
		"peer=faster 102.5ns 0.506x [0.495, 0.517] 102.5ns 1.11x [1.08, 1.14] FASTER THAN OURS at -cpu 1",
		"peer=alike 201.5ns 0.995x [0.98, 1.01] 201.5ns 2.18x [2.13, 2.23]",
		"peer=slower 402.5ns 1.99x [1.97, 2.01] 402.5ns 4.35x [4.26, 4.45]",
		"", "Queue -cpu 1: time ratio", "sync=a 7.000ns 1, our best", "peer=b 14.00ns 2x",
		"", "rows that ran while the machine was disturbed: 1; bench.txt names them",
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var page strings.Builder
	if err := printPage(&page, []*benchfile.File{file}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nThe rows are in [bench.txt](results/bench.txt): 6 rounds, each in a new order, on linux/amd64, 1 processor, go1.26.8, 2026-11-28.\n",
		"**Of 10 cells of peers, 3 are faster than our fastest row**: their whole interval is below 1.\n\n" +
			"* `b` in Await, at 1, 4\n* `faster` in Loop, at 1\n\n" +
			"1 row had runs on a disturbed machine; they count too, and the files name them.\n\n## Await\n\n| row | 1 | 4 \\* |\n|---|---|---|\n| `sync=a` | 7.000ns, 1, our best | 7.000ns, 1, our best |\n" +
			"| `peer=b` | **4.500ns, 0.639x [0.571, 0.714], faster than ours** | **4.500ns, 0.639x [0.571, 0.714], faster than ours** |\n" +
			"| `peer=c` | none | 8.000ns, 1.14x [1.14, 1.14] |\n\n## Loop\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page is\n%s\nand lacks\n%s", page.String(), want)
		}
	}
	if lines := strings.Split(out.String(), "\n"); strings.Index(lines[3], "8.000ns") != strings.LastIndex(lines[2], "4.500ns") {
		t.Errorf("a row without a time at -cpu 1 has the one of -cpu 4 elsewhere:\n%s", out.String())
	}
}

// The page is what the program makes of the committed rows.
func TestThePageIsCurrent(t *testing.T) {
	files, err := benchfile.Read(t.Context(), []string{"../../../docs/results/peers-queue.txt", "../../../docs/results/peers.txt"})
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := printPage(&page, files); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../docs/peers.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(text), "\r\n", "\n") != page.String() {
		t.Errorf("want, from go run ./cmd/table -page in the folder peers:\n%s", page.String())
	}
}

// A file that is not of package peers, or has nothing of ours, has no table.
func TestRowsAtFault(t *testing.T) {
	for row, want := range map[string]string{
		"Loop/kind=a 1 2 ns/op":   "bench.txt: the row Loop/kind=a is not one of package peers, or has no time",
		"Loop/sync=a-2 1 2 B/op":  "bench.txt: the row Loop/sync=a-2 is not one of package peers, or has no time",
		"Loop/peer=a-2 1 2 ns/op": "Loop: no row of ours at 2 procs to compare with",
	} {
		file, err := benchfile.ReadFrom(strings.NewReader("Benchmark"+row+"\n"), "bench.txt")
		if err != nil {
			t.Fatal(err)
		}
		if err := printText(io.Discard, []*benchfile.File{file}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", row, err, want)
		}
	}
}

// Two files are of one machine, and of different jobs.
func TestFilesThatDoNotFit(t *testing.T) {
	const one = "numcpu: 2\nBenchmarkLoop/sync=a 1 2 ns/op\n"
	for other, want := range map[string]string{
		one: "a.txt and b.txt have both rows of Loop",
		"numcpu: 4\nBenchmarkQueue/sync=a 1 2 ns/op\n": "b.txt is of another machine than a.txt",
		"numcpu: 2\nBenchmarkQueue/sync=a 1 2 ns/op\n": "",
	} {
		var files []*benchfile.File
		for name, text := range map[string]string{"a.txt": one, "b.txt": other} {
			file, err := benchfile.ReadFrom(strings.NewReader(text), name)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		slices.SortFunc(files, func(a, b *benchfile.File) int { return strings.Compare(a.Name, b.Name) })
		if err := printText(io.Discard, files); fmt.Sprint(err) != want && (err != nil || want != "") {
			t.Errorf("%q: got %v, want %s", other, err, want)
		}
	}
}
