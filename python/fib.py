"""PyFib: the article's codes 4.4.1 and 4.5.1.

A step is one fib(20), 21,891 calls. The steps are split over the threads. (In the
article every thread does the whole task. To compare with its figures, multiply
these times by the number of threads.) The threads share only the interpreter's own
objects: the function, the small integers, and the dictionary in which fib finds
itself.
"""

import sys

import bench

N, VALUE = 20, 10946


def fib(n):
    if n < 2: return 1
    return fib(n-1) + fib(n-2)


def work(n):
    total = 0
    for _ in range(n):
        total += fib(N)
    return total


def run(threads, n):
    wall, used, totals = bench.together(work, [bench.share(i, threads, n) for i in range(threads)])
    if sum(totals) != n * VALUE:
        sys.exit("PyFib: %d threads, %d steps: the sum is %d, want %d" % (threads, n, sum(totals), n * VALUE))
    return wall, used, []


if __name__ == "__main__":
    for threads in bench.arguments()[1]:
        bench.bench("BenchmarkPyFib/system=" + bench.system(), threads, lambda n: run(threads, n))
