package revisions

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
	"boundaries/internal/gate"
)

// A pkg is a package with tests, on one side or on both.
type pkg struct {
	name   string    // its folder in the repository, of head if it has one
	dir    [2]string // in the tree, by gate.Side; "" where the side has no such package
	binary [2]string // the path of the test binary
	// The top-level benchmarks of each side.
	benches [2][]string
	equal   bool // the two test binaries are equal
}

// enter makes the side the one that c.root leads to, and so the one that is built and
// run. Both sides are built and run under one path, so that what depends on the path
// (the layout of the stack, strings in the binary) is equal, and equal sources make
// equal binaries.
func (c *comparison) enter(s *side) error {
	if c.entered == s || c.noLinks {
		return nil
	}
	link := filepath.Join(c.tmp, "tree")
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(s.name, link); err != nil {
		if c.entered != nil {
			return err
		}
		// Windows lets only some users make a link. For the others, the paths of the two
		// sides differ in four letters.
		c.noLinks = true
		for _, s := range c.sides() {
			s.root = s.tree
		}
		return nil
	}
	c.base.root, c.head.root, c.entered = link, link, s
	return nil
}

// platform are the settings of the go command that checkPlatform reads.
var platform = []string{"GOOS", "GOARCH", "GOHOSTOS", "GOHOSTARCH", "GOFLAGS"}

// checkPlatform returns an error if this machine cannot run the test binaries. It also
// reads the -ldflags and the -exec of GOFLAGS.
func (c *comparison) checkPlatform(ctx context.Context) error {
	if c.platform == "" { // the built-in benchmarks need no checkout
		var err error
		args := append([]string{"env", "-json=false"}, platform...)
		if c.platform, err = c.goTool(ctx, &c.head, c.head.root, args...); err != nil {
			return command.BadInput("%s: go env: %s", &c.head, c.reason(ctx, &c.head, err))
		}
	}
	env := strings.SplitN(c.platform, "\n", 5)
	if len(env) < 5 {
		return fmt.Errorf("go env printed %q, want five lines", c.platform)
	}
	goos, goarch, hostOS, hostArch := env[0], env[1], env[2], env[3]
	runs := goarch == hostArch || goarch == runtime.GOARCH || goarch == "386" && hostArch == "amd64"
	if goos != hostOS || !runs {
		return command.BadInput("GOOS=%s GOARCH=%s: want the platform of this machine, %s/%s, as the benchmarks run here", goos, goarch, hostOS, hostArch)
	}
	c.ldflags = flagValues(env[4], "ldflags")
	if len(flagValues(env[4], "exec")) > 0 {
		c.note("GOFLAGS has -exec, which compare does not use: it starts the test binaries itself")
	}
	return nil
}

// flagValues returns the values of a flag in GOFLAGS, in which fields may be quoted.
func flagValues(goflags, name string) (values []string) {
	for rest := strings.TrimSpace(goflags); rest != ""; rest = strings.TrimSpace(rest) {
		var field string
		if quote := rest[0]; quote == '\'' || quote == '"' {
			field, rest, _ = strings.Cut(rest[1:], string(quote))
		} else {
			end := strings.IndexAny(rest, " \t\n")
			if end < 0 {
				end = len(rest)
			}
			field, rest = rest[:end], rest[end:]
		}
		if value, ok := strings.CutPrefix(strings.TrimLeft(field, "-"), name+"="); ok {
			values = append(values, value)
		}
	}
	return values
}

// layoutFlags returns the flags that give a binary the layout of a seed. Flags on the
// command line replace those of GOFLAGS, so the returned flags repeat those of GOFLAGS.
func (c *comparison) layoutFlags(seed int64) []string {
	if seed == 0 {
		return nil
	}
	layout := "-randlayout=" + strconv.FormatInt(seed, 10)
	// The go command uses the last -ldflags that matches a package. Any of the user's may be
	// that one, because a flag may have a pattern of packages. So each gets the layout.
	flags := []string{"-ldflags=" + layout}
	for _, value := range c.ldflags {
		flags = append(flags, "-ldflags="+strings.TrimSpace(value+" "+layout))
	}
	return flags
}

