package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"

	"boundaries/internal/command"
	"boundaries/internal/lockmap"
)

const mapUsage = `Usage: boundaries map [flags] FILE...

Map reads the output of "go test -bench . ./contention" on one machine, and says which
variant is cheapest in which case. A FILE of "-" is standard input.

Cases that differ only in two dials, such as hold and read, make a map. Each cell names
the cheapest variant, and how many times as expensive the second and one plain mutex are.
A ~, or hatching, says that 95 % intervals overlap, or that rounds are too few: an interval
needs 6 values of a row (-count 6). A ! says that the cell lacks variants that other
cells have, as after an interrupt. One variant alone is not called the cheapest.
A single case makes a ranking: cost, tail, and what a program that uses the variant must
not do or must accept.

The flags of the dials select cases among those that were measured.

Formats: text, svg, and "which". That is the page docs/which.md, with its own cases, by ns/op.

The exit status is 1 when a file has a FAIL or a line that cannot be read (the rest
is shown), and 2 when there is nothing to show.

`

func mapVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	format, unit, x, y := "text", "ns/op", "read", "hold"
	selected := map[string]string{}
	flags := newFlags("map")
	flags.Func("format", "print `text`, svg or which (default text)", func(s string) error {
		format = s
		if s != "text" && s != "svg" && s != "which" {
			return errors.New("want text, svg or which")
		}
		return nil
	})
	flags.StringVar(&unit, "by", unit, "rank by this `unit`, such as user+sys-ns/op or update-p99-ns; the smallest is the cheapest")
	axis := func(to *string) func(string) error {
		return func(s string) error {
			*to = s
			if _, ok := lockmap.DialOf(s); !ok {
				return errors.New("want a dial: " + dialNames())
			}
			return nil
		}
	}
	flags.Func("x", "have a column for each value of this `dial` (default read)", axis(&x))
	flags.Func("y", "have a row for each value of this `dial` (default hold)", axis(&y))
	for _, dial := range lockmap.Dials {
		flags.Func(dial.Name, "show only the cases whose "+dial.Name+" is in `list`, which is separated by commas", func(s string) error {
			selected[dial.Name] = s
			return nil
		})
	}
	if ok, err := parse(flags, args, mapUsage, stdout); !ok {
		return err
	}
	var misplaced []string
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "x" || f.Name == "y" || f.Name == "by" {
			misplaced = append(misplaced, "-"+f.Name)
		}
	})
	if format == "which" && misplaced != nil {
		return command.BadInput("want no %s with -format which, which ranks its own cases by ns/op", strings.Join(misplaced, " and no "))
	}
	if x == y {
		return command.BadInput("-x and -y are both %s, want two dials", x)
	}
	files, err := readFiles(ctx, "map", flags.Args())
	if err != nil {
		return err
	}
	results, err := lockmap.Read(files)
	if err != nil {
		return command.BadInput("%w", err)
	}
	for _, dial := range lockmap.Dials {
		if list, ok := selected[dial.Name]; ok {
			if err := results.Select(dial, strings.Split(list, ",")...); err != nil {
				return command.BadInput("-%s: %w", dial.Name, err)
			}
		}
	}
	for _, f := range files {
		if f.Better[unit] == "higher" {
			return command.BadInput("-by %q: more of it is better, as a Unit line in %s says; want a unit of which less is better", unit, f.Name)
		}
	}
	across, _ := lockmap.DialOf(x)
	down, _ := lockmap.DialOf(y)
	maps := results.Maps(across, down, unit)
	if !lockmap.Any(maps) {
		return command.BadInput("-by %q: no row has this unit", unit)
	}
	var text strings.Builder
	switch format {
	case "svg":
		err = lockmap.WriteSVG(&text, "lockmap", maps)
	case "which":
		err = lockmap.WriteWhich(&text, results)
	default:
		err = lockmap.WriteText(&text, maps)
	}
	if err != nil {
		return command.BadInput("%w", err)
	}
	return finish(stdout, text.String(), files)
}

func dialNames() string {
	var names []string
	for _, d := range lockmap.Dials {
		names = append(names, d.Name)
	}
	return strings.Join(names, ", ")
}
