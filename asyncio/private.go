package asyncio

import "boundaries/internal/fork"

// runPrivate gives each of 64 clients a connection of its own and needs no pool: the
// ceiling.
//
// Cost: a client that has nothing to ask leaves its connection unused. The clients
// share nothing until the run ends.
// Progress: wait-free, if the database is.
func runPrivate(db *Database, n int) Answer {
	check(n)
	r := newRun(db)
	fork.Run("asyncio", inFlight, inFlight, func(slot, _ int) {
		for i := slot; i < n && r.failure.Load() == nil; i += inFlight {
			r.ask(&r.conns[slot], i)
		}
	})
	return r.answer()
}
