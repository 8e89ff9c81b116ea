"""PyProcsFib: the article's code 5.1, fib in processes.

A step is one fib(20), computed in a child. The steps are split over the
children, which start beforehand (PySpawn measures that). Every child is an
interpreter of its own with a GIL of its own, on or off as its parent's is.
"""

import multiprocessing
import sys
import time

import bench
import fib


def child(pipe):
    """Answers every number of steps with the sum, the processor time and whether the GIL is on."""
    try:
        while True:
            n = pipe.recv()
            used = time.process_time()
            total = fib.work(n)
            pipe.send((total, time.process_time() - used, bench.reported_gil()))
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # the parent closed the pipe or ended


def run(pipes, n):
    began, used = time.perf_counter(), time.process_time()
    try:
        for i, pipe in enumerate(pipes):
            pipe.send(bench.share(i, len(pipes), n))
        answers = [pipe.recv() for pipe in pipes]
    except (EOFError, OSError):
        sys.exit("PyProcsFib: a child has died")
    used, wall = time.process_time() - used, time.perf_counter() - began
    total = sum(answer[0] for answer in answers)
    if total != n * fib.VALUE:
        sys.exit("PyProcsFib: %d children, %d steps: the sum is %d, want %d" % (len(pipes), n, total, n * fib.VALUE))
    if [answer[2] for answer in answers] != [bench.reported_gil()] * len(pipes):
        sys.exit("PyProcsFib: the GIL of a child is not on, or off, as that of its parent")
    return wall, used + sum(answer[1] for answer in answers), []


def main():
    bench.end_children_too()
    spawn = multiprocessing.get_context("spawn")
    for processes in bench.arguments()[1]:
        pipes, children = [], []
        for _ in range(processes):
            mine, theirs = spawn.Pipe()
            one = spawn.Process(target=child, args=(theirs,))
            bench.start(one)
            theirs.close()  # otherwise recv does not notice the end of the child
            pipes.append(mine)
            children.append(one)
        run(pipes, processes)  # waits until every child has imported what it needs
        bench.bench("BenchmarkPyProcsFib/system=" + bench.system(), processes, lambda n: run(pipes, n))
        for pipe in pipes:
            pipe.close()
        for one in children:
            one.join()


if __name__ == "__main__":
    main()
