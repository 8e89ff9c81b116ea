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
// builds, and links to it when a later build has the same flags, package and Go files,
// because most of the time of such tests is the linker's. So a program may come from
// another path, or have another code layout than -randlayout asks for. The script compares
// the Go files of the current directory, or of the folder named tree above it, and of four
// levels of folders below.
//
// With LINK=always in the environment every build links. Builds with another LINK share
// programs only with builds that have the same LINK. LINK=copy copies the program in place of
// linking to it: each link changes the status time of a file, and tar fails if that changes
// while it reads the file.
const linkOnce = `#!/bin/sh
go=%q kept=%q
case "$LINK $*" in
always*) exec "$go" "$@" ;;
*" test -c "* | *" build "*) ;;
*) exec "$go" "$@" ;;
esac
top=. dir=.
case $PWD in
*/tree*) top=${PWD%%%%/tree*}/tree/ dir=../tree${PWD##*/tree} ;;
esac
text="$LINK $dir ${GOWORK##*/tree} $GOFLAGS $GOOS/$GOARCH/$CGO_ENABLED" overlay= out= before=
for arg; do
	case $before$arg in
	-overlay=*.json) overlay=${arg#*=} ;;
	-o*) out=$arg ;;
	*-randlayout=*) text="$text ${arg%%%%-randlayout=*}-randlayout" ;;
	*) text="$text $arg" ;;
	esac
	before= && [ "$arg" != -o ] || before=-o
done
key=$(
	cd "$top" && set -- "$dir"/*_test.go
	for file in *.go */*.go */*/*.go */*/*/*.go */*/*/*/*.go go.* */go.* */*/go.*; do
		[ -z "${file##*_test.go}" ] || set -- "$@" "$file"
	done
	{
		echo "$text"
		[ -z "$overlay" ] || cat "${overlay%%json}go"
		sha256sum "$@" 2>/dev/null # and patterns that match nothing
	} | sha256sum
)
key=$kept/${key%%%% *}
share() { [ "$LINK" != copy ] && ln -f "$1" "$2" 2>/dev/null || cp "$1" "$2"; }
if [ ! -e "$key" ]; then
	exec 9>"$key.lock" && flock 9
	[ ! -e "$out" ] || rm "$out" # which may be one of those that it keeps
	[ -e "$key" ] || { "$go" "$@" && share "$out" "$key"; } || exit
fi
share "$key" "$out"
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

// Path returns a PATH whose go command is a script that links each program once and keeps it
// for later builds of the same sources. It returns PATH unchanged if this machine lacks a
// program that the script needs.
func Path() string {
	if folder() == "" {
		return os.Getenv("PATH")
	}
	return folder() + string(os.PathListSeparator) + os.Getenv("PATH")
}

// Remove removes the folder that Path has made. TestMain calls it at the end.
func Remove() { os.RemoveAll(made) }
