package noise

import (
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Processors says how many processors the system lets this process use.
type Processors struct {
	Affinity int     // how many it may run on
	Quota    float64 // how many processors' time it gets, or 0 if there is no limit
	From     string  // the file that limits it
}

// Usable returns the processors that this process may use: those of its affinity,
// limited by the quotas of its control group and of every group above it, in versions
// 1 and 2.
func Usable() Processors { return usable("/", runtime.NumCPU()) }

// N returns how many procs can run at once all the time: at least 1. A quota of 1.5
// is enough for one.
func (p Processors) N() int {
	if p.Quota > 0 && p.Quota < float64(p.Affinity) {
		return max(1, int(p.Quota))
	}
	return p.Affinity
}

// String returns N and, if a quota limits it, names the quota.
func (p Processors) String() string {
	if p.Quota > 0 && p.Quota < float64(p.Affinity) {
		return fmt.Sprintf("%d of %d, because %s grants %.2f", p.N(), p.Affinity, p.From, p.Quota)
	}
	return strconv.Itoa(p.Affinity)
}

func usable(root string, affinity int) Processors {
	p := Processors{Affinity: affinity}
	for _, g := range groups(root) {
		// A group above the mount point cannot be seen from here.
		for dir := g.dir; ; dir = path.Dir(dir) {
			if q := quota(root, dir, g.version); q > 0 && (p.Quota == 0 || q < p.Quota) {
				p.Quota, p.From = q, dir
			}
			if len(dir) <= len(g.mount) {
				break
			}
		}
	}
	return p
}

// A group is the control group of this process in a hierarchy.
type group struct {
	version    int
	mount, dir string
}

// groups finds the control groups that can have a quota.
func groups(root string) []group {
	// number:controllers:path, where version 2 has no controllers.
	memberships, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	mounts, _ := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	var all []group
	for line := range strings.Lines(string(memberships)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		version := 1
		if fields[0] == "0" && fields[1] == "" {
			version = 2
		} else if !hasOption(fields[1], "cpu") {
			continue
		}
		for mount := range strings.Lines(string(mounts)) {
			// id parent device root mountpoint options... - type source options
			before, after, ok := strings.Cut(strings.TrimSuffix(mount, "\n"), " - ")
			b, a := strings.Fields(before), strings.Fields(after)
			if !ok || len(b) < 5 || len(a) < 3 {
				continue
			}
			if version == 2 && a[0] != "cgroup2" || version == 1 && (a[0] != "cgroup" || !hasOption(a[2], "cpu")) {
				continue
			}
			point := unescape(b[4])
			below, inside := strings.CutPrefix(fields[2], strings.TrimSuffix(unescape(b[3]), "/"))
			if !inside || below != "" && below[0] != '/' || strings.Contains(below, "/..") {
				below = "" // the group is of another namespace: use the mounted one
			}
			all = append(all, group{version, point, path.Join(point, below)})
			break
		}
	}
	return all
}

func hasOption(list, option string) bool {
	for o := range strings.SplitSeq(list, ",") {
		if o == option {
			return true
		}
	}
	return false
}

// unescape replaces what mountinfo writes for blanks and backslashes.
func unescape(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// quota returns how many processors' time the group of a folder gets, or 0.
func quota(root, dir string, version int) float64 {
	number := func(name string) float64 {
		text, err := os.ReadFile(filepath.Join(root, dir, name))
		if err != nil {
			return math.NaN()
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		if err != nil {
			return math.NaN()
		}
		return n
	}
	var q float64
	if version == 1 {
		q = number("cpu.cfs_quota_us") / number("cpu.cfs_period_us")
	} else if text, err := os.ReadFile(filepath.Join(root, dir, "cpu.max")); err == nil {
		fields := strings.Fields(string(text))
		if len(fields) != 2 {
			return 0
		}
		of, err1 := strconv.ParseFloat(fields[0], 64) // or max
		period, err2 := strconv.ParseFloat(fields[1], 64)
		if err1 != nil || err2 != nil {
			return 0
		}
		q = of / period
	}
	if !(q > 0) || math.IsInf(q, 0) { // -1 is no limit
		return 0
	}
	return q
}
