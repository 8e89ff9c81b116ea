"""What the scripts share: threads that start together, the clock, the rows.

Run as a script, it prints the head of a file of rows, in Go's benchmark format,
and which interpreter this is.

The scripts run on any Python the reader has, including interpreters that lost
much of the language together with the GIL. So this is plain code with few imports.
"""

import os
import signal
import sys
import threading
import time

try:
    import resource
except ImportError:
    resource = None  # Windows

PATIENCE = 120  # seconds after which a row that has not ended is killed
READER_GONE = 141  # the exit status that a shell gives for SIGPIPE
OLDEST = (3, 6)


def arguments():
    """Returns seconds and numbers of threads, from SCRIPT [MILLISECONDS [THREADS...]]."""
    milliseconds = 500
    if len(sys.argv) > 1:
        milliseconds = int(sys.argv[1])
    return milliseconds / 1000.0, [int(a) for a in sys.argv[2:]] or [1, 2]


starting, terminated = 0, False  # the process that is starting a child


def end(*_):
    """Ends the children of multiprocessing and this process. If start() is running, it does this at its end."""
    global terminated
    terminated = True
    if starting == os.getpid():  # and not one forked by it
        return
    import multiprocessing
    for child in multiprocessing.active_children():
        child.terminate()
    os._exit(143)


def end_children_too():
    """Makes SIGTERM end this script and the children of start(), without a traceback."""
    signal.signal(signal.SIGTERM, end)


def start(child):
    """Starts a child. SIGTERM waits, because a child whose parent ends now would print a traceback."""
    global starting
    starting = os.getpid()
    child.start()
    starting = 0
    if terminated:
        end()


def share(worker, workers, n):
    """Returns how many of n steps a worker takes, as fork.Share of the suite does."""
    return n // workers + (worker < n % workers)


def processor_time():
    """Returns the processor time of this process and of the children it has waited for."""
    if resource is None:
        return time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def together(work, shares):
    """Calls work(share) for each share on a thread of its own, all at once.

    A single share gets a thread of its own too, so that one thread and two differ
    only in number. Returns wall time and processor time, in seconds, and the
    results of the calls.
    """
    ready = [threading.Lock() for _ in shares]
    start = [threading.Lock() for _ in shares]
    results = [None] * len(shares)

    def run(worker):
        ready[worker].release()
        start[worker].acquire()
        results[worker] = work(shares[worker])

    for lock in ready + start:
        lock.acquire()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(shares))]
    for thread in threads:
        thread.daemon = True  # an interrupt does not wait for them
        thread.start()
    for lock in ready:
        lock.acquire()
    began, used = time.perf_counter(), time.process_time()
    for lock in start:
        lock.release()
    for thread in threads:
        while thread.is_alive():
            thread.join(1)  # Python misses an interrupt just before a wait, until the wait ends
    used, wall = time.process_time() - used, time.perf_counter() - began
    if None in results:
        sys.exit("a thread ended early")
    return wall, used, results


def bench(name, threads, run):
    """Calls run(n) with more and more steps until it takes long enough, and prints the row.

    run returns wall time and processor time, in seconds, and more figures for
    the row as (value, unit) pairs. It ends the script if an answer is wrong.
    """
    enough, n = arguments()[0], 1
    if hasattr(signal, "alarm"):
        # Ends this process even if its threads are stuck. The last run takes up to twice
        # the time, and those before it together about as long.
        signal.alarm(PATIENCE + int(4 * enough))
    while True:
        wall, used, more = run(n)
        if wall >= enough:
            break
        # A fifth more than seems necessary, as package testing does, and at most
        # 100 times as many, because few steps predict little.
        n = max(n + 1, min(100 * n, int(1.2 * n * enough / max(wall, 1e-9))))
    if threads > 1:
        name += "-%d" % threads
    figures = [(wall / n * 1e9, "ns/op"), (used / n * 1e9, "user+sys-ns/op")] + more
    try:
        print("%-60s\t%8d" % (name, n) + "".join("\t%12s %s" % (decimals(v), u) for v, u in figures))
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(READER_GONE)


def decimals(value):
    """Returns a figure with about four digits. Only 0 reads as 0: one lost update of ten million does not."""
    if 0 < value < 0.1:
        return "%.4g" % value
    return "%.*f" % (0 if value >= 1000 else 1 if value >= 100 else 4, value)


def two_at_once():
    """Returns whether another thread runs while this one computes and may keep the GIL.

    It does if there is no GIL, even on a busy machine or on one processor, where
    the system divides the time.
    """
    start, arrived = threading.Lock(), []

    def arrive():
        start.acquire()
        arrived.append(True)

    # Set the interval long before the other starts. A thread that is slow to begin,
    # and already waits for the GIL, would otherwise get it after the old interval,
    # and look like a thread that needs none.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)
    start.acquire()
    other = threading.Thread(target=arrive)
    other.start()
    end = time.process_time() + 0.2  # on a busy machine the other may wait long
    start.release()
    while not arrived and time.process_time() < end:
        pass
    early = bool(arrived)
    sys.setswitchinterval(interval)
    other.join()
    return early


