package races

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
)

// One thread makes an object and shows it to another. The fields are 0 at first, and
// 1 when the object is whole.
type object struct{ fields [16]int }

func (o *object) fill() {
	for i := range o.fields {
		o.fields[i] = 1
	}
}

// filled returns how many fields are 1.
func (o *object) filled() int {
	sum := 0
	for i := range o.fields {
		sum += o.fields[i]
	}
	return sum
}

// A stand is where an object is shown, in one of three ways.
type stand struct {
	_      cacheline.Pad
	object object
	_      cacheline.Pad
	plain  *object
	atomic atomic.Pointer[object]
	mu     sync.Mutex // guards plain in global-mutex
	_      cacheline.Pad
}

// publicationCase shows another thread an object that is not whole.
func publicationCase() raceCase {
	plain := func(s *stand) *object { return s.plain }
	return raceCase{
		name:     "publication",
		question: "One thread makes an object and shows it to another. Does the other see what is in it?",
		noun:     "meetings",
		outcomes: []outcome{
			{"nothing", acceptable, "the other thread looked before there was an object"},
			{"whole", acceptable, "the other thread has the object and what is in it"},
			{"half", interesting, "the other thread has the object, and not all that is in it"},
		},
		variants: []variant{
			{name: "racy", note: "one thread shows the object, then fills it", racy: true, run: publish(func(s *stand) {
				s.plain = &s.object
				s.object.fill()
			}, plain)},
			{name: "racy-in-order", note: "one thread fills the object, then shows it", racy: true, reordered: true, run: publish(func(s *stand) {
				s.object.fill()
				s.plain = &s.object
			}, plain)},
			{name: "global-mutex", run: publish(func(s *stand) {
				s.mu.Lock()
				s.object.fill()
				s.plain = &s.object
				s.mu.Unlock()
			}, func(s *stand) *object {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.plain
			})},
			{name: "atomic", run: publish(func(s *stand) {
				s.object.fill()
				s.atomic.Store(&s.object)
			}, func(s *stand) *object { return s.atomic.Load() })},
		},
	}
}

// publish makes one thread show objects and the other look.
func publish(show func(*stand), look func(*stand) *object) job {
	return func(_, tries int) ([]int, error) {
		stands := make([]stand, cells)
		saw := make([]int, cells) // the number of fields, or -1 if there was no object
		return collide(tries, 3, meeting{
			reset: func(cell int) {
				s := &stands[cell]
				s.object, s.plain = object{}, nil
				s.atomic.Store(nil)
			},
			actors: [2]func(cell int){
				func(cell int) {
					saw[cell] = -1
					if o := look(&stands[cell]); o != nil {
						saw[cell] = o.filled()
					}
				},
				func(cell int) { show(&stands[cell]) },
			},
			judge: func(cell int) int {
				switch saw[cell] {
				case -1:
					return 0
				case len(object{}.fields):
					return 1
				}
				return 2
			},
		}), nil
	}
}

func TestPublicationIsJudged(t *testing.T) {
	show := func(s *stand) { s.atomic.Store(&s.object) }
	look := func(s *stand) *object {
		for s.atomic.Load() == nil {
			runtime.Gosched()
		}
		return s.atomic.Load()
	}
	require.Equal(t, []int{0, 0, cells}, counts(t, publish(show, look), cells))
	blind := func(*stand) *object { return nil }
	require.Equal(t, []int{cells, 0, 0}, counts(t, publish(show, blind), cells))
	early := func(s *stand) *object { o := &object{}; o.fill(); return o }
	require.Equal(t, []int{0, cells, 0}, counts(t, publish(show, early), cells))
}

// A round does not see the objects of the round before.
func TestStandsAreCleared(t *testing.T) {
	shown, looked := map[*stand]int{}, map[*stand]int{} // in which round; each map is one thread's
	show := func(s *stand) {
		shown[s]++
		s.mu.Lock()
		defer s.mu.Unlock()
		switch shown[s] {
		case 1:
			s.object.fill()
			fallthrough
		case 2:
			s.plain = &s.object
			s.atomic.Store(&s.object)
		}
	}
	look := func(s *stand) *object {
		looked[s]++
		for {
			s.mu.Lock()
			plain, atomic := s.plain, s.atomic.Load()
			s.mu.Unlock()
			if looked[s] == 3 || plain != nil {
				assert.Equal(t, plain, atomic)
				return plain
			}
			runtime.Gosched()
		}
	}
	require.Equal(t, []int{cells, cells, cells}, counts(t, publish(show, look), 3*cells))
}
