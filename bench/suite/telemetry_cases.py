"""What it costs to watch: a log line for every request, metrics, and one trace of a hundred sent to a collector, against a
server that does none of it. Users are read from the first tier, which has them all; PostgreSQL is behind it."""
import contextlib
import subprocess
import sys
import time
from pathlib import Path

from outcome import Outcome
from servers import Recipe, Server

ROUNDS_MIN = 60  # one differs from the next by 13 %, so their median is sure to some 4 %
METRICS_ROUNDS_MIN = 10
WARM_SECONDS = 4  # until each of the 10 000 users has been asked for
LOG = 'access.log'
CALLS = ('io_uring_enter', 'write', 'read', 'poll', 'futex')
EXPORT_SECONDS = 6  # an exporter's interval, and a little
KEPT_LEAST = 0.005  # of a hundredth, spans that stay behind at the end allowed for


class Collector:
    """Takes traces beside the load, so that its work is not the server's, and counts them."""

    def __init__(self, cpu):
        program = Path(__file__).with_name('collector.py')
        self.process = subprocess.Popen(['taskset', '-c', str(cpu), sys.executable, str(program)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def spans(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Recipes:
    def __init__(self, bench, collector):
        program = bench.menu.listening('bench/users/users_cached')
        environment = {'DATABASE_URL': bench.database().with_users().url}

        def recipe(name, *more):
            command = lambda port, folder: [*program(port, folder), *(str(folder / one) if one == LOG else one for one in more)]  # noqa: E731
            return Recipe(name, command, environment=environment)
        off, on = ('--metrics', 'off'), ('--log', LOG, '--traces', collector.url)
        sleeps = ('--busy-poll', 'off')  # polling is a system call, and how often it pays differs from run to run
        self.off, self.metrics, self.on = recipe('off', *off), recipe('metrics'), recipe('on', *on)
        self.counted = recipe('off', *off, *sleeps), recipe('on', *on, *sleeps)


def telemetry(bench):
    found = Outcome('telemetry', '64 connections, GET /users/{id} from the first tier, with all telemetry, with metrics alone and without')
    collector = Collector(bench.load.load_cpu)
    with contextlib.ExitStack() as until_the_end:
        until_the_end.callback(collector.stop)
        recipes = Recipes(bench, collector)
        how = {'warm_seconds': WARM_SECONDS, 'script': 'users'}
        bench.alternate_often(found, [recipes.off, recipes.on], ROUNDS_MIN, **how)
        bench.alternate_often(found, [recipes.off.named('off again'), recipes.metrics], METRICS_ROUNDS_MIN, **how)
        found.claim_ratio('CPU a request with all on ÷ off', 'on', 'off', 'cpu_us', 1.08)
        found.fact_ratio('CPU a request with metrics alone ÷ off', 'metrics', 'off again', 'cpu_us')
        found.fact_ratio('p99 with all on ÷ off', 'on', 'off', 'p99_us')
        count_what_was_written(bench, found, recipes.on, collector)
        count_calls(bench, found, recipes.counted)
    return found


def count_what_was_written(bench, found, recipe, collector):
    """What is not done costs nothing: every line must be in the file, and one request of a hundred at the collector."""
    with Server(recipe, bench.load.server_cpu) as server:
        spans = collector.spans()
        requests = bench.load.window(server, bench.seconds, connections=64, script='users')['requests']
        time.sleep(EXPORT_SECONDS)
        with (server.folder / LOG).open('rb') as log:
            lines = sum(b'"message":"request"' in line for line in log)
        found.claim('access lines ÷ requests', lines / requests, 1, least=True)
        found.claim('spans at the collector ÷ requests', (collector.spans() - spans) / requests, KEPT_LEAST, least=True)


def count_calls(bench, found, recipes):
    more, counted = 'more system calls for each request with all on', {}
    for recipe in recipes:
        with Server(recipe, bench.load.server_cpu) as server:
            bench.load.warm_up(server, WARM_SECONDS, script='users')
            calls = bench.load.system_calls(server, CALLS, bench.seconds, script='users')
        if calls is None:
            print('perf may not count system calls here')
            return found.claim(more, None, 0.05)
        counted[recipe.name] = sum(calls.values())
        found.fact(f'{recipe.name}: system calls for each request', counted[recipe.name], '')
    found.claim(more, counted['on'] - counted['off'], 0.05)


CASES = [telemetry]
