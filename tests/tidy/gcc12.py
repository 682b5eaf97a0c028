"""GCC 12 is refused while configuring, with the reason: gcc12.py ROOT."""
import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77


def main():
    compiler = next((name for name in ('g++-12', 'g++') if shutil.which(name)), None)
    version = subprocess.run([compiler, '-dumpfullversion'], capture_output=True, text=True).stdout if compiler else ''
    if version.strip().split('.')[0] != '12':
        print('there is no GCC 12 here')
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, CXX=compiler)
        environment.pop('CC', None)
        done = subprocess.run(['meson', 'setup', folder, sys.argv[1]], env=environment, capture_output=True, text=True)
    print(done.stdout[-2000:])
    refused = done.returncode != 0 and 'co_await' in done.stdout and 'GCC 13' in done.stdout
    return 0 if refused else 1


if __name__ == '__main__':
    sys.exit(main())
