package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	for _, test := range []struct {
		err    error
		stderr string
		status int
	}{
		{nil, "", 0},
		{errors.New("a\nb\r\nc"), "program: a; b; c\n", 1},
		{errors.New("\x1b]0;x\a\tä\u009b31m\u202e"), "program: \\x1b]0;x\\a\tä\\u009b31m\\u202e\n", 1},
		{fmt.Errorf("in c: %w", BadInput("no %s", "d")), "program: in c: no d\n", 2},
		{Exit(3, "no %s", "d"), "program: no d\n", 3},
		{Problems{errors.New("a"), errors.New("b")}, "program: a\nprogram: b\n", 1},
		{Problems{errors.New("a"), Interrupted("b")}, "program: a\nprogram: b\n", 130},
	} {
		var stderr strings.Builder
		require.Equal(t, test.status, Report("program", &stderr, test.err), "%v", test.err)
		require.Equal(t, test.stderr, stderr.String())
	}
}

// No character that controls a terminal, or the direction of a text, is printed as it is.
func TestPrintable(t *testing.T) {
	for c := range rune(0x3000) {
		controls := unicode.IsControl(c) && c != '\n' && c != '\t' || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
		require.Equal(t, controls, Printable(string(c)) != string(c), "%q", c)
	}
}

func TestQuote(t *testing.T) {
	for arg, want := range map[string]string{
		"": "''", "~": "'~'", "~a": "'~a'", "a=~b": "'a=~b'", "HEAD~1": "HEAD~1", "a b": "'a b'", "$a": "'$a'", "a*": "'a*'", "it's": `'it'\''s'`, "it's\x1b\n\"\\": `$'it\'s\x1b\n\"\\'`, "-a=b/c,d:e@1.2%+^~_": "-a=b/c,d:e@1.2%+^~_",
	} {
		require.Equal(t, want, Quote(arg))
	}
	for c := range rune(128) {
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("-_./=,:@%+^~", c)
		require.Equal(t, plain, Quote("a"+string(c)) == "a"+string(c), "%q", c)
	}
}
