"""Names what ninja must build before some suites of a build folder can run, one a line.

`meson test` builds the same, but runs it at once: scripts/test builds one folder while it tests another.
"""
import argparse
import json
import os
import subprocess
import sys


def suites(test):
    return {name.rsplit(':', 1)[-1] for name in test['suite']}


def targets(tests, made, wanted, unwanted):
    """Paths of what the chosen tests run or are given, in the order of their first use."""
    chosen = [t for t in tests if (not wanted or suites(t) & wanted) and not suites(t) & unwanted]
    ids = dict.fromkeys(one for test in chosen for one in test['depends'])
    return [file for one in ids for file in made.get(one, [])]


def introspect(folder, what):
    said = subprocess.run(['meson', 'introspect', folder, '--' + what], check=True, capture_output=True, text=True)
    return json.loads(said.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder')
    parser.add_argument('--suite', action='append', default=[])
    parser.add_argument('--no-suite', action='append', default=[])
    arguments = parser.parse_args()
    made = {one['id']: one['filename'] for one in introspect(arguments.folder, 'targets')}
    found = targets(introspect(arguments.folder, 'tests'), made, set(arguments.suite), set(arguments.no_suite))
    print('\n'.join(os.path.relpath(file, arguments.folder) for file in found))
    return 0 if found else 1


if __name__ == '__main__':
    sys.exit(main())
