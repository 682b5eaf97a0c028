"""The floor with a database, and what fills databases for measuring: pg_floor_test.py PG_FLOOR SOURCE_ROOT."""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import told

PG_FLOOR, ROOT = sys.argv[1], Path(sys.argv[2])
sys.path[:0] = [str(ROOT / 'tests/postgres'), str(ROOT / 'bench/load')]

import fill  # noqa: E402
import server  # noqa: E402

USERS = 300
ABSENT = '019c0000-0000-7000-8000-00000000dead'


def request(identity):
    return f'GET /users/{identity} HTTP/1.1\r\nHost: floor\r\n\r\n'.encode()


class PgFloor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = server.Postgres()
        cls.addClassCleanup(cls.database.stop)
        cls.ids = fill.fill_users(cls.database.url(), USERS, create=True)

    def start(self, **environment):
        port = server.free_port()
        process = subprocess.Popen([PG_FLOOR, str(port)], env={**os.environ, 'DATABASE_URL': self.database.url(), **environment})
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.terminate)
        while True:
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return port
            except OSError:
                self.assertIsNone(process.poll(), 'pg_floor ended')
                time.sleep(0.01)

    def connect(self, port):
        connection = socket.create_connection(('127.0.0.1', port), 20)
        self.addCleanup(connection.close)
        return connection

    def users(self, connection, asked):
        """Reads an answer for each id, in order."""
        with connection.makefile('rb') as answers:
            for identity in asked:
                self.assertEqual(answers.readline(), b'HTTP/1.1 200 OK\r\n')
                head = iter(answers.readline, b'\r\n')
                length = next(int(line.split()[1]) for line in list(head) if line.startswith(b'Content-Length'))
                self.assertEqual(json.loads(answers.read(length))['id'], identity)

    def test_a_row_is_answered_as_json(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.start(), timeout=20)
        self.addCleanup(connection.close)
        for identity, status in ((self.ids[7], 200), (ABSENT, 404), (self.ids[8].upper(), 200)):
            connection.request('GET', f'/users/{identity}')
            answer = connection.getresponse()
            self.assertEqual(answer.status, status)
            body = answer.read()
        self.assertEqual(json.loads(body)['name'], 'Ada Lovelace 8')

    def test_pipelined_requests_are_answered_in_order_with_and_without_polling(self):
        for environment in ({}, {'BUSY_POLL_US': '100'}):
            port = self.start(**environment)
            connections = [self.connect(port) for _ in range(3)]
            for connection in connections:
                connection.sendall(b''.join(map(request, self.ids)))
            for connection in connections:
                self.users(connection, self.ids)

    def test_a_request_may_come_in_pieces(self):
        connection = self.connect(self.start())
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(self.ids[0]) + request(self.ids[1]):
            connection.sendall(bytes([byte]))
        self.users(connection, self.ids[:2])

    def test_what_it_does_not_understand_ends_only_that_connection(self):
        port = self.start()
        for wrong in (b'GET / HTTP/1.1\r\n\r\n', request('no-id'), request('g' * 36), b'x' * 10_000):
            connection = self.connect(port)
            connection.sendall(wrong)
            self.assertEqual(connection.recv(1), b'')
        connection = self.connect(port)
        connection.sendall(request(self.ids[2]))
        self.users(connection, self.ids[2:3])


class Fill(unittest.TestCase):
    def test_items_are_those_of_the_public_benchmark_and_the_same_each_time(self):
        with server.Postgres() as database:
            seen = set()
            for _ in range(2):
                fill.fill_items(database.url(), 1000)
                seen.add(database.psql("SELECT count(*), min(id), max(id), count(DISTINCT category), min(price) >= 1, max(price) <= 500, "
                                       "bool_and(jsonb_array_length(tags) BETWEEN 1 AND 3), md5(string_agg(i::text, '' ORDER BY id)) FROM items i"))
            self.assertEqual(len(seen), 1)
            self.assertTrue(seen.pop().startswith('1000|1|1000|5|t|t|t|'))

    def test_ids_of_users_are_written_for_the_load(self):
        with server.Postgres() as database, tempfile.TemporaryDirectory() as folder:
            ids = Path(folder, 'ids')
            command = [sys.executable, str(ROOT / 'bench/load/fill.py'), 'users', database.url(), '--count', '50', '--ids', str(ids), '--create']
            subprocess.run(command, check=True)
            self.assertEqual(ids.read_text(encoding='ascii').splitlines(), database.psql('SELECT id FROM users ORDER BY id').splitlines())


if __name__ == '__main__':
    told.run(PgFloor, Fill)
