package revisions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"boundaries/internal/command"
	"boundaries/internal/process"
)

func (s *side) String() string {
	text := s.name + ": this program's own benchmarks"
	if s.commit != "" {
		text = fmt.Sprintf("%s: %.12s", s.name, s.commit)
	}
	if s.subject != "" {
		text += " " + s.subject
	}
	if s.dirty {
		text += " with uncommitted changes"
	}
	return text
}

// checkOut makes a worktree for each side and copies the uncommitted changes into
// that of head.
func (c *comparison) checkOut(ctx context.Context, rev string) error {
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the current directory: %w", err)
	}
	out, err := c.git(ctx, cwd, "rev-parse", "--show-toplevel", "--show-prefix")
	if err != nil {
		return command.BadInput("want to be in a git checkout: %w", err)
	}
	c.top, c.prefix, _ = strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	if _, err := c.git(ctx, c.top, "config", "core.sshCommand"); err != nil && os.Getenv("GIT_SSH") == "" && os.Getenv("GIT_SSH_COMMAND") == "" {
		// The terminal would stop an ssh that asks for a passphrase, because git is in
		// the background.
		c.env = append(c.env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes")
	}
	if err := c.resolve(ctx, rev); err != nil {
		return err
	}
	changes, err := c.changes(ctx)
	if err != nil && c.turnOffFilters(ctx, err) {
		changes, err = c.changes(ctx)
	}
	if err != nil {
		return err
	}
	changes, err = c.leaveOutWorkspace(ctx, cwd, changes)
	if err != nil {
		return err
	}
	c.head.dirty = len(changes) > 0
	for _, s := range c.sides() {
		// An interrupt must not leave half a worktree, which git could not
		// remove. fill checks out the files later, which may take a while.
		if _, err := c.git(context.WithoutCancel(ctx), c.top, "worktree", "add", "--quiet", "--detach", "--no-checkout", s.tree, s.commit); err != nil {
			return fmt.Errorf("making the worktree of %s: %w", s.name, err)
		}
		s.added = true
	}
	err = c.fill(ctx)
	if err != nil && ctx.Err() == nil && c.turnOffFilters(ctx, err) {
		err = c.fill(ctx)
	}
	if err != nil {
		return err
	}
	to := []*side{&c.head}
	if c.inject != nil {
		to = c.sides() // they differ in the injected slowdown alone
		c.base.dirty = c.head.dirty
	}
	for _, s := range to {
		if err := overlay(ctx, c.top, s.tree, changes); err != nil {
			return fmt.Errorf("copying the uncommitted changes: %w", err)
		}
	}
	return c.findChanged(ctx, changes)
}

// resolve finds the commits of both sides.
func (c *comparison) resolve(ctx context.Context, rev string) (err error) {
	if c.head.commit, err = c.commit(ctx, "HEAD"); err != nil {
		return command.BadInput("want a checkout with a commit, but HEAD names none")
	}
	if c.base.commit, err = c.commit(ctx, rev); err != nil {
		return command.BadInput("base %q: want a branch, tag or commit of this repository%s", rev, c.shallow(ctx))
	}
	// Git takes the tag, and says so on standard error.
	if out, err := c.git(ctx, c.top, "for-each-ref", "--format=%(refname)", "refs/tags/"+rev, "refs/heads/"+rev); err == nil {
		if refs := strings.Fields(out); slices.Contains(refs, "refs/tags/"+rev) && slices.Contains(refs, "refs/heads/"+rev) {
			c.note("%s is a tag and a branch, and base is the tag; want refs/heads/%[1]s for the branch", rev)
		}
	}
	if c.MergeBase {
		out, err := c.git(ctx, c.top, "merge-base", c.base.commit, c.head.commit)
		if err != nil {
			return command.BadInput("base %q and HEAD have no common commit here%s", rev, c.shallow(ctx))
		}
		c.base.commit = strings.TrimSpace(out)
	}
	for _, s := range c.sides() {
		if out, err := c.git(ctx, c.top, "log", "-1", "--format=%s", "--no-show-signature", s.commit); err == nil {
			s.subject = fmt.Sprintf("%.60q", strings.TrimSpace(out))
		}
	}
	return nil
}

