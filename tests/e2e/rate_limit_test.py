"""The rate limit from the outside: rate_limit_test.py BINARY USERS_MEMORY ROOT. The server's settings and what it answers; and two
processes that count in one Redis."""
import contextlib
import http.client
import importlib.util
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import sluice
import told

BINARY, USERS_MEMORY, ROOT = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
USER = '/users/019c0000-0000-7000-8000-000000000001'  # whom users_memory has from the start
SAID_OF_AN_OUTAGE = ['Redis does not answer: the rate limit goes on without it', 'Redis answers again: it decides about the rate limit']


def redis_server():
    spec = importlib.util.spec_from_file_location('redis_server', os.path.join(ROOT, 'tests/redis/server.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Redis()


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def write(self, text):
        with open(os.path.join(self.folder, 'sluice.toml'), 'w', encoding='utf-8') as file:
            file.write(text)

    def ask(self, server, path='/users?email=a@example.com', **fields):
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=sluice.PATIENCE_SECONDS)
        connection.request('GET', path, headers={name.replace('_', '-'): value for name, value in fields.items()})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


class Settings(Case):
    def test_limits_the_api_and_never_health(self):
        self.write('[rate_limit]\nrequests = 3\nwindow = "1h"\n')
        with sluice.Server(BINARY, folder=self.folder) as server:
            for left in (2, 1, 0):
                answer = self.ask(server)
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers['RateLimit-Policy'], '"default";q=3;w=3600')
                self.assertRegex(answer.headers['RateLimit'], rf'^"default";r={left};t=(3600|3[0-5]\d\d)$')
            refused = self.ask(server)
            self.assertEqual(refused.status, 429)
            self.assertEqual(refused.headers['Content-Type'], 'application/problem+json')
            self.assertGreater(int(refused.headers['Retry-After']), 3000)
            self.assertLessEqual(int(refused.headers['Retry-After']), 3600)
            _, metrics = server.get('/metrics', port=server.admin_port)
            self.assertIn(b'sluice_rate_limit_decisions_total{limit="default",outcome="refused"} 1', metrics)
            for path in ('/healthz', '/readyz'):
                answer = self.ask(server, path)
                self.assertEqual(answer.status, 200)
                self.assertIsNone(answer.headers['RateLimit'])

    def test_is_read_again_on_sighup(self):
        self.write('[rate_limit]\nrequests = 1\nwindow = "1h"\n')
        with sluice.Server(BINARY, folder=self.folder) as server:
            self.assertEqual([self.ask(server).status for _ in range(2)], [200, 429])
            self.write('[rate_limit]\nrequests = 4\nwindow = "1h"\n')
            server.signal(signal.SIGHUP)
            while self.ask(server).headers['RateLimit-Policy'] != '"default";q=4;w=3600':
                time.sleep(0.01)
            self.write('[rate_limit]\nrequests = "many"\n')
            server.signal(signal.SIGHUP)
            self.write('[rate_limit]\nrequests = 0\n')
            server.signal(signal.SIGHUP)
            self.assertEqual(self.ask(server).headers['RateLimit-Policy'], '"default";q=4;w=3600')

    def test_counts_for_whom_a_trusted_proxy_names_and_logs_that_client(self):
        environment = {'SLUICE_RATE_LIMIT_REQUESTS': '1', 'SLUICE_RATE_LIMIT_WINDOW': '1h', 'SLUICE_TRUSTED_PROXIES': '127.0.0.1,10.0.0.0/8'}
        with sluice.Server(BINARY, folder=self.folder, environment=environment) as server:
            self.assertEqual(self.ask(server, X_Forwarded_For='192.0.2.1').status, 200)
            self.assertEqual(self.ask(server, X_Forwarded_For='8.8.8.8, 192.0.2.1, 10.0.0.7').status, 429)
            self.assertEqual(self.ask(server, Forwarded='for="[2001:db8::1]"').status, 200)
            self.assertEqual(self.ask(server, X_Forwarded_For='2001:db8::2').status, 429)
            self.assertEqual(self.ask(server, X_Forwarded_For=',' * 5000 + '"\\').status, 200)
        clients = sorted(line['client'] for line in server.lines if line['message'] == 'request')
        self.assertEqual(clients, ['127.0.0.1', '192.0.2.1', '192.0.2.1', '2001:db8::1', '2001:db8::2'])

    def test_is_shown_by_routes_and_config(self):
        self.write('trusted_proxies = ["10.0.0.0/8"]\n[rate_limit]\nrequests = 100\nkey = "header:X-Api-Key"\n')
        routes = sluice.run(BINARY, 'routes', folder=self.folder).stdout
        for line in routes.splitlines():
            self.assertEqual('rate limit (100/1m by X-Api-Key)' in line, '/users' in line, line)
        config = sluice.run(BINARY, 'config', folder=self.folder).stdout
        self.assertIn('"header:X-Api-Key"', config)
        self.assertEqual(sluice.run(BINARY, 'check', folder=self.folder, environment={'SLUICE_RATE_LIMIT_KEY': 'header:'}).returncode, 2)


