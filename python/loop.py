"""PyLoop: the article's code 4.1 (one thread) and 4.3 (more).

A step is one iteration of ans += 2, a read and a write of a global. The steps
are split over the threads. += is not atomic: if the GIL can change hands between
the read and the write, or if there is none, a thread overwrites what others
added. lost-updates/op is the share of the steps that is missing at the end.
"""

import sys

import bench

ans = 1


def foo(n):
    global ans
    for i in range(n):
        ans += 2
    return True


def run(threads, n):
    global ans
    ans = 1
    wall, used, _ = bench.together(foo, [bench.share(i, threads, n) for i in range(threads)])
    lost = n - (ans - 1) / 2.0
    if not 0 <= lost <= (n if threads > 1 else 0):
        sys.exit("PyLoop: %d threads, %d steps: the total is %d, want %d" % (threads, n, ans, 1 + 2 * n))
    return wall, used, [(lost / n, "lost-updates/op")]


if __name__ == "__main__":
    for threads in bench.arguments()[1]:
        bench.bench("BenchmarkPyLoop/system=" + bench.system(), threads, lambda n: run(threads, n))
