package benchfile

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFailure(t *testing.T) {
	const testify = "    a_test.go:5: \n        \tError Trace:\t/tmp/a_test.go:5\n        \tError:      \tNot equal: \n        \t            \texpected: 1\n" +
		"        \t            \tactual  : 2\n        \tTest:       \tBenchmarkB\n"
	for name, c := range map[string]struct {
		stdout, stderr, want string
		failed               bool
	}{
		"pass":                    {"PASS\n", "", "", false},
		"without a log":           {"--- FAIL: BenchmarkB\nFAIL\n", "", "--- FAIL: BenchmarkB", true},
		"a status alone":          {"BenchmarkB 1 2 ns/op\nFAIL\n", "", "", true},
		"five lines of each":      {"--- FAIL: BenchmarkB\n    a_test.go:5: 1\n        2\n        3\n        4\n        5\n        6\n    a_test.go:6: 1\n        2\nFAIL\n", "", "--- FAIL: BenchmarkB a_test.go:5: 1 2 3 4 5; a_test.go:6: 1 2", true},
		"cut off":                 {"--- FAIL: BenchmarkB", "", "--- FAIL: BenchmarkB", false},
		"after the name":          {"BenchmarkB-2 \t--- FAIL: BenchmarkB\n    a_test.go:5: boom\nFAIL\n", "", "--- FAIL: BenchmarkB a_test.go:5: boom", true},
		"after other text":        {"text --- FAIL: BenchmarkB\n    a_test.go:5: boom\nFAIL\n", "", "--- FAIL: BenchmarkB a_test.go:5: boom", true},
		"the last three":          {"--- FAIL: BenchmarkB\n    a_test.go:5: 1\n    a_test.go:5: 2\n        \n        2\n    a_test.go:5: 3\n    a_test.go:6: boom\n--- FAIL: BenchmarkC\nFAIL\n", "", "--- FAIL: BenchmarkB a_test.go:5: 2 2; a_test.go:5: 3; a_test.go:6: boom", true},
		"testify":                 {"--- FAIL: BenchmarkB\n" + testify + "FAIL\n", "", "--- FAIL: BenchmarkB a_test.go:5: Error Trace: /tmp/a_test.go:5 Error: Not equal: expected: 1 actual : 2", true},
		"TestMain prints":         {"--- FAIL: BenchmarkB\nFAIL\nbye\n", "", "--- FAIL: BenchmarkB", true},
		"a log that looks so":     {"    a_test.go:5: --- FAIL: BenchmarkB\nFAIL\nPASS\n", "", "", false},
		"a program that looks so": {"--- FAIL: BenchmarkB\nPASS\n", "", "--- FAIL: BenchmarkB", false},
		"panic":                   {"", "panic: wrong answer:\n\tgot 1\n\twant 2\n\ngoroutine 5 [running]:\n\tx", "panic: wrong answer: got 1 want 2", false},
		"panic of a log":          {"panic: no, a log\n", "panic: wrong answer\n", "panic: wrong answer", false},
		"signal":                  {"log\n", "log\nSIGSEGV: segmentation violation\nPC=0", "SIGSEGV: segmentation violation", false},
	} {
		assert.Equal(t, c.want, Failure(c.stdout, c.stderr), name)
		assert.Equal(t, c.failed, Failed(c.stdout), name)
	}
}
