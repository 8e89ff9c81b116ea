package scaling

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/stats"
)

// FormatValue writes a value of a unit with three digits and the unit's prefix: 10.6 ns
// for 1.06e-8 of sec/op. It leaves the part after a slash to the heading.
func FormatValue(v float64, unit string) string {
	name, _, _ := strings.Cut(unit, "/")
	var scale []string
	factor := 1000.0
	switch {
	case strings.HasSuffix(name, "sec") && benchfile.IsTime(unit):
		scale = []string{"s", "ms", "µs", "ns", "ps"}
	case name == "B":
		scale, factor = []string{"B", "KiB", "MiB", "GiB", "TiB"}, 1024
	case v == math.Trunc(v) && math.Abs(v) < 1e6:
		return strconv.FormatFloat(v, 'f', 0, 64)
	default:
		return digits(v)
	}
	i := 0
	if factor == 1000 {
		for i < len(scale)-1 && v != 0 && math.Abs(v) < 0.9995 {
			v *= factor
			i++
		}
	} else {
		for i < len(scale)-1 && math.Abs(v) >= factor {
			v /= factor
			i++
		}
	}
	return digits(v) + " " + scale[i]
}

// digits writes a number with three digits.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case math.IsInf(v, 0):
		return "∞"
	case a >= 1e6:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.0995, a == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a >= 0.001:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// FormatRatio writes a ratio and its interval: 1.93 [1.90, 1.95]. A ratio of 0 is one
// that is not known.
func FormatRatio(i stats.Interval) string {
	if i.Center == 0 {
		return "-"
	}
	return withInterval(i)
}

func withInterval(i stats.Interval) string {
	if i.Low == i.High || i.Low <= 0 && math.IsInf(i.High, 1) {
		return fixed(i.Center)
	}
	return fixed(i.Center) + " [" + fixed(i.Low) + ", " + fixed(i.High) + "]"
}

// fixed writes a ratio so that those of a column stand below each other.
func fixed(v float64) string {
	switch {
	case v >= 1e6:
		return digits(v)
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.0995 || v == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v >= 0.00095:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// FormatSpread writes how far an interval reaches from its center, in percent of the
// center: ± 2%.
func FormatSpread(i stats.Interval) string {
	if !i.Bounded() {
		return ""
	}
	return "± " + strconv.FormatFloat(100*max(i.High/i.Center-1, 1-i.Low/i.Center), 'f', 0, 64) + "%"
}

// Describe says what a fit has found, or why there is none.
func (f Fit) Describe() string {
	if f.Refused != "" {
		return "no fit: " + f.Refused
	}
	text := "serial share " + withInterval(f.Sigma)
	if f.Kappa.Center == 0 && f.Kappa.High == 0 {
		return text
	}
	text += ", cost of a pair " + withInterval(f.Kappa)
	peak := fmt.Sprintf("%.0f procs", f.Peak.Center)
	if peak == "1 procs" {
		peak = "1 proc"
	}
	switch {
	case f.Kappa.Center == 0, f.Kappa.Low <= 0 && f.Peak.Center > float64(f.Most):
		return text + ", no peak within what was measured"
	case f.Peak.Center > float64(f.Most):
		return fmt.Sprintf("%s, peak at about %s, beyond what was measured", text, peak)
	case f.Kappa.Low <= 0:
		return fmt.Sprintf("%s, peak at about %s, but the interval allows none", text, peak)
	}
	return fmt.Sprintf("%s, peak at %s [%.0f, %.0f]", text, peak, math.Floor(f.Peak.Low), math.Ceil(f.Peak.High))
}
