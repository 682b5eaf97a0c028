"""How soon users are read at full speed again after each fault of PostgreSQL: from when it takes connections once more, or
what held it up is undone."""
import statistics
import time

import machine
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


def happen(bench, fault, database, until):
    """When the fault began and when it was over, and how much of a CPU other programs took meanwhile. With much of that it
    says nothing, and is made again, if that begins in time."""
    for last in reversed(range(bench.load.tries)):
        others, began = machine.other_threads(), time.monotonic()
        time.sleep(min(bench.seconds, BEFORE_SECONDS_MAX))
        at = time.monotonic()
        fault(database)
        back = time.monotonic()
        time.sleep(SECONDS + WINDOW)
        share = machine.grown(others, machine.other_threads()) / (time.monotonic() - began)
        if not last or share <= OTHERS_MAX or time.monotonic() > until:
            return at, back, share


def postgres_recovery(bench):
    """Each fault in turn, one after the other, under one load."""
    database, rounds, before = bench.database().with_users(), min(bench.rounds, ROUNDS_MAX), min(bench.seconds, BEFORE_SECONDS_MAX)
    found = Outcome('postgres-recovery', f'64 connections, GET /users/{{id}} through faults of PostgreSQL, up to {rounds} of each')
    happened = {name: [] for name in FAULTS}
    with database.places(PLACES), Server(Recipes(bench, database).sluice, bench.load.server_cpu) as server:
        bench.load.warm_up(server, script='users')
        with bench.load.beside(server, 64, 'users_noting'):
            time.sleep(1)  # until it is at full speed
            end, left = time.monotonic() + TOTAL_SECONDS, rounds * len(FAULTS)
            for _ in range(rounds):
                for name, fault in FAULTS.items():
                    if not happened[name] or time.monotonic() < end - EACH_SECONDS:
                        happened[name].append(happen(bench, fault, database, end - EACH_SECONDS * left))
                    left -= 1
    answers, rates = bench.load.noted(), []
    for name, times in happened.items():
        usual, first, again = zip(*(recovery(answers, before, at, back, SECONDS) for at, back, _ in times))
        rates += usual
        found.fact(f'{name}: lasted, median', statistics.median(back - at for at, back, _ in times), 's')
        found.fact(f'{name}: from its end to the first answer, at most', max(first), 's')
        found.fact(f'{name}: from its end to 90 % of the throughput before, at most', max(again), 's')
        found.claim(f'{name}: seconds from its end to 90 % of the throughput before, median', statistics.median(again), 2)
    found.fact('throughput before, median', statistics.median(rates), '/s')
    found.fact('of a CPU that other programs took meanwhile, at most', max(share for times in happened.values() for *_, share in times), '')
    return found


CASES = [postgres_recovery]
