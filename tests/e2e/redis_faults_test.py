"""The server while Redis has a fault, of each kind and with each policy of the rate limit: redis_faults_test.py BINARY.

Limit and cache are on Redis alone, so that every request needs it several times. What is answered is what the database has, and
when the fault is over all is as before by itself."""
import contextlib
import os
import socket
import sqlite3
import sys
import tempfile
import time
import unittest
import uuid

import sluice
import told
from users_client import Client

BINARY = os.path.abspath(sys.argv.pop(1))
server = sluice.servers_of('redis')

# A limit under which there are no leases, and no first tier.
NEEDS_REDIS = {'SLUICE_RATE_LIMIT_REQUESTS': '60', 'SLUICE_RATE_LIMIT_WINDOW': '1h', 'SLUICE_CACHE_L1_BYTES': '0', 'SLUICE_CACHE_TTL': '1h',
               'SLUICE_REDIS_COMMAND_TIMEOUT': '1s', 'SLUICE_REDIS_CONNECT_TIMEOUT': '1s'}


def told_to(redis, *words):
    def tell():
        reply = redis.command(*words)
        if reply != b'+OK\r\n':
            raise AssertionError(f'{words}: {reply}')
    return tell


def loading(redis):
    """It loads what it holds, for as long as it takes over each key; and it answers after each."""
    asks = socket.socket(socket.AF_UNIX)

    def begin():
        for name, value in (('loading-process-events-interval-bytes', '1024'), ('rdbcompression', 'no'), ('key-load-delay', '50000')):
            told_to(redis, 'CONFIG', 'SET', name, value)()
        redis.command('EVAL', "for i = 1, 2000 do redis.call('SET', 'other:' .. i, ('x'):rep(1024)) end return 1", '0')
        asks.connect(redis.socket)
        asks.sendall(server.encode(['DEBUG', 'RELOAD']))
        server.wait_until(lambda: redis.command('GET', 'other:1')[:8] == b'-LOADING', 'it loads')

    def end():
        told_to(redis, 'CONFIG', 'SET', 'key-load-delay', '0')()
        with asks:
            if asks.recv(100) != b'+OK\r\n':
                raise AssertionError('it did not load')
    return begin, end


# How each fault begins and ends. The first two are there before the server is.
FAULTS = {
    'a wrong password': lambda redis: (told_to(redis, 'ACL', 'SETUSER', 'app', 'resetpass', '>another'),
                                       told_to(redis, 'ACL', 'SETUSER', 'app', '>secret')),
    'away at start': lambda redis: (redis.end, redis.start),
    'killed': lambda redis: (redis.kill, redis.start),
    'frozen': lambda redis: (redis.freeze, redis.thaw),
    'paused': lambda redis: (told_to(redis, 'CLIENT', 'PAUSE', '600000', 'WRITE'), told_to(redis, 'CLIENT', 'UNPAUSE')),
    'read-only': lambda redis: (told_to(redis, 'REPLICAOF', '127.0.0.1', '1'), told_to(redis, 'REPLICAOF', 'NO', 'ONE')),
    'cut off': lambda redis: (lambda: redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'), lambda: None),
    'loading': loading,
    'out of memory': lambda redis: (told_to(redis, 'CONFIG', 'SET', 'maxmemory', '1'), told_to(redis, 'CONFIG', 'SET', 'maxmemory', '0')),
}
AT_START = ('a wrong password', 'away at start')
OPEN_LIMIT = '12'  # room for what is asked before and afterwards, not for what is asked meanwhile


class Case(unittest.TestCase):
    @contextlib.contextmanager
    def serving(self, redis, **more):
        with tempfile.TemporaryDirectory() as folder:
            chosen = {**NEEDS_REDIS, 'REDIS_URL': redis.url('app', 'secret'), **more}
            with sluice.Server(BINARY, '--shards', '2', folder=folder, environment=chosen) as serving:
                serving.database = os.path.join(folder, 'sluice.db')
                yield serving

    @staticmethod
    def redis():
        return server.Redis({'user': 'app on >secret ~* &* +@all', 'enable-debug-command': 'yes'})

    @staticmethod
    def metrics(of):
        """What all of one name have together."""
        found = {}
        for line in of.get('/metrics', port=of.admin_port)[1].decode().splitlines():
            if line[:1] != '#':
                name, _, value = line.rpartition(' ')
                found[name] = float(value)
        return found

    def until(self, condition, what):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, f'waited a minute in vain: {what}')
            time.sleep(0.02)

    def await_redis(self, of, redis, connections=1):
        """With its subscription: where that is made, loads under way are not stored, and nobody else does for a while."""
        def well():
            now = self.metrics(of)
            subscribed = b' name=sluice-subscriber ' in redis.command('CLIENT', 'LIST', 'TYPE', 'pubsub')
            return subscribed and now['sluice_redis_away'] == 0 and now['sluice_redis_connections'] == 2 * connections and \
                now['sluice_cache_pending'] == 0 and now['sluice_rate_limit_without_redis{limit="default"}'] == 0
        self.until(well, 'Redis is used')