// findPackages lists the packages of both sides that have tests, and finds out which
// belong together.
func (c *comparison) findPackages(ctx context.Context) error {
	var dirs [2][]string
	var errs [2]error
	for i, s := range c.sides() {
		dirs[i], errs[i] = c.packages(ctx, s)
	}
	for i, err := range errs {
		if err != nil && len(dirs[1-i]) > 0 && absent.MatchString(err.Error()) {
			return command.BadInput("%w; only %s has it: if the package has moved, want -pkg ./... in a folder above both places", err, c.sides()[1-i].name)
		} else if err != nil {
			return err
		}
	}
	c.pair(dirs)
	both := func(p *pkg) bool { return p.dir[gate.Base] != "" && p.dir[gate.Head] != "" }
	if !slices.ContainsFunc(c.pkgs, both) {
		missing := ""
		for _, s := range c.sides() {
			if _, err := os.Stat(filepath.Join(s.tree, c.prefix)); err != nil {
				missing += fmt.Sprintf("; %s does not have the current folder, %s", s.name, c.prefix)
			}
		}
		return command.BadInput("-pkg %q: want a package with tests on both sides, but it matches %d with tests on base and %d on head%s",
			c.Packages, len(dirs[0]), len(dirs[1]), missing)
	}
	return nil
}

// absent matches what the go command says of a package that is not there.
var absent = regexp.MustCompile(`directory not found|: lstat .*: no such file or directory|no required module provides package|no Go files in|is not in std|does not contain package`)

// packages returns the directories of the packages that -pkg matches and that
// have tests.
func (c *comparison) packages(ctx context.Context, s *side) ([]string, error) {
	if err := c.enter(s); err != nil {
		return nil, fmt.Errorf("linking to %s: %w", s.name, err)
	}
	dir := filepath.Join(s.root, c.prefix)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	here := filepath.Join(".", c.prefix, filepath.FromSlash(c.Packages))
	if filepath.IsAbs(c.Packages) || !filepath.IsLocal(here) {
		return nil, command.BadInput("-pkg %q leads out of the checkout, and base and head have folders of their own: want a path from this folder, such as ./...", c.Packages)
	}
	out, err := c.goTool(ctx, s, dir, "list", "-json=false", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}", "--", c.Packages)
	if err != nil {
		other := ""
		folder := strings.TrimSuffix(here, string(filepath.Separator)+"...")
		if _, err := os.Stat(filepath.Join(s.root, folder, "go.mod")); err == nil && folder != filepath.Clean(c.prefix) {
			other = "; " + strings.TrimSuffix(c.Packages, "/...") + " is a module of its own: want this command in that folder"
		}
		return nil, command.BadInput("%s: -pkg %q: want packages of a Go module: %s%s", s, c.Packages, c.reason(ctx, s, err), other)
	}
	return s.dirs(out), nil
}

// dirs returns the directories that the go command printed, as paths in the tree.
func (s *side) dirs(out string) (dirs []string) {
	for line := range strings.Lines(out) {
		// A package outside the worktree is not of this repository.
		rel, err := filepath.Rel(s.root, strings.TrimSpace(line))
		if err == nil && filepath.IsLocal(rel) {
			dirs = append(dirs, rel)
		}
	}
	return dirs
}

