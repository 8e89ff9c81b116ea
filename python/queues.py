"""PyQueue and PyPickle: what the article calls the price of communication.

A step of PyQueue sends one item through a queue and gets it back, changed,
through another. start=thread is queue.Queue and a thread, which pass a
reference. start=process is multiprocessing.Queue and a child: a thread of the
sender serializes the item and writes it to a pipe, and the receiver reads it and
rebuilds it. A step of PyPickle serializes an item and rebuilds it, and does
nothing else. payload=8B is one int, payload=64KiB a list of 8,192.
"""

import multiprocessing
import os
import pickle
import queue
import sys
import threading
import time

import bench

PAYLOADS = [("8B", 1), ("64KiB", 8192)]


def item_of(size):
    return 0 if size == 1 else list(range(size))


def first(item):
    return item if isinstance(item, int) else item[0]


def echo(inbox, outbox):
    """Sends every item back with its first number raised, until None comes.

    The item "used" is answered with this process's processor time.
    """
    while True:
        item = inbox.get()
        if item is None:
            return
        if item == "used":
            item = time.process_time()
        elif isinstance(item, int):
            item += 1
        else:
            item[0] += 1
        outbox.put(item)


def child_of(parent, inbox, outbox):
    """Runs echo in a process, which ends with its parent. Otherwise it would wait forever,
    because it holds both ends of inbox itself.
    """
    def watch():
        if hasattr(multiprocessing, "parent_process"):  # from 3.8 on
            multiprocessing.parent_process().join()
        else:
            while os.getppid() == parent:
                time.sleep(1)
        os._exit(1)

    watcher = threading.Thread(target=watch)
    watcher.daemon = True
    watcher.start()
    echo(inbox, outbox)


def run(inbox, outbox, size, n):
    item = item_of(size)
    began = time.perf_counter()
    for _ in range(n):
        inbox.put(item)
        item = outbox.get()
    wall = time.perf_counter() - began
    if first(item) != n:
        sys.exit("PyQueue: after %d steps the item is %d" % (n, first(item)))
    return wall


def run_thread(size, n):
    inbox, outbox = queue.Queue(), queue.Queue()
    thread = threading.Thread(target=echo, args=(inbox, outbox))
    thread.daemon = True
    thread.start()
    used = time.process_time()
    wall = run(inbox, outbox, size, n)
    used = time.process_time() - used
    inbox.put(None)
    thread.join()
    return wall, used, []


def run_process(inbox, outbox, size, n):
    def used():
        inbox.put("used")
        return time.process_time() + outbox.get()
    before = used()
    wall = run(inbox, outbox, size, n)
    return wall, used() - before, []


def run_pickle(size, n):
    item = item_of(size)
    began, used = time.perf_counter(), time.process_time()
    for _ in range(n):
        item = pickle.loads(pickle.dumps(item))
    used, wall = time.process_time() - used, time.perf_counter() - began
    if item != item_of(size):
        sys.exit("PyPickle: after %d steps the item has changed" % n)
    return wall, used, []


def main():
    bench.end_children_too()
    # After an interrupt the tracker removes the queues' semaphores, and warns of it.
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker,ignore:semaphore_tracker"
    spawn = multiprocessing.get_context("spawn")
    inbox, outbox = spawn.Queue(), spawn.Queue()
    child = spawn.Process(target=child_of, args=(os.getpid(), inbox, outbox))
    child.daemon = True
    bench.start(child)
    for payload, size in PAYLOADS:
        row = "BenchmarkPy%s/payload=" + payload + "%s/system=" + bench.system()
        bench.bench(row % ("Queue", "/start=thread"), 1, lambda n: run_thread(size, n))
        bench.bench(row % ("Queue", "/start=process"), 1, lambda n: run_process(inbox, outbox, size, n))
        bench.bench(row % ("Pickle", ""), 1, lambda n: run_pickle(size, n))
    inbox.put(None)
    child.join()


if __name__ == "__main__":
    main()
