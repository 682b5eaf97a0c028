"""What is measured of the cache: the hit ratios of its first tier, and users through it, from the shard's memory and from
Redis alone. The server is on its CPU, PostgreSQL and Redis wherever the kernel puts them; what the load asks for is random
among 10 000 users."""
import json
import subprocess

from outcome import Outcome
from servers import Recipe

FIRST_ROUNDS_MIN = 40  # one differs from the next by 8 %, so their median is sure to some 3 %
FIFTY_MINUTES = '50m'  # so that nothing expires while it is measured
SCAN_LEAD = 5   # points of hit ratio
LRU_LEAD = -1


class Recipes:
    def __init__(self, bench, redis=False):
        menu = bench.menu
        environment = {'DATABASE_URL': bench.database().with_users().url}
        if redis:
            environment['REDIS_URL'] = bench.shared_redis().url()
        serve = lambda port, _: [str(menu.build / 'sluice'), 'serve', '--listen', f'127.0.0.1:{port}', '--shards', '1',  # noqa: E731
                                 '--admin-listen', '127.0.0.1:0']
        self.sluice = Recipe('sluice', serve, environment={**environment, 'SLUICE_LOG_ACCESS': 'false', 'SLUICE_CACHE_TTL': FIFTY_MINUTES,
                                                           'SLUICE_CACHE_L1_BYTES': '0' if redis else '64MiB'})
        self.fastify = menu.cached_fastify('redis' if redis else 'lru').named('fastify', **environment)


def cache_first(bench):
    recipes = Recipes(bench)
    found = Outcome('cache-first', '64 connections, GET /users/{id} from the first tier')
    bench.alternate_often(found, bench.menu(bench.menu.floor, recipes.fastify, recipes.sluice), FIRST_ROUNDS_MIN, script='users')
    found.claim_ratio('CPU a request ÷ floor', 'sluice', 'floor', 'cpu_us', 1.2)
    found.claim_ratio('CPU a request ÷ Fastify with lru-cache', 'sluice', 'fastify', 'cpu_us', 1 / 3)
    return found


def cache_redis(bench):
    recipes = Recipes(bench, redis=True)
    found = Outcome('cache-redis', '64 connections, GET /users/{id} from Redis, without a first tier', cpu='process_us')
    bench.alternate(found, bench.menu(recipes.fastify, recipes.sluice), script='users')
    # Either is enough.
    rps = found.median('sluice', 'rps')
    if rps is not None and rps < 60_000 and found.has('sluice', 'fastify'):
        found.fact('less than 60 000 requests a second, so it is compared', round(rps), 'requests a second')
        found.claim_ratio('throughput ÷ Fastify with ioredis', 'sluice', 'fastify', 'rps', 3, least=True)
    else:
        found.claim('requests a second', rps, 60_000, least=True)
    return found


def cache_ratios(bench):
    """Simulated: no server, no time."""
    found = Outcome('cache-ratios', 'hits in a hundred reads of the first tier, by the share of all entries that its memory holds')
    lines = subprocess.run([str(bench.menu.build / 'bench/cache/hit_ratios'), '--json'], check=True, capture_output=True, text=True).stdout
    leads = {}
    for row in map(json.loads, lines.splitlines()):
        trace, scans, share, tier = row.pop('trace'), row.pop('scans'), row.pop('share'), row.pop('first_tier')
        others = ', '.join(f'{name} {ratio:.1f}' for name, ratio in row.items())
        found.fact(f'{trace}, {share:.0%} ({others})', tier, '%')
        leads.setdefault((trace, scans), []).append(tier - row['LRU'])
    for (trace, scans), points in leads.items():
        found.claim(f'{trace}: points above LRU, at the worst size', min(points), SCAN_LEAD if scans else LRU_LEAD, least=True)
    return found


CASES = [cache_ratios, cache_first, cache_redis]