// pair makes one pkg of each package that both sides have. It compares directories and
// not import paths, because a revision may have renamed the module. A directory that
// only one side has may have moved: then most of the lines of its files are in a
// directory that only the other side has.
func (c *comparison) pair(dirs [2][]string) {
	var left [2][]string
	for _, dir := range dirs[gate.Base] {
		if slices.Contains(dirs[gate.Head], dir) {
			c.pkgs = append(c.pkgs, &pkg{name: name(dir), dir: [2]string{dir, dir}})
		} else {
			left[gate.Base] = append(left[gate.Base], dir)
		}
	}
	for _, dir := range dirs[gate.Head] {
		if !slices.Contains(dirs[gate.Base], dir) {
			left[gate.Head] = append(left[gate.Head], dir)
		}
	}
	type move struct {
		from, to string
		alike    float64
	}
	var moves []move
	lines := map[string]map[string]int{}
	for i, s := range c.sides() {
		for _, dir := range left[i] {
			lines[s.name+dir] = goLines(filepath.Join(s.tree, dir))
		}
	}
	for _, from := range left[gate.Base] {
		for _, to := range left[gate.Head] {
			if a := alike(lines[c.base.name+from], lines[c.head.name+to]); a > 0.5 {
				moves = append(moves, move{from, to, a})
			}
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return cmp.Compare(b.alike, a.alike) })
	for _, m := range moves {
		i, j := slices.Index(left[gate.Base], m.from), slices.Index(left[gate.Head], m.to)
		if i < 0 || j < 0 {
			continue
		}
		left[gate.Base] = slices.Delete(left[gate.Base], i, i+1)
		left[gate.Head] = slices.Delete(left[gate.Head], j, j+1)
		c.pkgs = append(c.pkgs, &pkg{name: name(m.to), dir: [2]string{m.from, m.to}})
		c.note("package %s of base is package %s of head", name(m.from), name(m.to))
	}
	for i, dirs := range left {
		for _, dir := range dirs {
			p := &pkg{name: name(dir)}
			p.dir[i] = dir
			c.pkgs = append(c.pkgs, p)
			c.note("package %s is in %s alone", p.name, c.sides()[i].name)
		}
	}
}

// name returns a directory as the go command names packages, such as ./sub.
func name(dir string) string {
	if dir == "." {
		return "."
	}
	return "./" + filepath.ToSlash(dir)
}

// goLines counts the lines of the Go files in a directory.
func goLines(dir string) map[string]int {
	lines := map[string]int{}
	files, _ := fs.Glob(os.DirFS(dir), "*.go")
	for _, file := range files {
		data, _ := os.ReadFile(filepath.Join(dir, file))
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) > 1 {
				lines[string(line)]++
			}
		}
	}
	return lines
}

// alike returns which share of the lines of two directories is in both.
func alike(a, b map[string]int) float64 {
	common, all := 0, 0
	for line, n := range a {
		common += 2 * min(n, b[line])
		all += n
	}
	for _, n := range b {
		all += n
	}
	if all == 0 {
		return 0
	}
	return float64(common) / float64(all)
}

// reason returns the text of an error of the go command, with the side's name in place of
// paths in its worktree, and with what the worktree may lack.
func (c *comparison) reason(ctx context.Context, s *side, err error) string {
	text := err.Error()
	outside := c.outside(s, text)
	// The path of the worktree means nothing to the reader.
	for _, dir := range []string{s.root, s.tree} {
		text = strings.ReplaceAll(text, dir, s.name)
	}
	if rel, err := filepath.Rel(filepath.Dir(c.tmp), s.root); err == nil {
		text = strings.ReplaceAll(text, rel, s.name)
	}
	text += outside
	if _, err := os.Stat(filepath.Join(s.tree, ".gitmodules")); err == nil {
		text += " (submodules are not checked out)"
	}
	if c.without != "" {
		text += " (" + c.without + ")"
	}
	for _, file := range c.changed {
		has := func(s *side) bool {
			_, err := os.Stat(filepath.Join(s.tree, filepath.FromSlash(file)))
			return err == nil
		}
		if s == &c.base && !has(s) && has(&c.head) && strings.Contains(text, path.Base(file)+": ") {
			text += " (only head has " + file + ")"
		}
	}
	if c.lost(ctx, s) != "" || c.ignored(ctx) != "" {
		text += c.lacking(ctx, s)
	}
	return text
}

// lacking says which files the worktree of a side does not have, or "".
func (c *comparison) lacking(ctx context.Context, s *side) string {
	if c.top == "" {
		return ""
	}
	if lost := c.lost(ctx, s); lost != "" {
		return " (" + lost + " is gone from the worktree: a benchmark or TestMain has removed it)"
	}
	example := c.ignored(ctx)
	if example != "" {
		example = ", such as " + example + ","
	}
	return " (files that git ignores" + example + " and empty folders are not in the worktrees)"
}

var (
	replacement = regexp.MustCompile(`(?m)^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\.\.?/\S*)`)
	used        = regexp.MustCompile(`(?m)^\s*(?:use\s+)?(\.\.?/\S*)`)
)

