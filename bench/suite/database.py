"""The PostgreSQL that is measured: the tests' own server, unpinned, with users and items that the load knows; and their Redis."""
import contextlib
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/postgres'), str(ROOT / 'bench/load')]

import fill  # noqa: E402
import server  # noqa: E402
from bouncer import Bouncer  # noqa: E402, F401
from encrypted import Encrypted  # noqa: E402, F401
from places import Places  # noqa: E402
from replica import Replica  # noqa: E402

REFUSED_MAX = 16


def redis_server():
    """The tests' own; its file has the name of PostgreSQL's."""
    spec = importlib.util.spec_from_file_location('redis_test_server', ROOT / 'tests/redis/server.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Redis()


class Pair:
    """A PostgreSQL and its replica. When the one is gone the other takes over, and gets a replica where that was."""

    def __init__(self, primary):
        self.primary, self.replica, self.gone = primary, None, None
        self.ports = primary.port, server.free_port()

    def url(self):
        hosts = ','.join(f'127.0.0.1:{port}' for port in self.ports)
        return self.primary.url(options='?target_session_attrs=read-write').replace(f'127.0.0.1:{self.primary.port}', hosts)

    def complete(self):
        """Returns once the replica has all that there is."""
        if self.replica:
            return
        if self.gone:
            self.gone.stop()
        [port] = set(self.ports) - {self.primary.port}
        self.replica = Replica(self.primary, port)
        server.wait_until(lambda: self.primary.psql('SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()') == '1',
                          'the replica has everything')

    def fail_over(self, seconds):
        """So long nobody takes writes."""
        self.primary.kill()
        time.sleep(seconds)
        self.replica.promote()
        self.gone, self.primary, self.replica = self.primary, self.replica, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in filter(None, (self.replica, self.primary, self.gone)):
            one.stop()


class Database:
    def __init__(self, sluice, load, served=None):
        """`served`: a PostgreSQL of another kind than the plain one."""
        self.sluice, self.load = sluice, load
        self.server = served or server.Postgres()
        self.url = self.server.url()

    def with_users(self):
        """The table is what the server's migrations make of it, and every case begins with the same rows."""
        done = subprocess.run([self.sluice, 'migrate'], env={'DATABASE_URL': self.url}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f'bench: sluice migrate: {done.stderr.strip()[-300:]}')
        self.load.users(fill.fill_users(self.url))
        return self

    def with_items(self):
        fill.fill_items(self.url)
        return self

    @contextlib.contextmanager
    def locked(self, table, mode='EXCLUSIVE'):
        """Somebody else's session keeps every write to it waiting, and no read; as ACCESS EXCLUSIVE, reads as well."""
        with subprocess.Popen([f'{self.server.bin}/psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', self.url],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
            session.stdin.write(f'BEGIN; LOCK TABLE {table} IN {mode} MODE;\n\\echo locked\n')
            session.stdin.flush()
            if session.stdout.readline() != 'locked\n':
                raise SystemExit(f'bench: {table} could not be locked')
            yield

    @contextlib.contextmanager
    def places(self, count):
        """PostgreSQL lets no more sessions in, beside the superuser's: also those are counted that it refuses just now."""
        given = self.server.settings
        self.server.settings = {**given, 'max_connections': count + REFUSED_MAX, 'superuser_reserved_connections': REFUSED_MAX}
        self.server.restart()
        yield
        self.server.settings = given
        self.server.restart()

    @contextlib.contextmanager
    def occupied(self, count):
        """So many sessions, which are all that places() gives, are somebody else's."""
        others = Places(self.server, count)
        try:
            others.occupy()
            yield
            others.leave()
        finally:
            others.end()

    def stop(self):
        self.server.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
