package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// labRows is what six rounds of one case print at 1 and 2 procs.
func labRows() string {
	var rows strings.Builder
	rows.WriteString("numcpu: 2\ngoos: linux\ngoarch: amd64\ncpu: Thing 3000\n")
	for round := range 6 {
		for i, variant := range []string{"global-mutex", "rw-mutex", "lock-free"} {
			for _, procs := range []string{"", "-2"} {
				fmt.Fprintf(&rows, "BenchmarkContention/shape=record/hold=300ns/think=0/read=95/records=1/skew=none/roles=mixed/goroutines=1/sync=%s%s\t1\t%d ns/op\n",
					variant, procs, 1000-100*i+round)
			}
		}
	}
	return rows.String()
}

func TestMap(t *testing.T) {
	lab := file(t, labRows())
	status, stdout, stderr := boundaries(t, "map", "-procs=2", lab)
	require.Zero(t, status, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "goroutines=1, 2 procs, by ns/op\n")
	require.Contains(t, stdout, "1  lock-free     802ns")
	require.NotContains(t, stdout, "settings")
	_, stdout, _ = boundaries(t, "map", file(t, "# build: -race=true\n"+labRows()))
	require.Contains(t, stdout, "measured with settings that can change times: build -race=true.\n")
	status, stdout, stderr = boundaries(t, "map", "-procs=2,1", "-x=procs", lab)
	require.Zero(t, status, stderr)
	require.Regexp(t, `(?m)^hold \\ procs +1 +2$`, stdout)
	status, stdout, _ = boundaries(t, "map", "-x=procs", "-format=svg", lab)
	require.Zero(t, status)
	require.True(t, strings.HasPrefix(stdout, "<svg "))
	_, stdout, _ = boundaries(t, "map", "-x=procs", "-y=read", lab)
	require.Regexp(t, `(?m)^read \\ procs +1 +2$`, stdout)
	status, stdout, _ = boundaries(t, "map", "-format=which", lab)
	require.Zero(t, status)
	require.True(t, strings.HasPrefix(stdout, "# Which should I use?\n"))

	status, stdout, stderr = boundaries(t, "map", "-h")
	require.Zero(t, status)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "Usage: boundaries map")
}

func TestMapOfAFileThatFailed(t *testing.T) {
	status, stdout, stderr := boundaries(t, "map", file(t, labRows()+"--- FAIL: BenchmarkContention/shape=record\n"))
	require.Equal(t, 1, status)
	require.Contains(t, stdout, "lock-free")
	require.Regexp(t, `^boundaries: map: .*:41: --- FAIL: BenchmarkContention/shape=record\n$`, stderr)
}

func TestMapOfBadInput(t *testing.T) {
	lab, other := file(t, labRows()), file(t, bench("Loop/sync=serial 1000 1 ns/op"))
	shares := file(t, "Unit min-share better=higher\n"+strings.ReplaceAll(labRows(), " ns/op", " ns/op\t0.5 min-share"))
	missing := filepath.Join(t.TempDir(), "none.txt")
	require.NoError(t, os.WriteFile(missing+".gz", nil, 0o666))
	for want, args := range map[string][]string{
		`map: want a FILE of benchmark output, or - for standard input ("boundaries map -h" says more)`:                                                               {},
		`map: want flags before files, but got "-x" after "` + lab + `"`:                                                                                              {lab, "-x", "procs"},
		`map: want no -by and no -x with -format which, which ranks its own cases by ns/op`:                                                                           {"-format=which", "-x=hold", "-by=ns/op", lab},
		`map: want no -y with -format which, which ranks its own cases by ns/op`:                                                                                      {"-format=which", "-y=read", lab},
		`map: -x and -y are both hold, want two dials`:                                                                                                                {"-x=hold", lab},
		`map: -procs: procs=16 was not measured in the selected cases, and the map does not extrapolate: they have 1, 2`:                                              {"-procs=16", lab},
		`map: -hold: hold=1us was not measured in the selected cases, and the map does not extrapolate: they have 300ns`:                                              {"-hold=1us", lab},
		`map: -by "min-share": more of it is better, as a Unit line in ` + shares + ` says; want a unit of which less is better`:                                      {"-by=min-share", shares},
		`map: -by "parsecs": no row has this unit`:                                                                                                                    {"-by=parsecs", lab},
		`map: ` + missing + `.gz: the file is empty; want the output of go test -bench`:                                                                               {missing + ".gz"},
		`map: ` + other + `: no row of the lab (go test -bench . ./contention measures them)`:                                                                         {other},
		`map: open ` + missing + `: no such file or directory; want the output of go test -bench`:                                                                     {missing},
		`map: invalid value "pdf" for flag -format: want text, svg or which ("boundaries map -h" lists the flags)`:                                                    {"-format=pdf", lab},
		`map: invalid value "size" for flag -x: want a dial: shape, hold, think, read, records, skew, roles, goroutines, procs ("boundaries map -h" lists the flags)`: {"-x=size", lab},
	} {
		status, stdout, stderr := boundaries(t, append([]string{"map"}, args...)...)
		require.Equal(t, 2, status, stderr)
		require.Empty(t, stdout)
		require.Equal(t, "boundaries: "+want+"\n", stderr)
	}
}

// file returns the name of a file with that text.
func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bench.txt")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
	return name
}
