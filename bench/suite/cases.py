"""What is measured. Each case is a function of a Bench and gives an Outcome; GROUPS says which belong together."""
import contextlib
import math
import socket
import statistics
import time

import arena_cases
import cache_cases
import limit_cases
import machine
import postgres_cases
import recovery_cases
import telemetry_cases
from database import Database, redis_server
from load import OTHERS_MAX_FOR_TAIL
from outcome import Outcome
from servers import Recipe, Server

IDLE_BEFORE, IDLE_MORE = 1000, 10_000
SLOW_CLIENTS = 10_000
HEADER_TIMEOUT = 10  # seconds; a default of the server's
KNOWN_USER = '019c0000-0000-7000-8000-000000000001'  # whom users_memory has from the start
PAIRS_MIN = 20
STARTS = 20
SETTLE_SECONDS = 0.5
WINDOW_SECONDS_MAX = 1.25  # on the average, of one that should take a second


class Bench:
    """What every case needs: the recipes, the load, and how long to measure."""

    def __init__(self, menu, load, rounds, seconds, running):
        """`running`: an ExitStack that ends what stays up between cases."""
        self.menu, self.load, self.rounds, self.seconds, self.running = menu, load, rounds, seconds, running
        self.postgres = None
        self.redis = None
        self.crowd = menu.build / 'bench/load/crowd'

    def database(self):
        """One PostgreSQL for all cases that need it."""
        if self.postgres is None:
            self.postgres = Database(self.menu.build / 'sluice', self.load)
            self.running.callback(self.postgres.stop)
        return self.postgres

    def shared_redis(self):
        """One Redis, the tests' own, unpinned, for all cases that need it."""
        if self.redis is None:
            self.redis = redis_server()
            self.running.callback(self.redis.stop)
        return self.redis

    def alternate(self, outcome, recipes, rounds=None, seconds=None, warm_seconds=1, total_seconds=math.inf, **how):
        """All servers run the whole time, since one without work costs nothing; the windows take turns, and every round
        begins with another server, so that none is always the one after a certain other. No round begins after
        `total_seconds`."""
        seconds = seconds or self.seconds
        with contextlib.ExitStack() as running:
            servers = [running.enter_context(Server(recipe, self.load.server_cpu)) for recipe in recipes]
            for server in servers:
                self.load.warm_up(server, warm_seconds, **how)
            end = time.monotonic() + total_seconds
            for turn in range(rounds or self.rounds):
                if time.monotonic() > end:
                    break
                first = turn % len(servers)
                for server in servers[first:] + servers[:first]:
                    outcome.add(server.name, self.load.wrk(server, seconds, **how))

    def alternate_often(self, outcome, recipes, rounds_min, **how):
        """For a ratio whose bound is near: many windows of a second, fewer where other programs have them taken again."""
        rounds = max(self.rounds, rounds_min)
        self.alternate(outcome, recipes, rounds, 1, total_seconds=rounds * len(recipes) * WINDOW_SECONDS_MAX, **how)


def pipeline(bench):
    menu = bench.menu
    found = Outcome('pipeline', '64 connections, one request at a time')
    bench.alternate(found, menu(menu.floor, menu.nginx, menu.node, menu.sluice))
    found.claim_ratio('CPU of the floor ÷ nginx (it is a floor)', 'floor', 'nginx', 'cpu_us', 0.92)
    found.claim_ratio('CPU a request ÷ floor', 'sluice', 'floor', 'cpu_us', 1.10)
    found.claim_ratio('CPU a request ÷ nginx', 'sluice', 'nginx', 'cpu_us', 1.0)
    return found


def pipelined(bench):
    menu = bench.menu
    found = Outcome('pipelined', '64 connections, pipelined 16 deep')
    bench.alternate(found, menu(menu.floor, menu.nginx, menu.node, menu.sluice), script='pipelined')
    found.claim_ratio('CPU a request ÷ floor', 'sluice', 'floor', 'cpu_us', 1.5)
    found.claim_ratio('throughput ÷ nginx', 'sluice', 'nginx', 'rps', 6, least=True)
    return found


def limited(bench):
    menu = bench.menu
    found = Outcome('limited', '64 connections, a new one every 10 requests')
    bench.alternate(found, menu(menu.nginx, menu.node, menu.sluice), script='limited')
    found.claim_ratio('CPU a request ÷ nginx', 'sluice', 'nginx', 'cpu_us', 1.0)
    return found


