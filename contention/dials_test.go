package contention_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/contention/counter"
	"boundaries/internal/benchfile"
)

// dials are the flags of the benchmarks.
var dials = struct {
	shape, hold, think, read, records, skew, roles, goroutines, sync *string
	own, grid                                                        *bool
}{
	shape:      flag.String("shape", "", "measure these `shapes`, such as record,counter,map"),
	hold:       flag.String("hold", "", "work inside an access, as a `list` such as 0,300ns"),
	think:      flag.String("think", "", "work between accesses, as a `list` such as 0,2us"),
	read:       flag.String("read", "", "how many of 100 steps read, as a `list` such as 0,95"),
	records:    flag.String("records", "", "how many records, or keys of the map, as a `list` such as 1,64"),
	skew:       flag.String("skew", "", "how popular the records are: `none or zipf`, or both"),
	roles:      flag.String("roles", "", "what a goroutine does: `mixed or split`, or both"),
	goroutines: flag.String("goroutines", "", "how many goroutines for each proc, as a `list` such as 1,16"),
	sync:       flag.String("sync", "", "measure only these variants, as a `list` such as global-mutex,rw-mutex"),
	own:        flag.Bool("own", false, "measure the variants of example_test.go and of its copies, too; -sync also selects them"),
	grid:       flag.Bool("grid", false, "measure the full grid, which takes hours"),
}

// A job is a shape, its cases and its variants.
type job struct {
	shape    string
	cases    []contention.Case
	variants []contention.Variant
}

// jobs returns what the flags select: the product of their lists, if there are
// any, and otherwise a grid.
func jobs() ([]job, error) {
	for _, s := range shapes {
		for _, v := range s.own {
			if _, _, ok := benchfile.CutProcs(v.Name); ok {
				return nil, fmt.Errorf("the variant %q has a name that ends in a number, which reads as a number of procs: want another name", v.Name)
			}
		}
	}
	all, err := cases()
	if err != nil {
		return nil, err
	}
	if *dials.own || *dials.sync != "" {
		for i := range all {
			s, _ := shapeOf(all[i].shape)
			all[i].variants = slices.Concat(s.variants, s.own)
		}
	}
	if *dials.sync == "" {
		return all, nil
	}
	names := strings.Split(*dials.sync, ",")
	for _, name := range names {
		named := func(v contention.Variant) bool { return v.Name == name }
		if !slices.ContainsFunc(all, func(j job) bool { return slices.ContainsFunc(j.variants, named) }) {
			return nil, fmt.Errorf("-sync %q: no variant is named %q", *dials.sync, name)
		}
	}
	for i := range all {
		all[i].variants = slices.DeleteFunc(all[i].variants,
			func(v contention.Variant) bool { return !slices.Contains(names, v.Name) })
	}
	// A benchmark without a variant would be a row of its own, which does nothing.
	return slices.DeleteFunc(all, func(j job) bool { return len(j.variants) == 0 }), nil
}

func cases() ([]job, error) {
	given := *dials.own && !*dials.grid
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "shape", "hold", "think", "read", "records", "skew", "roles", "goroutines":
			given = true
		}
	})
	switch {
	case given && *dials.grid:
		return nil, fmt.Errorf("-grid measures all settings of the dials, want no dial beside it")
	case given:
		return chosen()
	case *dials.grid:
		return fullGrid(), nil
	}
	return smallGrid(), nil
}

