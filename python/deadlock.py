"""PyDeadlock: the fork that the article calls prone to deadlocks.

A step starts a child while another thread holds a lock, releases the lock, and
waits for the child to take it. A fork copies the memory of all threads and runs
only the one that forked, so in the child the lock stays held forever. hung/op is
the share of the children that did not get the lock within PATIENCE and were
killed. spawn starts a new interpreter with a lock of its own.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings

import bench

PATIENCE = 0.25  # seconds
lock = threading.Lock()


def child(pipe):
    pipe.send("begun")
    with lock:
        pipe.send("has the lock")


def hangs(context):
    """Returns whether a child hangs that starts while a thread holds the lock."""
    held, done = threading.Event(), threading.Event()

    def holder():
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=holder)
    thread.start()
    held.wait()
    mine, theirs = context.Pipe()
    one = context.Process(target=child, args=(theirs,))
    bench.start(one)
    done.set()
    thread.join()
    begun = mine.poll(bench.PATIENCE) and mine.recv()
    hung = not mine.poll(PATIENCE)
    if hung:
        os.kill(one.pid, signal.SIGKILL)
    got = not hung and mine.recv()
    one.join()
    if begun != "begun" or got not in (False, "has the lock"):
        sys.exit("PyDeadlock: the child says %r and %r" % (begun, got))
    return hung


def run(context, n):
    began, used = time.perf_counter(), bench.processor_time()
    hung = sum(hangs(context) for _ in range(n))
    return time.perf_counter() - began, bench.processor_time() - used, [(hung / float(n), "hung/op")]


def main():
    # 3.12 and later warn of exactly this.
    warnings.simplefilter("ignore", DeprecationWarning)
    bench.end_children_too()
    for method in "fork", "spawn":
        if method in multiprocessing.get_all_start_methods() and hasattr(signal, "SIGKILL"):
            context = multiprocessing.get_context(method)
            bench.bench("BenchmarkPyDeadlock/start=%s/system=%s" % (method, bench.system()), 1, lambda n: run(context, n))


if __name__ == "__main__":
    main()
