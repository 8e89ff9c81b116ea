package explore

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"unsafe"
)

// A Value is an argument or a result of an operation.
type Value struct {
	kind byte
	bits uint64
}

// Int returns the Value of an integer.
func Int[T ~int32 | ~int64 | ~uint32 | ~uint64 | ~uintptr | ~int](v T) Value {
	return Value{'i', uint64(v)}
}

// Bool returns the Value of a boolean.
func Bool(v bool) Value {
	if v {
		return Value{'b', 1}
	}
	return Value{'b', 0}
}

// Pointer returns the Value of a pointer. Tables show it as a name, such as p1.
func Pointer(v unsafe.Pointer) Value { return Value{'p', uint64(uintptr(v))} }

// Returns ends the arguments: the next value is the result.
var Returns = Value{kind: '='}

// Source reads a source file. The tables name operations as the file's lines do.
var Source = os.ReadFile

// table returns the order that has run, a row for each step.
func (r *Run) table() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "  step")
	for i, a := range r.actors {
		fmt.Fprintf(w, "\t%c: %s", 'A'+i, a.name)
	}
	fmt.Fprintln(w)
	names := map[uint64]string{0: "nil"}
	for i, row := range r.rows {
		fmt.Fprintf(w, "  %4d%s%s%s\n", i+1, strings.Repeat("\t", row.actor+1), row.did.text(names), strings.Repeat("\t", len(r.actors)-1-row.actor))
	}
	w.Flush()
	lines := strings.Split(text.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// text returns a line such as "pop: d.top.CompareAndSwap(3, 4) = true".
func (d did) text(names map[uint64]string) string {
	function := d.frame.Function
	function = function[strings.LastIndex(function, "/")+1:]
	_, function, _ = strings.Cut(function, ".") // the package
	for i := strings.LastIndex(function, ".func"); i > 0; i = strings.LastIndex(function, ".func") {
		function = function[:i] // a closure is named by the function that it is in
	}
	if !strings.HasPrefix(function, "(") {
		function = function[strings.LastIndex(function, ".")+1:] // and an inlined one by the function that it was inlined in
	}
	function = strings.NewReplacer("(*", "", ")", "", "[...]", "").Replace(function)
	args, result, equals := []string{}, "", false
	for _, v := range d.args {
		switch {
		case v == Returns:
			equals = true
		case equals:
			result += " = " + v.text(names)
		default:
			args = append(args, v.text(names))
		}
	}
	what := d.what()
	if !strings.HasSuffix(what, ")") {
		what += "(" + strings.Join(args, ", ") + ")"
	}
	for _, op := range d.released {
		result += "; " + op.Name
	}
	return function + ": " + what + result
}

// what returns the operation as the source names it, such as d.top.CompareAndSwap.
func (d did) what() string {
	text, err := Source(d.frame.File)
	lines := strings.Split(string(text), "\n")
	if err != nil || d.frame.Line < 1 || d.frame.Line > len(lines) {
		return d.name
	}
	line := lines[d.frame.Line-1]
	before, after, ok := strings.Cut(line, "."+d.name+"(")
	if !ok {
		return d.name
	}
	if strings.HasSuffix(before, "channel") { // the source has had an operator here
		operands, _, _ := strings.Cut(after, ")")
		return fmt.Sprintf("%s(%s)", strings.ToLower(d.name), operands)
	}
	// The longest operand that ends here.
	depth, i := 0, len(before)
	for ; i > 0; i-- {
		switch c := before[i-1]; {
		case c == ']' || c == ')':
			depth++
		case c == '[' || c == '(':
			depth--
		case depth == 0 && strings.IndexByte(" \t!,=&*{;", c) >= 0:
			return before[i:] + "." + d.name
		}
		if depth < 0 {
			break
		}
	}
	return before[i:] + "." + d.name
}

func (v Value) text(names map[uint64]string) string {
	switch v.kind {
	case 'b':
		return fmt.Sprint(v.bits == 1)
	case 'p':
		if names[v.bits] == "" {
			names[v.bits] = fmt.Sprintf("p%d", len(names))
		}
		return names[v.bits]
	default:
		return fmt.Sprint(int64(v.bits))
	}
}

// caller returns the nearest frame that is not of the explorer or its hooks.
func caller() runtime.Frame {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if !more || !strings.Contains(frame.Function, "/internal/explore.") && !strings.Contains(frame.Function, "/internal/explore/hook/") {
			return frame
		}
	}
}
