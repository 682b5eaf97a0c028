"""A real PostgreSQL for tests: its own cluster in a temporary folder, on a free loopback port and a unix socket.

As a library: `with server.Postgres() as database:` gives a running server with the role and the database `sluice`.
As a command: `server.py [--set NAME=VALUE …] [--standby] -- PROGRAM [ARGUMENT …]` runs a program beside one and gives it
SLUICE_TEST_DATABASE_URL, SLUICE_TEST_ADMIN_URL (the superuser's) and SLUICE_TEST_POSTGRES_{DATA,BIN,PORT,SOCKET,PID_FILE}.
Processes are ended by their own ids, and nothing stays behind, however the test ends.
"""
import argparse
import ctypes
import glob
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_SECONDS = 60
ACCOUNT = 'postgres'  # PostgreSQL refuses to run as root
PASSWORD = 'correct-horse'
CLUSTER = 'SLUICE_TEST_CLUSTER'  # names a folder that --make-cluster made: copying it is quicker than initdb each time
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def newest_bin():
    """Where Debian keeps the programs of the newest PostgreSQL that is installed."""
    found = glob.glob('/usr/lib/postgresql/*/bin/postgres')
    if not found:
        sys.exit('no PostgreSQL under /usr/lib/postgresql: install the package postgresql')
    return os.path.dirname(max(found, key=lambda path: int(path.split('/')[4])))