// chosen returns the product of the lists.
func chosen() ([]job, error) {
	shapes := []string{"record"}
	if *dials.shape != "" {
		shapes = strings.Split(*dials.shape, ",")
	}
	var jobs []job
	for _, name := range shapes {
		s, ok := shapeOf(name)
		if !ok {
			return nil, fmt.Errorf("-shape %q: want record, counter or map", name)
		}
		if slices.ContainsFunc(jobs, func(j job) bool { return j.shape == name }) {
			continue
		}
		cases := []contention.Case{s.base}
		for _, dial := range []struct {
			name, list string
			set        func(c *contention.Case, value string) error
		}{
			{"hold", *dials.hold, func(c *contention.Case, s string) error { return setDuration(&c.Hold, s) }},
			{"think", *dials.think, func(c *contention.Case, s string) error { return setDuration(&c.Think, s) }},
			{"read", *dials.read, func(c *contention.Case, s string) error { return setInt(&c.Read, s) }},
			{"records", *dials.records, func(c *contention.Case, s string) error { return setInt(&c.Records, s) }},
			{"skew", *dials.skew, func(c *contention.Case, s string) error { c.Skew = s; return nil }},
			{"roles", *dials.roles, func(c *contention.Case, s string) error { c.Roles = s; return nil }},
			{"goroutines", *dials.goroutines, func(c *contention.Case, s string) error { return setInt(&c.Goroutines, s) }},
		} {
			if dial.list == "" {
				continue
			}
			var product []contention.Case
			for _, c := range cases {
				for value := range strings.SplitSeq(dial.list, ",") {
					err := dial.set(&c, strings.TrimSpace(value))
					if err == nil {
						err = s.check(c)
					}
					if err != nil {
						return nil, fmt.Errorf("-%s %q: %w", dial.name, dial.list, err)
					}
					if !slices.Contains(product, c) { // go test would give its rows other names
						product = append(product, c)
					}
				}
			}
			cases = product
		}
		jobs = append(jobs, job{name, cases, s.variants})
	}
	return jobs, nil
}

func setDuration(to *time.Duration, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("want durations such as 0, 300ns or 10us, separated by commas")
	}
	*to = d
	return nil
}

func setInt(to *int, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("want whole numbers, separated by commas")
	}
	*to = n
	return nil
}

const us = time.Microsecond

// smallGrid crosses hold with the share of reads, where goroutines do nothing
// else, and takes samples of the other dials.
func smallGrid() []job {
	record, count, keys := contention.Default, counter.Default, config.Default
	records := cross(record, []time.Duration{0, 100, us, 10 * us}, []time.Duration{0}, []int{0, 50, 95, 100})
	thinking := cross(record, []time.Duration{100}, []time.Duration{10 * us}, []int{0})
	crowd := record
	crowd.Goroutines, crowd.Hold = 16, us
	many := record
	many.Records, many.Skew = 64, "zipf"
	return []job{
		{"record", append(append(records, thinking...), crowd, many), contention.Variants},
		{"counter", cross(count, []time.Duration{0}, []time.Duration{0}, []int{0, 1, 50}), counter.Variants},
		{"map", cross(keys, []time.Duration{0}, []time.Duration{0}, []int{50, 99, 100}), config.Variants},
	}
}

// fullGrid crosses all dials.
func fullGrid() []job {
	var all []job
	for _, s := range shapes {
		holds := []time.Duration{0, 100, 300, us, 3 * us, 10 * us, 100 * us}
		if s.name == "counter" {
			holds = holds[:1]
		}
		cases := cross(s.base, holds, []time.Duration{0, us, 10 * us}, []int{0, 1, 50, 75, 90, 95, 99, 100})
		var wide []contention.Case
		for _, c := range cases {
			for _, c.Goroutines = range []int{1, 16} {
				wide = append(wide, c)
				if s.name == "record" {
					c := c
					c.Records = 64
					for _, c.Skew = range []string{"none", "zipf"} {
						wide = append(wide, c)
					}
				}
			}
		}
		all = append(all, job{s.name, wide, s.variants})
	}
	return all
}

func cross(base contention.Case, holds, thinks []time.Duration, reads []int) []contention.Case {
	var all []contention.Case
	for _, base.Think = range thinks {
		for _, base.Hold = range holds {
			for _, base.Read = range reads {
				all = append(all, base)
			}
		}
	}
	return all
}
