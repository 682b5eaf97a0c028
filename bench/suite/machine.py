"""What the machine says about itself: which CPUs are ours, how busy one was, how much memory a process has."""
import os
import platform
import re
import resource
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
            'kernel': platform.release(), 'date': time.strftime('%Y-%m-%d %H:%M')}


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def busy_seconds(cpu):
    """Grows as the CPU works, whoever for: what the kernel moves to ksoftirqd counts, too. Only differences mean anything."""
    fields = re.search(rf'^cpu{cpu} (.*)$', read('/proc/stat'), re.MULTILINE).group(1).split()
    return time.monotonic() - (int(fields[3]) + int(fields[4])) / TICKS


def user_seconds():
    """User time of all CPUs: who else was busy shows by what is left of it after our own processes."""
    fields = read('/proc/stat').split('\n', 1)[0].split()
    return (int(fields[1]) + int(fields[2])) / TICKS


def children_user_seconds():
    """User time of this process and of those that it started and has waited for."""
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))


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


def process_user_seconds(pid):
    total = 0
    for one in family(pid):
        try:
            total += int(read(f'/proc/{one}/stat').rpartition(')')[2].split()[11])
        except OSError:
            pass
    return total / TICKS


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
