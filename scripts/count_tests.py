"""Adds up what meson's test logs say and prints it as the one line "N passed, N failed[, N skipped]".

A GoogleTest program counts with each of its cases; one that died counts its finished cases and one failure. Any other
test counts as one. Exit status 0 only if something passed and nothing failed.
"""
import argparse
import json
import re
import sys

CASE = re.compile(r'^\[ +(OK|FAILED|SKIPPED) +\] .* \(\d+ ms\)$', re.MULTILINE)
GOOD = {'OK', 'EXPECTEDFAIL'}
SKIPPED = {'SKIP', 'IGNORED'}
LINES_SHOWN = 40


def count(entry):
    """One entry of a log as (passed, failed, skipped)."""
    cases = [kind for kind in CASE.findall(entry.get('stdout') or '')]
    passed, failed, skipped = (cases.count(kind) for kind in ('OK', 'FAILED', 'SKIPPED'))
    if entry['result'] in SKIPPED:
        return passed, failed, max(skipped, 1)
    if entry['result'] not in GOOD:
        return passed, max(failed, 1), skipped
    return (passed, failed, skipped) if cases else (1, 0, 0)


def end_of_output(entry):
    printed = entry.get('stdout', '').splitlines() + entry.get('stderr', '').splitlines()
    return ['    ' + line[:500] for line in printed[-LINES_SHOWN:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--broken', type=int, default=0, help='builds that failed, each counted as a failure')
    parser.add_argument('logs', nargs='*')
    arguments = parser.parse_args()

    total = [0, arguments.broken, 0]
    for log in arguments.logs:
        with open(log, encoding='utf-8') as lines:
            for line in lines:
                entry = json.loads(line)
                numbers = count(entry)
                total = [a + b for a, b in zip(total, numbers)]
                if numbers[1]:
                    print(f'failed: {entry["name"]} ({entry["result"]}, in {log}); the end of what it printed:')
                    print(*end_of_output(entry), sep='\n')
    passed, failed, skipped = total
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    sys.exit(main())