def users(bench):
    """GET /users/{id} through the whole stack, from the repository in memory."""
    menu = bench.menu
    recipe = Recipe('sluice', menu.listening('bench/users/users_memory'), f'/users/{KNOWN_USER}')
    found = Outcome('users', '64 connections, GET /users/{id} from the repository in memory')
    bench.alternate(found, menu(menu.floor, recipe))
    found.claim_ratio('CPU a request ÷ floor', 'sluice', 'floor', 'cpu_us', 1.2)
    return found


def one(bench):
    menu = bench.menu
    found = Outcome('one', 'one connection, one request at a time')
    bench.alternate(found, menu(menu.floor, menu.nginx, menu.node, menu.sleeps, menu.polls), connections=1)
    found.claim_ratio('p50 with busy_poll=auto ÷ nginx', 'polls', 'nginx', 'p50_us', 0.5)
    found.claim_ratio('CPU a request with busy_poll=auto ÷ off', 'polls', 'sleeps', 'cpu_us', 1.0)
    return found


def pairs(bench):
    menu = bench.menu
    rounds = max(PAIRS_MIN, bench.rounds)
    found = Outcome('pairs', f'64 connections, busy_poll auto and off, {rounds} pairs')
    bench.alternate(found, [menu.sleeps, menu.polls], rounds, min(bench.seconds, 2))
    found.claim_ratio('CPU a request with busy_poll=auto ÷ off', 'polls', 'sleeps', 'cpu_us', 1.05)
    return found


def nothing(bench):
    """The CPU that a server takes which has worked and now has nothing to do."""
    found = Outcome('nothing', 'no requests, after a load')
    with Server(bench.menu.polls, bench.load.server_cpu) as server:
        for connections in (1, 64):
            bench.load.warm_up(server, connections=connections)
            time.sleep(0.5)
            before = machine.process_cpu_seconds(server.pid)
            time.sleep(bench.seconds)
            used = (machine.process_cpu_seconds(server.pid) - before) / bench.seconds * 1000
            found.claim(f'CPU while idle after {connections} connections, ms a second', used, 0.5)
    return found


def idle_memory(bench):
    found = Outcome('idle-memory', f'an idle connection that has served one request: growth from {IDLE_BEFORE} to '
                                   f'{IDLE_BEFORE + IDLE_MORE}')
    menu = bench.menu
    for recipe in menu(menu.sluice, menu.nginx):
        own, kernel = [], []
        for _ in range(3):
            with (Server(recipe, bench.load.server_cpu) as server,
                  bench.load.crowd(bench.crowd, 'idle', server, IDLE_BEFORE, 60)):
                before = machine.resident_bytes(server.pid), machine.kernel_bytes()
                with bench.load.crowd(bench.crowd, 'idle', server, IDLE_MORE, 60) as ended:
                    own.append((machine.resident_bytes(server.pid) - before[0]) / IDLE_MORE)
                    kernel.append((machine.kernel_bytes() - before[1]) / IDLE_MORE)
                    if ended(wait=False)['closed']:
                        raise SystemExit(f'bench: {server.name} closed idle connections')
        found.fact(f'{recipe.name}: memory of its own', statistics.median(own), 'bytes')
        found.fact(f'{recipe.name}: the kernel\'s, of both ends', statistics.median(kernel), 'bytes')
        if recipe is menu.sluice:
            found.claim('bytes of the server\'s own memory', statistics.median(own), 512)
    return found


def beside_a_crowd(bench, outcome, recipe, mode, count, seconds):
    """Windows of one server, alone and beside the crowd, alternating; gives what became of each crowd. A window in which
    another program took a CPU for long enough to be seen in the 99th percentile is taken again, beside slow clients
    once, since they are there for as long as their deadline only."""
    quiet = {'seconds': min(bench.seconds, 2), 'others_max': OTHERS_MAX_FOR_TAIL}
    tries = {'tries': 2} if mode == 'slow' else {}
    name, ends = recipe.name, []
    with Server(recipe, bench.load.server_cpu) as server:
        bench.load.warm_up(server)
        for _ in range(bench.rounds):
            outcome.add(f'{name} alone', bench.load.wrk(server, **quiet))
            with bench.load.crowd(bench.crowd, mode, server, count, seconds) as ended:
                time.sleep(SETTLE_SECONDS)
                outcome.add(f'{name} beside', bench.load.wrk(server, **quiet, **tries))
                ends.append(ended(wait=mode == 'slow'))
            time.sleep(SETTLE_SECONDS)  # thousands of connections close
    return ends


