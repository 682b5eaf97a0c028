"""The log from the outside: log_test.py BINARY. A reader that stops, the level, a file that is renamed, the journal."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import sluice
from collector import Collector

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../server'))
import system_calls_test  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))
DROPPED = re.compile(r'^sluice_log_lines_dropped_total (\d+)$', re.MULTILINE)


class Log(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name

    def start(self, *arguments, **more):
        server = sluice.Server(BINARY, *arguments, folder=self.folder, **more)
        self.addCleanup(server.__exit__)
        return server

    def wait_until(self, happened):
        end = time.monotonic() + sluice.PATIENCE_SECONDS
        while not happened():
            self.assertLess(time.monotonic(), end, 'it does not happen')
            time.sleep(0.01)

    @staticmethod
    def dropped(server):
        return int(DROPPED.search(server.get('/metrics', server.admin_port)[1].decode())[1])

    @staticmethod
    def level(server):
        return json.loads(server.get('/log/level', server.admin_port)[1])['level']

    def put_level(self, server, level, **fields):
        body = json.dumps({'level': level})
        head = {'Host': 'localhost', 'Content-Type': 'application/json', 'Content-Length': len(body), 'Connection': 'close', **fields}
        text = 'PUT /log/level HTTP/1.1\r\n' + ''.join(f'{name}: {value}\r\n' for name, value in head.items()) + '\r\n' + body
        with socket.create_connection(('127.0.0.1', server.admin_port), timeout=sluice.PATIENCE_SECONDS) as client:
            client.sendall(text.encode())
            answer = b''.join(iter(lambda: client.recv(4096), b''))
        return int(answer.split()[1])

    def test_a_reader_that_stops_slows_no_request_and_loses_no_more_than_is_said(self):
        server = self.start('--shards', '1')
        asked = self.fill_standard_output(server)
        self.assertEqual(server.stop(), 0)  # and now it is read again
        lines = [line for line in server.lines if line['message'] == 'request' and line['path'] == '/healthz']
        said = sum(line['dropped'] for line in server.lines if line['message'] == 'Log lines were dropped')
        self.assertGreater(len(lines), 100)
        self.assertGreater(said, 0)
        self.assertLess(len(lines), asked)
        self.assertGreaterEqual(len(lines) + said, asked)

    def fill_standard_output(self, server):
        """Nobody reads it: the pipe fills, then the buffer, and then lines are dropped. How many requests that took."""
        asked, batch = 0, b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' * 100
        with socket.create_connection(('127.0.0.1', server.port), timeout=sluice.PATIENCE_SECONDS) as client:
            while self.dropped(server) == 0:
                client.sendall(batch)
                asked += 100
                answers = b''
                while answers.count(b'{"status":"ok"}') < 100:
                    answers += client.recv(65536)  # which would time out if the log held the shard up
        return asked

    def test_what_is_lost_when_it_ends_unread_is_said_on_standard_error_unless_that_leads_there_too(self):
        for prepare in (None, lambda: os.dup2(1, 2)):
            server = self.start('--shards', '1', prepare=prepare)
            asked = self.fill_standard_output(server)
            server.process.terminate()
            self.assertEqual(server.process.wait(sluice.PATIENCE_SECONDS), 0)
            self.assertRegex(server.said(), r'\A\Z' if prepare else r'\Asluice: \d+ lines of the log are lost[^\n]*\n\Z')
            server.wait()  # and now what went into the pipe is read
            lost = asked if prepare else int(server.said().split()[1])
            self.assertGreaterEqual(sum(line['message'] == 'request' for line in server.lines) + lost, asked)

    def calls_of(self, thread, pid, port):
        """What one of the server's threads calls while a client asks for /healthz REQUESTS times."""
        if not shutil.which('strace') or b'__asan_init' in open(BINARY, 'rb').read():
            self.skipTest('needs strace, and no sanitizer, which makes system calls of its own')
        with contextlib.suppress(SystemExit):
            return system_calls_test.calls_of(thread, pid, port, [b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'])
        self.skipTest('strace may not watch')

    def test_a_line_for_each_request_costs_the_shard_no_system_call_but_for_waking_the_writer_now_and_then(self):
        log = os.path.join(self.folder, 's.log')
        server = self.start('--shards', '1', log=log, environment={'SLUICE_LOG_FILE': log, 'SLUICE_REACTOR_BUSY_POLL': 'off'})
        calls = self.calls_of('shard-0', server.process.pid, server.port)
        self.assertLessEqual(set(calls), {'io_uring_enter', 'write'})
        self.assertLessEqual(calls.get('write', 0), system_calls_test.REQUESTS / 20)
        self.assertLessEqual(calls['io_uring_enter'], 2 * system_calls_test.REQUESTS + 100)
        self.assertEqual(server.stop(), 0)
        with open(log, encoding='utf-8') as lines:
            told = [line for line in map(sluice.strict_json, lines) if line['message'] == 'request']
        self.assertEqual(len(told), system_calls_test.REQUESTS + 300)

    def test_a_reader_that_stops_costs_the_shard_no_system_call(self):
        server = self.start('--shards', '1', environment={'SLUICE_REACTOR_BUSY_POLL': 'off'})
        self.fill_standard_output(server)
        calls = self.calls_of('shard-0', server.process.pid, server.port)
        self.assertEqual(set(calls), {'io_uring_enter'}, calls)  # it waits for its clients alone, as beside one that reads
        self.assertLessEqual(calls['io_uring_enter'], 2 * system_calls_test.REQUESTS + 100)

    # Whatever the log is written to, the thread that does it waits in its ring alone.
    def test_a_file_is_written_by_a_ring(self):
        log = os.path.join(self.folder, 's.log')
        server = self.start(log=log, environment={'SLUICE_LOG_FILE': log})
        self.assertEqual(set(self.calls_of('log', server.process.pid, server.port)), {'io_uring_enter'})

    def test_a_pipe_is_written_by_a_ring(self):
        server = self.start()
        reader = threading.Thread(target=server.await_lines, args=(system_calls_test.REQUESTS + 300, 'request'))
        reader.start()
        try:
            self.assertEqual(set(self.calls_of('log', server.process.pid, server.port)), {'io_uring_enter'})
        finally:
            server.signal(signal.SIGTERM)
            reader.join()

    def test_the_journal_is_written_by_a_ring_with_many_entries_a_call(self):
        with self.serving_to_a_journal() as (server, journal, _):
            port = int(self.fields_of(journal.recv(1 << 20))['LISTEN'].rsplit(':', 1)[1])
            reader = threading.Thread(target=lambda: all(iter(lambda: journal.recv(1 << 20), b'end')))
            reader.start()
            try:
                calls = self.calls_of('log', server.pid, port)
            finally:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                    last.sendto(b'end', journal.getsockname())
                reader.join()
            self.assertEqual(set(calls), {'io_uring_enter'}, calls)
            self.assertLess(calls['io_uring_enter'], system_calls_test.REQUESTS)

    def test_hangup_reads_the_level_again_and_keeps_it_where_the_file_is_wrong(self):
        path = os.path.join(self.folder, 'sluice.toml')

        def write(text):
            with open(path + '.new', 'w', encoding='utf-8') as file:
                file.write(text)
            os.rename(path + '.new', path)

        write('log.level = "info"\n')
        log = os.path.join(self.folder, 'r.log')
        server = self.start(log=log, environment={'SLUICE_LOG_FILE': log})
        self.assertEqual(self.level(server), 'info')
        write('log.level = "debug"\n')
        server.signal(signal.SIGHUP)
        self.wait_until(lambda: self.level(server) == 'debug')
        self.assertEqual(self.put_level(server, 'warn'), 200)
        self.assertEqual(self.level(server), 'warn')
        write('log.level = "loud"\n')
        server.signal(signal.SIGHUP)

        def refusals():
            with open(log, encoding='utf-8') as file:
                return [line for line in map(sluice.strict_json, file) if line['level'] == 'error']

        self.wait_until(refusals)
        self.assertIn('sluice.toml:1: log.level must be', refusals()[0]['reason'])
        self.assertEqual(self.level(server), 'warn')
        write('log.level = "error"\n')
        self.wait_until(lambda: server.signal(signal.SIGHUP) or self.level(server) == 'error')
        self.assertEqual(server.stop(), 0)

    def test_hangup_reads_the_level_again_beside_what_cannot_change(self):
        path = os.path.join(self.folder, 'sluice.toml')
        server = self.start()
        with open(path + '.new', 'w', encoding='utf-8') as file:
            file.write('log.level = "debug"\nrate_limit.requests = 100\n')
        os.rename(path + '.new', path)
        server.signal(signal.SIGHUP)
        self.wait_until(lambda: self.level(server) == 'debug')
        self.assertNotIn('RateLimit', server.get('/users')[0].headers)
        self.assertEqual(server.stop(), 0)
        told = [(line['message'], line.get('reason')) for line in server.lines if line['level'] == 'error']
        self.assertEqual(told, [('The rate limit stays as it is',
                                 'rate_limit.requests cannot become 0, or cease to be 0, while the server runs')])
        self.assertEqual(sum(line['message'] == 'The settings were read again' for line in server.lines), 1)

    def test_hangup_opens_the_log_again_and_no_line_is_lost_or_torn(self):
        log = os.path.join(self.folder, 's.log')
        server = self.start('--shards', '2', log=log, environment={'SLUICE_LOG_FILE': log})
        files, answered, over = [], [], threading.Event()

        def ask():
            while not over.is_set():  # of both shards, and some of them over one connection
                connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=sluice.PATIENCE_SECONDS)
                for _ in range(20):
                    connection.request('GET', '/users')
                    answer = connection.getresponse()
                    answer.read()
                    answered.append((answer.status, answer.getheader('X-Request-Id')))
                connection.close()

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            for number in range(5):
                self.wait_for_more(answered)
                files.append(f'{log}.{number}')
                os.rename(log, files[-1])
                self.wait_for_more(answered)
                server.signal(signal.SIGHUP)
                self.wait_until(lambda: os.path.exists(log))
            self.wait_for_more(answered)
        finally:
            over.set()
            for client in clients:
                client.join()
        self.assertEqual({status for status, _ in answered}, {200})

        # The level that a hangup brings stays when the next one only opens the file again.
        with open(os.path.join(self.folder, 'sluice.toml'), 'w', encoding='utf-8') as file:
            file.write('log.level = "error"\n')
        for number in range(5, 7):
            files.append(f'{log}.{number}')
            os.rename(log, files[-1])
            server.signal(signal.SIGHUP)
            self.wait_until(lambda: os.path.exists(log))
            self.wait_until(lambda: self.level(server) == 'error')
            self.assertEqual(server.get('/healthz')[0].status, 200)
        self.assertEqual(server.stop(), 0)

        told = {path: self.log_lines(path) for path in [*files, log]}
        traces = {path: [line['trace_id'] for line in lines if line.get('path') == '/users'] for path, lines in told.items()}
        self.assertEqual(sorted(trace for some in traces.values() for trace in some), sorted(trace for _, trace in answered))
        self.assertTrue(all(traces[path] for path in files[:6]))
        self.assertEqual([line for lines in told.values() for line in lines if line.get('path') == '/healthz'], [])

    def wait_for_more(self, answers):
        seen = len(answers)
        self.wait_until(lambda: len(answers) >= seen + 50)

    def log_lines(self, path):
        with open(path, encoding='utf-8', newline='\n') as file:
            *lines, rest = file.read().split('\n')
        self.assertEqual(rest, '', path)
        return [sluice.strict_json(line) for line in lines]

    def test_the_level_is_not_for_pages_of_other_sites(self):
        server = self.start()
        self.assertEqual(self.put_level(server, 'debug', Origin='http://evil.example'), 403)
        self.assertEqual(self.put_level(server, 'debug', Host='evil.example'), 403)
        self.assertEqual(self.level(server), 'info')

    @contextlib.contextmanager
    def serving_to_a_journal(self):
        path = os.path.join(self.folder, 'journal')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal, open(os.path.join(self.folder, 'out'), 'wb') as out:
            journal.bind(path)
            journal.settimeout(sluice.PATIENCE_SECONDS)
            about = os.fstat(out.fileno())
            environment = sluice.clean_environment(SLUICE_LOG_JOURNAL=path, JOURNAL_STREAM=f'{about.st_dev}:{about.st_ino}')
            server = subprocess.Popen([BINARY, 'serve', '--listen', '127.0.0.1:0', '--admin-listen', ''], cwd=self.folder,
                                      env=environment, stdout=out)
            try:
                yield server, journal, out.name
            finally:
                server.kill()
                server.wait()

    def test_lines_go_to_the_journal_where_systemd_has_connected_standard_output_to_it(self):
        with self.serving_to_a_journal() as (server, journal, out):
            entry = self.fields_of(journal.recv(1 << 20))
            self.assertTrue(entry['MESSAGE'].startswith('Serving http://127.0.0.1:'), entry)
            self.assertEqual((entry['PRIORITY'], entry['SYSLOG_IDENTIFIER'], entry['DATABASE']), ('6', 'sluice', 'sqlite'))
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(sluice.PATIENCE_SECONDS), 0)
            self.assertEqual(os.path.getsize(out), 0)

    @staticmethod
    def fields_of(entry):
        fields = {}
        while entry:
            line, _, entry = entry.partition(b'\n')
            name, equals, value = line.partition(b'=')
            if not equals:
                size, = struct.unpack('<Q', entry[:8])
                value, entry = entry[8:8 + size], entry[9 + size:]
            fields[name.decode()] = value.decode()
        return fields

    def test_lines_go_to_standard_output_where_it_is_not_the_journal(self):
        server = self.start(environment={'JOURNAL_STREAM': '1:1', 'SLUICE_LOG_JOURNAL': os.path.join(self.folder, 'absent')})
        self.assertEqual(server.stop(), 0)

    def test_the_access_line_says_how_long_the_database_took(self):
        server = self.start()
        server.get('/users')
        server.get('/healthz')
        self.assertEqual(server.stop(), 0)
        told = {line['path']: line for line in server.lines if line['message'] == 'request'}
        self.assertGreater(told['/users']['db_us'], 0)
        self.assertLessEqual(told['/users']['db_us'], told['/users']['duration_us'])
        self.assertEqual(told['/healthz']['db_us'], 0)

    def test_a_slow_request_says_where_its_time_went(self):
        server = self.start(environment={'SLUICE_LOG_SLOW': '1ms', 'SLUICE_LOG_ACCESS': 'false'})
        self.ask_slowly(server, f'00-{1:032x}-00000000000000ff-00')
        self.assertEqual(server.stop(), 0)
        slow, = (line for line in server.lines if line['message'] == 'slow request' and line['path'] == '/users')
        self.assertGreater(slow['body_us'], 10_000)
        self.assertEqual((slow['level'], slow['status'], slow['query_us']), ('warn', 422, 0))

    def test_a_slow_request_is_among_the_traces_that_are_kept_unless_none_counts_as_slow(self):
        slow_one, sampled = f'{1:032x}', f'{2:032x}'
        for slow, wanted in (('1ms', {slow_one, sampled}), ('0', {sampled})):
            with self.subTest(slow):
                collector = Collector(parse=sluice.strict_json)
                self.addCleanup(collector.end)
                server = self.start(environment={'SLUICE_LOG_SLOW': slow, 'SLUICE_TELEMETRY_OTLP_URL': collector.url(),
                                                 'SLUICE_TELEMETRY_SAMPLE_RATIO': '0', 'SLUICE_TRUSTED_PROXIES': '127.0.0.1'})
                for trace, flag in ((slow_one, '00'), (sampled, '01')):
                    self.ask_slowly(server, f'00-{trace}-00000000000000ff-{flag}')
                self.assertEqual(server.stop(), 0)
                self.assertEqual({span['traceId'] for span in collector.spans}, wanted)

    def test_what_fails_before_a_route_is_known_is_among_the_traces_that_are_kept(self):
        collector = Collector(parse=sluice.strict_json)
        self.addCleanup(collector.end)
        server = self.start(environment={'SLUICE_TELEMETRY_OTLP_URL': collector.url(), 'SLUICE_TELEMETRY_SAMPLE_RATIO': '0',
                                         'SLUICE_LOG_SLOW': '0', 'SLUICE_TRUSTED_PROXIES': '127.0.0.1'})

        def ask(head, flag):
            with socket.create_connection(('127.0.0.1', server.port), timeout=sluice.PATIENCE_SECONDS) as client:
                client.sendall(b'%b\r\ntraceparent: 00-%032x-00000000000000ff-%b\r\n\r\n' % (head, 7, flag))
                answer = b''.join(iter(lambda: client.recv(4096), b''))
            return int(answer.split()[1]), re.search(rb'(?i)x-request-id: (\w{32})', answer)[1].decode()
        ours = f'{7:032x}'
        self.assertEqual(ask(b'GET / HTTP/1.1\r\nHost: a\r\nHost: b', b'00'), (400, ours))
        asked = [ask(head, flag) for head, flag in (
            (b'BREW / HTTP/1.1\r\nHost: a', b'01'),
            (b'GET / HTTP/9.9\r\nHost: a', b'00'),
            (b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked', b'00'),
            (b'GET / HTTP/1.1\r\nHost: a\r\nHost: b', b'01'))]
        self.assertEqual([status for status, _ in asked], [501, 505, 501, 400])
        self.assertEqual([trace == ours for _, trace in asked], [False, False, True, True])  # whose heads could be read
        self.assertEqual(server.stop(), 0)

        def number(span, name):
            return next(int(one['value']['intValue']) for one in span['attributes'] if one['key'] == name)
        told = [(number(span, 'http.response.status_code'), span['traceId']) for span in collector.spans]
        self.assertEqual(sorted(told), sorted(asked))
        for span in collector.spans:
            self.assertEqual((span['name'], span['kind']), ('HTTP', 2))
            self.assertEqual(span['status'], {'code': 2} if number(span, 'http.response.status_code') >= 500 else {})
            self.assertGreater(int(span['endTimeUnixNano']), int(span['startTimeUnixNano']))

    def ask_slowly(self, server, traceparent):
        """Its body follows a while after its head is known."""
        with socket.create_connection(('127.0.0.1', server.port), timeout=sluice.PATIENCE_SECONDS) as client:
            client.sendall(b'POST /users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n'
                           b'traceparent: %b\r\n\r\n' % traceparent.encode())
            self.wait_until(lambda: b'"body"' in server.get('/inflight', server.admin_port)[1])
            time.sleep(0.02)
            client.sendall(b'{}')
            self.assertTrue(b''.join(iter(lambda: client.recv(4096), b'')).startswith(b'HTTP/1.1 422 '))

    def test_hides_what_fields_of_the_names_that_it_is_told_hold_and_nothing_else(self):
        for redact, path in ((None, '/users'), ('path', '[redacted]'), ('status_,rou', '/users')):
            with self.subTest(redact):
                server = self.start(environment={'SLUICE_LOG_REDACT': redact} if redact else {})
                server.get('/users')
                self.assertEqual(server.stop(), 0)
                [line] = [line for line in server.lines if line['message'] == 'request']
                self.assertEqual((line['path'], line['status'], line['method']), (path, 200, 'GET'))
                self.assertEqual(line['route'], '[redacted]' if redact and 'rou' in redact else '/users')

    def test_only_a_part_of_the_access_lines_is_written_if_so_asked_but_every_error(self):
        server = self.start(environment={'SLUICE_LOG_ACCESS_RATIO': '0', 'SLUICE_LOG_SLOW': '0'})
        for _ in range(10):
            server.get('/users')
        server.get('/nothing')
        self.assertEqual(server.stop(), 0)
        told = [(line['path'], line['status']) for line in server.lines if line['message'] == 'request']
        self.assertEqual(told, [('/nothing', 404)])


if __name__ == '__main__':
    unittest.main(verbosity=2)