// outside returns what is wrong if the go command's text is about a module in, or replaced
// by, a directory outside the repository, which the worktree does not have, or "".
func (c *comparison) outside(s *side, text string) string {
	files := []string{filepath.Join(s.tree, filepath.FromSlash(s.work))}
	for dir := filepath.Join(s.tree, c.prefix); len(dir) >= len(s.tree); dir = filepath.Dir(dir) {
		files = append(files, filepath.Join(dir, "go.mod"))
		if _, err := os.Stat(files[len(files)-1]); err == nil {
			break // the module of the current folder
		}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// leaves reports whether a path in the file leads out of the tree, perhaps by a link.
		leaves := func(path string) bool {
			path = filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
			if link, err := os.Readlink(path); err == nil && !filepath.IsAbs(link) {
				path = filepath.Join(filepath.Dir(path), link)
			}
			rel, err := filepath.Rel(s.tree, path)
			return err == nil && !filepath.IsLocal(rel)
		}
		where, _ := filepath.Rel(s.tree, file)
		const why = ", which is outside of the repository and so of no revision; want a relative path in the repository, or an absolute one outside of it)"
		for _, match := range replacement.FindAllStringSubmatch(string(data), -1) {
			if leaves(match[2]) && strings.Contains(text, match[1]+"@") {
				return fmt.Sprintf(" (%s replaces %s by %s%s", filepath.ToSlash(where), match[1], match[2], why)
			}
		}
		for _, match := range used.FindAllStringSubmatch(string(data), -1) {
			if leaves(match[1]) && strings.Contains(text, " listed in go.work ") {
				return fmt.Sprintf(" (%s uses %s%s", filepath.ToSlash(where), match[1], why)
			}
		}
	}
	return ""
}

// word matches what the go command reads as one in go.mod and go.work, quoted or not.
var word = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|\\S+")

// checkPaths returns an error if base has a go.work or go.mod that names a folder of the
// checkout by its absolute path, and head differs there: base would be built with head's
// files. It notes a link of base that leads to such a place.
func (c *comparison) checkPaths(ctx context.Context) error {
	if len(c.changed) == 0 || c.inject != nil {
		return nil // the two sides have the same files
	}
	s := &c.base
	files := []string{filepath.FromSlash(s.work)}
	dir := filepath.Join(s.root, c.prefix)
	if _, err := os.Stat(dir); err == nil {
		if err := c.enter(s); err != nil {
			return fmt.Errorf("linking to %s: %w", s.name, err)
		}
		// Without modules, the next command says what is wrong.
		out, _ := c.goTool(ctx, s, dir, "list", "-json=false", "-m", "-f", "{{.GoMod}}")
		files = append(files, s.dirs(out)...)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(s.tree, file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "//")
			for _, path := range word.FindAllString(line, -1) {
				path = strings.Trim(path, "\"`")
				if changed := c.changedBelow(path); changed != "" {
					return command.BadInput("%s: %s has the absolute path %s, which leads to this checkout and so to head's %s on both sides; want a relative path", s, filepath.ToSlash(file), path, changed)
				}
			}
		}
	}
	out, err := c.git(ctx, s.tree, "ls-files", "-z", "--stage")
	if err != nil {
		return fmt.Errorf("listing the links of base: %w", err)
	}
	for entry := range strings.SplitSeq(out, "\x00") {
		_, link, _ := strings.Cut(entry, "\t")
		if !strings.HasPrefix(entry, "120000 ") {
			continue
		}
		target, _ := os.Readlink(filepath.Join(s.tree, filepath.FromSlash(link)))
		if changed := c.changedBelow(target); changed != "" {
			c.note("%s of base is a link to %s in this checkout, and so to head's %s", link, target, changed)
		}
	}
	return nil
}

