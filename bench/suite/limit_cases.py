"""What a rate limit costs: GET /users/{id} through the whole stack, from a repository in memory and from the cache's first tier, with
one client who is never over the limit, and with one who always is. The Redis is on the same machine, wherever the kernel puts it."""
from cache_cases import Recipes
from outcome import Outcome
from servers import Recipe

KNOWN_USER = '019c0000-0000-7000-8000-000000000001'  # whom users_memory has from the start
NEVER_REACHED = 1_000_000_000


def recipes(bench, limit):
    url = f'redis://127.0.0.1:{bench.shared_redis().port}'
    base = bench.menu.listening('bench/users/users_memory')

    def recipe(name, *more):
        return Recipe(name, lambda port, folder: [*base(port, folder), *more], f'/users/{KNOWN_USER}')
    return recipe('off'), recipe('process', '--limit', str(limit)), recipe('redis', '--limit', str(limit), '--redis', url)


def limit_passes(bench):
    found = Outcome('limit-passes', '64 connections, GET /users/{id}, no limit, one of the process, one in Redis with leases')
    bench.alternate(found, recipes(bench, NEVER_REACHED))
    found.claim_ratio('CPU a request with the limit in the process ÷ off', 'process', 'off', 'cpu_us', 1.1)
    found.claim_ratio('CPU a request with the limit in Redis ÷ off', 'redis', 'off', 'cpu_us', 1.1)
    return found


def limit_refuses(bench):
    """Every answer but the first is a 429, which the table counts as an error."""
    found = Outcome('limit-refuses', '64 connections, GET /users/{id}, without a limit, served within one, and refused by one of the '
                                     'process and one in Redis')
    _, within, _ = recipes(bench, NEVER_REACHED)
    off, process, redis = recipes(bench, 1)
    bench.alternate(found, [off, within.named('served'), process, redis])
    found.claim_ratio('CPU of a request refused in the process ÷ served', 'process', 'served', 'cpu_us', 1.0)
    found.claim_ratio('CPU of a request refused with Redis ÷ served', 'redis', 'served', 'cpu_us', 1.0)
    found.fact_ratio('CPU of a request refused in the process ÷ served without a limit', 'process', 'off', 'cpu_us')
    return found


def limit_cached(bench):
    """The server as it is run: beside a PostgreSQL and a Redis, which the limit asks for leases and nothing else is asked for."""
    off = Recipes(bench, redis=True).sluice.named('off', SLUICE_CACHE_L1_BYTES='64MiB')
    on = off.named('on', SLUICE_RATE_LIMIT_REQUESTS=str(NEVER_REACHED))
    found = Outcome('limit-cached', '64 connections, GET /users/{id} from the first tier, without a limit and with one in Redis with leases')
    bench.alternate(found, [off, on], script='users')
    found.claim_ratio('CPU a request with the limit ÷ without', 'on', 'off', 'cpu_us', 1.1)
    return found


CASES = [limit_passes, limit_cached, limit_refuses]
