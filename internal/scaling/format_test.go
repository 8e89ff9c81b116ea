package scaling

import (
	"math"
	"testing"

	"boundaries/internal/stats"

	"github.com/stretchr/testify/assert"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{2.65e-10, "sec/op", "265 ps"}, {1.056e-8, "sec/op", "10.6 ns"}, {9.996e-8, "sec/op", "100 ns"}, {9.999e-7, "sec/op", "1.00 µs"},
		{1.5, "user+sys-sec/op", "1.50 s"}, {0, "sec/op", "0.00 s"}, {1e-15, "sec/op", "0.001 ps"}, {1 << 52, "B/op", "4096 TiB"}, {math.Inf(1), "x", "∞"}, {5.3e-3, "p50-sec", "5.30 ms"}, {120, "sec/op", "120 s"},
		{48, "B/op", "48.0 B"}, {1024, "B/op", "1.00 KiB"}, {4096, "B/op", "4.00 KiB"}, {3, "allocs/op", "3"}, {0.25, "lost-updates/op", "0.25"}, {5005, "items-per-sec", "5005"}, {2.5, "p99-ms", "2.50"}, {1234567, "x", "1.23e+06"}, {-2.5, "x", "-2.50"},
	} {
		assert.Equal(t, c.want, FormatValue(c.v, c.unit), "%v %s", c.v, c.unit)
	}
	inf := math.Inf(1)
	for want, i := range map[string]stats.Interval{
		"1.93 [1.90, 1.95]":    {Low: 1.9, Center: 1.93, High: 1.95},
		"0.009 [0.007, 0.010]": {Low: .007, Center: .009, High: .01},
		"1.93":                 {Low: 0, Center: 1.93, High: inf},
		"1.00":                 {Low: 1, Center: 1, High: 1},
		"-":                    {},
		"0.010 [0.00, 0.020]":  {Low: 0, Center: .01, High: .02},
	} {
		assert.Equal(t, want, FormatRatio(i))
	}
	for v, want := range map[float64]string{inf: "∞", 1e300: "1e+300", 999999: "999999", 99.95: "100", 99.949: "99.9", 9.995: "10.0", 9.9949: "9.99", 0.0995: "0.10", 0.09949: "0.099", 0.00095: "0.001", 0.000949: "0.00095"} {
		assert.Equal(t, want, fixed(v), v)
	}
	for v, want := range map[float64]string{1e6: "1e+06", 999999: "999999", 99.95: "100", 9.995: "10.0", 0.0995: "0.10", 0.001: "0.001", 0.000999: "0.001", 0.000123: "0.00012"} {
		assert.Equal(t, want, FormatValue(v, "x"), v)
	}
	assert.Equal(t, "± 3%", FormatSpread(stats.Interval{Low: 97, Center: 100, High: 101}))
	assert.Equal(t, "± 60%", FormatSpread(stats.Interval{Low: 90, Center: 100, High: 160}))
	assert.Equal(t, "", FormatSpread(stats.Interval{Low: 0, Center: 100, High: inf}))
}

func TestDescribe(t *testing.T) {
	i := func(low, center, high float64) stats.Interval {
		return stats.Interval{Low: low, Center: center, High: high}
	}
	inf := math.Inf(1)
	for want, f := range map[string]Fit{
		"no fit: why":                       {Refused: "why"},
		"serial share 0.050 [0.040, 0.060]": {Sigma: i(.04, .05, .06)},
		"serial share 0.00 [0.00, 0.010], cost of a pair 0.00 [0.00, 0.001], no peak within what was measured":                       {Sigma: i(0, 0, .01), Kappa: i(0, 0, .001), Most: 16},
		"serial share 0.050 [0.040, 0.060], cost of a pair 0.002 [0.001, 0.003], peak at 22 procs [18, 31]":                          {Sigma: i(.04, .05, .06), Kappa: i(.001, .002, .003), Peak: i(18.2, 21.8, 30.1), Most: 32},
		"serial share 0.050 [0.040, 0.060], cost of a pair 0.002 [0.001, 0.003], peak at about 22 procs, beyond what was measured":   {Sigma: i(.04, .05, .06), Kappa: i(.001, .002, .003), Peak: i(18.2, 21.8, 30.1), Most: 16},
		"serial share 0.050 [0.040, 0.060], cost of a pair 0.0001 [0.00, 0.0002], no peak within what was measured":                  {Sigma: i(.04, .05, .06), Kappa: i(0, .0001, .0002), Peak: i(18.2, 97, inf), Most: 16},
		"serial share 0.050 [0.040, 0.060], cost of a pair 0.002 [0.00, 0.003], peak at about 8 procs, but the interval allows none": {Sigma: i(.04, .05, .06), Kappa: i(0, .002, .003), Peak: i(4, 8, inf), Most: 16},
		"serial share 0.050 [0.040, 0.060], cost of a pair 0.002 [0.001, 0.003], peak at 32 procs [18, 40]":                          {Sigma: i(.04, .05, .06), Kappa: i(.001, .002, .003), Peak: i(18.2, 32, 39.5), Most: 32},
		"serial share 0.050 [0.040, 0.060], cost of a pair 0.90 [0.80, 1.00], peak at 1 proc [1, 2]":                                 {Sigma: i(.04, .05, .06), Kappa: i(.8, .9, 1), Peak: i(1, 1.03, 1.1), Most: 32},
	} {
		assert.Equal(t, want, f.Describe())
	}
}