// changedBelow returns a file of the checkout that differs between the sides and is the
// file or in the folder of that absolute path. It returns "" if there is none.
func (c *comparison) changedBelow(path string) string {
	if !filepath.IsAbs(path) {
		return ""
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	top, err := filepath.EvalSymlinks(c.top)
	if err != nil {
		return ""
	}
	for _, file := range c.changed {
		if rel, err := filepath.Rel(path, filepath.Join(top, filepath.FromSlash(file))); err == nil && filepath.IsLocal(rel) {
			return file
		}
	}
	return ""
}

// build builds the test binaries in the linker's default layout, lists their benchmarks,
// and compares the two binaries of each package.
func (c *comparison) build(ctx context.Context) error {
	for i, s := range c.sides() {
		for n, p := range c.pkgs {
			if p.dir[i] == "" {
				continue
			}
			p.binary[i] = c.exe(fmt.Sprintf("%s-%d", s.name, n))
			if err := c.link(ctx, p, gate.Side(i), 0); err != nil {
				return command.BadInput("%s: package %s does not build: %s", s, name(p.dir[i]), c.reason(ctx, s, err))
			}
			names, err := c.list(ctx, p, gate.Side(i))
			if err != nil {
				return command.Exit(1, "%s: listing the benchmarks of package %s: %w", s, name(p.dir[i]), err)
			}
			p.benches[i] = slices.DeleteFunc(names, func(bench string) bool { return len(c.patterns.of(bench)) == 0 })
		}
	}
	c.pkgs = slices.DeleteFunc(c.pkgs, func(p *pkg) bool { return len(p.benches[0])+len(p.benches[1]) == 0 })
	if len(c.pkgs) == 0 {
		return c.noMatch()
	}
	for _, p := range c.pkgs {
		if p.binary[0] == "" || p.binary[1] == "" || c.inject != nil {
			continue
		}
		base, err := os.ReadFile(p.binary[0])
		if err != nil {
			return fmt.Errorf("comparing test binaries: %w", err)
		}
		head, err := os.ReadFile(p.binary[1])
		if err != nil {
			return fmt.Errorf("comparing test binaries: %w", err)
		}
		p.equal = bytes.Equal(base, head)
	}
	return nil
}

// list returns the top-level benchmarks of a package. If package testing lists none, they are
// those of the source: a TestMain may end early where nothing is to be run.
func (c *comparison) list(ctx context.Context, p *pkg, i gate.Side) (names []string, err error) {
	out, err := c.start(ctx, p, i, nil, "-test.list=^Benchmark")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		if bench := benchfile.ListedName(line); bench != "" {
			names = append(names, bench)
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	dir := os.DirFS(filepath.Join(c.sides()[i].tree, p.dir[i]))
	files, _ := fs.Glob(dir, "*_test.go")
	for _, file := range files {
		text, _ := fs.ReadFile(dir, file)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			continue // a file that is not built
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && benchfile.ListedName(f.Name.Name) == f.Name.Name {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, nil
}

// link builds the test binary of a package, with the layout of the seed. Only the
// first build compiles. The later ones find every package in the cache, and only link.
func (c *comparison) link(ctx context.Context, p *pkg, i gate.Side, seed int64) error {
	s := c.sides()[i]
	if err := c.enter(s); err != nil {
		return err
	}
	args := slices.Concat([]string{"test", "-c", "-n=false", "-x=false", "-work=false", "-json=false", "-vet=off", "-buildvcs=false"}, c.layoutFlags(seed))
	if c.inject != nil {
		args = append(args, "-overlay="+c.inject.overlay)
	}
	_, err := c.goTool(ctx, s, filepath.Join(s.root, p.dir[i]), append(args, "-o", p.binary[i], ".")...)
	return err
}

func (c *comparison) noMatch() error {
	return command.BadInput("-bench %q matches no benchmark, neither on base nor on head", c.Bench)
}

// notData matches source files, pages and settings: hardly any benchmark reads one while
// it runs, unless it is below a testdata folder.
var notData = regexp.MustCompile(`(^|/)(\.[^/]*(/.*)?|LICENSE|Makefile|Dockerfile)$|(^|/)\.[^/]+/|\.(go|md|mod|sum|work|s|c|h)$`)

func inTestdata(file string) bool { return strings.Contains("/"+file, "/testdata/") }

// dropEqual drops the packages whose test binaries are equal on both sides, because
// their times could differ only by noise. It keeps them if the sides differ in a file
// that a benchmark might read.
func (c *comparison) dropEqual() {
	equal := func(p *pkg) bool { return p.equal }
	if c.Equal || !slices.ContainsFunc(c.pkgs, equal) {
		return
	}
	isData := func(file string) bool { return inTestdata(file) || !notData.MatchString(file) }
	if i := slices.IndexFunc(c.changed, isData); i >= 0 {
		c.note("packages whose test binaries are equal are measured because they may read %s, which differs", c.changed[i])
		return
	}
	var names []string
	for _, p := range c.pkgs {
		if p.equal {
			c.equal, names = append(c.equal, p), append(names, p.name)
		}
	}
	c.pkgs = slices.DeleteFunc(c.pkgs, equal)
	if len(c.pkgs) > 0 {
		c.note("not measured, because the test binaries are equal: %s", strings.Join(names, ", "))
	}
}

// leaveOtherModules leaves out of the changed files those of modules that are not compared, and
// notes these modules.
func (c *comparison) leaveOtherModules() {
	module := func(dir string) string {
		for ; dir != "."; dir = path.Dir(dir) {
			for _, s := range c.sides() {
				if _, err := os.Stat(filepath.Join(s.tree, filepath.FromSlash(dir), "go.mod")); err == nil {
					return dir
				}
			}
		}
		return "." // which may have no go.mod
	}
	compared := []string{"."}
	for _, p := range slices.Concat(c.pkgs, c.equal) {
		compared = append(compared, module(filepath.ToSlash(cmp.Or(p.dir[gate.Head], p.dir[gate.Base]))))
	}
	var noted []string
	c.changed = slices.DeleteFunc(c.changed, func(file string) bool {
		of := module(path.Dir(file))
		if inTestdata(file) || slices.Contains(compared, of) {
			return false
		}
		if !slices.Contains(noted, of) {
			noted = append(noted, of)
			c.note("%s is a module of its own, with changes: its benchmarks, if it has any, are not in this comparison; want another one in that folder", name(of))
		}
		return true
	})
}

// unreached returns the changed packages that no package with a benchmark imports.
func (c *comparison) unreached(ctx context.Context, pkgs []*pkg) ([]string, error) {
	changed := map[string]bool{}
	for _, file := range c.changed {
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") && !inTestdata(file) {
			if _, err := os.Stat(filepath.Join(c.head.tree, filepath.FromSlash(file))); err == nil {
				changed[filepath.FromSlash(path.Dir(file))] = true
			}
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	if err := c.enter(&c.head); err != nil {
		return nil, err
	}
	for _, p := range pkgs {
		if p.dir[gate.Head] == "" {
			continue
		}
		out, err := c.goTool(ctx, &c.head, filepath.Join(c.head.root, p.dir[gate.Head]), "list", "-json=false", "-deps", "-test", "-f", "{{.Dir}}", ".")
		if err != nil {
			return nil, fmt.Errorf("listing what package %s imports: %s", p.name, c.reason(ctx, &c.head, err))
		}
		for _, dir := range c.head.dirs(out) {
			delete(changed, dir)
		}
	}
	var names []string
	for dir := range changed {
		names = append(names, name(dir))
	}
	slices.Sort(names)
	return names, nil
}

// buildBenchstat builds benchstat in a module of its own, because "go install
// benchstat@version" uses the network even if every file is in the module cache.
func (c *comparison) buildBenchstat(ctx context.Context) error {
	const perf = "golang.org/x/perf"
	dir := filepath.Join(c.tmp, "benchstat")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	// "go 1.17" leaves out the modules that benchstat does not import. The go
	// command raises the version to what benchstat needs.
	mod := fmt.Sprintf("module benchstat\n\ngo 1.17\n\nrequire %s %s\n", perf, c.Perf)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o666); err != nil {
		return err
	}
	// The user's flags are meant for the user's modules, not for benchstat. The go command
	// takes an empty GOFLAGS for none, and reads the one that go env -w has set.
	_, errOut, err := c.execEnv(ctx, []string{"GOWORK=off", "GOFLAGS=-mod=mod"}, dir, "go", "build", "-o", c.exe("benchstat"), perf+"/cmd/benchstat")
	if err != nil {
		return firstLine(errOut, err)
	}
	return nil
}
