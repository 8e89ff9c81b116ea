package revisions

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"boundaries/internal/command"
)

func (s *side) String() string {
	if s.dirty {
		return fmt.Sprintf("%s: %.7s with uncommitted changes", s.name, s.commit)
	}
	return fmt.Sprintf("%s: %.7s", s.name, s.commit)
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
	c.base.name, c.head.name = "base", "head"
	if c.head.commit, err = c.commit(ctx, "HEAD"); err != nil {
		return command.BadInput("want a checkout with a commit, but HEAD names none")
	}
	if c.base.commit, err = c.commit(ctx, rev); err != nil {
		return command.BadInput("base %q: want a branch, tag or commit of this repository (a shallow clone has few)", rev)
	}
	changes, err := c.changes(ctx)
	if err != nil {
		return err
	}
	c.head.dirty = len(changes) > 0
	for _, s := range c.sides() {
		s.tree = filepath.Join(c.tmp, s.name)
		// An interrupt must not leave half a worktree, which git could not
		// remove. The files, which may take a while, follow below.
		if _, err := c.git(context.WithoutCancel(ctx), c.top, "worktree", "add", "--quiet", "--detach", "--no-checkout", s.tree, s.commit); err != nil {
			return fmt.Errorf("making the worktree of %s: %w", s.name, err)
		}
		s.added = true
		if _, err := c.git(ctx, s.tree, "reset", "--quiet", "--hard"); err != nil {
			return fmt.Errorf("checking out %s: %w", s.name, err)
		}
	}
	if err := overlay(ctx, c.top, c.head.tree, changes); err != nil {
		return fmt.Errorf("copying the uncommitted changes: %w", err)
	}
	return nil
}

// commit returns the hash of a commit. Other git commands get only the hash.
func (c *comparison) commit(ctx context.Context, rev string) (string, error) {
	// Git reads a leading "-" as an option and "^" as "not this one".
	if strings.HasPrefix(rev, "-") || strings.HasPrefix(rev, "^") {
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
}

// changes returns what differs from HEAD in the checkout. A staged change counts
// as it is in the file, not as it is in the index.
func (c *comparison) changes(ctx context.Context) ([]change, error) {
	out, err := c.git(ctx, c.top, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules")
	if err != nil {
		return nil, fmt.Errorf("listing the uncommitted changes: %w", err)
	}
	var changes []change
	for entry := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		// Two letters, a space, the path; a nested repository ends in a slash.
		if len(entry) > 3 && !strings.HasSuffix(entry, "/") {
			changes = append(changes, change{entry[3:], strings.Contains(entry[:2], "D")})
		}
	}
	return changes, nil
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
		if err := copyFile(root, ch.path, filepath.Join(from, ch.path)); err != nil {
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
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return root.WriteFile(to, data, info.Mode().Perm())
}

// cleanUp removes everything that Compare made.
func (c *comparison) cleanUp(ctx context.Context) error {
	var errs []error
	for _, s := range c.sides() {
		if !s.added {
			continue
		}
		// Git refuses to remove a worktree that a benchmark damaged, but not one
		// that is gone.
		errs = append(errs, os.RemoveAll(s.tree))
		_, err := c.git(ctx, c.top, "worktree", "remove", "--force", s.tree)
		errs = append(errs, err)
	}
	errs = append(errs, os.RemoveAll(c.tmp))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}
