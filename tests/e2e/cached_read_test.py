"""What a read from the first tier costs with everything on: cached_read_test.py BINARY.

PostgreSQL and Redis are there, each request is limited, logged, measured and traced, and none of it makes a system call: strace
watches the shard's thread."""
import http.client
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

import sluice
from collector import Collector

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../server'))
import system_calls_test  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))
postgres, redis = map(sluice.servers_of, ('postgres', 'redis'))


@unittest.skipUnless(shutil.which('strace'), 'needs strace')
@unittest.skipIf(b'__asan_init' in open(BINARY, 'rb').read(), 'a sanitizer makes system calls of its own')
class CachedRead(unittest.TestCase):
    def test_makes_no_system_call_of_its_own(self):
        collector = Collector()
        self.addCleanup(collector.end)
        with tempfile.TemporaryDirectory() as folder, postgres.Postgres() as database, redis.Redis() as cache:
            log = os.path.join(folder, 'sluice.log')
            chosen = {'DATABASE_URL': database.url(), 'REDIS_URL': cache.url(), 'SLUICE_CACHE_TTL': '1h', 'SLUICE_LOG_FILE': log,
                      'SLUICE_TELEMETRY_OTLP_URL': collector.url(), 'SLUICE_TELEMETRY_SAMPLE_RATIO': '0.01',
                      'SLUICE_RATE_LIMIT_REQUESTS': '1000000', 'SLUICE_RATE_LIMIT_WINDOW': '1h', 'SLUICE_REACTOR_BUSY_POLL': 'off'}
            with sluice.Server(BINARY, '--shards', '1', folder=folder, log=log, environment=chosen) as server:
                while server.get('/readyz')[0].status != 200:
                    pass
                asked = f'GET /users/{self.make_user(server.port)} HTTP/1.1\r\nHost: x\r\n\r\n'.encode()
                before = self.told(server)
                try:
                    calls = system_calls_test.calls_of_shard(server.process.pid, server.port, [asked])
                except SystemExit:
                    self.skipTest('strace may not watch')
                after = self.told(server)
        # The limiter asks Redis for a lease now and then, by the ring; a write in many wakes the log's writer; the traces'
        # connection to their collector is made once.
        enters, writes = calls.pop('io_uring_enter'), calls.pop('write', 0)
        self.assertLessEqual(enters, 2.2 * system_calls_test.REQUESTS)
        self.assertLessEqual(writes, system_calls_test.REQUESTS / 20)
        self.assertLessEqual(sum(calls.values()), 10, calls)
        asked = system_calls_test.REQUESTS + 300
        self.assertGreaterEqual(after['hits'] - before['hits'], asked - 1)
        self.assertGreaterEqual(after['limited'] - before['limited'], asked)

    @staticmethod
    def make_user(port):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=sluice.PATIENCE_SECONDS)
        connection.request('POST', '/users', json.dumps({'email': 'ada@example.com', 'name': 'Ada'}),
                           {'Content-Type': 'application/json'})
        made = json.loads(connection.getresponse().read())
        connection.close()
        return made['id']

    @staticmethod
    def told(server):
        """Hits of the first tier, and requests that the limiter let pass."""
        text = server.get('/metrics', server.admin_port)[1].decode()
        return {'hits': sum(map(float, re.findall(r'(?m)^sluice_cache_lookups_total\{.*tier="l1".*\} (\S+)$', text))),
                'limited': sum(map(float, re.findall(r'(?m)^sluice_rate_limit_decisions_total\{.*outcome="passed".*\} (\S+)$', text)))}


if __name__ == '__main__':
    unittest.main(verbosity=2)
