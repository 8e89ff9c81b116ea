"""PySpawn: what the article puts at 100 us for a thread and 50 ms for a process.

A step starts a thread or a process that does nothing, and waits until it ends.
start=process is multiprocessing's "spawn", a new interpreter, to which the article's
figure refers. start=fork is the copy of this process that code 5.1 makes on Linux
before Python 3.14; the row is absent on platforms without fork.
"""

import multiprocessing
import sys
import threading
import time

import bench


def nothing():
    pass


def run(start, n):
    began, used = time.perf_counter(), bench.processor_time()
    for _ in range(n):
        one = start(target=nothing)
        bench.start(one)
        one.join()
        if getattr(one, "exitcode", 0) != 0:
            sys.exit("PySpawn: a child ended with status %s" % one.exitcode)
    used, wall = bench.processor_time() - used, time.perf_counter() - began
    if threading.active_count() > 1 or multiprocessing.active_children():
        sys.exit("PySpawn: some threads or children have not ended")
    return wall, used, []


def main():
    bench.end_children_too()
    starts = [("thread", threading.Thread)]
    for name, method in ("process", "spawn"), ("fork", "fork"):
        if method in multiprocessing.get_all_start_methods():
            starts.append((name, multiprocessing.get_context(method).Process))
    for name, start in starts:
        bench.bench("BenchmarkPySpawn/start=%s/system=%s" % (name, bench.system()), 1, lambda n: run(start, n))


if __name__ == "__main__":
    main()
