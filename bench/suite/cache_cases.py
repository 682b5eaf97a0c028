"""What is measured of the cache."""
import json
import subprocess

from outcome import Outcome

SCAN_LEAD = 5   # points of hit ratio
LRU_LEAD = -1


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


CASES = [cache_ratios]