class Matrix(Case):
    """A request of each kind on a connection of its own, so that any shard may be asked."""

    def ask(self, of, method, body=None):
        with Client(of.port) as client:
            return client.send(method, f'/users/{self.user}', body)

    def kept(self, of):
        """The user's name as the database has it."""
        with contextlib.closing(sqlite3.connect(of.database)) as database:
            return database.execute('SELECT name FROM users').fetchone()[0]

    def check_answers(self, of, name):
        """Of a server that lets requests pass: what is read is what is kept, and what is written is read."""
        found = self.ask(of, 'GET')
        self.assertEqual(found.status, 200, found.text)
        self.assertEqual(found.json['name'], self.kept(of))
        changed = self.ask(of, 'PATCH', {'name': name})
        self.assertEqual(changed.status, 200, changed.text)
        self.assertEqual(self.kept(of), name)
        for _ in range(3):
            self.assertEqual(self.ask(of, 'GET').json['name'], name)

    def check_refusals(self, of):
        """Of one that lets none pass."""
        before = self.kept(of)
        for method, body in (('GET', None), ('PATCH', {'name': 'Nobody'})):
            refused = self.ask(of, method, body)
            self.assertEqual(refused.status, 503, refused.text)
            self.assertEqual(refused.headers['Retry-After'], '1')
        self.assertEqual(self.kept(of), before)

    def go_through(self, fault, policy, connections=1):
        with self.redis() as redis:
            begin, end = FAULTS[fault](redis)
            with contextlib.ExitStack() as running:
                if fault in AT_START:
                    begin()
                chosen = {'SLUICE_RATE_LIMIT_REQUESTS': OPEN_LIMIT} if policy == 'open' else {}
                chosen['SLUICE_REDIS_CONNECTIONS'] = str(connections)
                of = running.enter_context(self.serving(redis, SLUICE_RATE_LIMIT_ON_REDIS_FAILURE=policy, **chosen))
                self.make_user(of)
                if fault in AT_START:
                    self.until(lambda: self.metrics(of)['sluice_redis_away'] == 1, 'it is noticed')
                else:
                    self.await_redis(of, redis, connections)
                    self.check_answers(of, 'Before')
                    begin()
                if policy == 'closed':
                    self.check_refusals(of)
                elif policy == 'open':
                    for round_ in range(3):
                        self.check_answers(of, f'Meanwhile {round_}')
                else:
                    self.check_answers(of, 'Meanwhile')
                end()
                self.until(lambda: self.ask(of, 'GET').status == 200, 'requests pass')
                self.await_redis(of, redis, connections)
                before = self.metrics(of)
                self.check_answers(of, 'Afterwards')
                # A value is stored after the answer that it came with, so a look-up may come before it.
                for name in ('sluice_rate_limit_sources_total{limit="default",source="redis"}', 'sluice_cache_lookups_total{tier="l2"}'):
                    self.until(lambda: self.metrics(of)[name] > before[name] or self.ask(of, 'GET') is None,
                               f'Redis does again what it did: {name}')

    def make_user(self, of):
        """In the database, since the server may let nobody pass."""
        self.user = '019c0000-0000-7000-8000-000000000001'
        with contextlib.closing(sqlite3.connect(of.database, timeout=60)) as database, database:
            database.execute('INSERT INTO users VALUES (?, ?, ?, 0, 0, 1, ?)',
                             (uuid.UUID(self.user).bytes, 'ada@example.com', 'Ada', 'ada@example.com'))


