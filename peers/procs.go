package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
	"boundaries/procs"
)

// children are the peers of Procs/payload=8B: remote calls to child processes, one for
// each worker, with 1024 calls in flight to each child, as in package procs. A child is
// the running binary, executed again.
var children = Job{
	Ours: procs.Workload("Procs/payload=8B", procs.Word),
	Rows: []string{"global-mutex", "sharded-lock", "atomic", "lock-free", "private", "pipe", "pipe-gob"},
	Peers: suite.Workload{Name: "Procs/payload=8B", Key: "peer", Children: true, Benches: []suite.Bench{
		{Name: "net-rpc", Open: withChildren(startRPC)},
		{Name: "go-plugin", Open: withChildren(startPlugin)},
	}},
}

// childKind names the environment variable that makes a process a child.
const childKind = "BOUNDARIES_PEER"

// Main does the work of a child and does not return, if this process is one. A program
// that measures the peers calls it first.
func Main() {
	switch kind := os.Getenv(childKind); kind {
	case "":
		return
	case "net-rpc":
		server := rpc.NewServer()
		must(server.RegisterName("Plugin", inverter{}))
		server.ServeConn(stdio{os.Stdin, os.Stdout})
	case "go-plugin":
		if runtime.GOOS != "windows" { // where a child gets no pipe of ours
			go func() { // a plugin ignores interrupts, and does not notice that its parent has ended
				_, _ = io.Copy(io.Discard, os.NewFile(3, "the parent's pipe"))
				os.Exit(0)
			}()
		}
		plugin.Serve(&plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins, Logger: hclog.NewNullLogger()})
	default:
		panic(fmt.Sprintf("peers: %s is %q, want net-rpc or go-plugin", childKind, kind))
	}
	os.Exit(0)
}

// An inverter answers an item with all its bits inverted, as the children of package
// procs do.
type inverter struct{}

func (inverter) Invert(item uint64, answer *uint64) error {
	*answer = ^item
	return nil
}

// A stdio is a connection over two pipes.
type stdio struct {
	io.ReadCloser
	to io.WriteCloser
}

func (s stdio) Write(b []byte) (int, error) { return s.to.Write(b) }

func (s stdio) Close() error { return errors.Join(s.to.Close(), s.ReadCloser.Close()) }

// A child is a process and the calls to it.
type child struct {
	calls *rpc.Client
	pid   int
	end   func() error
}

func childCommand(kind string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childKind+"="+kind, "GOMAXPROCS=1")
	return cmd, nil
}

// startRPC starts a child that net/rpc calls over its standard input and output.
func startRPC() (*child, error) {
	cmd, err := childCommand("net-rpc")
	if err != nil {
		return nil, err
	}
	to, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	calls := rpc.NewClient(stdio{from, to})
	return &child{calls, cmd.Process.Pid, func() error { return errors.Join(calls.Close(), cmd.Wait()) }}, nil
}

var (
	handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: childKind, MagicCookieValue: "go-plugin"}
	plugins   = map[string]plugin.Plugin{"inverter": inverterPlugin{}}
)

// An inverterPlugin makes an inverter a plugin. Its client is that of net/rpc, so that
// both rows call alike.
type inverterPlugin struct{}

func (inverterPlugin) Server(*plugin.MuxBroker) (any, error) { return inverter{}, nil }

func (inverterPlugin) Client(_ *plugin.MuxBroker, c *rpc.Client) (any, error) { return c, nil }

// startPlugin starts a child that is a plugin: net/rpc over yamux over a Unix socket.
func startPlugin() (*child, error) {
	cmd, err := childCommand("go-plugin")
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe() // the pipe closes when this process ends, in whatever way
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if runtime.GOOS != "windows" {
		cmd.ExtraFiles = []*os.File{theirs}
	}
	c := plugin.NewClient(&plugin.ClientConfig{HandshakeConfig: handshake, Plugins: plugins, Cmd: cmd, SkipHostEnv: true, Logger: hclog.NewNullLogger()})
	end := func() error {
		c.Kill()
		return ours.Close()
	}
	protocol, err := quietly(c.Client)
	if err != nil {
		return nil, errors.Join(err, end())
	}
	raw, err := protocol.Dispense("inverter")
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return &child{raw.(*rpc.Client), cmd.Process.Pid, end}, nil
}

// quietly calls f while os.Stderr takes nothing. Yamux keeps what os.Stderr is when it makes
// a client, and writes to it when the plugin ends, in the middle of a row.
func quietly(f func() (plugin.ClientProtocol, error)) (plugin.ClientProtocol, error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func(stderr *os.File) { os.Stderr = stderr }(os.Stderr)
	os.Stderr = null // stays open: the client writes to it later
	return f()
}

// withChildren opens a row with a child for each worker.
func withChildren(start func() (*child, error)) func(workers int) (suite.Session, error) {
	return func(workers int) (suite.Session, error) {
		var all []*child
		var pids []int
		end := func() error {
			var errs []error
			for _, c := range all {
				errs = append(errs, c.end())
			}
			return errors.Join(errs...)
		}
		for range workers {
			c, err := start()
			if err != nil {
				return suite.Session{}, errors.Join(err, end())
			}
			all = append(all, c)
			pids = append(pids, c.pid)
		}
		var right atomic.Int64
		ctx, fail := context.WithCancelCause(context.Background())
		return suite.Session{
			Run: func(n int) {
				right.Store(0)
				fork.Run("peers", workers, n, func(worker, n int) {
					r, err := all[worker].invert(n)
					right.Add(int64(r))
					if err != nil {
						fail(err)
					}
				})
			},
			Check: func(n int) error {
				return errors.Join(context.Cause(ctx), suite.Compare(int(right.Load()), n))
			},
			Bytes:    int64(procs.Word),
			Children: func() []int { return pids },
			Close:    end,
		}, nil
	}
}

// invert asks the child for the inverses of n items and returns how many answers were right.
func (c *child) invert(n int) (right int, err error) {
	const window = 1024
	done := make(chan *rpc.Call, window)
	for sent, got := 0, 0; got < n; got++ {
		for ; sent < n && sent < got+window; sent++ {
			c.calls.Go("Plugin.Invert", uint64(sent), new(uint64), done)
		}
		call := <-done
		if call.Error != nil {
			return right, call.Error
		}
		if *call.Reply.(*uint64) == ^call.Args.(uint64) {
			right++
		}
	}
	return right, nil
}
