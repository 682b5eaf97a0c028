"""The server beside a Redis when things are not as they should be: redis_test.py BINARY."""
import contextlib
import os
import socket
import sys
import tempfile
import time
import unittest

import sluice
import told
from collector import Collector
from users_client import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'redis'))
import server  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))
FREE_PORTS = ('--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0')
HASTY = {'SLUICE_REDIS_COMMAND_TIMEOUT': '100ms', 'SLUICE_REDIS_CONNECT_TIMEOUT': '200ms'}


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def redis(self, **config):
        made = server.Redis({name.replace('_', '-'): value for name, value in config.items()})
        self.addCleanup(made.stop)
        return made

    def run_sluice(self, *arguments, **environment):
        return sluice.run(BINARY, *arguments, folder=self.scratch.name, environment=environment)

    def serve(self, **environment):
        return sluice.Server(BINARY, '--shards', '2', folder=self.scratch.name, environment=environment)

    def await_entry(self, of, said):
        """Asks until both listeners say that of Redis; that it is helpful only, their status shows throughout."""
        words = f'"redis":{{"status":"{said}"}}'.encode()
        deadline = time.monotonic() + sluice.PATIENCE_SECONDS
        while True:
            answers = [of.get('/readyz', port) for port in (of.port, of.admin_port) for _ in range(4)]
            for answer, body in answers:
                self.assertEqual(answer.status, 200, body)
            if all(words in body for _, body in answers):
                return
            self.assertLess(time.monotonic(), deadline, answers)


@contextlib.contextmanager
def full(redis):
    """While the one connection that it has room for is somebody else's."""
    while True:
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(redis.socket)
            other.sendall(server.encode(['PING']))
            if other.recv(100) == b'+PONG\r\n':
                yield
                return


