package noise

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// tree writes the files of a system into a folder.
func tree(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
	}
	return root
}

const (
	mount2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	mount1 = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
)

func TestUsable(t *testing.T) {
	suitetest.Guard(t, "there is a group above the mount point, and one above that")
	for name, c := range map[string]struct {
		files map[string]string
		n     int
		says  string
	}{
		"no control groups": {nil, 4, "4"},
		"version 2": {map[string]string{"proc/self/cgroup": "0::/user/me\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/user/me/cpu.max": "100000 100000\n"}, 1, "1 of 4, because /sys/fs/cgroup/user/me grants 1.00"},
		"version 2, less than the parent": {map[string]string{"proc/self/cgroup": "0::/user/me\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/user/me/cpu.max": "200000 100000\n", "sys/fs/cgroup/user/cpu.max": "300000 100000\n"}, 2, "2 of 4, because /sys/fs/cgroup/user/me grants 2.00"},
		"version 2, mounted after other systems": {map[string]string{"proc/self/cgroup": "0::/user/me\n", "proc/self/mountinfo": "28 - cgroup2 short rw\n29 23 0:1 / / rw - ext4 /dev/x rw\n" + mount2,
			"sys/fs/cgroup/user/me/cpu.max": "200000 100000\n"}, 2, "2 of 4, because /sys/fs/cgroup/user/me grants 2.00"},
		"as much as there is": {map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4, "4"},
		"version 2, no limit": {map[string]string{"proc/self/cgroup": "0::/user/me\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/user/me/cpu.max": "max 100000\n"}, 4, "4"},
		"version 2, the parent": {map[string]string{"proc/self/cgroup": "0::/user/me\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/user/me/cpu.max": "300000 100000\n", "sys/fs/cgroup/user/cpu.max": "250000 100000\n"}, 2, "2 of 4, because /sys/fs/cgroup/user grants 2.50"},
		"version 2, half a processor": {map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1, "1 of 4, because /sys/fs/cgroup grants 0.50"},
		"more than there is": {map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/cpu.max": "1600000 100000\n"}, 4, "4"},
		"version 2, of another namespace": {map[string]string{"proc/self/cgroup": "0::/../other\n", "proc/self/mountinfo": mount2,
			"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2, "2 of 4, because /sys/fs/cgroup grants 2.00"},
		"version 1": {map[string]string{"proc/self/cgroup": "5:cpuset:/c\n4:cpu,cpuacct:/a/b\n0::/\n", "proc/self/mountinfo": mount1,
			"sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n"}, 1,
			"1 of 4, because /sys/fs/cgroup/cpu,cpuacct/a/b grants 1.00"},
		"version 1, no limit": {map[string]string{"proc/self/cgroup": "4:cpu,cpuacct:/a\n", "proc/self/mountinfo": mount1,
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"}, 4, "4"},
		"version 1, the parent": {map[string]string{"proc/self/cgroup": "4:cpu,cpuacct:/a/b\n", "proc/self/mountinfo": mount1,
			"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "90000\n", "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "30000\n"}, 3,
			"3 of 4, because /sys/fs/cgroup/cpu,cpuacct/a grants 3.00"},
		"in a container": {map[string]string{"proc/self/cgroup": "4:cpu:/docker/123\n",
			"proc/self/mountinfo":                "33 31 0:30 /docker/123 /sys/fs/cgroup/cpu ro - cgroup none rw,cpu\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 1, "1 of 4, because /sys/fs/cgroup/cpu grants 1.50"},
		"not below the mounted group": {map[string]string{"proc/self/cgroup": "4:cpu:/docker/999\n",
			"proc/self/mountinfo":                           "33 31 0:30 /docker/123 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
			"sys/fs/cgroup/cpu/docker/999/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu/docker/999/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 2, "2 of 4, because /sys/fs/cgroup/cpu grants 2.00"},
		"a name alike": {map[string]string{"proc/self/cgroup": "4:cpu:/docker/1234\n",
			"proc/self/mountinfo":                  "33 31 0:30 /docker/123 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
			"sys/fs/cgroup/cpu/4/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu/4/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 2, "2 of 4, because /sys/fs/cgroup/cpu grants 2.00"},
		"a blank in the name": {map[string]string{"proc/self/cgroup": "0::/x\n", "proc/self/mountinfo": "30 23 0:26 / /sys/fs/my\\040groups rw - cgroup2 none rw\n",
			"sys/fs/my groups/x/cpu.max": "200000 100000\n"}, 2, "2 of 4, because /sys/fs/my groups/x grants 2.00"},
		"a blank in the mounted group, and a colon in the name": {map[string]string{"proc/self/cgroup": "0::/my group/x:y\n", "proc/self/mountinfo": "30 23 0:26 /my\\040group /sys/fs/cgroup rw - cgroup2 none rw\n",
			"sys/fs/cgroup/x:y/cpu.max": "200000 100000\n"}, 2, "2 of 4, because /sys/fs/cgroup/x:y grants 2.00"},
		"nonsense": {map[string]string{"proc/self/cgroup": "x\n0::/x\n1:cpu\n2:cpu:/x\n", "proc/self/mountinfo": "- -\n\n30 - cgroup2\n31 23 0:28 / /x rw - cgroup x\n" + mount2,
			"sys/fs/cgroup/x/cpu.max": "many 0\n", "sys/fs/cgroup/cpu.max": "1 2 3\n"}, 4, "4"},
	} {
		p := usable(tree(t, c.files), 4)
		assert.Equal(t, c.n, p.N(), name)
		assert.Equal(t, c.says, p.String(), name)
	}
	p := Usable()
	assert.True(t, 1 <= p.N() && p.N() <= runtime.NumCPU(), "%v", p)
}

func TestFacts(t *testing.T) {
	amd := tree(t, map[string]string{
		"proc/cpuinfo": "processor\t: 0\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nstepping\t: 1\n\nprocessor\t: 1\nmodel\t\t: 3\n",
		"sys/devices/system/cpu/cpu0/cache/index0/level": "1\n", "sys/devices/system/cpu/cpu0/cache/index0/type": "Data\n", "sys/devices/system/cpu/cpu0/cache/index0/size": "48K\n",
		"sys/devices/system/cpu/cpu0/cache/index3/level": "3\n", "sys/devices/system/cpu/cpu0/cache/index3/type": "Unified\n", "sys/devices/system/cpu/cpu0/cache/index3/size": "32768K\n",
		"sys/devices/system/cpu/smt/active": "1\n", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n", "proc/sys/kernel/osrelease": "6.18.5\n",
	})
	assert.Equal(t, []Fact{{"processor", "family 26, model 2, stepping 1"}, {"cpuinfo", "AMD EPYC"}, {"caches", "L1d 48K, L3 32768K"}, {"smt", "on"}, {"governor", "performance"}, {"kernel", "6.18.5"}}, facts(amd))
	other := tree(t, map[string]string{
		"sys/devices/system/cpu/cpu0/cache/index1/level": "1\n", "sys/devices/system/cpu/cpu0/cache/index1/type": "Instruction\n", "sys/devices/system/cpu/cpu0/cache/index1/size": "32K\n",
		"sys/devices/system/cpu/smt/active": "0\n", "proc/cpuinfo": ""})
	assert.Equal(t, []Fact{{"caches", "L1i 32K"}, {"smt", "off"}}, facts(other))
	arm := tree(t, map[string]string{"proc/cpuinfo": "CPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n"})
	assert.Equal(t, []Fact{{"processor", "implementer 0x41, part 0xd0c, variant 0x3, revision 1"}}, facts(arm))
}
