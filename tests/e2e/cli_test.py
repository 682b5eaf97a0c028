"""The command line from the outside: cli_test.py BINARY. Commands, exit statuses, refusals, health, drain, log."""
import ctypes
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import sluice

BINARY = os.path.abspath(sys.argv.pop(1))
FREE_PORTS = ('--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0')
NOBODY = 65534


def refuse_io_uring(error_number):
    """A seccomp filter as containers have it: io_uring's three calls end with that error."""
    calls = (425, 426, 427)
    load, equal, give = 0x20, 0x15, 0x06
    allow, refuse = 0x7fff0000, 0x00050000 | error_number
    steps = [(load, 0, 0, 0)] + [(equal, len(calls) - i, 0, call) for i, call in enumerate(calls)]
    steps += [(give, 0, 0, allow), (give, 0, 0, refuse)]

    def prepare():
        code = b''.join(struct.pack('HBBI', *step) for step in steps)
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(code)
        program = struct.pack('HxxxxxxP', len(steps), ctypes.addressof(buffer))
        set_no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
        if libc.prctl(set_no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, filter_mode, program, 0, 0):
            raise OSError(ctypes.get_errno(), 'seccomp')
    return prepare


def limited(what, to, unprivileged=False):
    def prepare():
        resource.setrlimit(what, (to, to))
        if unprivileged:
            os.setuid(NOBODY)
    return prepare


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name

    def run_sluice(self, *arguments, **more):
        return sluice.run(BINARY, *arguments, folder=self.folder, **more)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def assert_refused(self, done, status, *parts):
        """Ended with that status and one line on standard error that has these parts."""
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stdout, '')
        self.assertRegex(done.stderr, r'\Asluice: [^\n]+\n\Z')
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_wrong_usage_ends_with_2_and_one_line(self):
        for arguments in (['dance'], ['serve', '--nonsense'], ['--config'], ['check', 'twice'], ['migrate', '--shards', '1']):
            self.assert_refused(self.run_sluice(*arguments), 2, '--help`')

    def test_wrong_configuration_ends_every_command_with_2_and_one_line(self):
        self.write('bad.toml', 'shards = 1\nlimits.heders = 5\n')
        for command in ('serve', 'check', 'migrate', 'config', 'routes'):
            done = self.run_sluice(command, '--config', 'bad.toml')
            self.assert_refused(done, 2, 'bad.toml:2: unknown key limits.heders', 'did you mean limits.headers?')
        self.assert_refused(self.run_sluice('--config', 'absent.toml'), 2, 'absent.toml', 'No such file')
        self.assert_refused(self.run_sluice('--listen', 'localhost:80'), 2, '--listen: listen must be')
        self.assert_refused(self.run_sluice(environment={'SLUICE_SHARD': '1'}), 2, 'SLUICE_SHARD', 'SLUICE_SHARDS?')
        self.assert_refused(self.run_sluice(environment={'LOG_LEVEL': 'x'}), 2, 'LOG_LEVEL: log.level must be')
        self.assert_refused(self.run_sluice(environment={'DATABASE_URL': 'x'}), 2, 'DATABASE_URL: database_url must be')
        self.assert_refused(self.run_sluice(environment={'REDIS_URL': 'x'}), 2, 'REDIS_URL: redis.url must be')
        self.write('bad.toml', '"a\\nb" = 1\n')
        self.assert_refused(self.run_sluice('--config', 'bad.toml'), 2, r'bad.toml:1: unknown key a\u000ab')

    def test_help_and_version(self):
        done = self.run_sluice('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        for command in ('serve', 'check', 'migrate', 'config', 'routes'):
            self.assertIn(command, done.stdout)
            help_of = self.run_sluice(command, '--help')
            self.assertEqual(help_of.returncode, 0)
            self.assertIn('--config FILE', help_of.stdout)
        self.assertRegex(self.run_sluice('--version').stdout, r'\Asluice \d+\.\d+\.\d+\n\Z')

    def test_output_that_cannot_be_written_is_said(self):
        for arguments in (['--version'], ['serve', '--help'], ['config'], ['routes'], ['check', *FREE_PORTS], ['migrate']):
            with self.subTest(arguments=arguments), open('/dev/full', 'w', encoding='utf-8') as full:
                done = subprocess.run([BINARY, *arguments], cwd=self.folder, env=sluice.clean_environment(), text=True,
                                      stdout=full, stderr=subprocess.PIPE, timeout=sluice.PATIENCE_SECONDS)
                self.assertEqual((done.returncode, done.stderr), (1, 'sluice: standard output cannot be written\n'))

    def test_config_prints_values_and_where_they_came_from(self):
        self.write('sluice.toml', 'limits.headers = 5\n[log]\nlevel = "warn"\n')
        done = self.run_sluice('config', '--shards', '2', environment={'SLUICE_LISTEN': '[::1]:1', 'LOG_LEVEL': 'ERROR'})
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in (r'^listen += "\[::1\]:1" +# environment SLUICE_LISTEN$', r'^shards += 2 +# flag --shards$',
                     r'^limits\.headers += 5 +# file sluice\.toml:1$', r'^log\.level += "error" +# environment LOG_LEVEL$',
                     r'^sqlite\.path += "sluice\.db" +# default$'):
            self.assertRegex(done.stdout, re.compile(line, re.MULTILINE))
        self.write('again.toml', done.stdout)
        self.assertEqual(self.run_sluice('config', '--config', 'again.toml').returncode, 0)

    def test_routes_are_listed_with_their_limits(self):
        done = self.run_sluice('routes')
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in (r'^POST +/users +api +1MiB +30s', r'^GET +/users/\{id\} +api ', r'^PATCH +/users/\{id\} +api ',
                     r'^DELETE +/users/\{id\} +api ', r'^GET +/healthz +api ', r'^GET +/readyz +admin '):
            self.assertRegex(done.stdout, re.compile(line, re.MULTILINE))
        self.assertEqual(os.listdir(self.folder), [])

    def test_migrate_makes_the_database_once(self):
        first = self.run_sluice('migrate')
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn('from schema version 0', first.stdout)
        second = self.run_sluice('migrate')
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn('up to date', second.stdout)
        self.write('broken.db', 'not a database ' * 100)
        done = self.run_sluice('migrate', environment={'SLUICE_SQLITE_PATH': 'broken.db'})
        self.assert_refused(done, 1, 'broken.db')

    def test_check_says_ok_for_each_thing_and_makes_nothing(self):
        done = self.run_sluice('check', *FREE_PORTS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in done.stdout.splitlines():
            self.assertTrue(line.startswith('ok   '), line)
        for part in ('configuration', 'Linux', 'io_uring operation accept', 'provided buffer', 'open files',
                     'lockable memory', 'bundled receive', 'incremental buffers', 'ok   listen: 127.0.0.1:0',
                     'ok   admin_listen: 127.0.0.1:0', 'database'):
            self.assertIn(part, done.stdout)
        self.assertEqual(os.listdir(self.folder), [])

    def test_check_fails_with_the_mend_where_serve_fails_with_the_same(self):
        nobody = os.geteuid() == 0
        os.chmod(self.folder, 0o777)
        restrictions = [
            (refuse_io_uring(1), 'seccomp'), (refuse_io_uring(38), 'seccomp'),
            (limited(resource.RLIMIT_NOFILE, 24), 'RLIMIT_NOFILE'),
        ]
        if self.memlock_counts(nobody):
            restrictions.append((limited(resource.RLIMIT_MEMLOCK, 0, nobody), 'RLIMIT_MEMLOCK'))
        for prepare, mend in restrictions:
            with self.subTest(mend=mend):
                checked = self.run_sluice('check', *FREE_PORTS, prepare=prepare)
                self.assertEqual((checked.returncode, checked.stderr), (1, ''), checked)
                failed = [line for line in checked.stdout.splitlines() if line.startswith('FAIL ')]
                self.assertIn(mend, failed[0])
                served = self.run_sluice('serve', *FREE_PORTS, prepare=prepare)
                self.assert_refused(served, 1, mend, failed[0].removeprefix('FAIL '))

    def memlock_counts(self, nobody):
        """Does this kernel count rings against RLIMIT_MEMLOCK, for this user?"""
        done = self.run_sluice('check', prepare=limited(resource.RLIMIT_MEMLOCK, 0, nobody))
        return 'not counted' not in done.stdout

    def test_check_fails_for_a_database_or_log_that_cannot_be(self):
        self.write('broken.db', 'not a database ' * 100)
        done = self.run_sluice('check', environment={'SLUICE_SQLITE_PATH': 'broken.db'})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'(?m)^FAIL database: .*broken\.db')
        done = self.run_sluice('check', environment={'SLUICE_LOG_FILE': 'absent/folder/s.log'})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'(?m)^FAIL log: absent/folder/s\.log')

    def failures_of_check(self, listen, admin='127.0.0.1:0'):
        done = self.run_sluice('check', '--listen', listen, '--admin-listen', admin)
        failed = [line for line in done.stdout.splitlines() if line.startswith('FAIL ')]
        self.assertEqual(done.returncode, 1 if failed else 0, done)
        return failed

    def test_check_fails_for_an_address_that_is_in_use_or_not_of_this_machine(self):
        for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
            with self.subTest(host=host), socket.socket(family) as other:
                try:
                    other.bind((host, 0))
                except OSError:
                    self.skipTest(f'{host} is no address here')
                other.listen()
                address = f'{f"[{host}]" if ":" in host else host}:{other.getsockname()[1]}'
                [failed] = self.failures_of_check(address)
                self.assertTrue(failed.startswith(f'FAIL listen: {address} is in use: '), failed)
                [failed] = self.failures_of_check('127.0.0.1:0', address)
                self.assertTrue(failed.startswith(f'FAIL admin_listen: {address} is in use: '), failed)
            self.assertEqual(self.failures_of_check(address), [])
        [failed] = self.failures_of_check('192.0.2.1:0')
        self.assertIn('listen: 192.0.2.1:0 is no address of this machine', failed)

    def test_check_fails_for_a_unix_socket_that_cannot_be_made_and_touches_no_file(self):
        path = os.path.join(self.folder, 's.sock')
        self.assertEqual(self.failures_of_check(f'unix:{path}'), [])
        self.assertEqual(os.listdir(self.folder), [])
        self.assertIn(f'there is no folder {self.folder}/absent', self.failures_of_check(f'unix:{self.folder}/absent/s')[0])
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            self.assertIn(f'listen: unix:{path} is in use', self.failures_of_check(f'unix:{path}')[0])
        self.assertEqual(self.failures_of_check(f'unix:{path}'), [])  # a left-over, which the server replaces
        self.assertTrue(os.path.exists(path))
        plain = self.write('plain', 'precious')
        self.assertIn('is no socket', self.failures_of_check(f'unix:{plain}')[0])
        self.assertTrue(os.path.exists(plain))

    def test_check_and_serve_ask_for_the_descriptors_that_the_connections_need(self):
        self.write('sluice.toml', 'limits.connections = 5000\nshards = 1\n')
        done = self.run_sluice('check', prepare=limited(resource.RLIMIT_NOFILE, 1000))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'(?m)^FAIL open files: 1000 allowed, \d+ needed for 5000 connections')