def idle_latency(bench):
    menu = bench.menu
    found = Outcome('idle-latency', f'64 busy connections, alone and beside {IDLE_MORE} idle ones')
    for recipe in menu(menu.sluice, menu.nginx):
        beside_a_crowd(bench, found, recipe, 'idle', IDLE_MORE, 60)
    found.claim_ratio('p99 ÷ alone', 'sluice beside', 'sluice alone', 'p99_us', 1.1)
    found.fact_ratio('nginx: p99 ÷ alone', 'nginx beside', 'nginx alone', 'p99_us')
    return found


def slow(bench):
    menu = bench.menu
    found = Outcome('slow', f'64 busy connections, alone and beside {SLOW_CLIENTS} clients that send a byte a second, '
                            'whose packets are work for both CPUs')
    for recipe in menu(menu.sluice, menu.nginx):
        seconds = HEADER_TIMEOUT * 2 if recipe is menu.sluice else HEADER_TIMEOUT // 2
        ends = beside_a_crowd(bench, found, recipe, 'slow', SLOW_CLIENTS, seconds)
        if recipe is menu.nginx:
            continue
        found.fact('slow clients cut off', min(end['closed'] for end in ends), f'of {SLOW_CLIENTS}')
        found.fact('the first after', min(end['first'] for end in ends), 's')
        found.fact('the median after', statistics.median(end['median'] for end in ends), 's')
        found.claim('slow clients that were not cut off', SLOW_CLIENTS - min(end['closed'] for end in ends), 0)
        found.claim('the last one cut off, s after it came', max(end['last'] for end in ends), HEADER_TIMEOUT + 2)
    found.claim_ratio('p50 of good clients ÷ alone', 'sluice beside', 'sluice alone', 'p50_us', 1.25)
    found.fact_ratio('p99 of good clients ÷ alone', 'sluice beside', 'sluice alone', 'p99_us')
    found.fact_ratio('nginx: p50 of good clients ÷ alone', 'nginx beside', 'nginx alone', 'p50_us')
    found.fact_ratio('nginx: p99 of good clients ÷ alone', 'nginx beside', 'nginx alone', 'p99_us')
    found.claim_ratio('p99 of good clients ÷ nginx\'s', 'sluice beside', 'nginx beside', 'p99_us', 1.0)
    return found


def startup(bench):
    found = Outcome('startup', f'from the start of the process to its first answer, {STARTS} starts')
    build = bench.menu.build
    programs = {'arena': ([str(build / 'bench/arena/arena'), '--shards', '1'], '/pipeline'),
                'serve': ([str(build / 'sluice'), 'serve', '--shards', '1', '--admin-listen', '127.0.0.1:0'], '/healthz')}
    for name, (command, path) in programs.items():
        times = []
        for _ in range(STARTS):
            recipe = Recipe(name, lambda port, _, command=command: [*command, '--listen', f'127.0.0.1:{port}'], path)
            times.append(first_answer(recipe, bench.load.server_cpu))
        found.fact(f'{name}: the slowest', max(times), 'ms')
        found.claim(f'{name}, median, ms', statistics.median(times), 50)
    return found


def first_answer(recipe, cpu):
    """Milliseconds. What starting a process at all takes is part of it."""
    began = time.monotonic()
    with StartingServer(recipe, cpu) as server:
        with socket.create_connection(('127.0.0.1', server.port), 5) as connection:
            connection.sendall(f'GET {recipe.path} HTTP/1.1\r\nHost: bench\r\n\r\n'.encode())
            if not connection.recv(4096).startswith(b'HTTP/1.1 200'):
                raise SystemExit(f'bench: {recipe.name} answered wrongly')
        return (time.monotonic() - max(began, server.began)) * 1000


class StartingServer(Server):
    """Looks for the listener as often as it can."""

    poll_seconds = 0.0002


GROUPS = {
    'core': [pipeline, pipelined, users, limited],
    'poll': [one, pairs, nothing],
    'idle': [idle_memory, idle_latency],
    'slow': [slow],
    'startup': [startup],
    'limit': limit_cases.CASES,
    'postgres': [*postgres_cases.CASES, *recovery_cases.CASES],
    'arena': arena_cases.CASES,
    'cache': cache_cases.CASES,
    'telemetry': telemetry_cases.CASES,
}
