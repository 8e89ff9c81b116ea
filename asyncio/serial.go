package asyncio

import "boundaries/asyncio/resp"

// runSerial asks one question after the other on one connection. Compare the other rows
// with it.
//
// Cost: the whole latency, for every answer.
// Progress: wait-free, if the database is.
func runSerial(db *Database, n int) Answer {
	check(n)
	var a Answer
	c := resp.NewConn(db.conns[0], patience)
	for i := range n {
		size, right, err := db.ask(c, i)
		if err != nil {
			a.Err = err
			break
		}
		if right {
			a.Right++
		}
		a.record(size)
	}
	return a
}