// shallow says that the repository lacks history, or "".
func (c *comparison) shallow(ctx context.Context) string {
	if out, err := c.git(ctx, c.top, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(out) == "true" {
		return "; this clone is shallow: fetch the whole history (git fetch --unshallow, or fetch-depth: 0 for actions/checkout)"
	}
	return ""
}

// fill checks out the files of both worktrees.
func (c *comparison) fill(ctx context.Context) error {
	for _, s := range c.sides() {
		if c.noFilters != nil { // a second try must write all files again
			if _, err := c.git(ctx, s.tree, "read-tree", "--empty"); err != nil {
				return fmt.Errorf("checking out %s: %w", s.name, err)
			}
		}
		if _, err := c.git(ctx, s.tree, "reset", "--quiet", "--hard"); err != nil {
			return fmt.Errorf("checking out %s: %w", s.name, err)
		}
	}
	return nil
}

// turnOffFilters makes git work without the user's filters, such as one that decrypts,
// after git failed with them. It returns false if no file has a filter, or if the filters
// are off already.
func (c *comparison) turnOffFilters(ctx context.Context, because error) bool {
	if c.noFilters != nil {
		return false
	}
	out, err := c.git(ctx, c.top, "config", "--name-only", "--get-regexp", `^filter\.`)
	if err != nil {
		return false
	}
	names := map[string]bool{}
	for line := range strings.Lines(out) {
		name := strings.TrimPrefix(strings.TrimSpace(line), "filter.")
		names[name[:max(0, strings.LastIndexByte(name, '.'))]] = true
	}
	var uses []string
	for name := range names {
		files, err := c.git(ctx, c.top, "ls-files", "-z", "--", ":(top,attr:filter="+name+")")
		if file, _, _ := strings.Cut(files, "\x00"); err == nil && file != "" {
			uses = append(uses, fmt.Sprintf("%s of the filter %s", file, name))
		}
		for _, setting := range []string{"smudge=", "clean=", "process=", "required=false"} {
			c.noFilters = append(c.noFilters, "-c", "filter."+name+"."+setting)
		}
	}
	if len(uses) == 0 {
		c.noFilters = nil
		return false
	}
	slices.Sort(uses)
	c.note("both sides have files as they are committed, without git's filters (%s), because one failed: %v", strings.Join(uses, ", "), because)
	return true
}

// commit returns the hash of a commit. Other git commands get only the hash.
func (c *comparison) commit(ctx context.Context, rev string) (string, error) {
	// Git reads a leading "^" as "not this one". An option names no revision.
	if strings.HasPrefix(rev, "^") {
		return "", errors.New("not a revision")
	}
	hash, err := c.git(ctx, c.top, "rev-parse", "--verify", "--quiet", rev)
	if err != nil {
		return "", err
	}
	// In a second step, because ":/text" takes all that follows as text.
	hash, err = c.git(ctx, c.top, "rev-parse", "--verify", "--quiet", strings.TrimSpace(hash)+"^{commit}")
	return strings.TrimSpace(hash), err
}

type change struct {
	path    string
	deleted bool
	unknown bool // to git
}

// changes returns the files of the checkout that differ from HEAD. A staged change counts
// as it is in the file, not as it is in the index. The temporary directory and the result
// files of -o may be in the checkout, and do not count.
func (c *comparison) changes(ctx context.Context) ([]change, error) {
	out, err := c.git(ctx, c.top, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules")
	if err != nil {
		return nil, fmt.Errorf("listing the uncommitted changes: %w", err)
	}
	top, err := filepath.EvalSymlinks(c.top)
	if err != nil {
		return nil, fmt.Errorf("listing the uncommitted changes: %w", err)
	}
	isOwn := func(file string) bool {
		path := filepath.Join(top, filepath.FromSlash(file))
		return strings.HasPrefix(path, c.tmp+string(filepath.Separator)) ||
			filepath.Dir(path) == c.Out && slices.Contains(resultFiles, filepath.Base(path))
	}
	var changes []change
	for entry := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		// Two letters, a space, the path; a nested repository ends in a slash.
		if len(entry) <= 3 || strings.HasSuffix(entry, "/") {
			continue
		}
		// In a conflict, a file that one side has deleted may be in the checkout.
		info, err := os.Lstat(filepath.Join(top, filepath.FromSlash(entry[3:])))
		deleted := strings.Contains(entry[:2], "D") && (err != nil || info.IsDir())
		if ch := (change{entry[3:], deleted, entry[:2] == "??"}); !isOwn(ch.path) {
			changes = append(changes, ch)
		}
	}
	hidden, err := c.hidden(ctx, top)
	hidden = slices.DeleteFunc(hidden, func(h change) bool { // of which git has told, because they are staged
		return slices.ContainsFunc(changes, func(ch change) bool { return ch.path == h.path })
	})
	return append(changes, hidden...), err
}

// hidden returns the changed regular files that git was told not to look at (git update-index
// --assume-unchanged or --skip-worktree). A sparse checkout does not have all files that
// git skips.
func (c *comparison) hidden(ctx context.Context, top string) (changes []change, err error) {
	out, err := c.git(ctx, c.top, "ls-files", "-z", "-v", "--stage")
	if err != nil {
		return nil, fmt.Errorf("listing the files that git does not look at: %w", err)
	}
	for entry := range strings.SplitSeq(out, "\x00") {
		// A letter, the mode, the hash and the stage, a tab, the path.
		state, file, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(state)
		if len(fields) < 4 || fields[0] != "S" && strings.ToLower(fields[0]) != fields[0] || !strings.HasPrefix(fields[1], "100") {
			continue
		}
		info, err := os.Lstat(filepath.Join(top, filepath.FromSlash(file)))
		if err != nil && strings.EqualFold(fields[0], "S") {
			continue
		}
		if err == nil && info.Mode().IsRegular() {
			hash, err := c.git(ctx, c.top, "hash-object", "--", file)
			if err == nil && strings.TrimSpace(hash) == fields[2] {
				continue
			}
		}
		changes = append(changes, change{path: file, deleted: err != nil || info.IsDir()})
	}
	return changes, nil
}

// leaveOutWorkspace finds the go.work that applies. It leaves out a go.work that is not
// committed, because only head would have it, and one outside the repository, because
// both sides would build the user's checkout.
func (c *comparison) leaveOutWorkspace(ctx context.Context, cwd string, changes []change) ([]change, error) {
	args := append([]string{"env", "-json=false", "GOWORK"}, platform...)
	out, errOut, err := c.execEnv(ctx, []string{"GOWORK=" + os.Getenv("GOWORK")}, cwd, "go", args...)
	if err != nil {
		return nil, command.BadInput("go env: %w", firstLine(errOut, err))
	}
	file, rest, _ := strings.Cut(out, "\n")
	c.platform = rest
	if file = strings.TrimSpace(file); file == "" || file == "off" {
		return changes, nil
	}
	if resolved, err := filepath.EvalSymlinks(file); err == nil {
		file = resolved
	}
	top, err := filepath.EvalSymlinks(c.top)
	if err != nil {
		return nil, fmt.Errorf("finding the checkout: %w", err)
	}
	rel, err := filepath.Rel(top, file)
	if err != nil || !filepath.IsLocal(rel) {
		c.without = file + " is outside of the repository, and both sides are built without it"
		return changes, nil
	}
	rel = filepath.ToSlash(rel)
	unknown := func(ch change) bool {
		return ch.unknown && (ch.path == rel || ch.path == strings.TrimSuffix(rel, ".work")+".work.sum")
	}
	if _, err := c.git(ctx, c.top, "ls-files", "--error-unmatch", "--", ":(top,literal)"+rel); err != nil {
		c.without = rel + " is not committed, and both sides are built without it"
		return slices.DeleteFunc(changes, unknown), nil
	}
	c.work = rel
	return changes, nil
}

// workFile returns the value of GOWORK with which a side is built. If GOWORK were not
// set, the go command would look for a go.work in all folders above the temporary one.
func (s *side) workFile() string {
	if s.work == "" {
		return "off"
	}
	return filepath.Join(s.root, filepath.FromSlash(s.work))
}

// findWorkspace says which go.work the sides have.
func (c *comparison) findWorkspace() {
	if c.without != "" {
		c.note("%s", c.without)
	}
	if c.work == "" {
		return
	}
	for _, s := range c.sides() {
		if _, err := os.Stat(filepath.Join(s.tree, filepath.FromSlash(c.work))); err == nil {
			s.work = c.work
		}
	}
	if (c.base.work == "") != (c.head.work == "") {
		has := map[bool]string{true: "head", false: "base"}[c.base.work == ""]
		c.note("only %s has %s, so the sides may be built from different modules", has, c.work)
	}
}

// findChanged notes the files in which the two trees differ.
func (c *comparison) findChanged(ctx context.Context, changes []change) error {
	out, err := c.git(ctx, c.top, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules", c.base.commit, c.head.commit, "--")
	if err != nil {
		return fmt.Errorf("listing the changed files: %w", err)
	}
	seen := map[string]bool{}
	for file := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		seen[file] = file != ""
	}
	for _, ch := range changes {
		seen[ch.path] = true
	}
	for file := range seen {
		if seen[file] {
			c.changed = append(c.changed, file)
		}
	}
	slices.Sort(c.changed)
	return nil
}

// overlay copies the changes from one tree to another.
func overlay(ctx context.Context, from, to string, changes []change) error {
	// No path leads out of a Root, not even through a symbolic link.
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	// Remove everything first: a file may have become a directory.
	for _, ch := range changes {
		if err := root.RemoveAll(ch.path); err != nil {
			return err
		}
	}
	for _, ch := range changes {
		if ch.deleted {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(ch.path), 0o777); err != nil {
			return err
		}
		// An editor may have removed its file since git listed it.
		if err := copyFile(root, ch.path, filepath.Join(from, ch.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func copyFile(root *os.Root, to, from string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return root.Symlink(target, to)
	}
	if !info.Mode().IsRegular() { // a read of a pipe would wait forever
		return fmt.Errorf("%s is neither a file nor a link, want one of them", from)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return root.WriteFile(to, data, info.Mode().Perm())
}

// ignored returns a file or folder that git ignores in the checkout, or "".
func (c *comparison) ignored(ctx context.Context) string {
	if c.top == "" {
		return ""
	}
	out, err := c.git(context.WithoutCancel(ctx), c.top, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(out, "\x00")
	return first
}

// lost returns a file of the side that is gone from its worktree, or "".
func (c *comparison) lost(ctx context.Context, s *side) string {
	if c.top == "" {
		return ""
	}
	out, err := c.git(context.WithoutCancel(ctx), s.tree, "ls-files", "-z", "--deleted")
	if err != nil {
		return ""
	}
	for file := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		// The user may have deleted it.
		if _, err := os.Lstat(filepath.Join(c.top, filepath.FromSlash(file))); file != "" && (err == nil || !s.dirty) {
			return file
		}
	}
	return ""
}

// cleanUp removes everything that the comparison made.
func (c *comparison) cleanUp(ctx context.Context) error {
	var errs []error
	for _, s := range c.sides() {
		if !s.added {
			continue
		}
		// Git refuses to remove a worktree that a benchmark damaged, but not one
		// that is gone.
		errs = append(errs, process.RemoveAll(s.tree))
		var err error
		for range 3 {
			// A second Ctrl-C kills a command that is not in its own process group yet.
			if _, err = c.git(ctx, c.top, "worktree", "remove", "--force", s.tree); err == nil {
				break
			}
		}
		errs = append(errs, err)
	}
	if c.tmp != "" {
		errs = append(errs, process.RemoveAll(c.tmp))
	}
	if c.keeper != nil {
		c.keeper.End()
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}
