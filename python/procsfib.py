"""PyProcsFib: the article's code 5.1, fib in processes.

A step is one fib(20), computed in a child. The steps are split over the
children, which are started beforehand: what that costs is in PySpawn. Every
child is an interpreter of its own with a GIL of its own.
"""

import multiprocessing
import sys
import time

import bench
import fib


def child(pipe):
    """Answers every number of steps with the sum and the processor time, until the pipe closes."""
    try:
        while True:
            n = pipe.recv()
            used = time.process_time()
            total = fib.work(n)
            pipe.send((total, time.process_time() - used))
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # the parent has ended


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
            theirs.close()  # or the child's end would not be noticed
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
