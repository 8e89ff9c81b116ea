package noise

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A Fact is a "# key: value" line about the machine.
type Fact struct{ Key, Value string }

// Facts describes the machine. The name of the processor is not enough: virtual
// machines hide it, and different processors share one name. The last fact lists the
// environment variables that are set and affect the speed of Go programs or of this suite.
func Facts() []Fact {
	all := facts("/")
	var set []string
	for _, name := range []string{"GOFLAGS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GORACE", "BOUNDARIES_FIB", "BOUNDARIES_REDIS"} {
		if value := os.Getenv(name); value != "" {
			set = append(set, name+"="+strconv.Quote(value))
		}
	}
	if set != nil {
		all = append(all, Fact{"environment", strings.Join(set, " ")})
	}
	return all
}

func facts(root string) []Fact {
	var all []Fact
	add := func(key, value string) {
		if value != "" {
			all = append(all, Fact{key, value})
		}
	}
	numbers, name := processor(root)
	add("processor", numbers)
	add("cpuinfo", name)
	var caches []string
	for _, index := range glob(root, "sys/devices/system/cpu/cpu0/cache/index*") {
		if size := line(index, "size"); size != "" {
			kind := map[string]string{"Data": "d", "Instruction": "i"}[line(index, "type")]
			caches = append(caches, "L"+line(index, "level")+kind+" "+size)
		}
	}
	add("caches", strings.Join(caches, ", "))
	add("smt", map[string]string{"0": "off", "1": "on"}[line(root, "sys/devices/system/cpu/smt/active")])
	add("governor", line(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
	add("kernel", line(root, "proc/sys/kernel/osrelease"))
	return all
}

// processor returns the numbers that distinguish the processor from others of the same
// name, and the name that Linux has for it. Package testing prints the name that the
// processor itself gives, and Python's rows print that of Linux. The two can differ in a
// virtual machine that has moved to another host.
func processor(root string) (numbers, name string) {
	text, err := os.ReadFile(filepath.Join(root, "proc/cpuinfo"))
	if err != nil {
		return systemProcessor(), ""
	}
	first := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if _, ok := first[key]; !ok {
			first[key] = strings.TrimSpace(value)
		}
	}
	return describe([][2]string{
		{"family", first["cpu family"]}, {"model", first["model"]}, {"stepping", first["stepping"]},
		// Of ARM.
		{"implementer", first["CPU implementer"]}, {"part", first["CPU part"]}, {"variant", first["CPU variant"]}, {"revision", first["CPU revision"]},
	}), first["model name"]
}

func describe(numbers [][2]string) string {
	var parts []string
	for _, n := range numbers {
		if n[1] != "" {
			parts = append(parts, n[0]+" "+n[1])
		}
	}
	return strings.Join(parts, ", ")
}

func glob(root, pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(root, pattern)) // in order
	return found
}

// line returns the text of a file of one line, or "".
func line(elements ...string) string {
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
