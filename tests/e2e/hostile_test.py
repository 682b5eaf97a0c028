"""Hostile names and bytes in requests: hostile_test.py BINARY. Whatever a client sends, each line of the log is one JSON object, each
line of the metrics one of Prometheus' text format, with no more series than the program has names for, and what is told of traces is
JSON, too."""
import collections
import json
import os
import random
import re
import socket
import sys
import tempfile
import threading
import unittest

import sluice
import told
from collector import Collector
from users_client import Client

BINARY = os.path.abspath(sys.argv.pop(1))
SEED = int(os.environ.get('SEED', '20261127'))
CONNECTIONS, CLIENTS = 1200, 4  # of one to eight requests each
TOKEN = b"!#$%&'*+-.^_`|~" + bytes(range(0x30, 0x3a)) + bytes(range(0x41, 0x5b)) + bytes(range(0x61, 0x7b))
VISIBLE = bytes([9, *range(0x20, 0x7f), *range(0x80, 0x100)])
# What breaks out of JSON, of labels, of lines and of texts.
NASTY = (b'"', b'\\', b'\\"', b'"}', b'{', b'\n', b'\r', b'\r\n', b'\0', b'\x1b[2J', b'\x7f', b'\xe2\x80\xa8', b'\xc2\x85', b'\xed\xa0\x80',
         b'\xff\xfe', b'\xc0\x80', b'\xf4\x90\x80\x80', b'\xf0\x9f', b'\\u0000', b'\\ud800', b'%00', b'%0a', b'%22', b'%5C', b'%ff', b'%', b'{{',
         b'","level":"fatal","x":"', b'"} 1\nsluice_forged_total 1\n', b'# TYPE forged counter\n', b"';--", b'${jndi}', b'\\N{DEL}')


