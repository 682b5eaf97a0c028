"""What is measured of users on PostgreSQL. The server is on its CPU, PostgreSQL wherever the kernel puts it; what the load
asks for is random among 10 000 users, and nobody writes an access log."""
import statistics

from outcome import Outcome
from servers import Recipe, Server

CONNECTIONS = [1, 2, 4, 8, 20]
FLOOR_POLLS_US = 200
WAITING = 32


class Recipes:
    def __init__(self, bench, database):
        menu, url = bench.menu, database.url
        self.floor = Recipe('pg_floor', lambda port, _: [str(menu.build / 'bench/pg_floor/pg_floor'), str(port)],
                            environment={'DATABASE_URL': url})
        self.floor_polls = self.floor.named('pg_floor polls', BUSY_POLL_US=str(FLOOR_POLLS_US))
        self.fastify = menu.fastify.named('fastify', DATABASE_URL=url)
        serve = lambda port, _: [str(menu.build / 'sluice'), 'serve', '--listen', f'127.0.0.1:{port}', '--shards', '1',  # noqa: E731
                                 '--admin-listen', '127.0.0.1:0']
        self.sluice = Recipe('sluice', serve, environment={'DATABASE_URL': url, 'SLUICE_LOG_ACCESS': 'false',
                                                           'SLUICE_CACHE_L1_BYTES': '0'})
        self.sleeps = self.sluice.named('sluice sleeps', SLUICE_REACTOR_BUSY_POLL='off')
        self.polls = self.sluice.named('sluice polls', SLUICE_REACTOR_BUSY_POLL=f'{FLOOR_POLLS_US}us')

    def pinned(self, bench, name, connections):
        """Requests go round so many connections that each is its own pool: what the pool's rule would choose from."""
        command = lambda port, _: [str(bench.menu.build / 'bench/users/users_postgres'), '--listen', f'127.0.0.1:{port}',  # noqa: E731
                                   '--shards', '1', '--connections', str(connections)]
        return Recipe(name, command, environment=self.sluice.environment)


def postgres_users(bench):
    recipes = Recipes(bench, bench.database().with_users())
    found = Outcome('postgres-users', '64 connections, GET /users/{id} from PostgreSQL', cpu='process_us')
    bench.alternate(found, bench.menu(recipes.floor, recipes.fastify, recipes.sluice), script='users')
    found.claim_ratio('throughput ÷ pg_floor', 'sluice', 'pg_floor', 'rps', 0.85, least=True)
    found.claim_ratio('throughput ÷ Fastify', 'sluice', 'fastify', 'rps', 5, least=True)
    tails = [one['p99_us'] / one['p50_us'] for one in found.windows['sluice'] if one['p99_us'] and one['p50_us']]
    if tails:
        found.claim('p99 ÷ p50', statistics.median(tails), 3)
    return found


def postgres_one(bench):
    recipes = Recipes(bench, bench.database().with_users())
    found = Outcome('postgres-one', 'one connection, GET /users/{id} from PostgreSQL, one request at a time', cpu='process_us')
    bench.alternate(found, bench.menu(recipes.floor, recipes.floor_polls, recipes.fastify, recipes.sleeps, recipes.polls,
                                      recipes.sluice),
                    script='users', connections=1)
    found.claim_ratio('p50, both polling ÷ pg_floor', 'sluice polls', 'pg_floor polls', 'p50_us', 1.2)
    found.claim_ratio('p50, neither polling ÷ pg_floor', 'sluice sleeps', 'pg_floor', 'p50_us', 1.2)
    # By its default it polls where that costs less CPU × time, which beside a slow database it does not.
    found.fact_ratio('p50 by default ÷ pg_floor that polls', 'sluice', 'pg_floor polls', 'p50_us')
    found.fact_ratio('p50 by default ÷ pg_floor that does not', 'sluice', 'pg_floor', 'p50_us')
    return found


def postgres_calls(bench):
    """The HTTP side sends and receives through the ring, so these calls are libpq's alone."""
    recipes = Recipes(bench, bench.database().with_users())
    found = Outcome('postgres-calls', 'system calls on the database\'s socket, 64 connections, GET /users/{id}')
    for recipe in (recipes.floor, recipes.sluice):
        with Server(recipe, bench.load.server_cpu) as server:
            bench.load.warm_up(server, script='users')
            calls = bench.load.system_calls(server, ('sendto', 'recvfrom'), bench.seconds, script='users')
        if calls is None:
            print('perf may not count system calls here')
        for name, count in (calls or {}).items():
            found.fact(f'{recipe.name}: {name} for each query', count, '')
        if recipe is recipes.sluice:
            found.claim('send and recv for each query', sum(calls.values()) if calls else None, 0.5)
    return found


def postgres_locked(bench):
    """Reads of users alone, beside writes that all wait for their table, and beside reads that all wait for another one: the
    one that says which migrations were made, which readiness asks for. Those who wait are there only where it is held, and
    are turned away each second, so that they meet it again and again, all at once."""
    database = bench.database().with_users()
    recipe = Recipes(bench, database).sluice.named('sluice', SLUICE_POSTGRES_STATEMENT_TIMEOUT='1s')
    found = Outcome('postgres-locked', f'64 connections, GET /users/{{id}} from PostgreSQL, alone and while {WAITING} others wait for a lock',
                    cpu='process_us')
    how = {'seconds': bench.seconds, 'script': 'users'}
    with Server(recipe, bench.load.server_cpu) as server:
        bench.load.warm_up(server, script='users')
        for _ in range(bench.rounds):
            found.add('free', bench.load.wrk(server, **how))
            with database.locked('users'), bench.load.beside(server, WAITING, 'users_write'):
                found.add('locked', bench.load.wrk(server, **how))
            with database.locked('sluice_schema', 'ACCESS EXCLUSIVE'), bench.load.beside(server, WAITING, 'readiness'):
                found.add('another locked', bench.load.wrk(server, **how))
    found.claim_ratio('p99 while the table is locked ÷ while it is free', 'locked', 'free', 'p99_us', 2)
    found.claim_ratio('p99 while others read a table that is locked ÷ while it is free', 'another locked', 'free', 'p99_us', 2)
    found.fact_ratio('throughput while the table is locked ÷ while it is free', 'locked', 'free', 'rps')
    found.fact_ratio('throughput while others read a table that is locked ÷ while it is free', 'another locked', 'free', 'rps')
    return found


def curve(bench, name, script, title):
    """Over the number of connections to PostgreSQL, and beside them what the server's own rule makes of its most."""
    recipes = Recipes(bench, bench.database().with_users())
    found = Outcome(name, f'64 connections, {title}, by the number of connections to PostgreSQL', cpu='process_us')
    bench.alternate(found, [*(recipes.pinned(bench, f'{count} in turn', count) for count in CONNECTIONS),
                            recipes.sluice.named('own rule')], script=script)
    best = max(found.median(server, 'rps') for server in found.windows if server != 'own rule')
    found.claim('throughput by the own rule ÷ by the best count', found.median('own rule', 'rps') / best, 0.85, least=True)
    return found


def postgres_reads(bench):
    return curve(bench, 'postgres-reads', 'users', 'GET /users/{id}')


def postgres_writes(bench):
    return curve(bench, 'postgres-writes', 'users_write', 'PATCH /users/{id}')


def postgres_mix(bench):
    return curve(bench, 'postgres-mix', 'users_mix', 'four reads and a write in turn')


CASES = [postgres_users, postgres_one, postgres_calls, postgres_locked, postgres_reads, postgres_writes, postgres_mix]
