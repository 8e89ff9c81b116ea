package benchfile

import (
	"regexp"
	"strings"
)

var timeWord = regexp.MustCompile(`^(n|µ|μ|u|m|nano|micro|milli)?(s|secs?|seconds?)$`)

// IsTime reports whether a unit is a time, such as sec/op or p99-ms.
func IsTime(unit string) bool {
	name, _, _ := strings.Cut(unit, "/")
	return timeWord.MatchString(lastWord(name)) && !IsRate(unit)
}

// IsRate reports whether a unit is something per time, such as B/s, ops/msec or
// items-per-sec.
func IsRate(unit string) bool {
	name, per, divided := strings.Cut(unit, "/")
	if !divided {
		word := lastWord(name)
		before := strings.TrimSuffix(name, word)
		return timeWord.MatchString(word) && len(before) > 1 && lastWord(before[:len(before)-1]) == "per"
	}
	return timeWord.MatchString(lastWord(per))
}

// lastWord returns what follows the last separator in a part of a unit.
func lastWord(part string) string { return part[strings.LastIndexAny(part, "-_*/")+1:] }
