package explore_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"boundaries/internal/explore"
	"boundaries/internal/explore/hook/atomic"
	"boundaries/internal/explore/hook/channel"
	"boundaries/internal/explore/hook/runtime"
	"boundaries/internal/explore/hook/sync"
	"boundaries/internal/explore/hook/time"
)

// An atom is a new variable with an operation that changes it.
type atom struct {
	name    string
	change  func()
	changed func() bool
}

type integer[N any] interface {
	Load() N
	Store(N)
	Add(N) N
	Swap(N) N
	Or(N) N
	CompareAndSwap(old, v N) bool
}

func integers[N int32 | int64 | uint32 | uint64](name string, x integer[N]) []atom {
	changed := func() bool { return x.Load() != 0 }
	return []atom{
		{name + " Store", func() { x.Store(1) }, changed},
		{name + " Add", func() { x.Add(1) }, changed},
		{name + " Swap", func() { x.Swap(1) }, changed},
		{name + " Or", func() { x.Or(1) }, changed},
		{name + " CompareAndSwap", func() { x.CompareAndSwap(0, 1) }, changed},
	}
}

func atoms() (all []atom) {
	all = append(all, integers("Int32", new(atomic.Int32))...)
	all = append(all, integers("Int64", new(atomic.Int64))...)
	all = append(all, integers("Uint32", new(atomic.Uint32))...)
	all = append(all, integers("Uint64", new(atomic.Uint64))...)
	var flag atomic.Bool
	var pointer atomic.Pointer[int]
	var word int64
	var place unsafe.Pointer
	one := new(int)
	set := func() bool { return pointer.Load() != nil }
	counted := func() bool { return atomic.LoadInt64(&word) != 0 }
	return append(all, []atom{
		{"Bool Store", func() { flag.Store(true) }, flag.Load},
		{"Bool CompareAndSwap", func() { flag.CompareAndSwap(false, true) }, flag.Load},
		{"Pointer Store", func() { pointer.Store(one) }, set},
		{"Pointer CompareAndSwap", func() { pointer.CompareAndSwap(nil, one) }, set},
		{"StoreInt64", func() { atomic.StoreInt64(&word, 1) }, counted},
		{"AddInt64", func() { atomic.AddInt64(&word, 1) }, counted},
		{"CompareAndSwapInt64", func() { atomic.CompareAndSwapInt64(&word, 0, 1) }, counted},
		{"StorePointer", func() { atomic.StorePointer(&place, unsafe.Pointer(one)) }, func() bool { return atomic.LoadPointer(&place) != nil }},
	}...)
}

// A change of a variable may come before or after a look at it, and ends a wait for it.
func TestChangesOfAtoms(t *testing.T) {
	for i := range atoms() {
		t.Run(atoms()[i].name, func(t *testing.T) {
			res := explore.Program{Start: func(r *explore.Run) {
				a := atoms()[i]
				r.Actor("a", func() {
					for !a.changed() {
						runtime.Gosched()
					}
				})
				r.Actor("b", a.change)
			}}.Explore()
			require.Nil(t, res.Failure)
			require.Equal(t, 2, res.Orders)
		})
	}
}

// A signal wakes one waiter and a broadcast wakes all, and none of them twice.
func TestWakes(t *testing.T) {
	for _, test := range []struct {
		name  string
		waits [2]int // of each waiter
		wakes []func(*sync.Cond)
		want  string
	}{
		{"a signal for two", [2]int{1, 1}, []func(*sync.Cond){(*sync.Cond).Signal}, "no actor can go on: waiter 1 waits in Wait"},
		{"a broadcast for two", [2]int{1, 1}, []func(*sync.Cond){(*sync.Cond).Broadcast}, ""},
		{"a broadcast for two, and a signal for one of them", [2]int{2, 1}, []func(*sync.Cond){(*sync.Cond).Broadcast, (*sync.Cond).Signal}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := explore.Program{Start: func(r *explore.Run) {
				var mu sync.Mutex
				cond := sync.Cond{L: &mu}
				var waiting atomic.Int32 // how often a waiter has waited; written with mu held
				for i, n := range test.waits {
					r.Actor(fmt.Sprint("waiter ", i), func() {
						mu.Lock()
						for range n {
							waiting.Add(1)
							cond.Wait()
						}
						mu.Unlock()
					})
				}
				r.Actor("waker", func() {
					for i, wake := range test.wakes {
						for waiting.Load() < int32(2+i) {
							runtime.Gosched()
						}
						mu.Lock()
						wake(&cond)
						mu.Unlock()
					}
				})
			}}.Explore()
			if test.want == "" {
				require.Nil(t, res.Failure)
			} else {
				require.EqualError(t, res.Failure.Err, test.want)
			}
		})
	}
}

