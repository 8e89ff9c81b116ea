package noise

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pinned puts the caller's thread on the i-th of the processors that it may use. The
// returned function undoes this.
func pinned(i int) (restore func()) {
	runtime.LockOSThread()
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil {
		return runtime.UnlockOSThread
	}
	seen := 0
	for cpu := range len(all) * strconv.IntSize {
		if !all.IsSet(cpu) {
			continue
		}
		if seen == i {
			var one unix.CPUSet
			one.Set(cpu)
			if unix.SchedSetaffinity(0, &one) != nil {
				break
			}
			return func() {
				if unix.SchedSetaffinity(0, &all) == nil {
					runtime.UnlockOSThread()
				} // otherwise the thread ends with the goroutine
			}
		}
		seen++
	}
	return runtime.UnlockOSThread
}

// userHZ is the unit of /proc/stat. It is 100 on every system that Go runs on.
const userHZ = 100

// processorTimes reads how the time of the processors that this process may use was
// spent.
func processorTimes(root string) (busy, idle, stolen time.Duration, ok bool) {
	text, err := os.ReadFile(filepath.Join(root, "proc/stat"))
	if err != nil {
		return 0, 0, 0, false
	}
	var mine unix.CPUSet
	known := unix.SchedGetaffinity(0, &mine) == nil
	for line := range bytes.Lines(text) {
		name, rest, _ := bytes.Cut(line, []byte(" "))
		number, isCPU := bytes.CutPrefix(name, []byte("cpu"))
		if !isCPU {
			break // they come first, and the rest is long
		}
		cpu, err := strconv.Atoi(string(number))
		if err != nil || known && !mine.IsSet(cpu) {
			continue // the sum of all has no number
		}
		// user nice system idle iowait irq softirq steal; user includes guest and
		// guest_nice
		for i, field := range bytes.Fields(rest) {
			n, _ := strconv.ParseInt(string(field), 10, 64)
			d := time.Duration(n) * time.Second / userHZ
			switch i {
			case 0, 1, 2, 5, 6:
				busy += d
			case 3, 4:
				idle += d
			case 7:
				stolen += d
			}
		}
		ok = true
	}
	return busy, idle, stolen, ok
}

// waited reads how long the threads of this process and of the children were ready
// to run but had no processor.
func waited(root string, children []int) (total time.Duration, ok bool) {
	processes := []string{"self"}
	for _, pid := range children {
		processes = append(processes, strconv.Itoa(pid))
	}
	for _, process := range processes {
		dir := filepath.Join(root, "proc", process, "task")
		threads, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, thread := range threads {
			text, err := os.ReadFile(filepath.Join(dir, thread.Name(), "schedstat"))
			if err != nil {
				continue // it has ended
			}
			if fields := bytes.Fields(text); len(fields) == 3 {
				n, err := strconv.ParseInt(string(fields[1]), 10, 64)
				total += time.Duration(n)
				ok = ok || err == nil
			}
		}
	}
	return total, ok
}
