package contention

import (
	"math/bits"
	"time"
)

// waits is a histogram of durations. Its buckets are 1 ns wide below 64 ns, and
// then 32 to a doubling, so that a percentile is right to within 3 %.
type waits struct {
	count   int
	longest time.Duration
	buckets [bucketsPerDoubling * 36]uint32 // up to 18 minutes; longer waits are in the last bucket
}

const bucketsPerDoubling = 32

func (h *waits) note(d time.Duration) {
	h.count++
	h.longest = max(h.longest, d)
	h.buckets[bucket(d)]++
}

func bucket(d time.Duration) int {
	u := uint64(max(d, 0))
	shift := max(0, bits.Len64(u)-6)
	return min(shift*bucketsPerDoubling+int(u>>shift), len(waits{}.buckets)-1)
}

// floor is the smallest duration in a bucket.
func floor(bucket int) time.Duration {
	shift := max(0, bucket/bucketsPerDoubling-1)
	return time.Duration(bucket-shift*bucketsPerDoubling) << shift
}

func (h *waits) add(other *waits) {
	h.count += other.count
	h.longest = max(h.longest, other.longest)
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
}

// percentile returns the duration that p of 100 waits do not exceed, by nearest
// rank. There must be a wait.
func (h *waits) percentile(p int) time.Duration {
	rank := (int64(h.count)*int64(p) + 99) / 100 // an int may have 32 bits
	for i, n := range h.buckets {
		if rank -= int64(n); rank <= 0 {
			// No wait is longer than the longest.
			return min((floor(i)+floor(i+1)-1)/2, h.longest)
		}
	}
	return h.longest
}
