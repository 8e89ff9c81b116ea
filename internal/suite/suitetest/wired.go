package suitetest

import (
	"path"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Wired tests that the row of that name has the function of that name after the prefix: row
// "lock-free" has runLockFree. Rows that give one answer cannot be told apart by it.
func Wired(t *testing.T, name, prefix string, function any) {
	t.Helper()
	full := runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
	_, got, _ := strings.Cut(path.Base(full), ".")
	require.Equal(t, strings.ToLower(prefix+strings.ReplaceAll(name, "-", "")), strings.ToLower(got))
}
