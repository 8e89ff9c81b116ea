"""PyAsyncIO: many waits on one thread, for which the article praises asyncio.

A step is one question to a database over a socket, answered after a millisecond;
64 are in flight, each on a connection of its own. This is AsyncIO/latency=1ms
of the suite, written with asyncio's streams. The database uses asyncio too, but
in a child: in this process it would compete for the GIL. Its processor time
counts, as that of the suite's own database does.

asyncio waits in whole milliseconds (epoll's unit, rounded up), so an answer takes
up to 2 ms.
"""

import asyncio
import multiprocessing
import sys
import time

import bench

IN_FLIGHT = 64
LATENCY = 0.001


class Database(asyncio.Protocol):
    """Answers the line N with N + 1, and the line "used" with its processor time."""

    connections = 0

    def __init__(self, loop):
        self.loop = loop

    def connection_made(self, transport):
        Database.connections += 1
        self.transport = transport

    def connection_lost(self, _):
        Database.connections -= 1
        if Database.connections == 0:
            self.loop.stop()

    def data_received(self, line):
        if line == b"used\n":
            self.transport.write(b"%r\n" % time.process_time())
        else:
            self.loop.call_later(LATENCY, self.transport.write, b"%d\n" % (int(line) + 1))


def serve(pipe):
    """Serves until the last connection closes. Gives up if none comes within PATIENCE."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: Database(loop), "127.0.0.1", 0))
    pipe.send(server.sockets[0].getsockname()[1])
    loop.call_later(bench.PATIENCE, lambda: Database.connections or loop.stop())
    loop.run_forever()
    server.close()
    loop.run_until_complete(server.wait_closed())
    loop.close()


async def ask(connection, first, n):
    """Asks n questions, one after the other, and returns how many answers are right."""
    reader, writer = connection
    right = 0
    for i in range(first, first + n):
        writer.write(b"%d\n" % i)
        right += await reader.readline() == b"%d\n" % (i + 1)
    return right


async def database_time(connection):
    reader, writer = connection
    writer.write(b"used\n")
    return float(await reader.readline())


async def ask_all(connections, n):
    began, used = time.perf_counter(), time.process_time() + await database_time(connections[0])
    answers = await asyncio.gather(*[ask(c, i * n, bench.share(i, IN_FLIGHT, n)) for i, c in enumerate(connections)])
    wall = time.perf_counter() - began
    used = time.process_time() + await database_time(connections[0]) - used
    if sum(answers) != n:
        sys.exit("PyAsyncIO: %d of %d answers are right" % (sum(answers), n))
    return wall, used, []


async def connect(port):
    return [await asyncio.open_connection("127.0.0.1", port) for _ in range(IN_FLIGHT)]


def main():
    bench.end_children_too()
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    database = spawn.Process(target=serve, args=(theirs,))
    database.daemon = True
    bench.start(database)
    theirs.close()
    loop = asyncio.new_event_loop()
    connections = loop.run_until_complete(connect(mine.recv()))
    bench.bench("BenchmarkPyAsyncIO/system=" + bench.system(), 1,
                lambda n: loop.run_until_complete(ask_all(connections, n)))
    for _, writer in connections:
        writer.close()
    loop.run_until_complete(asyncio.sleep(0))  # closes the connections
    loop.close()
    database.join()


if __name__ == "__main__":
    main()
