"""The loads of the public benchmark HttpArena on bench/arena, each by its profile, on one CPU where it has 64. They tell
how the application does, and promise nothing."""
from outcome import Outcome
from servers import Recipe


CRUD = '75 % reads of an item, 15 % updates, 5 % lists, 5 % creations; a new connection every 200 requests'


def measured(bench, name, title, script, connections, database=False):
    """`connections`: as many windows' names as there are numbers of them."""
    found = Outcome(name, f'HttpArena: {title}')
    environment = {'DATABASE_URL': bench.database().with_items().url} if database else {}
    recipe = Recipe('arena', bench.menu.listening('bench/arena/arena'), '/pipeline', environment)
    for count in connections:
        bench.alternate(found, [recipe.named(f'{count} clients')], script=script, connections=count)
    return found


def arena_baseline(bench):
    return measured(bench, 'arena-baseline', 'sums of query and body', 'arena_baseline', (512, 4096))


def arena_limited(bench):
    return measured(bench, 'arena-limited', 'the same with a new connection every 10 requests', 'arena_limited', (512, 4096))


def arena_pipelined(bench):
    return measured(bench, 'arena-pipelined', 'pipelined 16 deep', 'pipelined', (512, 4096))


def arena_json(bench):
    return measured(bench, 'arena-json', '1 to 50 items as JSON', 'arena_json', (512, 4096))


def arena_async_db(bench):
    return measured(bench, 'arena-async-db', '5 to 50 items from the database', 'arena_async_db', (1024,), database=True)


def arena_crud(bench):
    return measured(bench, 'arena-crud', CRUD, 'arena_crud', (4096,), database=True)


def arena_crud_peers(bench):
    """The server is on its CPU, PostgreSQL wherever the kernel puts it, so what counts is the CPU of the process alone."""
    environment = {'DATABASE_URL': bench.database().with_items().url, 'DATABASE_MAX_CONN': '20'}
    sluice = Recipe('sluice', bench.menu.listening('bench/arena/arena'), '/pipeline', environment)
    fastify = bench.menu.crud_fastify().named('fastify', **environment)
    found = Outcome('arena-crud-peers', f'256 connections, {CRUD}', cpu='process_us')
    bench.alternate(found, bench.menu(fastify, sluice), script='arena_crud', connections=256)
    found.fact_ratio('throughput ÷ Fastify with lru-cache', 'sluice', 'fastify', 'rps')
    found.fact_ratio('99th percentile ÷ Fastify with lru-cache', 'sluice', 'fastify', 'p99_us')
    found.fact_ratio('CPU a request ÷ Fastify with lru-cache', 'sluice', 'fastify', 'process_us')
    return found


def arena_api(bench):
    return measured(bench, 'arena-api', 'sums, JSON and items from the database', 'arena_api', (256,), database=True)


CASES = [arena_baseline, arena_limited, arena_pipelined, arena_json, arena_async_db, arena_crud, arena_crud_peers, arena_api]
