"""Measures Sluice beside its floor and its peers; scripts/bench installs, builds and then calls this."""
import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import machine
import page
import table
from cases import GROUPS, Bench
from load import OTHERS_MAX, Load
from servers import Menu

MISSED = 3  # how a run ends that missed a claim; one that could not measure ends with 1 or 2


def arguments():
    cases = {function.__name__.replace('_', '-'): [function] for group in GROUPS.values() for function in group}
    known = {**cases, **GROUPS}
    parser = argparse.ArgumentParser(prog='scripts/bench', description=__doc__)
    parser.add_argument('what', nargs='*', metavar='GROUP|CASE', help='what to measure; none: all. Groups and their cases: ' + '; '.join(
        f'{name}: {", ".join(one.__name__.replace("_", "-") for one in group)}' for name, group in GROUPS.items()))
    parser.add_argument('--rounds', type=int, default=6, help='windows of each server (default: 6, the fewest that tell how sure a ratio is)')
    parser.add_argument('--seconds', type=int, default=4, help='length of a window (default: 4)')
    parser.add_argument('--tries', type=int, default=5, help='how often a window is taken in which other programs were busy (default: 5)')
    parser.add_argument('--build', type=Path, default=Path(__file__).resolve().parents[2] / 'build', help='a release build (default: build)')
    parser.add_argument('--parse-only', action='store_true', help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := [name for name in asked.what if name not in known]:
        parser.error(f'{unknown[0]} is neither a group nor a case')
    if min(asked.rounds, asked.seconds, asked.tries) < 1:
        parser.error('--rounds, --seconds and --tries are at least 1')
    chosen = [function for name in asked.what or GROUPS for function in known[name]]
    return asked, list(dict.fromkeys(chosen))


def report(folder, outcomes, about):
    folder.mkdir(exist_ok=True)
    data = {'machine': about, 'cases': [outcome.data() for outcome in outcomes]}
    (folder / 'results.json').write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding='utf-8')
    (folder / 'index.html').write_text(page.html(outcomes, about), encoding='utf-8')


def main():
    asked, chosen = arguments()
    if asked.parse_only:
        return 0
    if not shutil.which('wrk'):
        raise SystemExit('bench: wrk is missing (Debian: apt-get install wrk)')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of every `with`, so that nothing is left running
    server_cpu, load_cpu = machine.two_cpus()
    about = {**machine.describe(), 'rounds': asked.rounds, 'seconds': asked.seconds}
    print(f'{about["cpu"]}, {about["cpus"]} CPUs, Linux {about["kernel"]} (autogroup {about["autogroup"]}); server on CPU {server_cpu}, load on CPU {load_cpu}; '
          f'{asked.rounds} rounds of {asked.seconds} s, alternating: median (least–most)')
    build = asked.build.resolve()
    menu = Menu(build)
    for peer in menu.missing:
        print(f'{peer} is not installed and left out')

    outcomes = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='sluice-bench-') as scratch, contextlib.ExitStack() as running:
        bench = Bench(menu, Load(server_cpu, load_cpu, scratch, asked.tries), asked.rounds, asked.seconds, running)
        for case in chosen:
            outcomes.append(case(bench))
            print(table.text(outcomes[-1]), flush=True)
            report(build / 'bench-results', outcomes, about)

    claims = [claim for outcome in outcomes for claim in outcome.claims]
    worst = max((window['others'] for outcome in outcomes for windows in outcome.windows.values() for window in windows), default=0)
    measured = [claim for claim in claims if claim['value'] is not None]
    print(f'\n{sum(claim["holds"] for claim in measured)} of {len(claims)} claims hold, {len(claims) - len(measured)} were not measured; {time.monotonic() - began:.0f} s; '
          f'{build / "bench-results"}/index.html and results.json')
    if worst > OTHERS_MAX:
        print(f'Other programs used up to {worst:.0%} of a CPU during a window that counts: measure again on a quiet machine.')
    return 0 if all(claim['holds'] for claim in measured) else MISSED


if __name__ == '__main__':
    sys.exit(main())