class WithRedis(Case):
    def serve(self, redis, **more):
        folder = tempfile.mkdtemp(dir=self.folder)
        environment = {'REDIS_URL': redis.url(), 'SLUICE_RATE_LIMIT_WINDOW': '1h', **more}
        return sluice.Server(BINARY, '--shards', '2', folder=folder, environment=environment)

    @contextlib.contextmanager
    def connected(self, redis, **more):
        """A server whose shards have Redis, and wait for it however long it takes."""
        with self.serve(redis, SLUICE_REDIS_COMMAND_TIMEOUT='60s', **more) as server:
            self.await_metric(server, b'sluice_redis_connections 2')
            yield server

    def await_status(self, server, path, status):
        end = time.monotonic() + 60
        while (answer := self.ask(server, path)).status != status:
            self.assertLess(time.monotonic(), end, f'{path} stays {answer.status}')
            time.sleep(0.02)
        return answer

    def test_servers_count_together(self):
        with redis_server() as redis, self.connected(redis, SLUICE_RATE_LIMIT_REQUESTS='30') as one, \
                self.connected(redis, SLUICE_RATE_LIMIT_REQUESTS='30') as other:
            statuses = [self.ask(server).status for _ in range(25) for server in (one, other)]
            self.assertEqual(statuses, [200] * 30 + [429] * 20)

    def test_closed_refuses_while_redis_does_not_answer_and_says_so_once(self):
        with redis_server() as redis, self.serve(redis, SLUICE_RATE_LIMIT_REQUESTS='1000', SLUICE_RATE_LIMIT_ON_REDIS_FAILURE='closed',
                                                 SLUICE_REDIS_COMMAND_TIMEOUT='500ms') as server:
            self.await_status(server, '/users?email=a@example.com', 200)
            redis.freeze()
            refused = self.await_status(server, '/users?email=a@example.com', 503)
            self.assertEqual(refused.headers['Retry-After'], '1')
            self.assertEqual(refused.headers['Content-Type'], 'application/problem+json')
            self.await_status(server, '/readyz', 503)
            self.assertEqual(self.ask(server, '/healthz').status, 200)
            redis.thaw()
            self.await_status(server, '/users?email=a@example.com', 200)
            self.await_status(server, '/readyz', 200)
        said = [line['message'] for line in server.lines if 'rate limit' in line['message']]
        self.assertEqual(said, ['Redis does not answer: the rate limit goes on without it', 'Redis answers again: it decides about the rate limit'])

    def test_closed_is_not_ready_beside_a_redis_that_answers_and_decides_nothing(self):
        with redis_server() as redis, self.serve(redis, SLUICE_RATE_LIMIT_REQUESTS='1000', SLUICE_RATE_LIMIT_ON_REDIS_FAILURE='closed') as server:
            for begin, end in (('CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0'), ('REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE'),
                               ('ACL SETUSER default -evalsha', 'ACL SETUSER default +@all')):
                with self.subTest(fault=begin):
                    self.await_status(server, '/users?email=a@example.com', 200)
                    self.await_status(server, '/readyz', 200)
                    self.assertEqual(redis.command(*begin.split()), b'+OK\r\n')
                    self.await_status(server, '/users?email=a@example.com', 503)
                    self.assertTrue(redis.answers())
                    self.assertEqual(self.ask(server, '/readyz').status, 503)
                    self.assertEqual(redis.command(*end.split()), b'+OK\r\n')
                    self.await_status(server, '/readyz', 200)

    def test_readiness_follows_the_policy_in_force(self):
        def change(what):
            self.write(f'[rate_limit]\nrequests = 100\nwindow = "1h"\non_redis_failure = "{what}"\n')

        change('local')
        with redis_server() as redis, sluice.Server(BINARY, '--shards', '2', folder=self.folder, environment={'REDIS_URL': redis.url()}) as server:
            self.await_status(server, '/readyz', 200)
            redis.kill()
            for what, status in (('closed', 503), ('open', 200), ('closed', 503), ('local', 200)):
                change(what)
                server.signal(signal.SIGHUP)
                self.await_status(server, '/readyz', status)

    def test_takes_new_windows_during_an_outage_and_ends_beside_a_frozen_redis_that_requests_wait_for(self):
        def change(window):
            self.write(f'[rate_limit]\nrequests = 60\nwindow = "{window}"\n')  # too few for leases

        change('1h')
        with redis_server() as redis, sluice.Server(BINARY, '--shards', '2', folder=self.folder, environment={
                'REDIS_URL': redis.url(), 'SLUICE_REDIS_COMMAND_TIMEOUT': '4s'}) as server:
            self.await_status(server, '/users?email=a@example.com', 200)
            redis.freeze()
            self.assertEqual(self.ask(server).status, 200)
            change('2h')
            server.signal(signal.SIGHUP)
            while (answer := self.ask(server)).headers['RateLimit-Policy'] != '"default";q=60;w=7200':
                self.assertEqual(answer.status, 200)
            redis.thaw()
            for line in (b'sluice_rate_limit_without_redis{limit="default"} 0', b'sluice_redis_connections 2', b'sluice_redis_away 0'):
                self.await_metric(server, line)
            self.assertEqual(self.ask(server).status, 200)
            self.await_metric(server, b'sluice_redis_in_flight 0')
            redis.freeze()
            statuses = []
            asking = [threading.Thread(target=lambda: statuses.append(self.ask(server).status)) for _ in range(4)]
            for one in asking:
                one.start()
            while self.metrics(server)['sluice_redis_in_flight'] < 4:
                self.assertEqual(statuses, [])
            self.assertEqual(server.stop(), 0)
            for one in asking:
                one.join()
            self.assertEqual(statuses, [200] * 4)

    def test_decides_with_the_rights_that_the_documentation_grants_and_check_names_what_is_missing(self):
        with open(os.path.join(ROOT, 'docs/deploy.md'), encoding='utf-8') as file:
            [line] = re.findall(r'^ACL SETUSER sluice .*$', file.read(), re.MULTILINE)
        with redis_server() as redis:
            self.assertEqual(redis.command(*line.replace('>…', '>word').split()), b'+OK\r\n')
            environment = {'REDIS_URL': redis.url('sluice', 'word')}
            with self.connected(redis, SLUICE_RATE_LIMIT_REQUESTS='4', **environment) as one, \
                    self.connected(redis, SLUICE_RATE_LIMIT_REQUESTS='4', **environment) as other:
                statuses = [self.ask(server).status for _ in range(4) for server in (one, other)]
                self.assertEqual(statuses, [200] * 4 + [429] * 4, 'they count in Redis, together')
                for server in (one, other):
                    self.assertIn(b'sluice_rate_limit_redis_outages_total{limit="default"} 0', server.get('/metrics', port=server.admin_port)[1])
            for server in (one, other):
                self.assertEqual([line for line in server.lines if line['level'] in ('warn', 'error')], [])
            self.assertEqual(self.check(environment), (0, ''))
            for right in ('time', 'get', 'pttl', 'set', 'del', 'publish', 'evalsha', 'script|load', 'info', 'subscribe'):
                with self.subTest(right=right):
                    redis.command('ACL', 'SETUSER', 'sluice', f'-{right}')
                    status, said = self.check(environment)
                    self.assertEqual(status, 1)
                    self.assertIn(right.upper().replace('|', '_').split('_')[0], said.upper())
                    redis.command('ACL', 'SETUSER', 'sluice', f'+{right}')
            redis.command('ACL', 'SETUSER', 'sluice', 'resetchannels', '&sluice:check')
            self.assertIn('grant +subscribe &sluice:*', self.check(environment)[1])

    def check(self, environment):
        """Its status, and what it says of Redis if that is a failure."""
        done = sluice.run(BINARY, 'check', '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', folder=self.folder, environment=environment)
        return done.returncode, ''.join(line for line in done.stdout.splitlines() if line.startswith('FAIL redis: '))

    def test_an_outage_is_one_whichever_shard_comes_back_first(self):
        rounds = 6
        # Each request is a new client, which no shard knows anything about: it asks Redis.
        with redis_server() as redis, self.serve(redis, SLUICE_RATE_LIMIT_REQUESTS='10', SLUICE_RATE_LIMIT_KEY='header:X-Client',
                                                 SLUICE_LOG_ACCESS='false') as server:
            asked = itertools.count()

            def ask_until(condition):
                end = time.monotonic() + 60
                while not condition(self.metrics(server)):
                    self.assertLess(time.monotonic(), end)
                    for _ in range(10):
                        self.assertEqual(self.ask(server, X_Client=f'c{next(asked)}').status, 200)

            for _ in range(rounds):
                failed = self.metrics(server)['sluice_redis_failed_connects_total']
                redis.kill()
                ask_until(lambda now: now['sluice_rate_limit_without_redis'] == 1)
                # Until the shards' clients pause as long as they ever do before they try again.
                ask_until(lambda now, failed=failed: now['sluice_redis_failed_connects_total'] >= failed + 14)
                redis.start()
                ask_until(lambda now: now['sluice_rate_limit_without_redis'] == 0 and now['sluice_redis_away'] == 0)
            self.assertEqual(self.metrics(server)['sluice_rate_limit_redis_outages_total'], rounds)
        said = [line['message'] for line in server.lines if 'rate limit' in line['message']]
        self.assertEqual(said, SAID_OF_AN_OUTAGE * rounds)

    def test_two_brief_outages_soon_after_each_other_are_two_where_a_decision_was_asked_for_as_redis_ended(self):
        with redis_server() as redis, self.connected(redis, SLUICE_RATE_LIMIT_REQUESTS='10', SLUICE_RATE_LIMIT_KEY='header:X-Client') as server:
            for client, connects in (('a', 2), ('b', 4), ('', 6)):
                while (now := self.metrics(server))['sluice_redis_connects_total'] < connects or now['sluice_rate_limit_without_redis']:
                    time.sleep(0.02)
                if not client:
                    break
                time.sleep(2.5)  # until what begins is no part of the last one
                redis.freeze()
                asking = threading.Thread(target=self.ask, args=(server,), kwargs={'X_Client': client})
                asking.start()
                while self.metrics(server)['sluice_redis_in_flight'] == 0:
                    pass
                redis.kill()
                redis.start()
                asking.join()
            self.assertEqual(now['sluice_rate_limit_redis_outages_total'], 2)
        said = [line['message'] for line in server.lines if 'rate limit' in line['message']]
        self.assertEqual(said, SAID_OF_AN_OUTAGE * 2)

    def test_who_spends_half_of_the_limit_is_never_refused_while_redis_comes_and_goes(self):
        seconds, half = 2, 10
        common = {'SLUICE_RATE_LIMIT_REQUESTS': f'{2 * half}', 'SLUICE_RATE_LIMIT_WINDOW': f'{seconds}s'}
        with redis_server() as redis, self.connected(redis, **common) as local, \
                self.connected(redis, **common, SLUICE_RATE_LIMIT_ON_REDIS_FAILURE='open', REDIS_URL=redis.url(database=1)) as unlimited:
            servers = (local, unlimited)
            over = threading.Event()

            def come_and_go():
                for room in itertools.cycle(('1', '0')):  # bytes: none, and no bound
                    redis.command('CONFIG', 'SET', 'maxmemory', room)
                    if over.wait(0.2):
                        return

            coming = threading.Thread(target=come_and_go)
            coming.start()
            statuses = []
            try:
                for _ in range(5 * half):
                    statuses += [self.ask(server).status for server in servers]
                    time.sleep(seconds / half)
            finally:
                over.set()
                coming.join()
            self.assertEqual(statuses, [200] * len(statuses))
            for server in servers:
                self.assertGreater(self.metrics(server)['sluice_rate_limit_redis_outages_total'], 1)

    def metrics(self, server):
        """Those of one value each, by name."""
        lines = server.get('/metrics', port=server.admin_port)[1].decode().splitlines()
        return {line.partition('{')[0].partition(' ')[0]: float(line.rpartition(' ')[2]) for line in lines if line[:1] != '#'}

    def test_local_goes_on_from_what_is_known_and_is_ready(self):
        with redis_server() as redis, self.connected(redis, SLUICE_RATE_LIMIT_REQUESTS='20') as server:
            self.assertEqual([self.ask(server).status for _ in range(12)], [200] * 12)
            redis.kill()
            statuses = [self.ask(server).status for _ in range(12)]
            self.assertEqual(statuses, [200] * 8 + [429] * 4)
            self.assertEqual(self.ask(server, '/readyz').status, 200)
            redis.start()
            self.await_metric(server, b'sluice_rate_limit_without_redis{limit="default"} 0')
            self.assertEqual(self.ask(server).status, 429, 'a Redis that has lost everything hears of it')

    def await_metric(self, server, line):
        end = time.monotonic() + 60
        while line not in server.get('/metrics', port=server.admin_port)[1]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


