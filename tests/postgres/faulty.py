"""The server beside a PostgreSQL to which things happen: what the tests of faults have in common."""
import os
import sys
import tempfile
import unittest
from time import monotonic as now

import server

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../e2e'))
import crowd  # noqa: E402
import ledger  # noqa: E402
import sluice  # noqa: E402
import told  # noqa: E402

BINARY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ''
OURS = "FROM pg_stat_activity WHERE application_name = 'sluice'"


class Case(unittest.TestCase):
    settings = {}  # of PostgreSQL
    access = ()

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.database = self.make_database()
        self.addCleanup(self.database.stop)

    def make_database(self):
        return server.Postgres(self.settings, self.access)

    def serve(self, url=None, **environment):
        """A server that is ended with the test; settings of the `postgres` section by their names, others by their variables'."""
        chosen = {name if name.startswith('SLUICE_') else f'SLUICE_POSTGRES_{name.upper()}': str(value)
                  for name, value in environment.items()}
        serving = sluice.Server(BINARY, '--shards', '2', folder=self.scratch.name,
                                environment={'DATABASE_URL': url or self.database.url(),
                                             'SLUICE_CACHE_L1_BYTES': '0', **chosen})  # every read is the database's
        self.addCleanup(serving.__exit__)
        return serving

    def serve_ready(self, url=None, **environment):
        serving = self.serve(url, **environment)
        self.await_readiness(serving, 200)
        return serving

    def await_readiness(self, of, status):
        server.wait_until(lambda: of.get('/readyz')[0].status == status, f'/readyz is {status}')

    def keep_journal(self):
        """From now on the ledger knows what is done."""
        self.database.psql(ledger.JOURNAL)

    def load(self, serving, **clients):
        self.keep_journal()
        made = crowd.Load(serving.port, **clients)
        self.addCleanup(made.stop)
        return made

    def session(self):
        made = server.Session(self.database)
        self.addCleanup(made.end)
        return made

    def await_value(self, sql, wanted):
        server.wait_until(lambda: self.database.psql(sql) == wanted, f'{sql} gives {wanted}')

    def assert_no_refusal(self, load):
        self.assertEqual(set(load.answers) - {204}, {200, 201})  # the first removal may not have come yet

    def end(self, load, serving, database=None):
        """Nothing was lost, doubled, exchanged or left without an answer; and the server had nothing to complain of."""
        load.stop()
        self.assertEqual(load.differences(database or self.database), [])
        self.assertEqual(serving.stop(), 0)
        # What ends a session that has just begun is a line of libpq's own, before it can be given another place.
        self.assertEqual([line for line in serving.said().splitlines() if not line.startswith('FATAL:  ')], [])
        self.assertEqual([line for line in serving.lines if line['level'] == 'error'], [])

    def tell(self, load, what, fault, back):
        seconds = load.seconds_to_full_speed(fault, back)
        speed = 'never' if seconds is None else f'{seconds:.2f} s after its return'
        print(f'{what}: full speed {speed}; answers {dict(load.answers)}', flush=True)


def run(*cases):
    told.run(*cases)