def has_ipv6():
    try:
        with socket.create_server(('::1', 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class Readiness(Case):
    def test_says_whether_redis_is_there_and_stays_200_without_it(self):
        redis = self.redis()
        with self.serve(REDIS_URL=redis.url(), **HASTY) as serving:
            self.await_entry(serving, 'ok')
            for away, back in ((redis.kill, redis.start), (redis.freeze, redis.thaw)):
                away()
                self.await_entry(serving, 'unavailable')
                self.assertEqual(serving.get('/users')[0].status, 200)
                back()
                self.await_entry(serving, 'ok')
            self.assertEqual(serving.stop(), 0)

    def test_a_redis_that_is_away_at_start_stops_nothing_and_is_used_once_it_is_there(self):
        redis = self.redis()
        redis.end()
        with self.serve(REDIS_URL=redis.url()) as serving:
            self.await_entry(serving, 'unavailable')
            redis.start()
            self.await_entry(serving, 'ok')

    def test_a_wrong_password_is_said_once_and_never_shown(self):
        redis = self.redis(requirepass='secret')
        with self.serve(REDIS_URL=redis.url(password='guessed')) as serving:
            self.await_entry(serving, 'unavailable')
            serving.await_lines(3, 'Redis cannot be reached')
            time.sleep(0.3)  # several attempts
            self.assertEqual(serving.stop(), 0)
            said = [line for line in serving.lines if line['message'] == 'Redis cannot be reached']
            connections = sorted((line['shard'], line['connection']) for line in said)
            self.assertEqual(connections, sorted(set(connections)), 'each connection once')
            # Each shard's own, and the one that hears for the process what others write.
            self.assertEqual([shard for shard, _ in connections], [0, 0, 1])
            self.assertIn('WRONGPASS', said[0]['reason'])
            self.assertNotIn('guessed', str(serving.lines))

    def test_what_a_server_says_that_has_no_room_for_a_connection_is_the_reason_in_the_log(self):
        redis = self.redis(maxclients='1')
        with full(redis), self.serve(REDIS_URL=redis.url()) as serving:
            serving.await_lines(3, 'Redis cannot be reached')
            for line in serving.lines:
                if line['message'] == 'Redis cannot be reached':
                    self.assertIn('had said: ERR max number of clients reached', line['reason'])

    def test_without_a_redis_there_is_no_entry(self):
        with self.serve() as serving:
            self.assertNotIn(b'redis', serving.get('/readyz')[1])


class Traces(Case):
    def test_every_command_and_statement_and_who_waits_for_them_is_a_span_of_its_request(self):
        collector = Collector()
        self.addCleanup(collector.end)
        with self.serve(REDIS_URL=self.redis().url(), SLUICE_RATE_LIMIT_REQUESTS='100', SLUICE_TELEMETRY_SAMPLE_RATIO='1',
                        SLUICE_TELEMETRY_OTLP_URL=collector.url()) as serving:
            self.await_entry(serving, 'ok')
            with Client(serving.port) as client:
                made = client.create('ada@example.com')
                reads = [client.send('GET', made.headers['Location']) for _ in range(2)]
            self.assertEqual([made.status, *(read.status for read in reads)], [201, 200, 200])
        # Its end has sent what was left.
        spans = collector.of(made.headers['X-Request-Id'])
        [request] = [span for span in spans if span['kind'] == 2]
        self.assertEqual(request['name'], 'POST /users')
        below = [span for span in spans if span is not request]
        erases = {span['spanId'] for span in below if span['name'] == 'cache erase'}
        for span in below:
            self.assertIn(span['parentSpanId'], {request['spanId'], *erases}, span)
            self.assertLessEqual(int(request['startTimeUnixNano']), int(span['startTimeUnixNano']))
            self.assertLessEqual(int(span['endTimeUnixNano']), int(request['endTimeUnixNano']))
        self.assertLessEqual({'rate limit (100/1m)', 'EVALSHA', 'sqlite write', 'sqlite statement', 'cache invalidation'},
                             {span['name'] for span in below})
        self.assertEqual({span['parentSpanId'] for span in below if span['name'] == 'EVALSHA'} & erases, erases)
        self.assertEqual(len({span['spanId'] for span in spans}), len(spans))
        texts = [each['value']['stringValue'] for span in below if span['name'] == 'sqlite statement'
                 for each in span['attributes'] if each['key'] == 'db.query.text']
        self.assertTrue(any(text.startswith('INSERT INTO users') for text in texts), texts)
        def attributes(span):
            return {each['key']: each['value'] for each in span['attributes']}
        of_redis = [attributes(span) for span in below if span['name'] == 'EVALSHA']
        self.assertIn({'db.system.name': {'stringValue': 'redis'}, 'db.operation.name': {'stringValue': 'EVALSHA'}}, of_redis)
        # What the first tier has needs no span of its own.
        tiers = [[(span['name'], attributes(span).get('sluice.cache.tier')) for span in collector.of(read.headers['X-Request-Id'])
                  if span['kind'] == 2 or span['name'] == 'cache'] for read in reads]
        self.assertEqual(tiers, [[('GET /users/{id}', {'stringValue': 'miss'}), ('cache', {'stringValue': 'miss'})],
                                 [('GET /users/{id}', {'stringValue': 'l1'})]])

    def test_a_request_that_waited_for_redis_says_so(self):
        redis = self.redis()
        with self.serve(REDIS_URL=redis.url(), SLUICE_RATE_LIMIT_REQUESTS='100', SLUICE_LOG_SLOW='50ms',
                        SLUICE_CACHE_L1_BYTES='0', **HASTY) as serving:
            self.await_entry(serving, 'ok')
            redis.freeze()
            self.assertEqual(serving.get('/users')[0].status, 200)
            redis.thaw()
        slow = [line for line in serving.lines if line['message'] == 'slow request' and line['path'] == '/users']
        self.assertEqual(len(slow), 1, serving.lines)
        self.assertGreater(slow[0]['redis_us'], 50_000)
        self.assertGreater(slow[0]['limit_us'], 0)
        self.assertGreater(slow[0]['query_us'], 0)


class Check(Case):
    def line_of(self, status=1, **environment):
        done = self.run_sluice('check', *FREE_PORTS, **environment)
        self.assertEqual(done.returncode, status, done.stdout)
        [line] = [line for line in done.stdout.splitlines() if ' redis: ' in line]
        self.assertNotIn('guessed', done.stdout)
        return line

    def test_says_which_version_it_finds_and_how_soon_it_answers(self):
        redis = self.redis(requirepass='secret')
        line = self.line_of(0, REDIS_URL=redis.url(password='secret', database=3))
        self.assertRegex(line, rf'^ok   redis: 127\.0\.0\.1:{redis.port}/3, version \d+\.\d+\.\d+, answers within \d+ us$')
        line = self.line_of(0, REDIS_URL=f'unix::secret@{redis.socket}?db=3')
        self.assertRegex(line, r'^ok   redis: /.*\?db=3, version')
        self.assertEqual(self.line_of(0), 'ok   redis: none')

    def test_says_in_one_line_what_is_in_the_way_and_the_mend(self):
        redis = self.redis(requirepass='secret', user='app on >word ~* +@all -info')
        for url, words in [(redis.url(), 'wants a password, and redis.url has none'),
                           (redis.url(password='guessed'), 'refuses the user or the password'),
                           (redis.url('nobody', 'guessed'), 'refuses the user or the password'),
                           (redis.url(password='secret', database=99), 'does not give database 99'),
                           (redis.url('app', 'word'), 'grant +info'),
                           (f'unix:{redis.folder}/absent', 'cannot be reached: No such file'),
                           (f'redis://name.invalid:{redis.port}', 'cannot be reached')]:
            with self.subTest(words=words):
                line = self.line_of(REDIS_URL=url)
                self.assertTrue(line.startswith('FAIL redis: Redis at '), line)
                self.assertIn(words, line)
        redis.freeze()
        self.assertIn('does not answer within redis.command_timeout', self.line_of(REDIS_URL=redis.url(), **HASTY))
        redis.kill()
        self.assertIn('Connection refused: start it', self.line_of(REDIS_URL=redis.url()))

    @unittest.skipUnless(has_ipv6(), 'there is no ::1')
    def test_finds_a_server_by_an_address_of_ipv6_and_so_does_serve(self):
        redis = self.redis(bind='::1')
        url = f'redis://[::1]:{redis.port}/3'
        self.assertIn(f'redis: [::1]:{redis.port}/3, version', self.line_of(0, REDIS_URL=url))
        with self.serve(REDIS_URL=url) as serving:
            self.await_entry(serving, 'ok')

    def test_says_what_mends_a_server_that_has_no_room_and_not_that_a_right_is_missing(self):
        redis = self.redis(maxmemory='1', maxmemory_policy='noeviction')
        line = self.line_of(REDIS_URL=redis.url())
        self.assertIn('is full: raise its maxmemory (OOM ', line)
        self.assertNotIn('grant', line)
        redis = self.redis(maxclients='1')
        with full(redis):
            line = self.line_of(REDIS_URL=redis.url())
        self.assertIn('raise its maxclients (ERR max number of clients reached)', line)
        self.assertNotIn('grant', line)

    def test_fails_for_a_replica_which_only_reads(self):
        primary = self.redis()
        replica = self.redis(replicaof=f'127.0.0.1 {primary.port}')
        self.assertIn('is a replica, which only reads', self.line_of(REDIS_URL=replica.url()))


    def test_warns_where_counts_of_the_rate_limit_may_be_evicted(self):
        for policy, maxmemory, limit, warns in [('allkeys-lru', '64mb', '10', True), ('volatile-ttl', '64mb', '10', True),
                                                ('noeviction', '64mb', '10', False), ('allkeys-lru', '0', '10', False),
                                                ('allkeys-lru', '64mb', '0', False)]:
            with self.subTest(policy=policy, maxmemory=maxmemory, limit=limit):
                redis = self.redis(maxmemory=maxmemory, maxmemory_policy=policy)
                done = self.run_sluice('check', *FREE_PORTS, REDIS_URL=redis.url(), SLUICE_RATE_LIMIT_REQUESTS=limit)
                self.assertEqual(done.returncode, 0, done.stdout)
                warnings = [line for line in done.stdout.splitlines() if line.startswith('WARN ')]
                self.assertEqual(len(warnings), int(warns), done.stdout)
                self.assertTrue(all(f'redis: maxmemory-policy {policy} evicts' in line for line in warnings), warnings)


told.run(Readiness, Traces, Check)