class Sender:
    """Random requests from a seed of its own."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.invalid = False

    def some(self, alphabet, most):
        return bytes(self.chance.choices(alphabet, k=self.chance.randint(0, most)))

    def nasty(self, most=6):
        return b''.join(self.chance.choice((self.chance.choice(NASTY), self.some(VISIBLE, 12))) for _ in range(self.chance.randint(0, most)))

    def value(self):
        """Of a field, which may hold any bytes but controls."""
        return self.nasty() if self.breaks() else bytes(c for c in self.nasty() if c in VISIBLE).strip(b' \t')

    def breaks(self):
        return self.invalid and self.chance.random() < 0.2

    def method(self):
        if self.chance.random() < 0.1:
            return self.nasty(2) if self.breaks() else self.some(TOKEN, 20) or b'X'
        return self.chance.choice((b'GET', b'GET', b'POST', b'PATCH', b'DELETE', b'HEAD', b'OPTIONS', b'PUT'))

    def target(self):
        path = self.chance.choice((b'/users', b'/users', b'/users', b'/', b'/users/01890000-0000-7000-8000-000000000001', b'/healthz', b'/metrics', b'/log/level', b'//'))
        if self.chance.random() < 0.3:
            path += b'/' + self.quoted(self.nasty())
        if self.chance.random() < 0.4:
            path += b'?' + self.chance.choice((b'email=', b'cursor=', b'limit=', b'')) + self.quoted(self.nasty())
        return path

    def quoted(self, text):
        """As a target has to have it; what breaks it leaves some as they are."""
        left = self.chance.choice((b'"\\', b'<>^`{|}#%', bytes(range(0x21)), bytes(range(0x7f, 0x100)), bytes(range(0x100)))) if self.breaks() else b''
        return b''.join(b'%%%02X' % c if c not in left and (c in b'"<>\\^`{|}#%' or not 0x21 <= c <= 0x7e) else bytes([c]) for c in text)

    def digits(self, count):
        return bytes(self.chance.choices(b'0123456789abcdef', k=count))

    def traceparent(self):
        whole = b'%b-%b-%b-%b' % (self.chance.choice((b'00', b'00', b'00', b'01', b'ff')), self.digits(32), self.digits(16), self.digits(2))
        if self.chance.random() < 0.2:
            at = self.chance.randrange(len(whole))
            whole = whole[:at] + self.value() + whole[at + self.chance.randint(0, 2):]
        return whole

    def tracestate(self):
        """Its values may hold quotes and backslashes."""
        if self.chance.random() < 0.3:
            return b','.join(self.some(TOKEN, 6) + b'=' + self.value() for _ in range(self.chance.randint(0, 4)))
        return b','.join(b'%c%d=%b' % (self.chance.choice(b'abc'), i, bytes(c for c in self.nasty() if 0x20 < c < 0x7f and c not in b',=') or b'"')
                         for i in range(self.chance.randint(1, 4)))

    def string(self):
        """A JSON text, or nearly."""
        if self.chance.random() < 0.3:
            return b'"' + self.nasty() + b'"'
        return json.dumps(''.join(c for c in self.nasty().decode('latin-1') if c.isprintable()) or 'Ada').encode()

    def body(self):
        known = [(b'"email"', b'"%b@example.com"' % self.digits(12)), (b'"name"', self.string())]
        members = [name + b':' + value for name, value in [*known, *((self.string(), self.string()) for _ in range(self.chance.choice((0, 0, 1))))]]
        return b'{' + b','.join(members) + b'}' if self.chance.random() < 0.9 else self.nasty()

    def request(self):
        """Valid HTTP for the most part, since what is not ends its connection."""
        self.invalid = self.chance.random() < 0.3
        fields = [(b'Host', self.value() if self.breaks() else b'localhost')]
        for name, make in ((b'User-Agent', self.value), (b'X-Request-Id', self.value), (b'X-Client', self.value), (b'X-Forwarded-For', self.value),
                           (b'Forwarded', lambda: b'for="' + self.value() + b'"'), (b'X-Log-Debug', lambda: b'1'), (b'Referer', self.value),
                           (b'If-None-Match', self.value), (b'Origin', self.value), (b'Accept', self.value)):
            if self.chance.random() < 0.3:
                fields.append((name, make()))
        if self.chance.random() < 0.4:
            fields += [(b'traceparent', self.traceparent()), (b'tracestate', self.tracestate())]
        if self.chance.random() < 0.3:
            fields.append((self.some(TOKEN, 20) or b'X', self.value()))
        if self.breaks():
            fields.append((self.nasty(3), self.value()))
        method, body = self.method(), b''
        if method in (b'POST', b'PATCH', b'PUT'):
            body = self.body()
            kind = b'application/json' if self.chance.random() < 0.9 else self.value()
            fields += [(b'Content-Type', kind), (b'Content-Length', b'%d' % len(body))]
        self.chance.shuffle(fields)
        return b'%b %b HTTP/1.1\r\n' % (method, self.target()) + \
            b''.join(name + b': ' + value + b'\r\n' for name, value in fields) + b'\r\n' + body

    def talk(self, port):
        """Some requests over one connection: what is answered to them."""
        with socket.create_connection(('127.0.0.1', port), timeout=sluice.PATIENCE_SECONDS) as client:
            answers = b''
            try:
                client.sendall(b''.join(self.request() for _ in range(self.chance.randint(1, 8))))
                client.shutdown(socket.SHUT_WR)
                while more := client.recv(65536):
                    answers += more
            except (BrokenPipeError, ConnectionResetError):
                pass  # it had something to say before all was sent
        return answers


NAME, NUMBER = r'[a-zA-Z_:][a-zA-Z0-9_:]*', r'(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|\+Inf|-Inf|NaN)'
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf'({NAME})(?:\{{({LABEL}(?:,{LABEL})*),?\}})? ({NUMBER})(?: -?[0-9]+)?')
COMMENT = re.compile(rf'# (HELP|TYPE) ({NAME}) (.*)')
METHODS = {'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', '_OTHER'}
ANSWER = re.compile(rb'HTTP/1\.1 ([0-9]{3}) (?:(?!\r\n\r\n).)*?\r\nX-Request-Id: ([0-9a-f]{32})\r\n', re.DOTALL)
REQUESTS = 'http_server_request_duration_seconds'
KINDS = ('counter', 'gauge', 'histogram', 'summary', 'untyped')


class Scrape:
    """https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format, held to the letter."""

    def __init__(self, text):
        self.families, self.labels, self.numbers, family = {}, {}, {}, None
        if not text.endswith('\n'):
            raise ValueError('the last line has no end')
        for line in text[:-1].split('\n'):
            if line.startswith('#'):
                what, name, rest = COMMENT.fullmatch(line).groups()
                if what == 'TYPE':
                    if name in self.families or rest not in KINDS:
                        raise ValueError(line)
                    family = name
                    self.families[name] = rest
                continue
            found = SAMPLE.fullmatch(line)
            if found is None:
                raise ValueError(f'no sample: {line!r}')
            name, labels, number = found.groups()
            allowed = [family + suffix for suffix in ('_bucket', '_sum', '_count')] if self.families[family] == 'histogram' else [family]
            if name not in allowed or (name, labels) in self.labels:
                raise ValueError(f'of no family, or twice: {line!r}')
            self.labels[name, labels] = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ''))
            self.numbers[name, labels] = float(number)


class HostileNames(unittest.TestCase):
    def setUp(self):
        print(f'the seed is {SEED}', flush=True)
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.log = os.path.join(self.scratch.name, 'sluice.log')
        self.collector = Collector(parse=sluice.strict_json)
        self.addCleanup(self.collector.end)
        self.server = sluice.Server(BINARY, '--shards', '2', folder=self.scratch.name, log=self.log, environment={
            'SLUICE_LOG_FILE': self.log, 'SLUICE_LOG_LEVEL': 'debug', 'SLUICE_TRUSTED_PROXIES': '127.0.0.1', 'SLUICE_LOG_SLOW': '1us',
            'SLUICE_RATE_LIMIT_REQUESTS': '1000000', 'SLUICE_RATE_LIMIT_KEY': 'header:X-Client',
            'SLUICE_TELEMETRY_OTLP_URL': self.collector.url(), 'SLUICE_TELEMETRY_SAMPLE_RATIO': '1'})
        self.addCleanup(self.server.__exit__)

    def scrape(self):
        answer, body = self.server.get('/metrics', self.server.admin_port)
        self.assertEqual(answer.status, 200)
        return Scrape(body.decode())

    def send_all(self):
        answers = []

        def run(number):
            for i in range(number, CONNECTIONS, CLIENTS):
                # The admin listener, too, is asked by whoever reaches it.
                answers.append(Sender(SEED + i).talk(self.server.port if i % 5 else self.server.admin_port))
        clients = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(len(answers), CONNECTIONS, 'a client has failed')
        return b''.join(answers)

    def test_break_neither_the_log_nor_the_metrics_nor_the_traces(self):
        with Client(self.server.port) as client:
            self.assertEqual(client.create('ada@example.com').status, 201)
        before = self.scrape()
        answers = self.send_all()
        answered = ANSWER.findall(answers)
        statuses = [int(status) for status, _ in answered]
        print(f'{len(statuses)} answers: { {status: statuses.count(status) for status in sorted(set(statuses))} }', flush=True)
        self.assertLessEqual({200, 201, 400, 404, 405, 422, 501}, set(statuses))
        self.assertEqual([status for status in statuses if status in (500, 502) or status > 501], [])

        now = self.scrape()
        self.assertEqual(now.families, before.families)
        added = {series: labels for series, labels in now.labels.items() if series not in before.labels}
        self.assertEqual({name.removesuffix('_bucket').removesuffix('_sum').removesuffix('_count') for name, _ in added}, {REQUESTS})
        listed = sluice.run(BINARY, 'routes', folder=self.scratch.name).stdout
        routes = {*re.findall(r' (/\S*)', listed)}
        self.assertIn('/users/{id}', routes)
        self.assertLessEqual({labels['http_route'] for labels in added.values()}, {*routes, ''})
        self.assertLessEqual({labels['http_request_method'] for labels in added.values()}, METHODS)
        self.assertLessEqual({int(labels['http_response_status_code']) for labels in added.values()}, set(statuses))
        self.assertEqual(now.numbers['sluice_metrics_series_refused_total', None], 0)

        answer, body = self.server.get('/healthz')
        self.assertEqual((answer.status, body), (200, b'{"status":"ok"}'))
        self.assertEqual(self.server.stop(), 0)
        with open(self.log, encoding='utf-8', errors='strict', newline='\n') as file:
            *lines, rest = file.read().split('\n')
        self.assertEqual(rest, '')
        said = [sluice.strict_json(line) for line in lines]
        for line in said:
            self.assertLessEqual({'timestamp', 'level', 'message', 'shard'}, line.keys())
            self.assertIn(line['level'], ('debug', 'info', 'warn', 'error'))
            self.assertNotIn('x', line)
        self.assertEqual([line for line in said if line['level'] == 'error'], [])
        told = collections.Counter(line['trace_id'] for line in said if line['message'] in ('request', 'request refused'))
        self.assertEqual({told[trace.decode()] for _, trace in answered}, {1})

        self.assertEqual(self.collector.unreadable, [])
        states = ''.join(span.get('traceState', '') for span in self.collector.spans)
        self.assertTrue('"' in states and '\\' in states)


told.run(HostileNames)
