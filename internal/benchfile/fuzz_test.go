package benchfile

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// FuzzReadFrom reads any bytes as a file. There must be rows of finite values or an
// error, every text about the file must be one printable line that names it, and it must
// not matter in which pieces the bytes arrive.
func FuzzReadFrom(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := ReadFrom(bytes.NewReader(in), "bench.txt")
		again, sameErr := ReadFrom(iotest.OneByteReader(bytes.NewReader(in)), "bench.txt")
		require.Equal(t, err, sameErr)
		require.Equal(t, file, again)
		if err != nil {
			oneLine(t, err.Error())
			require.True(t, file == nil || len(file.Rows) == 0)
			require.Equal(t, errors.As(err, &noResult{}), file != nil)
		}
		if file == nil {
			return
		}
		require.LessOrEqual(t, len(file.Problems), maxKept+1)
		require.LessOrEqual(t, len(file.Ignored), maxKept)
		for _, problem := range file.Problems {
			oneLine(t, problem.Error())
		}
		for _, text := range file.Ignored {
			oneLine(t, text)
		}
		seen := map[string]bool{}
		for _, row := range file.Rows {
			require.Positive(t, row.Procs)
			require.NotContains(t, row.Name, "\n")
			key := row.Pkg + "\n" + row.FullName()
			require.False(t, seen[key], "two rows are named %q", key)
			seen[key] = true
			for _, values := range row.Values {
				require.LessOrEqual(t, len(values), len(row.Rounds))
				for _, v := range values {
					require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
				}
			}
		}
		oneLine(t, "bench.txt:"+file.Machine.String())
		ByMachine([]*File{file, again})
	})
}

// oneLine fails unless the text is one line about bench.txt that does nothing to a
// terminal.
func oneLine(t *testing.T, text string) {
	t.Helper()
	require.True(t, strings.HasPrefix(text, "bench.txt:"), "%q", text)
	require.Less(t, len(text), 3000)
	for _, b := range []byte(text) {
		require.False(t, b < ' ' && b != '\t' || b == 0x7f, "%q", text)
	}
}
