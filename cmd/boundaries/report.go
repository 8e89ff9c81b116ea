package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"boundaries/internal/benchfile"
	"boundaries/internal/claims"
	"boundaries/internal/command"
	pages "boundaries/internal/report"
)

const reportUsage = `Usage: boundaries report [-o report.html] [-svg DIR] FILE...

Report makes one page of benchmark output, which needs no script and nothing beside
it: the machine, three findings, the article's graphs drawn again, charts and tables
of each workload, the article's claims, and what ran disturbed. A FILE of "-" is
standard input. Files of one machine are put together, and each machine has a series
of its own.

The same files make the same bytes.

`

func reportVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("report")
	out := flags.String("o", "", "write the page to `file`, or to standard output if it is - (default report.html, or none with -svg)")
	svg := flags.String("svg", "", "write each chart to a file in `folder`, which is created if needed")
	files, err := readArgs(ctx, flags, args, reportUsage, stdout)
	if files == nil {
		return err
	}
	if *out == "" && *svg == "" {
		*out = "report.html"
	}
	for _, f := range files {
		if sameFile(*out, f.Name) {
			return command.BadInput("-o %s would replace the benchmark output that the page is made of; want another file", *out)
		}
	}
	if *out != "" {
		page, err := pages.Page(files, claimsOf(files))
		if err != nil {
			return err
		}
		if *out == "-" {
			_, err = stdout.Write(page)
		} else if err = replaceFile(ctx, *out, page); err == nil {
			fmt.Fprintf(stdout, "%s: open it in a browser\n", command.Printable(*out))
		}
		if err != nil {
			return command.BadInput("writing the page: %w", err)
		}
	}
	if *svg != "" {
		if err := os.MkdirAll(*svg, 0o777); err != nil {
			return command.BadInput("%w", err)
		}
		charts := pages.Charts(files)
		for _, c := range charts {
			if err := replaceFile(ctx, filepath.Join(*svg, c.Name+".svg"), c.SVG); err != nil {
				return command.BadInput("writing a chart: %w", err)
			}
		}
		if *out != "-" {
			fmt.Fprintf(stdout, "%s: %d charts\n", command.Printable(*svg), len(charts))
		}
	}
	return finish(stdout, "", files)
}

// claimsOf compares the article's claims with the files of each machine. If there are
// several machines, each claim has a line for each of them, named as on the page.
// claimsOf leaves out a machine whose files have no row that a claim needs.
func claimsOf(files []*benchfile.File) []claims.Line {
	byClaim := make([][]claims.Line, len(claims.IDs()))
	machines := benchfile.ByMachine(files)
	for i, machine := range machines {
		report, err := claims.Judge(machine.Parts, nil)
		if err != nil {
			continue
		}
		for j, line := range report.Lines() {
			if len(machines) > 1 {
				line.ID += fmt.Sprintf(" M%d", i+1)
			}
			byClaim[j] = append(byClaim[j], line)
		}
	}
	return slices.Concat(byClaim...)
}

// sameFile reports whether two names, of which the second may be that of standard input,
// are of one file.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if b == benchfile.StandardInput {
		y, errY = os.Stdin.Stat()
	}
	return errX == nil && errY == nil && x.Mode().IsRegular() && os.SameFile(x, y)
}

// replaceFile writes a file. After an error the file is as before, never half written.
func replaceFile(ctx context.Context, name string, data []byte) error {
	info, err := os.Stat(name)
	link, linked := os.Lstat(name)
	switch {
	case err == nil && !info.Mode().IsRegular(), err != nil && linked == nil && link.Mode()&os.ModeSymlink != 0:
		// a device, a pipe, or a link to no file, which a rename must not replace
		return untilUnread(ctx, func() error { return os.WriteFile(name, data, 0o666) })
	case err == nil:
		if name, err = filepath.EvalSymlinks(name); err != nil { // nor another link
			return err
		}
	}
	temp := filepath.Join(filepath.Dir(name), fmt.Sprintf(".boundaries-%d", os.Getpid()))
	err = os.WriteFile(temp, data, 0o666)
	if err == nil && info != nil {
		err = os.Chmod(temp, info.Mode().Perm())
	}
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	var of *os.PathError
	if errors.As(err, &of) && of.Path == temp {
		return fmt.Errorf("%s: %w; want a file in a folder that exists and can be written to", name, of.Err)
	}
	return err
}
