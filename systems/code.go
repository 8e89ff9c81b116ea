package systems

import (
	"fmt"
	"strconv"
	"strings"
)

// An opcode is an instruction of the machine, named as in CPython. eval, in
// eval_plain.go, implements the instructions.
type opcode uint8

const (
	opLoadFast opcode = iota
	opStoreFast
	opLoadConst
	opLoadGlobal
	opStoreGlobal
	opBinary
	opCompare
	opPopJumpIfFalse
	opJump
	opGetIter
	opForIter
	opPopTop
	opCall
	opReturn
	opSubscript
	opStoreSubscript
	opLoadAttr
	opStoreAttr
	opCopy
	opAssignSlice
	opCallNative
	opcodes // how many there are
)

// An operation or a comparison is what an operator does. The operations are in the
// order of a type's slots.
type (
	operation  int
	comparison int
)

const (
	addition operation = iota
	subtraction
	multiplication
	operations
)

const (
	less comparison = iota
	equal
)

// mnemonics are the names of the instructions in listings. arg is the argument of an
// instruction that has none in a listing.
var mnemonics = map[string]struct {
	op  opcode
	arg int
}{
	"LOAD_FAST":         {op: opLoadFast},
	"STORE_FAST":        {op: opStoreFast},
	"LOAD_CONST":        {op: opLoadConst},
	"LOAD_GLOBAL":       {op: opLoadGlobal},
	"STORE_GLOBAL":      {op: opStoreGlobal},
	"BINARY_ADD":        {opBinary, int(addition)},
	"BINARY_SUBTRACT":   {opBinary, int(subtraction)},
	"BINARY_MULTIPLY":   {opBinary, int(multiplication)},
	"COMPARE_LESS":      {opCompare, int(less)},
	"COMPARE_EQUAL":     {opCompare, int(equal)},
	"POP_JUMP_IF_FALSE": {op: opPopJumpIfFalse},
	"JUMP":              {op: opJump},
	"GET_ITER":          {op: opGetIter},
	"FOR_ITER":          {op: opForIter},
	"POP_TOP":           {op: opPopTop},
	"CALL":              {op: opCall},
	"RETURN_VALUE":      {op: opReturn},
	"BINARY_SUBSCR":     {op: opSubscript},
	"STORE_SUBSCR":      {op: opStoreSubscript},
	"LOAD_ATTR":         {op: opLoadAttr},
	"STORE_ATTR":        {op: opStoreAttr},
	"COPY":              {op: opCopy},
	"ASSIGN_SLICE":      {op: opAssignSlice},
	"CALL_NATIVE":       {op: opCallNative},
}

func (op operation) String() string {
	return [operations]string{"addition", "subtraction", "multiplication"}[op]
}

// An instruction is a word, as in CPython since 3.6: an opcode in its lowest byte, and
// an argument above it. CPython's argument has 8 bits, and a prefix extends it.
type instruction uint32

func (in instruction) op() opcode { return opcode(in) }
func (in instruction) arg() int   { return int(in >> 8) }

// code is a compiled function.
type code struct {
	name    string
	params  int // the number of locals that are parameters, which come first
	locals  int
	program []instruction
	consts  []*object
	names   []*object
}

// compile turns the listing of a program, written as CPython's dis prints one, into
// functions, and makes each one a global of the space. A line is one of
//
//	def NAME LOCAL... / PARAMS
//	OPCODE ARGUMENT
//	LABEL:
//
// where ARGUMENT is the name of a local, a global, an attribute or a label, or a
// number.
func (s *space) compile(listing string) {
	for _, text := range strings.Split(strings.TrimSpace(listing), "def ")[1:] {
		lines := strings.Split(text, "\n")
		s.setGlobal(strings.Fields(lines[0])[0], s.function(lines))
	}
}

func (s *space) function(lines []string) *object {
	head, params, _ := strings.Cut(lines[0], "/")
	words := strings.Fields(head)
	c := &code{name: words[0], params: len(strings.Fields(params))}
	locals := append(strings.Fields(params), words[1:]...)
	c.locals = len(locals)
	labels := map[string]int{}
	at := 0
	for _, line := range lines[1:] {
		if label, ok := strings.CutSuffix(strings.TrimSpace(line), ":"); ok {
			labels[label] = at
		} else if strings.TrimSpace(line) != "" {
			at++
		}
	}
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasSuffix(words[0], ":") {
			continue
		}
		in, ok := mnemonics[words[0]]
		if !ok {
			panic(fmt.Sprintf("systems: %s: no instruction %s", c.name, words[0]))
		}
		if len(words) > 1 {
			in.arg = c.argument(s, in.op, words[1], locals, labels)
		}
		c.program = append(c.program, instruction(in.arg)<<8|instruction(in.op))
	}
	f := s.take(kindFunction)
	f.code = c
	s.codes = append(s.codes, c)
	return f
}

// argument returns the instruction's argument, which is a word in the listing, as a
// number.
func (c *code) argument(s *space, op opcode, word string, locals []string, labels map[string]int) int {
	find := func(list []string) int {
		for i := range list {
			if list[i] == word {
				return i
			}
		}
		panic(fmt.Sprintf("systems: %s: no local %s", c.name, word))
	}
	switch op {
	case opLoadFast, opStoreFast:
		return find(locals)
	case opLoadConst:
		n, err := strconv.ParseInt(word, 10, 64)
		o := s.none
		if err == nil {
			o = s.integer(n)
		}
		o.refs++
		c.consts = append(c.consts, o)
		return len(c.consts) - 1
	case opLoadGlobal, opStoreGlobal, opLoadAttr, opStoreAttr:
		c.names = append(c.names, s.name(word))
		return len(c.names) - 1
	case opPopJumpIfFalse, opJump, opForIter:
		if _, ok := labels[word]; !ok {
			panic(fmt.Sprintf("systems: %s: no label %s", c.name, word))
		}
		return labels[word]
	}
	n, err := strconv.ParseUint(word, 10, 16)
	if err != nil {
		panic(fmt.Sprintf("systems: %s: %v", c.name, err))
	}
	return int(n)
}
