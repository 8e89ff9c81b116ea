package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/claims"
	"boundaries/internal/command"
)

const claimsUsage = `Usage: boundaries claims [flags] [ID...] FILE...

Claims compares statements of the article with benchmark output of one machine,
and gives each a verdict. A FILE of "-" is standard input. Several files are read
as one, so that rows of Go and of Python can be compared.

It prints a line for each claim: id, verdict, the article's figure, the figure of
this machine with its 95 % interval, and what the claim says. IDs select
claims. With -v or with IDs, it also prints what each figure is made of, the values
for which the claim holds, and the reason for the verdict. IDs without a FILE are
described and not judged.

` + claims.Legend + `
The exit status is 0 whatever the verdicts are, 1 if a file has a FAIL or a line
that cannot be read (the rest is judged), and 2 if no claim can be judged.

`

func claimsVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var (
		ids              []string
		markdown         bool
		verbose, measure bool
		columns          = []int{1, 2}
	)
	addIDs := func(list string) error {
		for id := range strings.SplitSeq(list, ",") {
			if id = strings.ToUpper(strings.TrimSpace(id)); !slices.Contains(claims.IDs(), id) {
				return fmt.Errorf("want IDs of %s, separated by commas", claims.Range())
			}
			ids = append(ids, id)
		}
		return nil
	}
	flags := newFlags("claims")
	flags.Func("claim", "judge only the claims of `list`, such as C4,C5", addIDs)
	flags.Func("format", "print `text` or markdown (default text)", func(s string) error {
		markdown = s == "markdown"
		if !markdown && s != "text" {
			return errors.New("want text or markdown")
		}
		return nil
	})
	flags.BoolVar(&verbose, "v", false, "print rows, bands and reasons")
	flags.BoolVar(&measure, "measure", false, "read nothing, and print the shell command that measures the rows of Go needed")
	flags.Func("cpu", "with -measure, measure claims about any number of threads at each of `list` (default 1,2)", func(s string) (err error) {
		columns, err = numbers(s)
		return err
	})
	if ok, err := parse(flags, args, claimsUsage, stdout); !ok {
		return err
	}
	names := flags.Args()
	if err := flagsFirst(names); err != nil {
		return err
	}
	for len(names) > 0 && addIDs(names[0]) == nil {
		names, verbose = names[1:], true
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case measure && (given["v"] || given["format"]):
		return command.BadInput("-measure prints a command; want neither -v nor -format with it")
	case !measure && given["cpu"]:
		return command.BadInput("-cpu is for -measure, which prints what to run; want it with -measure alone")
	}
	if measure && len(names) > 0 {
		return command.BadInput("-measure reads nothing; want no FILE with it, but got %q", names)
	} else if measure {
		text := claims.Command(ids, columns)
		if text == "" {
			return command.BadInput("-measure: the claims %s need no row of Go; want others, or boundaries claims %[1]s, which says why", strings.Join(ids, ","))
		}
		_, err := fmt.Fprintln(stdout, text)
		return err
	}
	var files []*benchfile.File
	if len(names) > 0 || !verbose {
		var err error
		if files, err = readFiles(ctx, "claims", names); err != nil {
			return err
		}
	}
	report, err := claims.Judge(files, ids)
	if err != nil {
		return command.BadInput("%w", err)
	}
	if markdown {
		return finish(stdout, report.Markdown(), files)
	}
	return finish(stdout, report.Text(verbose), files)
}