// A select goes each way that it can go, before and after what another actor does to
// either channel.
func TestWaysOfASelect(t *testing.T) {
	require.PanicsWithValue(t, "channel: a select of two cases and a default has no hook",
		func() { channel.Select(true, channel.ToReceive[int](nil), channel.ToReceive[int](nil)) })
	for _, filled := range []bool{false, true} {
		ways := map[int]int{}
		p := explore.Program{Start: func(r *explore.Run) {
			x, y := make(chan int, 1), make(chan int, 1)
			way := 0
			if filled {
				x <- 1
				y <- 1
				r.Actor("other", func() { channel.Select(true, channel.ToReceive(x)) })
			} else {
				r.Actor("other", func() { channel.Send(x, 1) })
				r.Actor("third", func() { channel.Send(y, 1) })
			}
			r.Actor("selects", func() { way = channel.Select(false, channel.ToReceive(x), channel.ToReceive(y)) })
			r.End(func() error { ways[way]++; return nil })
		}}
		classes := p.Explore()
		require.Len(t, ways, 2)
		p.All = true
		require.EqualValues(t, p.Explore().Orders, classes.StandFor)
	}
}

// A timer may expire the first two times that it is set. A timer that is set again before it
// has expired is not set twice.
func TestTimerExpiresTwice(t *testing.T) {
	timer := time.NewTimer(time.Millisecond)
	for range 2 {
		timer.Reset(time.Millisecond)
		require.Len(t, timer.C, 1)
		<-timer.C
		timer.Reset(time.Millisecond)
	}
	require.Empty(t, timer.C)
}

func TestQueued(t *testing.T) {
	for _, test := range []struct {
		put, taken [][]int
		want       string
	}{
		{[][]int{{1, 2}, {3}}, [][]int{{1, 3}, {2}}, ""},
		{[][]int{{1, 2}, {3}}, [][]int{{3, 1, 2}}, ""},
		{[][]int{{1, 2}}, [][]int{{1}}, "[[1 2]] were put, [[1]] were taken"},
		{[][]int{{1}}, [][]int{{1}, {1}}, "[[1]] were put, [[1] [1]] were taken"},
		{[][]int{{1, 2}, {3}}, [][]int{{2, 1, 3}}, "[[1 2] [3]] were put, and taken in another order: [[2 1 3]]"},
	} {
		err := explore.Queued(test.put, test.taken)
		if test.want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, test.want)
		}
	}
}

// A swap that changes nothing is a look, so a spinner that swaps waits for a change.
func TestSwapThatChangesNothing(t *testing.T) {
	res := explore.Program{Name: "a lock", Start: func(r *explore.Run) {
		var held atomic.Int32
		held.Store(1)
		r.Actor("a", func() {
			for held.Swap(1) == 1 {
				runtime.Gosched()
			}
		})
		r.Actor("b", func() { held.Store(0) })
	}}.Explore()
	require.Nil(t, res.Failure)
}

// A spinner goes on after each change of what it looks at, and after no other. Its next step
// comes after the change that lets it go on, and the classes count no order in which it does not.
func TestSpinnerSeesEachChange(t *testing.T) {
	for name, start := range map[string]func(*explore.Run){
		"two changes": func(r *explore.Run) {
			var n atomic.Int32
			r.Actor("a", func() {
				for n.Load() < 2 {
					runtime.Gosched()
				}
			})
			r.Actor("b", func() {
				n.Store(1)
				n.Store(2)
			})
		},
		"the second of two words": func(r *explore.Run) {
			var n, m atomic.Int32
			r.Actor("a", func() {
				for n.Load()+m.Load() == 0 {
					runtime.Gosched()
				}
			})
			r.Actor("b", func() { m.Store(1) })
		},
		"the second channel of a select": func(r *explore.Run) {
			full, empty := make(chan int, 1), make(chan int, 1)
			channel.Send(full, 0)
			r.Actor("a", func() {
				for channel.Select(true, channel.ToReceive(empty)) != 0 {
					runtime.Gosched()
				}
			})
			r.Actor("b", func() { channel.Select(false, channel.ToSend(full, 1), channel.ToSend(empty, 1)) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := explore.Program{Name: name, Start: start}
			classes := p.Explore()
			require.Nil(t, classes.Failure)
			p.All = true
			require.EqualValues(t, p.Explore().Orders, classes.StandFor)
		})
	}
}
