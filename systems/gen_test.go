package systems

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// goIn runs the go command in a folder and returns what it printed.
func goIn(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to run")
	}
	cmd := exec.CommandContext(t.Context(), goCommand, args...)
	cmd.Dir = dir
	// Nobody debugs these programs, all else is checked elsewhere, and to compile and link
	// them is most of the time.
	cmd.Env = append(os.Environ(), "GOGC=400", "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -vet=off '-ldflags=-s -w' '-gcflags=-N -l -dwarf=false'"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copyPackage copies this package, without its tests, into a module of its own.
func copyPackage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range append(files, filepath.Join("..", "go.mod")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if !strings.HasSuffix(file, "_test.go") {
			require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600))
		}
	}
	return dir
}

// generated returns the generated files of a folder.
func generated(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "zz_generated_*.go"))
	require.NoError(t, err)
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		texts[filepath.Base(file)] = string(text)
	}
	return texts
}

// The generated files are what gen.go writes, no more and no fewer.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	suitetest.Once(t)
	if race.Enabled {
		t.Skip("what it runs is built without the race detector")
	}
	dir := copyPackage(t)
	out, err := goIn(t, dir, "generate")
	require.NoError(t, err, out)
	require.Equal(t, generated(t, dir), generated(t, "."), "run go generate ./systems")

	old := filepath.Join(dir, "zz_generated_old.go")
	require.NoError(t, os.WriteFile(old, []byte("package systems\n"), 0o600))
	out, err = goIn(t, dir, "generate")
	require.Error(t, err)
	require.Contains(t, out, "zz_generated_old.go: there is no old.go that declares a thread: remove the generated file")
	require.NoError(t, os.Remove(old))
	t.Run("add a system", func(t *testing.T) { testAddASystem(t, dir) })
}

// One file and one line add a system, and the tests find a wrong one and a file without
// its line.
func testAddASystem(t *testing.T, dir string) {
	if testing.Short() {
		t.Skip("builds a copy of the package")
	}
	const file = `package systems

import "sync"

// startOneAfterTheOther lets a thread begin when the one before it has ended.
//
// Cost: all parallelism.
// Progress: blocking.
func startOneAfterTheOther(p *Program, threads int) interpreter {
	s, mu := p.build(threads), new(sync.Mutex)
	return newInterpreter(s, threads, func() thread { return &waitingThread{machine{space: s}, mu} })
}

type waitingThread struct {
	machine
	mu *sync.Mutex
}

func (t *waitingThread) begin() { t.mu.Lock() }
func (t *waitingThread) end()   { t.mu.Unlock() }
`
	const line = "\t{Name: \"one-after-the-other\", start: startOneAfterTheOther, programs: common, oneAtATime: true},\n"
	toWrong := strings.NewReplacer("OneAfterTheOther", "Leaky", "one-after-the-other", "leaky", "waitingThread", "leakyThread")
	wrong := toWrong.Replace(file) + "\nfunc (t *leakyThread) decref(o *object) { o.refs-- }\n" // frees nothing

	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	table, err := os.ReadFile("systems.go")
	require.NoError(t, err)
	write("systems.go", strings.Replace(string(table), "var Systems = []System{\n", "var Systems = []System{\n"+line+toWrong.Replace(line), 1))
	write("one_after_the_other.go", file)
	write("leaky.go", wrong)
	write("forgotten.go", strings.NewReplacer("OneAfterTheOther", "Forgotten", "waitingThread", "forgottenThread").Replace(file)) // without its line
	out, err := goIn(t, dir, "generate")
	require.NoError(t, err, out)

	// The copy replaces this package in the build, so that what it imports is built already.
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	replace := map[string]string{}
	for _, file := range files {
		here, err := filepath.Abs(filepath.Base(file))
		require.NoError(t, err)
		replace[here] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	write("overlay.json", string(overlay))
	binary := filepath.Join(dir, "systems.test.exe")
	out, err = goIn(t, ".", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	require.NoError(t, err, out)
	cmd := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run=TestFiles|TestExact/Stone/one-after-the-other|TestExact/Stone/leaky")
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	out = string(text)
	require.Error(t, err)
	require.Contains(t, out, "no variant in the table is named forgotten: add its line")
	require.Equal(t, 1, strings.Count(out, "add its line"), out)
	require.Contains(t, out, "--- PASS: TestExact/Stone/one-after-the-other")
	require.Contains(t, out, "--- FAIL: TestExact/Stone/leaky")
}
