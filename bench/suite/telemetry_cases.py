"""What it costs to watch: a log line for every request, metrics and traces, against a server that does none of it."""
from outcome import Outcome
from servers import Recipe, Server

KNOWN_USER = '019c0000-0000-7000-8000-000000000001'  # whom users_memory has from the start
ROUNDS_MIN = 10
CALLS = ('io_uring_enter', 'write', 'read', 'poll', 'futex')


def telemetry(bench):
    program = bench.menu.listening('bench/users/users_memory')
    path = f'/users/{KNOWN_USER}'
    off = Recipe('off', lambda port, folder: [*program(port, folder), '--metrics', 'off'], path)
    metrics = Recipe('metrics', program, path)
    all_on = Recipe('on', lambda port, folder: [*program(port, folder), '--log', str(folder / 'access.log')], path)
    found = Outcome('telemetry', '64 connections, GET /users/{id} from memory, with all telemetry, with metrics alone and without')
    bench.alternate(found, [off, metrics, all_on], rounds=max(bench.rounds, ROUNDS_MIN), seconds=min(bench.seconds, 2))
    found.claim_ratio('CPU a request with all on ÷ off', 'on', 'off', 'cpu_us', 1.08)
    found.fact_ratio('CPU a request with metrics alone ÷ off', 'metrics', 'off', 'cpu_us')
    found.fact_ratio('p99 with all on ÷ off', 'on', 'off', 'p99_us')
    count_calls(bench, found, off, all_on)
    return found


def count_calls(bench, found, off, all_on):
    counted = {}
    for recipe in (off, all_on):
        with Server(recipe, bench.load.server_cpu) as server:
            bench.load.warm_up(server)
            calls = bench.load.system_calls(server, CALLS, bench.seconds)
        if calls is None:
            print('perf may not count system calls here; they are left out')
            return
        counted[recipe.name] = sum(calls.values())
        found.fact(f'{recipe.name}: system calls for each request', counted[recipe.name], '')
    found.claim('more system calls for each request with all on', counted['on'] - counted['off'], 0.05)


CASES = [telemetry]
