package boundaries_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A raceReport is what the race detector says of one race.
type raceReport struct {
	accesses []access // the two that conflict; one if the detector has forgotten the other
}

// An access is one of the two, and where it is.
type access struct {
	what string // "Write", "Previous read", ...
	file string // relative to this directory, if it is in it
	line int
}

// parseReports finds the reports in what a program wrote.
//
// Of each access only the first place is kept that is not in Go's own library:
// the line of our code that made it.
func parseReports(output string) []raceReport {
	accessLine := regexp.MustCompile(`^(?:Previous )?(?i:atomic )?(?i:read|write) at 0x[0-9a-f]+ by `)
	frameLine := regexp.MustCompile(`^\s+(\S.*):(\d+)(?: \+0x[0-9a-f]+)?$`)
	var all []raceReport
	const head = "WARNING: DATA RACE"
	for _, text := range strings.Split(output, head)[1:] {
		text, _, _ = strings.Cut(text, "==================")
		var report raceReport
		open := false // the access that was read last has no place yet
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if accessLine.MatchString(line) {
				what, _, _ := strings.Cut(line, " at 0x")
				report.accesses = append(report.accesses, access{what: what})
				open = true
				continue
			}
			if strings.TrimSpace(line) == "" {
				open = false
				continue
			}
			if m := frameLine.FindStringSubmatch(line); open && m != nil {
				a := &report.accesses[len(report.accesses)-1]
				a.file = relative(m[1])
				a.line, _ = strconv.Atoi(m[2])
				open = filepath.IsAbs(a.file) // Go's own, such as sync
			}
		}
		all = append(all, report)
	}
	return all
}

// whole reports whether both places are known.
func (r raceReport) whole() bool {
	return len(r.accesses) == 2 && r.accesses[0].line > 0 && r.accesses[1].line > 0
}

// relative returns a path of this module as it is seen from this directory, which
// is the module's. With -trimpath, paths begin with the module's name.
func relative(path string) string {
	if rest, ok := strings.CutPrefix(path, "boundaries/"); ok {
		return rest
	}
	if here, err := os.Getwd(); err == nil {
		if rest, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rest) {
			return filepath.ToSlash(rest)
		}
	}
	return path
}

// String is the report, cut to the two lines of code.
func (r raceReport) String() string {
	text := ""
	for _, a := range r.accesses {
		place := "(the detector has forgotten where)"
		if a.line > 0 {
			place = fmt.Sprintf("%s:%d", a.file, a.line)
		}
		text += fmt.Sprintf("    %-15s %-28s %s\n", a.what, place, sourceLine(a.file, a.line))
	}
	return text
}

// sourceLine returns a line of a file, or nothing if it cannot be read.
func sourceLine(file string, number int) string {
	text, err := os.ReadFile(file)
	if err != nil || number < 1 {
		return ""
	}
	lines := strings.Split(string(text), "\n")
	if number > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[number-1])
}

// goraceLog returns what a process wrote to the file that GORACE names, if it
// does.
func goraceLog(gorace string, pid int) string {
	log := ""
	for option := range strings.FieldsSeq(gorace) {
		if path, ok := strings.CutPrefix(option, "log_path="); ok {
			text, _ := os.ReadFile(fmt.Sprintf("%s.%d", path, pid))
			log = string(text)
		}
	}
	return log
}
