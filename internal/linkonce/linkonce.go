// Package linkonce lets tests that start the go command share the programs that it builds.
package linkonce

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// linkOnce is a go command that builds a program only once for each list of flags, package
// and content of the Go files that can be in it: the linker is most of the time of such
// tests. What it returns may have been built at another path, and with another layout.
// LINK=always builds anyway, and another LINK shares only with its like. The tree of a
// program is the current directory, or the folder tree above it.
const linkOnce = `#!/bin/sh
go=%q kept=%q
case "$LINK $*" in
always*) exec "$go" "$@" ;;
*" test -c "* | *" build "*) ;;
*) exec "$go" "$@" ;;
esac
top=. dir=
case $PWD in
*/tree*) top=${PWD%%%%/tree*}/tree/ dir=tree${PWD##*/tree} ;;
esac
key=$(
	echo "$LINK" "$dir" "${GOWORK##*/tree}" "$GOFLAGS" "$GOOS/$GOARCH/$CGO_ENABLED"
	before=
	for arg; do
		case $before$arg in
		-overlay=*.json) overlay=${arg#*=} && cat "${overlay%%json}go" ;;
		-o*) ;;
		*) echo "$arg" | sed 's/-randlayout=.*/-randlayout/' ;;
		esac
		before= && [ "$arg" != -o ] || before=-o
	done
	sha256sum ./*_test.go 2>/dev/null
	cd "$top" && find . -name .git -prune -o \( -name '*.go' ! -name '*_test.go' -o -name 'go.*' \) -exec sha256sum {} + | sort
)
key=$kept/$(echo "$key" | sha256sum | cut -c 1-64)
for out; do
	[ "$before" != -o ] || break
	before=$out
done
exec 9>"$key.lock" && flock 9
[ -e "$key" ] || "$go" "$@" && { [ -e "$key" ] || cp "$out" "$key"; } && cp "$key" "$out"
`

var made string // what Remove removes

// folder has linkOnce as go. It is "" if this machine does not have what that needs.
var folder = sync.OnceValue(func() string {
	for _, program := range []string{"sh", "sha256sum", "flock"} {
		if _, err := exec.LookPath(program); err != nil {
			return ""
		}
	}
	real, err := exec.LookPath("go")
	if err != nil {
		return ""
	}
	dir, err := os.MkdirTemp("", "linkonce")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go"), fmt.Appendf(nil, linkOnce, real, dir), 0o700)
	}
	if err != nil {
		panic(err)
	}
	made = dir
	return dir
})

// Path returns the PATH that has linkOnce as go, or PATH as it is if this machine does not
// have what that needs.
func Path() string {
	if folder() == "" {
		return os.Getenv("PATH")
	}
	return folder() + string(os.PathListSeparator) + os.Getenv("PATH")
}

// Remove removes what Path has made. TestMain calls it at the end.
func Remove() { os.RemoveAll(made) }
