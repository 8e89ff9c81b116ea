package refcount

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A heap that frees an object early, twice or never gives a wrong answer.
func TestTrialSeesWhatWentWrong(t *testing.T) {
	for _, test := range []struct {
		name  string
		wrong func(*trial)
		ended int
	}{
		{"right", func(*trial) {}, 2},
		{"early", func(try *trial) { try.handles[0].Decref(try.refs[0]); try.handles[0].(*sloppy).lenient = true }, 1},
		{"twice", func(try *trial) { try.handles[0].(*sloppy).twice = true }, 1},
		{"never", func(try *trial) { try.handles[0].(*sloppy).lenient = true }, 1},
	} {
		try := newTrial(Own, 2, 7)
		try.begin(sloppyHeap{newSerial(try.finalize), try})
		try.took(3)
		try.took(4)
		test.wrong(try)
		require.Equal(t, Answer{7, test.ended}, try.end(), test.name)
	}
}

type sloppyHeap struct {
	Heap
	try *trial
}

func (h sloppyHeap) Handle() Handle { return &sloppy{Handle: h.Heap.Handle(), try: h.try} }

// A sloppy handle loses the last drop, or reports it twice.
type sloppy struct {
	Handle
	try            *trial
	lenient, twice bool
}

func (h *sloppy) Decref(r Ref) {
	if h.lenient {
		return
	}
	h.Handle.Decref(r)
	if h.twice {
		h.try.finalize(r.name)
	}
}
