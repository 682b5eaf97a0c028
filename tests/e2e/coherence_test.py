"""Two processes on one PostgreSQL, with readers and writers at full speed on both: coherence_test.py BINARY HISTORY.

Whatever happens to Redis meanwhile, no process gives a value older than a write that it has acknowledged, and none gives
one for longer than cache.ttl after any process has acknowledged another: of names, of whose an e-mail is, and of who
is there at all, on every shard."""
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

import sluice

postgres, redis = map(sluice.servers_of, ('postgres', 'redis'))
BINARY, HISTORY = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
SECONDS = int(os.environ.get('SLUICE_COHERENCE_SECONDS', '8'))
TTL_SECONDS = 3
USERS = 40
SHARDS = 2


class Check(unittest.TestCase):
    def test_the_check_finds_what_is_wrong_in_a_history(self):
        judged = subprocess.run([HISTORY, '--doctored'], capture_output=True, text=True, timeout=60)
        self.assertEqual((judged.returncode, judged.stderr), (0, ''))
        self.assertEqual(judged.stdout, '28 judged\n')


class Coherence(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.database = postgres.Postgres({'fsync': 'off'})  # nothing here is about what survives a machine
        self.addCleanup(self.database.stop)

    def history_of(self, environment, faults=None):
        """What the readers and writers saw on two processes, while faults() is called again and again."""
        # A database that gets no CPU for seconds is not what this is about either: then its writers wait.
        environment = {'DATABASE_URL': self.database.url(), 'SLUICE_CACHE_TTL': f'{TTL_SECONDS}s',
                       'SLUICE_POSTGRES_STATEMENT_TIMEOUT': '25s', 'SLUICE_POSTGRES_CONNECT_TIMEOUT': '25s',
                       'SLUICE_LOG_ACCESS': 'false', **environment}
        servers = []
        for _ in range(2):
            server = sluice.Server(BINARY, '--shards', str(SHARDS), folder=self.folder.name, environment=environment)
            servers.append(server)
            self.addCleanup(server.__exit__)
        # Behind the others: its two dozen threads would keep the database from the CPUs for seconds.
        running = subprocess.Popen(['nice', '-n', '10', HISTORY, str(SECONDS), str(TTL_SECONDS * 1000), str(USERS),
                                    str(SHARDS), *(f'{s.port}:{s.admin_port}' for s in servers)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(running.stdout.readline(), 'begun\n')
        deadline = time.monotonic() + SECONDS
        while faults is not None and time.monotonic() < deadline - 1:
            faults()
        told, wrong = running.communicate(timeout=120)
        seen = json.loads(told)
        print(self.id().rpartition('.')[2], seen, file=sys.stderr)
        self.assertEqual((running.returncode, wrong), (0, ''))
        self.assertEqual(seen['violations'], 0)
        self.assertEqual(seen['failed_reads'], 0)
        self.assertGreater(seen['reads'], 100)
        self.assertGreater(seen['writes'], 20)
        # Each shard has been asked, and by e-mail, and for users that were not there.
        for what in ('least_reads_of_a_shard', 'found_by_email', 'found_nobody', 'deletions'):
            self.assertGreater(seen[what], 0, what)
        return seen

    def test_with_redis(self):
        with redis.Redis() as server:
            seen = self.history_of({'REDIS_URL': server.url()})
            self.assertEqual(seen['unknown'], 0)
            self.assertLess(seen['late_p99_us'], 50_000)  # what other processes are promised

    def test_with_redis_that_fails_in_every_manner(self):
        chance = random.Random(1)
        with redis.Redis() as server:
            server.command('SAVE')

            def kill():
                server.kill()
                time.sleep(chance.random() / 2)
                server.start()

            def freeze():
                server.freeze()
                time.sleep(chance.random())
                server.thaw()

            def snapshot():
                server.command('SAVE')

            def flush():
                server.command('FLUSHALL')

            def cut():
                server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
                server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')

            def no_memory():
                server.command('CONFIG', 'SET', 'maxmemory', '1')
                time.sleep(chance.random() / 2)
                server.command('CONFIG', 'SET', 'maxmemory', '0')

            def read_only():
                server.command('REPLICAOF', '127.0.0.1', '1')  # of nobody
                time.sleep(chance.random() / 2)
                server.command('REPLICAOF', 'NO', 'ONE')

            def forget_scripts():
                server.command('SCRIPT', 'FLUSH')

            def fault():
                chance.choice([kill, freeze, snapshot, flush, cut, no_memory, read_only, forget_scripts])()
                time.sleep(chance.random() / 2)
            seen = self.history_of({'REDIS_URL': server.url()}, fault)
            self.assertEqual(seen['unknown'], 0)

    def test_with_redis_alone_and_no_first_tier(self):
        with redis.Redis() as server:
            self.history_of({'REDIS_URL': server.url(), 'SLUICE_CACHE_L1_BYTES': '0'})

    def test_with_postgres_only_that_ends_the_sessions_which_hear_of_writes(self):
        chance, ended = random.Random(1), 0

        def deafen():
            nonlocal ended
            ended += int(self.database.psql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"))
            time.sleep(chance.random())
        seen = self.history_of({}, deafen)
        self.assertEqual(seen['unknown'], 0)
        self.assertGreater(ended, 0)


if __name__ == '__main__':
    unittest.main()
