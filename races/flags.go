package races

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A flagpole has the flags of both threads, on lines of their own.
type flagpole struct {
	_      cacheline.Pad
	plain  [2]flag
	atomic [2]atomicFlag
	mu     sync.Mutex // of plain, where it is used
	_      cacheline.Pad
}

type flag struct {
	up int
	_  cacheline.Pad
}

type atomicFlag struct {
	up atomic.Int64
	_  cacheline.Pad
}

// flagVariants are the one thing in which amd64's processors do not keep the order
// of a program: a thread may read before others see what it wrote before.
func flagVariants() []Variant {
	return []Variant{
		{"racy", "each writes its own flag, then reads the other's", true, raise(func(p *flagpole, me int) int {
			p.plain[me].up = 1
			return p.plain[1-me].up
		})},
		{"global-mutex", "", false, raise(func(p *flagpole, me int) int {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.plain[me].up = 1
			return p.plain[1-me].up
		})},
		{"atomic", "", false, raise(func(p *flagpole, me int) int {
			p.atomic[me].up.Store(1)
			return int(p.atomic[1-me].up.Load())
		})},
	}
}

// raise has both threads raise their flags and look.
func raise(do func(p *flagpole, me int) (others int)) func(*Variant, int) Histogram {
	return func(v *Variant, tries int) Histogram {
		h := Histogram{
			{"one up", Acceptable, "the second thread saw the first one's flag", 0},
			{"both up", Acceptable, "both had raised theirs when they looked", 0},
			{"both down", v.wrong(), "each read the other's flag while its own write was still on its way to memory", 0},
		}
		poles := make([]flagpole, cells)
		saw := [2][]int{make([]int, cells), make([]int, cells)}
		collide(tries, h, meeting{
			reset: func(cell int) {
				p := &poles[cell]
				for i := range 2 {
					p.plain[i].up = 0
					p.atomic[i].up.Store(0)
				}
			},
			actors: [2]func(cell int){
				func(cell int) { saw[0][cell] = do(&poles[cell], 0) },
				func(cell int) { saw[1][cell] = do(&poles[cell], 1) },
			},
			judge: func(cell int) string {
				return [...]string{"both down", "one up", "both up"}[saw[0][cell]+saw[1][cell]]
			},
		})
		return h
	}
}