class Serving(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name

    def start(self, *arguments, **more):
        server = sluice.Server(BINARY, *arguments, folder=self.folder, **more)
        self.addCleanup(server.__exit__)
        return server

    def test_the_first_line_says_where_and_every_line_is_json(self):
        server = self.start()
        first = server.lines[0]
        for member in ('timestamp', 'level', 'message', 'shard'):
            self.assertIn(member, first)
        self.assertIn(f'http://127.0.0.1:{server.port}', first['message'])
        self.assertIn('sluice.db', first['message'])
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.said(), '')

    def test_each_answer_has_its_access_line_unless_turned_off(self):
        server = self.start()
        answer, _ = server.get('/users?limit=1&secret=x')
        self.assertEqual(server.stop(), 0)
        lines = [line for line in server.lines if line['message'] == 'request']
        self.assertEqual(len(lines), 1)
        self.assertEqual(lines[0]['trace_id'], answer.getheader('X-Request-Id'))
        told = {name: lines[0][name] for name in ('level', 'method', 'route', 'path', 'status', 'client')}
        self.assertEqual(told, {'level': 'info', 'method': 'GET', 'route': '/users', 'path': '/users', 'status': 200,
                                'client': '127.0.0.1'})
        self.assertGreater(lines[0]['bytes_out'], 100)
        self.assertGreaterEqual(lines[0]['duration_us'], 0)

        server = self.start(environment={'SLUICE_LOG_ACCESS': 'false'})
        server.get('/users')
        self.assertEqual(server.stop(), 0)
        self.assertEqual([line for line in server.lines if line['message'] == 'request'], [])

    def test_health_on_both_listeners(self):
        server = self.start()
        for port in (server.port, server.admin_port):
            answer, body = server.get('/healthz', port)
            self.assertEqual((answer.status, json.loads(body)), (200, {'status': 'ok'}))
            answer, body = server.get('/readyz', port)
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.loads(body), {'status': 'ok', 'dependencies': {'sqlite': {'status': 'ok'}}})
            self.assertEqual(answer.getheader('Content-Type'), 'application/json')

    def test_readiness_says_that_it_drains(self):
        server = self.start()
        with socket.create_connection(('127.0.0.1', server.port), timeout=sluice.PATIENCE_SECONDS) as client:
            client.sendall(b'GET /readyz HTTP/1.1\r\n')
            server.get('/healthz')  # the shards have turned: the beginning of the request is there
            server.signal(signal.SIGTERM)
            self.wait_until(lambda: self.is_refused(server.port))
            client.sendall(b'Host: x\r\n\r\n')
            answer = b''.join(iter(lambda: client.recv(4096), b''))
        self.assertTrue(answer.startswith(b'HTTP/1.1 503 '), answer)
        self.assertIn(b'Connection: close\r\n', answer)
        self.assertIn(b'"status":"draining"', answer)
        self.assertEqual(server.wait(), 0)

    @staticmethod
    def is_refused(port):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', port)) != 0

    def test_the_admin_listener_has_no_api_and_the_api_no_more_than_it_lists(self):
        server = self.start()
        self.assertEqual(server.get('/users', server.admin_port)[0].status, 404)
        self.assertEqual(server.get('/users')[0].status, 200)

    def test_a_port_in_use_is_refused_at_once(self):
        server = self.start()
        for flag in ('--listen', '--admin-listen'):
            other = '--admin-listen' if flag == '--listen' else '--listen'
            done = sluice.run(BINARY, 'serve', flag, f'127.0.0.1:{server.port}', other, '127.0.0.1:0', folder=self.folder)
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, r'\Asluice: [^\n]+\n\Z')
            self.assertIn(f'127.0.0.1:{server.port}', done.stderr)
            self.assertIn('in use', done.stderr)

    def test_both_signals_end_it_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            server.signal(number)
            self.assertEqual(server.wait(), 0)
            self.assertEqual(server.said(), '')

    def wait_until(self, happened):
        end = time.monotonic() + sluice.PATIENCE_SECONDS
        while not happened():
            self.assertLess(time.monotonic(), end, 'it does not happen')
            time.sleep(0.01)

    def test_it_serves_on_a_unix_socket(self):
        path = os.path.join(self.folder, 's.sock')
        server = self.start(listen=f'unix:{path}')
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(sluice.PATIENCE_SECONDS)
            client.connect(path)
            client.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
            self.assertTrue(client.recv(4096).startswith(b'HTTP/1.1 200 '))
        self.assertEqual(server.stop(), 0)

    def test_a_log_that_cannot_be_opened_is_refused(self):
        done = sluice.run(BINARY, 'serve', '--listen', '127.0.0.1:0', folder=self.folder,
                          environment={'SLUICE_LOG_FILE': 'absent/s.log', 'SLUICE_ADMIN_LISTEN': ''})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r'\Asluice: [^\n]*absent/s\.log[^\n]*\n\Z')


if __name__ == '__main__':
    unittest.main(verbosity=2)