def free_port():
    """A port below those that the kernel gives to connections: there, a client that connects while nothing listens may
    meet itself, and a server that restarts may find its port taken."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', random.randrange(20_000, 32_000)))
                return probe.getsockname()[1]
            except OSError:
                pass


def children_of(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def signal_if_there(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def alive(pid):
    """Is there such a process, and is it more than a zombie that nobody has buried?"""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {PATIENCE_SECONDS} s in vain: {what}')
        time.sleep(0.005)


def lines_of(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read().split('\n')
    except OSError:
        return []


def clean_up(folder):
    """Ends what still runs of the cluster in `folder`, and removes all of it: shared memory, files."""
    lock = lines_of(os.path.join(folder, 'data', 'postmaster.pid'))
    if len(lock) > 1 and lock[1] == os.path.join(folder, 'data') and alive(int(lock[0])):
        family = [int(lock[0]), *children_of(lock[0])]
        for pid in family:
            signal_if_there(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, family)), 'PostgreSQL ends')
    if len(lock) > 6 and lock[6].split():
        subprocess.run(['ipcrm', '-m', lock[6].split()[1]], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


def account():
    """Whose processes they are, for subprocess."""
    return {'user': ACCOUNT, 'group': ACCOUNT, 'extra_groups': []} if os.geteuid() == 0 else {}


def make_cluster(data):
    """What initdb makes of the folder `data`, which is not there yet."""
    secret = data + '.password'
    os.mkdir(data, mode=0o700)
    with open(secret, 'w', encoding='ascii') as file:
        file.write(PASSWORD)
    if account():
        for path in (data, secret):
            shutil.chown(path, ACCOUNT, ACCOUNT)
    subprocess.run([f'{newest_bin()}/initdb', '-D', data, '-U', ACCOUNT, '-E', 'UTF8', '--locale=C', '--no-sync',
                    '--auth=scram-sha-256', f'--pwfile={secret}'], check=True, stdout=subprocess.DEVNULL, cwd='/', **account())
    os.remove(secret)


class Postgres:
    """`settings`: lines of postgresql.conf; `access`: lines that pg_hba.conf begins with. Both may be changed before a
    restart."""
    role = database = 'sluice'
    password = PASSWORD

    def __init__(self, settings=None, access=(), port=None):
        self.settings, self.access = settings or {}, access
        self.bin, self.port = newest_bin(), port or free_port()
        self.folder = self.socket = tempfile.mkdtemp(prefix='sluice-pg-')
        self.data = os.path.join(self.folder, 'data')
        self.pid_file = os.path.join(self.data, 'postmaster.pid')
        self.log = os.path.join(self.folder, 'log')
        self.process = None
        self.account = account()
        # In a session of its own: it outlives whatever ends the test, and then does what the test could not.
        self.guard = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--guard', self.folder],
                                      stdin=subprocess.PIPE, start_new_session=True)
        try:
            self.initialise()
            self.start()
            self.populate()
        except BaseException:
            self.stop()
            raise

    def initialise(self):
        if self.account:
            shutil.chown(self.folder, ACCOUNT, ACCOUNT)
        if made := os.environ.get(CLUSTER):
            subprocess.run(['cp', '--archive', made, self.data], check=True)
        else:
            make_cluster(self.data)
        self.given_access = lines_of(os.path.join(self.data, 'pg_hba.conf'))

    def populate(self):
        self.psql(f"CREATE ROLE {self.role} LOGIN PASSWORD '{self.password}'")
        self.psql(f'CREATE DATABASE {self.database} OWNER {self.role}')

    def configure(self):
        # Shared memory that is a file of the cluster goes with it, however it ends.
        wanted = {'dynamic_shared_memory_type': 'mmap', 'listen_addresses': '127.0.0.1', 'port': self.port, 'unix_socket_directories': self.socket,
                  'logging_collector': 'off', **self.settings}
        with open(os.path.join(self.data, 'postgresql.auto.conf'), 'w', encoding='utf-8') as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in wanted.items())
        with open(os.path.join(self.data, 'pg_hba.conf'), 'w', encoding='utf-8') as file:
            file.write('\n'.join([*self.access, *self.given_access]))

    def start(self):
        """Starts it, and returns once it takes connections."""
        self.configure()
        with open(self.log, 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen([f'{self.bin}/postgres', '-D', self.data], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.folder, **self.account,
                                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT))
        wait_until(lambda: self.process.poll() is not None or self.takes_connections(), 'PostgreSQL takes connections')
        if self.process.returncode is not None:
            raise AssertionError('PostgreSQL did not start: ' + '\n'.join(lines_of(self.log)[-10:]))

    def takes_connections(self):
        lock = lines_of(self.pid_file)
        return len(lock) > 7 and lock[0] == str(self.process.pid) and lock[7].strip() == 'ready'

    def recover(self):
        """From now on it only reads, and waits for a primary that it does not have."""
        self.end()
        signal_file = os.path.join(self.data, 'standby.signal')
        open(signal_file, 'w', encoding='ascii').close()
        if self.account:
            shutil.chown(signal_file, ACCOUNT, ACCOUNT)
        self.start()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def end(self, number=signal.SIGINT):
        """Shuts down; by default every session is ended at once and the data are written."""
        if self.running():
            self.thaw()
            self.process.send_signal(number)
            self.process.wait(PATIENCE_SECONDS)

    def kill(self):
        """As when the machine loses power, but for what the kernel holds: kill -9 of every process of it."""
        family = [self.process.pid, *children_of(self.process.pid)]
        for pid in family:
            signal_if_there(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        wait_until(lambda: not any(map(alive, family)), 'PostgreSQL ends')

    def restart(self):
        self.end()
        self.start()

    def freeze(self):
        """Stops every process in its tracks, the one that makes new ones first."""
        self.process.send_signal(signal.SIGSTOP)
        for child in children_of(self.process.pid):
            signal_if_there(child, signal.SIGSTOP)

    def thaw(self):
        for pid in (*children_of(self.process.pid), self.process.pid):
            signal_if_there(pid, signal.SIGCONT)

    def psql(self, sql, database=None):
        """What a statement gives, as unaligned text, asked by the superuser over the unix socket."""
        done = subprocess.run([f'{self.bin}/psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', self.socket, '-p', str(self.port),
                               '-U', ACCOUNT, '-d', database or self.existing(sql), '-c', sql], text=True,
                              capture_output=True, timeout=PATIENCE_SECONDS, env={**os.environ, 'PGPASSWORD': self.password})
        if done.returncode != 0:
            raise AssertionError(f'{sql}: {done.stderr}')
        return done.stdout.removesuffix('\n')

    def existing(self, sql):
        """The tests' database, or another when that is what the statement is about."""
        return 'postgres' if re.match(r'(CREATE|DROP|ALTER) (DATABASE|ROLE)', sql) else self.database

    def url(self, role=None, password=None, database=None, host=None, port=None, options=''):
        return (f'postgresql://{role or self.role}:{password or self.password}@{host or "127.0.0.1"}:{port or self.port}'
                f'/{database or self.database}{options}')

    def environment(self):
        return {'SLUICE_TEST_DATABASE_URL': self.url(), 'SLUICE_TEST_ADMIN_URL': self.url(role=ACCOUNT),
                'SLUICE_TEST_POSTGRES_DATA': self.data, 'SLUICE_TEST_POSTGRES_BIN': self.bin,
                'SLUICE_TEST_POSTGRES_PORT': str(self.port), 'SLUICE_TEST_POSTGRES_SOCKET': self.socket,
                'SLUICE_TEST_POSTGRES_PID_FILE': self.pid_file}

    def stop(self):
        """Ends it and removes everything."""
        if self.running():
            self.end(signal.SIGQUIT)
        self.guard.stdin.close()
        self.guard.wait(PATIENCE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class Session:
    """Somebody else's session, which may hold a transaction open."""

    def __init__(self, database):
        self.process = subprocess.Popen([f'{database.bin}/psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', database.url(role=ACCOUNT)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, sql):
        self.process.stdin.write(f'{sql};\n\\echo done\n')
        self.process.stdin.flush()
        if self.process.stdout.readline() != 'done\n':
            raise AssertionError(f'{sql} failed')

    def end(self):
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.end()


def main():
    parser = argparse.ArgumentParser(description='Runs a program beside a PostgreSQL of its own.')
    parser.add_argument('--set', action='append', default=[], metavar='NAME=VALUE', help='a line of postgresql.conf')
    parser.add_argument('--standby', action='store_true', help='it is in recovery, and only reads')
    parser.add_argument('--make-cluster', metavar='FOLDER', help='make what initdb makes, for tests to copy, and nothing else')
    parser.add_argument('--guard', metavar='FOLDER', help=argparse.SUPPRESS)
    parser.add_argument('program', nargs='*')
    asked = parser.parse_args()
    if asked.guard:
        sys.stdin.buffer.read()  # until whoever started this is gone
        clean_up(asked.guard)
        return 0
    if asked.make_cluster:
        make_cluster(asked.make_cluster)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with Postgres(dict(pair.split('=', 1) for pair in asked.set)) as database:
        if asked.standby:
            database.recover()
        return subprocess.run(asked.program, check=False, env={**os.environ, **database.environment()}).returncode


if __name__ == '__main__':
    sys.exit(main())
