"""How soon users are read at full speed again after each fault of PostgreSQL: from when it takes connections once more, or
what held it up is undone."""
import contextlib
import functools
import statistics
import time

import machine
from database import Bouncer, Database, Encrypted, Pair
from load import OTHERS_MAX
from outcome import Outcome
from postgres_cases import Recipes
from servers import Server

SECONDS = 2.5  # that a return is watched for
WINDOW = 0.25
BEFORE_SECONDS_MAX = 1.5
HELD_SECONDS = 1  # a fault that lasts until it is undone
EACH_SECONDS = 6  # with what is before and after it
ROUNDS_MAX = 3
TOTAL_SECONDS = 110  # none is made again when that would be too late for the others, and those of the last round may be left out
SETUP_SECONDS = 22  # for each of several setups
PLACES = 24  # of PostgreSQL's sessions, more than the server wants


def restarted(database):
    database.server.restart()


def killed(database):
    database.server.kill()
    database.server.start()


def thrown_out(database):
    database.server.psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sluice'")


def frozen(database):
    database.server.freeze()
    time.sleep(HELD_SECONDS)
    database.server.thaw()


def locked(database):
    with database.locked('users', 'ACCESS EXCLUSIVE'):
        time.sleep(HELD_SECONDS)


def full(database):
    with database.occupied(PLACES):
        time.sleep(HELD_SECONDS)


FAULTS = {'restarted': restarted, 'killed and started': killed, 'every session ended': thrown_out, 'stopped and continued': frozen,
          'table locked and released': locked, 'all places taken and freed': full}


def recovery(answers, before, fault, back, seconds):
    """From what load.noted() gave: answers a second in the time `before` the fault, and how long after the return the first
    came, and the first window with nine tenths of that rate began; at most the `seconds` that it was watched."""
    def rate(begin, length):
        return sum(count for when, count in answers if begin <= when < begin + length) / length
    usual = rate(fault - before, before)
    after = [when for when, _ in answers if back <= when <= back + seconds]
    full = (when for when in after if rate(when, WINDOW) >= 0.9 * usual)
    return usual, next(iter(after), back + seconds) - back, next(full, back + seconds) - back


def happen(bench, fault, until):
    """When the fault began and when it was over, and how much of a CPU other programs took meanwhile. With much of that it
    says nothing, and is made again, if that begins in time."""
    for last in reversed(range(bench.load.tries)):
        fault.prepare()
        others, began = machine.other_threads(), time.monotonic()
        time.sleep(min(bench.seconds, BEFORE_SECONDS_MAX))
        at = time.monotonic()
        fault.make()
        back = time.monotonic()
        time.sleep(SECONDS + WINDOW)
        share = machine.grown(others, machine.other_threads()) / (time.monotonic() - began)
        if not last or share <= OTHERS_MAX or time.monotonic() > until:
            return at, back, share


class Fault:
    def __init__(self, make, prepare=lambda: None):
        """`prepare`: what it needs to be made again, which nobody measures."""
        self.make, self.prepare = make, prepare


class Recoveries:
    """What became of each fault, under however many loads."""

    def __init__(self, bench, name, title):
        self.bench = bench
        self.rounds, self.before = min(bench.rounds, ROUNDS_MAX), min(bench.seconds, BEFORE_SECONDS_MAX)
        self.found = Outcome(name, f'64 connections, GET /users/{{id}} {title}, up to {self.rounds} of each')
        self.rates, self.shares = [], []

    def watch(self, recipe, faults, seconds):
        """Each fault in turn, one after the other, under one load."""
        load, happened = self.bench.load, {name: [] for name in faults}
        with Server(recipe, load.server_cpu) as server:
            load.warm_up(server, script='users')
            with load.beside(server, 64, 'users_noting'):
                time.sleep(1)  # until it is at full speed
                end, left = time.monotonic() + seconds, self.rounds * len(faults)
                for _ in range(self.rounds):
                    for name, fault in faults.items():
                        if not happened[name] or time.monotonic() < end - EACH_SECONDS:
                            happened[name].append(happen(self.bench, fault, end - EACH_SECONDS * left))
                        left -= 1
        answers = load.noted()
        for name, times in happened.items():
            self.judge(name, times, answers)

    def judge(self, name, times, answers):
        usual, first, again = zip(*(recovery(answers, self.before, at, back, SECONDS) for at, back, _ in times))
        self.rates += usual
        self.shares += [share for *_, share in times]
        self.found.fact(f'{name}: lasted, median', statistics.median(back - at for at, back, _ in times), 's')
        self.found.fact(f'{name}: from its end to the first answer, at most', max(first), 's')
        self.found.fact(f'{name}: from its end to 90 % of the throughput before, at most', max(again), 's')
        self.found.claim(f'{name}: seconds from its end to 90 % of the throughput before, median', statistics.median(again), 2)

    def outcome(self):
        self.found.fact('throughput before, median', statistics.median(self.rates), '/s')
        self.found.fact('of a CPU that other programs took meanwhile, at most', max(self.shares), '')
        return self.found


def postgres_recovery(bench):
    database = bench.database().with_users()
    found = Recoveries(bench, 'postgres-recovery', 'through faults of PostgreSQL')
    with database.places(PLACES):
        faults = {name: Fault(functools.partial(make, database)) for name, make in FAULTS.items()}
        found.watch(Recipes(bench, database).sluice, faults, TOTAL_SECONDS)
    return found.outcome()


def postgres_recovery_setups(bench):
    """What can happen where it is not one PostgreSQL that is reached directly and in the clear."""
    found = Recoveries(bench, 'postgres-recovery-setups', 'through what happens to two hosts, to PgBouncer and under TLS')
    own = functools.partial(Database, bench.menu.build / 'sluice', bench.load)

    def watch(database, name, fault, **environment):
        found.watch(Recipes(bench, database).sluice.named('sluice', **environment), {name: fault}, SETUP_SECONDS)
    with contextlib.ExitStack() as running:
        pair = running.enter_context(Pair((database := own().with_users()).server))
        watch(database, 'killed, and its replica promoted', Fault(lambda: pair.fail_over(HELD_SECONDS), pair.complete),
              DATABASE_URL=pair.url())
    database = bench.database().with_users()
    with Bouncer(database.server) as pooler:
        watch(database, 'PgBouncer restarted', Fault(pooler.restart), DATABASE_URL=pooler.url(), SLUICE_POSTGRES_POOLER='transaction')
    with own(Encrypted()).with_users() as database:
        watch(database, 'restarted, under TLS', Fault(database.server.restart),
              DATABASE_URL=database.server.url(options='?sslmode=require'))
    return found.outcome()


CASES = [postgres_recovery, postgres_recovery_setups]
