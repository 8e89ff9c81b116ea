package benchfile

import (
	"regexp"
	"strings"
)

var (
	// Text of the program, or the benchmark's name, may stand before the failure.
	failedBenchmark = regexp.MustCompile(`(?m)^(?:\S.*)?(--- FAIL: .*)\n?((?: +.*\n?)*)`)
	panicked        = regexp.MustCompile(`(?m)^(?:panic|fatal error|SIG[A-Z]+): .*(?:\n\t.*){0,4}`)
)

// Failed reports whether a test binary printed that a benchmark failed. Its status may be
// 0 all the same, if TestMain chooses it. A log line that only looks like a failure is not enough.
func Failed(stdout string) bool {
	stdout = "\n" + stdout
	return strings.HasSuffix(stdout, "\nFAIL\n") || strings.Contains(stdout, "\nFAIL\n") && failedBenchmark.MatchString(stdout)
}

// Failure returns why a test binary failed, from what it printed: the first benchmark that
// failed and the end of its log, or the panic. It returns "" if there is neither.
func Failure(stdout, stderr string) string {
	if m := failedBenchmark.FindStringSubmatch(stdout); m != nil {
		return strings.TrimSpace(m[1] + " " + endOfLog(m[2], 3))
	}
	return strings.Join(strings.Fields(panicked.FindString(stderr+"\n"+stdout)), " ")
}

// endOfLog returns the last messages of a benchmark's log, and at most five lines of each.
// Package testing indents the first line of a message by four spaces, and the others by
// eight.
func endOfLog(log string, most int) string {
	var messages []string
	lines := 0
	for line := range strings.Lines(log) {
		begins := !strings.HasPrefix(line, "     ")
		if line = strings.Join(strings.Fields(line), " "); line == "" {
			continue
		}
		if lines++; begins || messages == nil {
			messages, lines = append(messages, line), 1
		} else if lines <= 5 {
			messages[len(messages)-1] += " " + line
		}
	}
	return strings.Join(messages[max(0, len(messages)-most):], "; ")
}
