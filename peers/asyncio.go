package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/rueidis"

	"boundaries/asyncio"
	"boundaries/asyncio/resp"
	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// clients are the peers of AsyncIO/latency=0: clients of Redis that ask the suite's own
// database, with the same 64 questions in flight, from 64 goroutines. They are not
// measured with a latency, because the database answers the questions of one connection
// one after the other, and rueidis sends all on one, or on two or four with more procs.
var clients = Job{
	Ours: asyncio.Workload("AsyncIO/latency=0", 0),
	Rows: []string{"global-mutex", "lock-free", "private", "event-loop"},
	Peers: suite.Workload{Name: "AsyncIO/latency=0", Key: "peer", Benches: []suite.Bench{
		{Name: "go-redis", Open: withDatabase(openGoRedis)},
		{Name: "rueidis", Open: withDatabase(func(address string) (client, error) { return openRueidis(address, false) })},
		{Name: "rueidis-pool", Open: withDatabase(func(address string) (client, error) { return openRueidis(address, true) })},
	}},
}

// inFlight is how many questions wait for their answers at once, as in package asyncio.
const inFlight = 64

// A client is an open peer.
type client struct {
	get   func(key string) (value string, err error)
	close func() error
}

// openGoRedis opens a client with a pool of 64 connections.
func openGoRedis(address string) (client, error) {
	c := redis.NewClient(&redis.Options{
		Addr: address, PoolSize: inFlight, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	ctx := context.Background()
	return client{func(key string) (string, error) { return c.Get(ctx, key).Result() }, c.Close}, nil
}

// openRueidis opens a client. Without pool, it sends the questions of all goroutines on
// one connection, or on two or four with more procs, many in one system call. With pool, it takes a connection from a pool
// for each question.
func openRueidis(address string, pool bool) (client, error) {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{address}, ForceSingleClient: true, AlwaysRESP2: true, DisableCache: true,
		ClientSetInfo: rueidis.DisableClientSetInfo, DisableAutoPipelining: pool, BlockingPoolSize: inFlight,
	})
	if err != nil {
		return client{}, err
	}
	ctx := context.Background()
	get := func(key string) (string, error) { return c.Do(ctx, c.B().Get().Key(key).Build()).ToString() }
	return client{get, func() error { c.Close(); return nil }}, nil
}

// withDatabase opens a database with values in it, and a client.
func withDatabase(open func(address string) (client, error)) func(workers int) (suite.Session, error) {
	return func(int) (_ suite.Session, err error) {
		if os.Getenv(asyncio.Address) != "" {
			return suite.Session{}, errors.New("peers: the clients ask the suite's own database, and its rows another one: unset " + asyncio.Address)
		}
		server, err := resp.Listen()
		if err != nil {
			return suite.Session{}, err
		}
		defer func() {
			if err != nil {
				server.Close()
			}
		}()
		owner, err := resp.Dial(context.Background(), server.Addr(), 10*time.Second)
		if err != nil {
			return suite.Session{}, err
		}
		defer owner.Close()
		// The keys and the values of package asyncio.
		keys, values := make([]string, 509), make([]string, 509)
		for i := range keys {
			keys[i] = fmt.Sprintf("boundaries:%d:%d", os.Getpid(), i)
			values[i] = fmt.Sprintf("%03d:", i) + strings.Repeat("v", i%100)
			if err := owner.Set(keys[i], values[i]); err != nil {
				return suite.Session{}, err
			}
		}
		c, err := open(server.Addr())
		if err != nil {
			return suite.Session{}, err
		}
		var right atomic.Int64
		var failure atomic.Pointer[error]
		run := func(n int) {
			right.Store(0)
			fork.Run("peers", inFlight, inFlight, func(client, _ int) {
				mine := int64(0)
				for i := client; i < n; i += inFlight {
					value, err := c.get(keys[i%len(keys)])
					if err != nil {
						failure.Store(&err)
						break
					}
					if value == values[i%len(keys)] {
						mine++
					}
				}
				right.Add(mine)
			})
		}
		run(10 * inFlight) // a client connects when it first needs a connection
		return suite.Session{
			Run: run,
			Check: func(n int) error {
				if err := failure.Load(); err != nil {
					return *err
				}
				return suite.Compare(int(right.Load()), n)
			},
			Close: func() error { return errors.Join(c.close(), server.Close()) },
		}, nil
	}
}
