package contention

import (
	"errors"
	"fmt"
	"runtime/metrics"
	"strings"
	"time"

	"boundaries/internal/suite"
)

// A Case is a setting of the dials.
type Case struct {
	Hold       time.Duration // work inside an access
	Think      time.Duration // work between accesses
	Read       int           // how many of 100 steps read
	Records    int           // how many records, or keys of the map, there are
	Skew       string        // how popular each record is: none or zipf
	Roles      string        // what a goroutine does: mixed or split
	Goroutines int           // how many for each proc
}

// Default has the values of the dials that are not set. Packages counter and config
// have a Default of their own.
var Default = Case{Read: 95, Records: 1, Skew: "none", Roles: "mixed", Goroutines: 1}

// maxRecords is the largest number of records.
const maxRecords = 1 << 15

// Check returns an error if a dial is out of range.
func (c Case) Check() error {
	switch {
	case c.Hold < 0 || c.Hold > time.Second:
		return fmt.Errorf("hold is %v, want 0 to 1s", c.Hold)
	case c.Think < 0 || c.Think > time.Second:
		return fmt.Errorf("think is %v, want 0 to 1s", c.Think)
	case c.Read < 0 || c.Read > 100:
		return fmt.Errorf("read is %d, want 0 to 100 percent", c.Read)
	case c.Records < 1 || c.Records > maxRecords:
		return fmt.Errorf("records is %d, want 1 to %d", c.Records, maxRecords)
	case c.Skew != "none" && c.Skew != "zipf":
		return fmt.Errorf("skew is %q, want none or zipf", c.Skew)
	case c.Roles != "mixed" && c.Roles != "split":
		return fmt.Errorf("roles is %q, want mixed or split", c.Roles)
	case c.Goroutines < 1 || c.Goroutines > 1024:
		return fmt.Errorf("goroutines is %d, want 1 to 1024 for each proc", c.Goroutines)
	}
	return nil
}

// String returns the keys of a benchmark's name, such as
// hold=100ns/think=0/read=95/records=1/skew=none/roles=mixed/goroutines=1.
func (c Case) String() string {
	return fmt.Sprintf("hold=%s/think=%s/read=%d/records=%d/skew=%s/roles=%s/goroutines=%d",
		duration(c.Hold), duration(c.Think), c.Read, c.Records, c.Skew, c.Roles, c.Goroutines)
}

// duration writes a duration in ASCII, and zero without a unit.
func duration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return strings.ReplaceAll(d.String(), "µ", "u")
}

// Workload returns the variants of a shape as rows of a benchmark. It panics if
// the case does not pass Check.
func (c Case) Workload(shape string, variants []Variant) suite.Workload {
	if err := c.Check(); err != nil {
		panic("contention: " + err.Error())
	}
	w := suite.Workload{Name: "Contention/shape=" + shape + "/" + c.String(), Key: "sync", Folder: "contention"}
	for _, v := range variants {
		w.Benches = append(w.Benches, suite.Bench{Name: v.Name, Open: func(procs int) (suite.Session, error) {
			t := NewTrial(c, procs)
			return suite.Session{
				Run:     func(n int) { t.Take(v, n) },
				Check:   func(int) error { return t.Err() },
				Metrics: func(_ time.Duration, n int) []suite.Metric { return t.Metrics() },
			}, nil
		}})
	}
	return w
}

// Metrics returns the figures of the trial's last steps, in the units that the
// package's doc explains.
func (t *Trial) Metrics() []suite.Metric {
	var all []suite.Metric
	add := func(unit string, value float64) { all = append(all, suite.Metric{Unit: unit, Value: value}) }
	for kind, name := range []string{"read", "update"} {
		var waits waits
		for _, w := range t.workers {
			waits.add(&w.waits[kind])
		}
		if waits.count > 0 {
			add(name+"-p50-ns", float64(waits.percentile(50)))
			add(name+"-p99-ns", float64(waits.percentile(99)))
			add(name+"-max-ns", float64(waits.longest))
		}
	}
	var stall time.Duration
	least, most, taken := t.workers[0].taken, 0, 0
	for _, w := range t.workers {
		stall = max(stall, w.stall)
		least, most, taken = min(least, w.taken), max(most, w.taken), taken+w.taken
	}
	add("stall-ns", float64(stall))
	if taken > 0 {
		share := float64(taken) / float64(len(t.workers))
		add("min-share", float64(least)/share)
		add("max-share", float64(most)/share)
		add("mutex-wait-ns/op", float64(t.mutexWait)/float64(taken))
	}
	hold, think := t.measureDials()
	for _, dial := range []struct {
		unit           string
		asked, measure time.Duration
	}{{"hold-ns", t.Case.Hold, hold}, {"think-ns", t.Case.Think, think}} {
		if off(dial.asked, dial.measure) {
			add(dial.unit, float64(dial.measure))
		}
	}
	return all
}

// off reports whether a dial is more than 10 % away from the requested value.
func off(asked, measured time.Duration) bool {
	return (measured - asked).Abs() > asked/10
}

// Err returns an error if the last Take went wrong: goroutines did not take all steps,
// a read saw words that disagree, or the variant lost or invented an update.
func (t *Trial) Err() error {
	updates, wrong, taken, undone := 0, 0, 0, 0
	for _, w := range t.workers {
		updates, wrong, taken, undone = updates+w.updates, wrong+w.wrong, taken+w.taken, undone+w.undone
		if w.timed {
			undone++
		}
	}
	var errs []error
	if taken != t.asked {
		errs = append(errs, fmt.Errorf("the goroutines took %d steps, want %d: each must call Next until it returns false", taken, t.asked))
	}
	if undone > 0 {
		errs = append(errs, fmt.Errorf("%d timed steps have no end: each step must call Done", undone))
	}
	if wrong > 0 {
		errs = append(errs, fmt.Errorf("%d of %d reads saw words that disagree, or a count that went back", wrong, taken-updates))
	}
	if t.updates < 0 {
		errs = append(errs, errors.New("the words of a record disagree at the end"))
	} else if t.updates != updates {
		errs = append(errs, fmt.Errorf("%d of %d updates are there at the end", t.updates, updates))
	}
	return errors.Join(errs...)
}

// mutexWait returns how long goroutines have waited for mutexes since the program
// began.
func mutexWait() time.Duration {
	sample := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64 {
		return 0
	}
	return time.Duration(sample[0].Value.Float64() * 1e9)
}
