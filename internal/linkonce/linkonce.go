// Package linkonce lets tests that start the go command share the programs that it builds.
package linkonce

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// linkOnce is a script that stands in for the go command. It keeps each program that it
// builds, and copies it when a later build has the same flags, package and Go files,
// because most of the time of such tests is the linker's. So a program may come from
// another path, or have another code layout than -randlayout asks for. The script compares
// the Go files of the current directory, or of the folder named tree above it.
//
// With LINK=always in the environment every build links. Builds with another LINK share
// programs only with builds that have the same LINK.
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
		*-randlayout=*) echo "${arg%%%%-randlayout=*}-randlayout" ;;
		*) echo "$arg" ;;
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

var made string // the folder, once Path has made it

// folder returns the folder that holds linkOnce under the name go, or "" if this machine
// lacks a program that linkOnce needs.
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

// Path returns a PATH whose go command is linkOnce, or PATH unchanged if this machine lacks
// a program that linkOnce needs.
func Path() string {
	if folder() == "" {
		return os.Getenv("PATH")
	}
	return folder() + string(os.PathListSeparator) + os.Getenv("PATH")
}

// Remove removes the folder that Path has made. TestMain calls it at the end.
func Remove() { os.RemoveAll(made) }
