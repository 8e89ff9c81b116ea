package races

import "boundaries/loop"

// loopVariants are those of package loop, which own their loops: a try is a step.
// There is no serial.
func loopVariants() []Variant {
	all := []Variant{{"racy", "each reads the total, adds 2, and writes it", true, addTogether(loop.Racy)}}
	for _, v := range loop.Variants[1:] {
		all = append(all, Variant{v.Name, "", false, addTogether(v.Run)})
	}
	return all
}

func addTogether(run func(workers, n int) int64) func(*Variant, int) Histogram {
	return func(v *Variant, tries int) Histogram {
		h := Histogram{
			{"counted", Acceptable, "the step is in the total", 0},
			{"lost", v.wrong(), "both threads read the same total, and one overwrote the other's sum", 0},
			{"invented", Forbidden, "the total has steps that nobody took", 0},
		}
		const most = 10_000_000 // steps between two starts, enough for the second thread to be there before the first is done
		for left := tries; left > 0; left -= most {
			n := min(left, most)
			total := int(run(2, n)-1) / 2
			h[0].Count += min(n, total)
			h[1].Count += max(0, n-total)
			h[2].Count += max(0, total-n)
		}
		return h
	}
}