def reported_gil():
    """Returns whether the GIL is on, or None if the interpreter does not report it."""
    if hasattr(sys, "_is_gil_enabled"):  # 3.13 and later: an extension may have turned it on
        return sys._is_gil_enabled()
    if hasattr(sys.flags, "nogil"):  # the nogil fork of 3.9
        return not sys.flags.nogil
    return None


def gil():
    """Returns whether the GIL is really on, and how that is known."""
    if reported_gil() is not None:
        return reported_gil(), "sys._is_gil_enabled()" if hasattr(sys, "_is_gil_enabled") else "sys.flags.nogil"
    if sys.implementation.name != "cpython":  # it may offer its lock at other times
        return True, "assumed"
    beside = two_at_once()
    return not beside, "a thread %s beside one that computes" % ("ran" if beside else "did not run")


def version():
    v = sys.implementation.version
    stage = {"alpha": "a%d", "beta": "b%d", "candidate": "rc%d"}.get(v.releaselevel, "")
    # "t" marks a build that can run without the GIL, even if the GIL is on.
    free = "t" if "t" in getattr(sys, "abiflags", "") else ""
    return "%d.%d.%d" % tuple(v[:3]) + (stage and stage % v.serial) + free


def system_of(on):
    return "%s-%s-%s" % (sys.implementation.name, version(), "gil" if on else "nogil")


def system():
    """Returns the value of system=, such as cpython-3.11.7-gil."""
    # run.sh has found out already, which may take a while.
    return os.environ.get("BOUNDARIES_PYTHON") or system_of(gil()[0])


def processors(affinity=None, root="/"):
    """Returns how many processors this process may use, as internal/noise of the suite does.

    They are those of its affinity, but no more than the quota of its control group
    allows, or that of any group above it.
    """
    if affinity is None:
        affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min([affinity] + [int(q + 1e-9) for q in quotas(root)]))


def text(*path):
    """Returns the text of a file of the system, or "" if it cannot be read."""
    try:
        with open(os.path.join(*path), errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def quotas(root):
    """Yields how many processors' time each control group of this process gets at most."""
    mounts = []
    for line in text(root, "proc/self/mountinfo").splitlines():
        # id parent device root mountpoint options... - type source options
        before, _, after = line.partition(" - ")
        before, after = before.split(), after.split()
        if len(before) > 4 and len(after) > 2:
            names = [n.replace("\\040", " ").replace("\\134", "\\") for n in before[3:5]]
            mounts.append((names[0].rstrip("/"), names[1], after[0], after[2].split(",")))
    for line in text(root, "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        two = number == "0" and not controllers
        for of, point, kind, options in mounts:
            if kind == "cgroup2" if two else kind == "cgroup" and "cpu" in options and "cpu" in controllers.split(","):
                inside = path.startswith(of) and (path + "/")[len(of)] == "/" and "/.." not in path
                below = [name for name in path[len(of):].split("/") if name] if inside else []
                # A group that lies above what is mounted cannot be seen from here.
                for depth in range(len(below) + 1):
                    folder = os.path.join(root, point.lstrip("/"), *below[:depth])
                    if two:
                        numbers = text(folder, "cpu.max").split()
                    else:
                        numbers = [text(folder, "cpu.cfs_quota_us"), text(folder, "cpu.cfs_period_us")]
                    try:
                        quota, period = [float(n) for n in numbers]  # the quota may be max or -1
                        if quota > 0 and period > 0:
                            yield quota / period
                    except ValueError:
                        pass
                break


def facts():
    """Returns the lines of the head that Go's benchmarks print, as Go prints them."""
    goos = sys.platform.rstrip("0123456789")
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    goarch = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "ARM64": "arm64",
              "i686": "386", "x86": "386"}.get(machine, machine)
    keys = [("numcpu", processors()), ("goos", goos), ("goarch", goarch), ("pkg", "boundaries")]
    cpu, model = "", {}
    if goos == "darwin":
        cpu = os.popen("sysctl -n machdep.cpu.brand_string").read().strip()
    elif goos == "linux" and goarch in ("amd64", "386"):
        for line in open("/proc/cpuinfo"):
            key, _, value = line.partition(":")
            model.setdefault(key.strip(), value.strip())
        cpu = model.get("model name", "")
    if "stepping" in model:  # a virtual machine may hide the name
        keys[1:1] = [("# processor", "family %(cpu family)s, model %(model)s, stepping %(stepping)s" % model)]
    return keys + ([("cpu", cpu)] if cpu else [])


def main():
    if sys.version_info < OLDEST:
        sys.exit("this is Python %d.%d.%d, and %d.%d or later is needed" % (tuple(sys.version_info[:3]) + OLDEST))
    if hasattr(signal, "alarm"):
        signal.alarm(PATIENCE)
    for key, value in facts():
        print("%s: %s" % (key, value))
    for unit in ("user+sys-ns/op", "lost-updates/op", "hung/op"):
        print("Unit %s better=lower" % unit)
    on, how = gil()
    print("# system: " + system_of(on))
    print("# interpreter: %s, %s" % (sys.executable, " ".join(sys.version.split())))
    print("# the GIL is %s: %s" % ("on" if on else "off", how))


if __name__ == "__main__":
    main()
