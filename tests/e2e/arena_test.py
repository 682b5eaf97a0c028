"""Every endpoint of the arena application, over real sockets: arena_test.py ARENA FLOOR. The floor, its measure, too."""
import http.client
import json
import re
import socket
import subprocess
import sys
import time
import unittest

import told

ARENA, FLOOR = sys.argv[1:3]


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def read_all(connection):
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b''.join(parts)


def exchange(port, sent):
    """Sends bytes, says that there will be no more, and reads until the server closes."""
    with socket.create_connection(('127.0.0.1', port), 20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


class Arena(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([ARENA, '--listen', '127.0.0.1:0', '--shards', '1'], stdout=subprocess.PIPE, text=True)
        cls.port = int(re.search(r':(\d+)$', cls.server.stdout.readline().strip()).group(1))

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        ended = cls.server.wait(20)
        cls.server.stdout.close()
        if ended != 0:
            raise AssertionError(f'arena ended with {ended}')

    def ask(self, method, target, body=None, headers=None, chunked=False):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
        try:
            connection.request(method, target, body, headers or {}, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, answer.getheader('Content-Type'), answer.read()
        finally:
            connection.close()

    def test_pipeline_answers_ok(self):
        self.assertEqual(self.ask('GET', '/pipeline'), (200, 'text/plain', b'ok'))

    def test_pipelined_requests_are_all_answered_in_order(self):
        asked = b''.join(b'GET /baseline11?a=%d&b=1 HTTP/1.1\r\nHost: arena\r\n\r\n' % i for i in range(32))
        answers = exchange(self.port, asked)
        self.assertEqual(re.findall(rb'\r\n\r\n(\d+)', answers), [b'%d' % (i + 1) for i in range(32)])

    def test_every_answer_carries_date_and_request_id(self):
        answer = exchange(self.port, b'GET /pipeline HTTP/1.1\r\nHost: arena\r\n\r\n').decode()
        self.assertRegex(answer, r'\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n')
        self.assertRegex(answer, r'\r\nX-Request-Id: [0-9a-f]{32}\r\n')

    def test_baseline_adds_the_query(self):
        self.assertEqual(self.ask('GET', '/baseline11?a=13&b=42'), (200, 'text/plain', b'55'))
        self.assertEqual(self.ask('GET', '/baseline11?b=-2&a=1')[2], b'-1')

    def test_baseline_adds_the_body(self):
        self.assertEqual(self.ask('POST', '/baseline11?a=13&b=42', b'20'), (200, 'text/plain', b'75'))

    def test_baseline_adds_a_chunked_body(self):
        sent = self.ask('POST', '/baseline11?a=13&b=42', iter([b'2', b'0']), {'Transfer-Encoding': 'chunked'}, chunked=True)
        self.assertEqual(sent, (200, 'text/plain', b'75'))

    def test_baseline_refuses_what_is_no_number(self):
        for status, content_type, _ in (self.ask('GET', '/baseline11?a=x&b=1'), self.ask('POST', '/baseline11?a=1', b'1x'),
                                        self.ask('GET', f'/baseline11?a={2**63 - 1}&b=1')):
            self.assertEqual((status, content_type), (400, 'application/problem+json'))

    def test_json_prices_the_first_items(self):
        status, content_type, body = self.ask('GET', '/json/7?m=3')
        answer = json.loads(body)
        self.assertEqual((status, content_type, answer['count']), (200, 'application/json', 7))
        self.assertEqual([item['id'] for item in answer['items']], list(range(1, 8)))
        for item in answer['items']:
            self.assertEqual(item['total'], item['price'] * item['quantity'] * 3)
            self.assertEqual(set(item), {'id', 'name', 'category', 'price', 'quantity', 'active', 'tags', 'rating', 'total'})
            self.assertEqual(set(item['rating']), {'score', 'count'})
        first = {'id': 1, 'name': 'Alpha Widget', 'category': 'electronics', 'price': 328, 'quantity': 15, 'active': True,
                 'tags': ['fast', 'new'], 'rating': {'score': 48, 'count': 127}, 'total': 328 * 15 * 3}
        self.assertEqual(answer['items'][0], first)

    def test_json_has_fifty_items_and_a_factor_of_one_where_none_is_given(self):
        answer = json.loads(self.ask('GET', '/json/50')[2])
        self.assertEqual((answer['count'], len({item['id'] for item in answer['items']})), (50, 50))
        self.assertTrue(all(item['total'] == item['price'] * item['quantity'] for item in answer['items']))

    def test_json_knows_no_count_that_is_no_number(self):
        self.assertEqual(self.ask('GET', '/json/many')[0], 404)

    def test_upload_counts_what_it_received(self):
        for size in (0, 1, 100_000, 20_000_000):
            self.assertEqual(self.ask('POST', '/upload', b'\0' * size), (200, 'text/plain', b'%d' % size))
        pieces = self.ask('POST', '/upload', iter([b'x' * 70_000] * 9), {'Transfer-Encoding': 'chunked'}, chunked=True)
        self.assertEqual(pieces[2], b'630000')

    def test_upload_never_holds_the_body(self):
        def resident_kib():
            with open(f'/proc/{self.server.pid}/status', encoding='ascii') as status:
                return int(re.search(r'VmRSS:\s+(\d+)', status.read()).group(1))
        self.ask('POST', '/upload', b'\0' * 1_000_000)
        before = resident_kib()
        self.ask('POST', '/upload', b'\0' * 20_000_000)
        self.assertLess(resident_kib() - before, 8 * 1024)

    def test_upload_is_bounded(self):
        with socket.create_connection(('127.0.0.1', self.port), 20) as connection:
            connection.sendall(b'POST /upload HTTP/1.1\r\nHost: arena\r\nContent-Length: 30000000\r\n\r\n')
            self.assertTrue(connection.recv(4096).startswith(b'HTTP/1.1 413 '))

    def test_wrong_arguments_are_exit_status_2(self):
        self.assertEqual(subprocess.run([ARENA, '--no-such'], capture_output=True, check=False).returncode, 2)


class Floor(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.server = subprocess.Popen([FLOOR, str(self.port)])
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return
            except OSError:
                self.assertIsNone(self.server.poll(), 'the floor ended')
                time.sleep(0.01)

    def tearDown(self):
        self.server.terminate()
        self.server.wait(20)

    def answers(self, sent):
        received = exchange(self.port, sent)
        count = received.count(b'HTTP/1.1 200 OK\r\n')
        self.assertEqual(len(received), count * len(b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'))
        return count

    def test_every_blank_line_is_answered(self):
        self.assertEqual(self.answers(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n' * 3), 3)
        self.assertEqual(self.answers(b'\r\n\r\n' * 100_000), 100_000)
        self.assertEqual(self.answers(b'\r\r\n\r\n' + b'\r\n\r\r\n'), 1)

    def test_a_blank_line_may_come_in_pieces(self):
        with socket.create_connection(('127.0.0.1', self.port), 20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b'GET / HTTP/1.1\r\n\r\n' * 2:
                connection.sendall(bytes([byte]))
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(connection).count(b'HTTP/1.1 200'), 2)


if __name__ == '__main__':
    told.run(Arena, Floor)
