package asyncio

import (
	"fmt"

	"boundaries/internal/explore"
)

const inFlight = 4

type Answer struct{}

func check(int) {}

func slots() []int { return []int{0, 1, 2, 3} }

// A Database is clients of a pool. A client takes a connection (t) and puts its last one
// back (p). It may begin with a connection (h).
type Database struct {
	run     *explore.Run
	clients []string
}

var Programs = []explore.Program{
	program("stack: two put back and take", 0, runLockFree, "hpt", "hpttt"),
	program("stack: two take, and one puts back the first", 2, runLockFree, "tt", "tp", "t"),
	program("ring: two take, put back and take", 0, runAtomic, "tpt", "tpttt"),
	program("ring: three take, and one puts back", 0, runAtomic, "tpt", "tt", "t"),
}

func program(name string, bound int, run func(*Database, int) Answer, clients ...string) explore.Program {
	return explore.Program{Name: name, Preemptions: bound, Start: func(r *explore.Run) { run(&Database{r, clients}, 0) }}
}

// share makes an actor of each client. Each connection has one client at a time, and
// none is lost.
func (db *Database) share(_ int, take func(int) int, put func(int, int)) (a Answer) {
	var client [inFlight]int // of each connection, or 0; the client that takes a connection writes its number
	for i, does := range db.clients {
		slot := -1
		do := func(op rune) {
			if op == 'p' {
				client[slot] = 0
				put(i, slot)
				return
			}
			if slot = take(i); slot < 0 {
				panic("the pool has lost a connection")
			}
			if other := client[slot]; other != 0 {
				panic(fmt.Sprintf("client %d has connection %d too", other, slot))
			}
			client[slot] = i + 1
		}
		if does[0] == 'h' {
			do('t')
			does = does[1:]
		}
		db.run.Actor(fmt.Sprint("client ", i+1), func() {
			for _, op := range does {
				do(op)
			}
		})
	}
	return a
}
