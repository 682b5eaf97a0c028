"""The metrics of a whole server, with PostgreSQL, Redis, a rate limit and a collector of traces: metrics_test.py BINARY ROOT. What
docs/deploy.md names is what a scrape has, and says something plausible after some requests."""
import math
import os
import re
import sys
import tempfile
import time
import unittest

import sluice
import told
from collector import Collector
from users_client import Client

BINARY, ROOT = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
SAMPLE = re.compile(r'([a-z_0-9]+)(?:\{(.*)\})? (\S+)')
# What counts trouble of which there was none, what may or may not have happened, and what the users API never does (it has no
# transaction) or does not while nobody but the scrape asks. All others have moved.
TROUBLE = re.compile(r'_(away|pauses|no_buffers|overflows|refused|repeated|losses|timeouts|failed|failures|outages|dropped|evicted'
                     r'|evictions|script_reloads|cancels|without_redis|alone|unreadable|pending|waiting|refuses_changes|stalled)(_.*)?$')
ERRORS = re.compile(r'^sluice_(redis|http_client)_errors_total$')
CHANCE = re.compile(r'_(queued|polls_total|ring_stale_total|moved_total|in_flight|reused_total|joined_total|detached_total|forgotten_total'
                    r'|cache_stale_total|shard_stalls_total|wait_time_seconds)$')
NEVER = re.compile(r'^(db_client_connection_use_time_seconds|http_server_active_requests)$')


def documented():
    """The names in the second column of the table of metrics."""
    with open(os.path.join(ROOT, 'docs/deploy.md'), encoding='utf-8') as file:
        section = file.read().partition('### The metrics')[2].partition('### ')[0]
    rows = [line.split('|')[2] for line in section.splitlines() if line.startswith('| ')]
    return {name for row in rows for name in re.findall(r'`([a-z]+_[a-z_]+)`', row)}


class Scrape:
    """Families by name: their type, and their samples by suffix and labels."""

    def __init__(self, text):
        self.types, self.samples = {}, {}
        for line in text.splitlines():
            if line.startswith('# TYPE '):
                _, _, name, kind = line.split()
                self.types[name], self.samples[name] = kind, {}
            elif not line.startswith('#'):
                given, labels, number = SAMPLE.fullmatch(line).groups()
                self.samples[name][given.removeprefix(name), labels or ''] = float(number)

    def total(self, name):
        """Of a histogram: how many records it has."""
        suffix = '_count' if self.types[name] == 'histogram' else ''
        return sum(number for (of, _), number in self.samples[name].items() if of == suffix)


class Metrics(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        database = sluice.servers_of('postgres').Postgres()
        self.addCleanup(database.stop)
        redis = sluice.servers_of('redis').Redis()
        self.addCleanup(redis.stop)
        collector = Collector()
        self.addCleanup(collector.end)
        patient = {name: '20s' for name in ('SLUICE_REDIS_COMMAND_TIMEOUT', 'SLUICE_REDIS_CONNECT_TIMEOUT', 'SLUICE_POSTGRES_CONNECT_TIMEOUT')}
        self.server = sluice.Server(BINARY, '--shards', '2', folder=scratch.name, environment={
            'DATABASE_URL': database.url(), 'REDIS_URL': redis.url(), 'SLUICE_RATE_LIMIT_REQUESTS': '100000',
            'SLUICE_TELEMETRY_OTLP_URL': collector.url(), 'SLUICE_TELEMETRY_SAMPLE_RATIO': '1', **patient})
        self.addCleanup(self.server.stop)

    def scrape(self):
        answer, body = self.server.get('/metrics', self.server.admin_port)
        self.assertEqual(answer.status, 200)
        return Scrape(body.decode())

    def until(self, condition):
        end = time.monotonic() + sluice.PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, f'waited in vain: {self.server.get("/metrics", self.server.admin_port)[1].decode()}')
            time.sleep(0.05)

    def some_requests(self):
        for i in range(8):  # on connections of their own, so that both shards have some
            with Client(self.server.port) as client:
                made = client.create(f'{i}@example.com')
                self.assertEqual(made.status, 201, made.text)
                path = made.headers['Location']
                self.assertEqual(client.create(f'{i}@example.com').status, 409)
                self.assertEqual([client.send('GET', path).status for _ in range(4)], [200] * 4)
                self.assertEqual(client.send('PATCH', path, {'name': 'Grace'}).status, 200)
                self.assertEqual(client.send('GET', path).status, 200)

    def test_what_is_documented_is_there_and_nothing_else_and_says_what_happened(self):
        self.until(lambda: self.server.get('/readyz')[0].status == 200 and b'"redis":{"status":"ok"}' in self.server.get('/readyz')[1])
        self.some_requests()
        self.until(lambda: self.scrape().total('otel_sdk_exporter_span_exported_total') > 0)
        now = self.scrape()
        self.assertEqual(sorted(now.types), sorted(documented()))
        for name, samples in now.samples.items():
            with self.subTest(name):
                self.assertTrue(samples)
                self.assertTrue(all(math.isfinite(number) and number >= 0 for number in samples.values()), samples)
                total = now.total(name)
                if TROUBLE.search(name) or ERRORS.search(name) or NEVER.search(name):
                    self.assertEqual(total, 0)
                elif not CHANCE.search(name):
                    self.assertGreater(total, 0)
                if now.types[name] == 'histogram' and total:
                    self.assertLess(sum(number for (of, _), number in samples.items() if of == '_sum') / total, 60)
                self.assertEqual(name.endswith('_total'), now.types[name] == 'counter')

    def test_each_operation_of_the_databases_has_its_name(self):
        self.until(lambda: self.server.get('/readyz')[0].status == 200)
        self.some_requests()
        labels = {labels for of, labels in self.scrape().samples['db_client_operation_duration_seconds'] if of == '_count'}
        for name in ('PING', 'EVALSHA'):
            self.assertIn(f'db_system_name="redis",db_operation_name="{name}"', labels)
        for labelled in labels:
            self.assertRegex(labelled, r'^db_system_name="(redis",db_operation_name="[A-Z]+|postgresql",db_operation_name="[a-z_]+)"$')


class WrongCollector(unittest.TestCase):
    def test_is_counted_in_spans_and_batches(self):
        collector = Collector()
        self.addCleanup(collector.end)
        collector.status = 503
        environment = {'SLUICE_TELEMETRY_OTLP_URL': collector.url(), 'SLUICE_TELEMETRY_SAMPLE_RATIO': '1'}
        with tempfile.TemporaryDirectory() as folder, sluice.Server(BINARY, folder=folder, environment=environment) as server:
            def counted():
                now = Scrape(server.get('/metrics', server.admin_port)[1].decode())
                names = ('sluice_trace_batches_failed_total', 'sluice_trace_spans_dropped_total', 'sluice_trace_spans_kept_total')
                return [now.total(name) for name in names]
            self.assertEqual(counted(), [0, 0, 0])
            server.get('/users')
            end = time.monotonic() + sluice.PATIENCE_SECONDS
            while counted()[1] == 0:
                self.assertLess(time.monotonic(), end, 'waited in vain')
                time.sleep(0.05)
            failed, dropped, kept = counted()
            self.assertEqual((failed, dropped), (1, kept))


told.run(Metrics, WrongCollector)
