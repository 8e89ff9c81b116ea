package refcount_test

import (
	"fmt"

	"boundaries/refcount"
)

// The article's figures 4.1.1 and 4.1.2a. The article says that a = 50 has one
// reference and wonders why getrefcount returns 3. The second reference is b, and the
// third is the argument of getrefcount, which Python counts up to version 3.13. (A real
// 50 is shared by the whole interpreter, and it is immortal since Python 3.12, as in the
// variant private.)
func Example() {
	for _, v := range refcount.Variants {
		if v.Name != "atomic" {
			continue
		}
		heap := v.New(func(name string) { fmt.Println(name, "is freed") })
		h := heap.Handle()
		getrefcount := func(r refcount.Ref) int {
			h.Incref(r) // the argument is a reference too
			defer h.Decref(r)
			return h.Count(r)
		}

		// def foo(): a = 50
		a := h.New("foo's 50")
		fmt.Println("in foo:", h.Count(a))
		h.Decref(a) // foo returns, and its a is gone

		// a = 50; b = a; print(getrefcount(a))
		a = h.New("50")
		fmt.Println("a = 50:", h.Count(a))
		b := a
		h.Incref(b)
		fmt.Println("b = a:", h.Count(a))
		fmt.Println("getrefcount(a):", getrefcount(a))

		h.Decref(a) // del a
		fmt.Println("del a:", h.Count(b))
		h.Decref(b) // del b
		fmt.Println("objects left:", heap.Live())
	}
	// Output:
	// in foo: 1
	// foo's 50 is freed
	// a = 50: 1
	// b = a: 2
	// getrefcount(a): 3
	// del a: 1
	// 50 is freed
	// objects left: 0
}
