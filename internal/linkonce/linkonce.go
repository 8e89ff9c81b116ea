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

var temporary string

// Dir returns a folder for the front of PATH that has linkOnce as go. The folder is empty if
// this machine does not have what that needs. All calls return the same folder.
var Dir = sync.OnceValue(func() string {
	var err error
	if temporary, err = os.MkdirTemp("", "linkonce"); err != nil {
		panic(err)
	}
	for _, program := range []string{"sh", "sha256sum", "flock"} {
		if _, err := exec.LookPath(program); err != nil {
			return temporary
		}
	}
	real, err := exec.LookPath("go")
	if err == nil {
		err = os.WriteFile(filepath.Join(temporary, "go"), fmt.Appendf(nil, linkOnce, real, temporary), 0o700)
	}
	if err != nil {
		panic(err)
	}
	return temporary
})

// Remove removes the folder of Dir. TestMain calls it at the end.
func Remove() { os.RemoveAll(temporary) }
