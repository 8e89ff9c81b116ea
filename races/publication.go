package races

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// An object is made by one thread and shown to another. Its fields are 0 before
// and 1 when it is whole.
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

// A stand is where an object is shown, in one of the ways.
type stand struct {
	_      cacheline.Pad
	object object
	_      cacheline.Pad
	plain  *object
	atomic atomic.Pointer[object]
	mu     sync.Mutex // of plain, where it is used
	_      cacheline.Pad
}

func publicationVariants() []Variant {
	return []Variant{
		{"racy", "one shows the object, then fills it", true, publish("racy", func(s *stand) {
			s.plain = &s.object
			s.object.fill()
		}, func(s *stand) *object { return s.plain })},
		{"racy-in-order", "one fills the object, then shows it", true, publish("racy-in-order", func(s *stand) {
			s.object.fill()
			s.plain = &s.object
		}, func(s *stand) *object { return s.plain })},
		{"global-mutex", "", false, publish("global-mutex", func(s *stand) {
			s.mu.Lock()
			s.object.fill()
			s.plain = &s.object
			s.mu.Unlock()
		}, func(s *stand) *object {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.plain
		})},
		{"atomic", "", false, publish("atomic", func(s *stand) {
			s.object.fill()
			s.atomic.Store(&s.object)
		}, func(s *stand) *object { return s.atomic.Load() })},
	}
}

// publish has one thread show objects and the other look.
func publish(name string, show func(*stand), look func(*stand) *object) func(*Variant, int) Histogram {
	half := "the other thread has the object, and not what is in it"
	if name == "racy-in-order" {
		half = "the other thread sees two writes in another order than they were made in"
	}
	return func(v *Variant, tries int) Histogram {
		h := Histogram{
			{"nothing", Acceptable, "the other thread looked before there was an object", 0},
			{"whole", Acceptable, "the other thread has the object and what is in it", 0},
			{"half", v.wrong(), half, 0},
		}
		stands := make([]stand, cells)
		saw := make([]int, cells) // fields; -1 if there was no object
		collide(tries, h, meeting{
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
			judge: func(cell int) string {
				switch saw[cell] {
				case -1:
					return "nothing"
				case len(object{}.fields):
					return "whole"
				}
				return "half"
			},
		})
		return h
	}
}
