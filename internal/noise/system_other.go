//go:build !linux

package noise

import "time"

// pinned does nothing where a thread cannot be put on a processor.
func pinned(int) (restore func()) { return func() {} }

func processorTimes(string) (busy, idle, stolen time.Duration, ok bool) { return 0, 0, 0, false }

func waited(string, []int) (total time.Duration, ok bool) { return 0, false }