class Processes(unittest.TestCase):
    """Two of them, of two shards each, with the limit a minute in one Redis. The test takes less than that minute."""

    LIMIT, CLIENTS, REQUESTS = 2000, 8, 400

    def start(self, url):
        process = subprocess.Popen([USERS_MEMORY, '--listen', '127.0.0.1:0', '--shards', '2', '--busy-poll', 'off', '--limit', str(self.LIMIT),
                                    '--redis', url], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return int(process.stdout.readline().split(':')[2].split('/')[0])

    def ask_often(self, port, statuses):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=sluice.PATIENCE_SECONDS)
        for _ in range(self.REQUESTS):
            connection.request('GET', USER)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    def test_count_together(self):
        redis = redis_server()
        self.addCleanup(redis.stop)
        began = time.monotonic()
        ports = [self.start(f'redis://127.0.0.1:{redis.port}') for _ in range(2)]
        statuses = [[] for _ in range(self.CLIENTS)]
        threads = [threading.Thread(target=self.ask_often, args=(ports[i % 2], statuses[i])) for i in range(self.CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if time.monotonic() - began > 60:
            self.skipTest('the machine was too busy: it took more than the window')
        each = [sum(some.count(200) for some in statuses[i::2]) for i in range(2)]
        self.assertLessEqual(sum(each), self.LIMIT)
        self.assertGreater(sum(each), 0.9 * self.LIMIT)
        self.assertEqual(sum(some.count(429) for some in statuses), self.CLIENTS * self.REQUESTS - sum(each))
        self.assertGreater(min(each), 0)


told.run(Settings, WithRedis, Processes)