def add_to_matrix(fault, policy, connections=1):
    def test(self):
        self.go_through(fault, policy, connections)
    setattr(Matrix, '_'.join(('test', *fault.replace('-', ' ').split(), policy, str(connections))), test)


for each in FAULTS:
    for one in ('local', 'open', 'closed') if each != 'cut off' else ('local',):  # it is back before anybody has missed it
        add_to_matrix(each, one)
for each in ('killed', 'frozen', 'cut off'):
    add_to_matrix(each, 'local', connections=2)


class Silence(Case):
    def test_costs_all_requests_on_all_shards_one_wait_together(self):
        """Each needs Redis for the limit, for the e-mail and for the user, at home on any shard."""
        emails = [f'user{i}@example.com' for i in range(8)]
        with self.redis() as redis, self.serving(redis) as of:
            self.await_redis(of, redis)
            for email in emails:
                with Client(of.port) as client:
                    self.assertEqual(client.create(email).status, 201)
            before = self.waits_in_vain(of)
            redis.freeze()
            for email in emails:
                with Client(of.port) as client:
                    found = client.send('GET', f'/users?email={email}')
                self.assertEqual([user['email'] for user in found.json['items']], [email])
            self.assertEqual(self.waits_in_vain(of) - before, 1)
            redis.thaw()
            self.await_redis(of, redis)

    def test_is_forgotten_with_the_request_that_waited_for_it(self):
        asked = 'sluice_rate_limit_sources_total{limit="default",source="redis"}'
        with self.redis() as redis, self.serving(redis) as of, Client(of.port) as kept:
            self.await_redis(of, redis)
            redis.freeze()
            self.assertEqual(kept.send('GET', '/users?email=a@example.com').status, 200)
            redis.thaw()
            self.await_redis(of, redis)
            before = self.metrics(of)
            self.assertEqual(kept.send('GET', '/users?email=a@example.com').status, 200)
            after = self.metrics(of)
            self.assertEqual(after[asked] - before[asked], 1, 'the next on the same connection has a wait of its own')
            self.assertEqual(after['sluice_rate_limit_alone_total{limit="default",why="spent"}'], 0)

    def waits_in_vain(self, of):
        """Commands whose reply did not come."""
        now = self.metrics(of)
        return sum(now[f'sluice_redis_errors_total{{why="{why}"}}'] for why in ('timeout', 'lost'))


class Memory(Case):
    def test_that_is_full_is_said_once_by_each_shard_and_is_the_limits_reason(self):
        self.go_through('1000')
        self.assertIn('out of memory', self.said('Redis does not answer: the rate limit goes on without it')[0]['reason'])

    def test_that_is_full_is_said_where_there_is_only_a_cache(self):
        self.go_through('0')

    def said(self, message):
        return [line for line in self.lines if line['message'] == message]

    def go_through(self, limit):
        with self.redis() as redis, self.serving(redis, SLUICE_RATE_LIMIT_REQUESTS=limit) as of:
            self.until(lambda: self.metrics(of)['sluice_redis_connections'] == 2, 'Redis is used')
            told_to(redis, 'CONFIG', 'SET', 'maxmemory', '1')()
            with Client(of.port) as client:
                self.assertEqual(client.create('ada@example.com').status, 201)
                for _ in range(20):
                    self.assertEqual(client.send('GET', '/users?email=ada@example.com').status, 200)
            self.until(lambda: self.metrics(of)['sluice_redis_errors_total{why="failure"}'] > 0, 'it is full')
            of.stop()
            self.lines = of.lines
        said = self.said('Redis cannot do what it is asked')
        self.assertEqual([line['reason'][:4] for line in said], ['OOM '] * max(1, len(said)), self.lines)
        self.assertEqual(len({line['shard'] for line in said}), len(said), said)


told.run(Matrix, Silence, Memory)
