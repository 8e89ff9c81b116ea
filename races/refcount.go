package races

import (
	"fmt"

	"boundaries/refcount"
)

// refcountVariants are the heaps of package refcount, whose real Incref the two
// threads call. There is no serial, which is for one thread, and no private, whose
// counts never change.
func refcountVariants() []Variant {
	all := []Variant{{"racy", "each reads the count, adds 1, and writes it", true, meetAtCount(refcount.NewRacy)}}
	for _, v := range refcount.Variants {
		if v.Name != "serial" && v.Name != "private" {
			all = append(all, Variant{v.Name, "", false, meetAtCount(v.New)})
		}
	}
	return all
}

func meetAtCount(newHeap func(finalize func(string)) refcount.Heap) func(*Variant, int) Histogram {
	return func(v *Variant, tries int) Histogram {
		h := Histogram{
			{"5", Acceptable, "both references are counted", 0},
			{"4", v.wrong(), "both threads read 3 and wrote 4: the object will be freed while it is used", 0},
			{"other", Forbidden, "no order of reading and writing leads here", 0},
		}
		heap := newHeap(nil)
		threads := [2]refcount.Handle{heap.Handle(), heap.Handle()} // the first owns the objects
		var objects [cells]refcount.Ref
		for cell := range objects {
			objects[cell] = threads[0].New(fmt.Sprint(cell))
			threads[0].Incref(objects[cell])
			threads[0].Incref(objects[cell])
		}
		settle := func() {
			for range 4 { // a buffered count is right when what was taken and dropped has been committed
				threads[0].Tick()
				threads[1].Tick()
			}
		}
		collide(tries, h, meeting{
			reset: func(int) {},
			actors: [2]func(cell int){
				func(cell int) { threads[0].Incref(objects[cell]) },
				func(cell int) { threads[1].Incref(objects[cell]) },
			},
			settle: settle,
			judge: func(cell int) string {
				count := threads[0].Count(objects[cell])
				for range count - 3 {
					threads[0].Decref(objects[cell])
				}
				switch count {
				case 5:
					return "5"
				case 4:
					return "4"
				}
				return "other"
			},
		})
		return h
	}
}
