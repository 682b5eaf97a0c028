"""The load: wrk, and the crowd of clients that wrk cannot be."""
import contextlib
import re
import signal
import subprocess
import time
from pathlib import Path

import machine
from scripts import SCRIPTS

OTHERS_MAX = 0.1  # of one CPU
OTHERS_MAX_FOR_TAIL = 0.008  # somebody who takes a CPU for one per cent of the time is what a 99th percentile shows
BESIDE_SECONDS = 3600  # it is ended before
MICROSECONDS = {'us': 1, 'ms': 1e3, 's': 1e6, 'm': 6e7}

class Load:
    def __init__(self, server_cpu, load_cpu, folder, tries):
        self.tries = tries
        self.server_cpu, self.load_cpu = server_cpu, load_cpu
        self.scripts, self.ids, self.answers = {}, Path(folder) / 'ids', Path(folder) / 'answers'
        for name, text in SCRIPTS.items():
            self.scripts[name] = Path(folder) / f'{name}.lua'
            self.scripts[name].write_text(text.replace('@IDS@', str(self.ids)).replace('@ANSWERS@', str(self.answers)), encoding='utf-8')

    def users(self, ids):
        """Whom the scripts for users ask for."""
        self.ids.write_text(''.join(f'{one}\n' for one in ids), encoding='ascii')

    def warm_up(self, server, seconds=1, **how):
        self.wrk(server, seconds, tries=1, **how)

    def wrk(self, server, seconds, connections=64, script=None, tries=None, others_max=OTHERS_MAX):
        """One window of load: what it cost the server's CPU a request, and what the client saw. A window in which other
        programs were busy says nothing, and is taken again."""
        for last in reversed(range(tries or self.tries)):
            window = self.window(server, seconds, connections, script)
            if not last or window['others'] <= others_max:
                break
            time.sleep(0.3)
        return window

    def command(self, server, seconds, connections, script):
        given = ['taskset', '-c', str(self.load_cpu), 'wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency']
        if script:
            given += ['-s', str(self.scripts[script])]
        return [*given, f'http://127.0.0.1:{server.port}{server.path}']

    @contextlib.contextmanager
    def beside(self, server, connections, script):
        """Another load, which nobody measures, for as long as the block runs."""
        with subprocess.Popen(self.command(server, BESIDE_SECONDS, connections, script), stdout=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGINT)

    def noted(self):
        """What the script users_noting wrote: when, and how many answers."""
        pairs = (line.split() for line in self.answers.read_text(encoding='ascii').splitlines())
        return [(float(when), int(count)) for when, count in pairs]

    def window(self, server, seconds, connections, script):
        others = machine.other_threads()
        process, busy = machine.process_cpu_seconds(server.pid), machine.busy_seconds(self.server_cpu)
        said = subprocess.run(self.command(server, seconds, connections, script), capture_output=True, text=True, check=False).stdout
        busy = machine.busy_seconds(self.server_cpu) - busy
        process = machine.process_cpu_seconds(server.pid) - process
        requests = number(r'(\d+) requests in', said)
        if not requests:
            raise SystemExit(f'bench: {server.name} answered nothing: {said.strip()[-200:]}')
        return {'cpu_us': busy * 1e6 / requests, 'process_us': process * 1e6 / requests, 'rps': number(r'Requests/sec:\s+([\d.]+)', said),
                'p50_us': latency('50%', said), 'p99_us': latency('99%', said), 'requests': requests,
                'wrong': number(r'Non-2xx or 3xx responses: (\d+)', said), 'socket_errors': socket_errors(said),
                'others': machine.grown(others, machine.other_threads()) / seconds}

    def system_calls(self, server, names, seconds, connections=64, script=None):
        """How often a server makes each of these calls for a request; None where the kernel does not let us count."""
        counted = ['perf', 'stat', '-x,', '-e', ','.join(f'syscalls:sys_enter_{name}' for name in names), '-p', str(server.pid)]
        with contextlib.suppress(FileNotFoundError), subprocess.Popen(counted, stderr=subprocess.PIPE, text=True) as perf:
            time.sleep(0.5)  # until it counts
            requests = self.window(server, seconds, connections, script)['requests'] if perf.poll() is None else 0
            perf.send_signal(signal.SIGINT)
            counts = [line.split(',')[0] for line in perf.stderr if 'syscalls:' in line]
            if requests and len(counts) == len(names):
                return {name: float(count) / requests for name, count in zip(names, counts)}
        return None

    @contextlib.contextmanager
    def crowd(self, program, mode, server, count, seconds):
        """Clients that stay while the block runs; gives a function that ends them and tells what became of them."""
        command = ['taskset', '-c', str(self.load_cpu), str(program), mode, str(server.port), str(count), str(seconds), server.path]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if not process.stdout.readline().startswith('ready'):
                raise SystemExit(f'bench: {count} clients could not be made')

            def outcome(wait):
                """`wait`: until their time is up, instead of now."""
                if not wait:
                    process.stdin.close()
                words = process.stdout.readline().split()
                return dict(zip(words[::2], map(float, words[1::2])))
            yield outcome
        finally:
            if not process.stdin.closed:
                process.stdin.close()
            process.wait(30)
            process.stdout.close()


def number(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else 0.0


def latency(which, text):
    """wrk prints no number now and then, or zero where answers come in batches; that window counts as none."""
    found = re.search(rf'{which}\s+([\d.]+)(us|ms|s|m)\b', text)
    return float(found.group(1)) * MICROSECONDS[found.group(2)] or None if found else None


def socket_errors(text):
    found = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', text)
    return sum(map(int, found.groups())) if found else 0
