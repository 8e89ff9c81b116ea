package noise

import (
	"strconv"

	"golang.org/x/sys/unix"
)

func systemProcessor() string {
	number := func(key string) string {
		n, err := unix.SysctlUint32(key)
		if err != nil {
			return ""
		}
		return strconv.FormatUint(uint64(n), 10)
	}
	return describe([][2]string{
		{"family", number("machdep.cpu.family")}, {"model", number("machdep.cpu.model")}, {"stepping", number("machdep.cpu.stepping")},
		{"cpufamily", number("hw.cpufamily")}, {"cpusubfamily", number("hw.cpusubfamily")},
	})
}
