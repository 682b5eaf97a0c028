"""What the machine says about itself: which CPUs are ours, how busy one was, how much memory a process has."""
import os
import platform
import re
import socket
import time

TICKS = os.sysconf('SC_CLK_TCK')


def two_cpus():
    """The server's CPU and the load's: the first two that this process may run on."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise SystemExit('bench: two CPUs are needed, one for the server and one for the load')
    return allowed[0], allowed[1]


def describe():
    cpu = re.search(r'model name\s*: (.*)', read('/proc/cpuinfo'))
    return {'cpu': cpu.group(1) if cpu else platform.machine(), 'cpus': len(os.sched_getaffinity(0)),
            'kernel': platform.release(), 'autogroup': autogroup(), 'date': time.strftime('%Y-%m-%d %H:%M')}


def autogroup():
    """Whether each session is a scheduling group of its own (docs/decisions/0018-autogroup.md)."""
    try:
        return {'0': 'off', '1': 'on'}[read('/proc/sys/kernel/sched_autogroup_enabled').strip()]
    except (OSError, KeyError):
        return 'unknown'


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def busy_seconds(cpu):
    """Grows as the CPU works, whoever for: what the kernel moves to ksoftirqd counts, too. Only differences mean anything."""
    fields = re.search(rf'^cpu{cpu} (.*)$', read('/proc/stat'), re.MULTILINE).group(1).split()
    return time.monotonic() - (int(fields[3]) + int(fields[4])) / TICKS


def family(pid):
    """A process and its descendants: nginx answers from a worker."""
    found = [pid]
    for one in found:
        try:
            for thread in os.listdir(f'/proc/{one}/task'):
                found += [int(child) for child in read(f'/proc/{one}/task/{thread}/children').split()]
        except OSError:
            pass
    return found


def other_threads():
    """What each thread that is not of this process's family has run, in nanoseconds, the kernel's own included: they
    take a CPU from the server or from the load. ksoftirqd is left out, since the work it does is the load's."""
    ours, found = set(family(os.getpid())), {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        if int(pid) in ours:
            continue
        try:
            if read(f'/proc/{pid}/comm').startswith('ksoftirqd'):
                continue
            for thread in os.listdir(f'/proc/{pid}/task'):
                found[thread] = int(read(f'/proc/{pid}/task/{thread}/schedstat').split()[0])
        except OSError:
            pass
    return found


def grown(before, after):
    """Seconds that the threads ran in between."""
    return sum(max(0, ran - before.get(thread, 0)) for thread, ran in after.items()) / 1e9


def process_cpu_seconds(pid):
    """What all its threads ran, to the nanosecond."""
    total = 0
    for one in family(pid):
        try:
            for thread in os.listdir(f'/proc/{one}/task'):
                total += int(read(f'/proc/{one}/task/{thread}/schedstat').split()[0])
        except OSError:
            pass
    return total / 1e9


def resident_bytes(pid):
    total = 0
    for one in family(pid):
        try:
            total += int(re.search(r'VmRSS:\s+(\d+)', read(f'/proc/{one}/status')).group(1)) * 1024
        except (OSError, AttributeError):
            pass
    return total


def kernel_bytes():
    """Slab memory of the whole system: sockets, buffers and what hangs on them, both ends of a loopback connection."""
    return int(re.search(r'^Slab:\s+(\d+)', read('/proc/meminfo'), re.MULTILINE).group(1)) * 1024


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
