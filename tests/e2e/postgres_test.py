"""The server on PostgreSQL when things are not as they should be: postgres_test.py BINARY."""
import http.client
import os
import re
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

import sluice
from users_client import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'postgres'))
import faulty  # noqa: E402
import server  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))
GONE = (OSError, http.client.HTTPException)
FREE_PORTS = ('--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0')


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = server.Postgres()
        cls.addClassCleanup(cls.database.stop)
        cls.database.psql("CREATE ROLE stranger LOGIN PASSWORD 'x'")

    def setUp(self):
        """With the database as it was when it was new."""
        if not self.database.running():
            self.database.start()
        self.database.psql('SET client_min_messages = warning; DROP SCHEMA public CASCADE; '
                           'CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC')
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.environment = {'DATABASE_URL': self.database.url()}

    def run_sluice(self, *arguments, **environment):
        return sluice.run(BINARY, *arguments, folder=self.scratch.name, environment={**self.environment, **environment})

    def serve(self, *arguments, **environment):
        return sluice.Server(BINARY, '--shards', '2', *arguments, folder=self.scratch.name,
                             environment={**self.environment, **environment})

    def await_readiness(self, of, status):
        """Asks until every listener answers so; gives the last answer's body."""
        deadline = time.monotonic() + sluice.PATIENCE_SECONDS
        while True:
            answers = [of.get('/readyz', port) for port in (of.port, of.admin_port)]
            if all(answer.status == status for answer, _ in answers):
                return answers[0][1]
            self.assertLess(time.monotonic(), deadline, answers)
            time.sleep(0.01)


class Crowd(Case):
    def test_a_thousand_who_ask_for_one_user_at_once_ask_the_database_once(self):
        count, user = 1000, '01890000-0000-7000-8000-000000000001'
        files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, files[1]), files[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, files)
        with self.serve() as serving:
            self.await_readiness(serving, 200)
            self.database.psql(f"INSERT INTO users VALUES ('{user}', 'ada@example.com', 'Ada', now(), now(), 1, 'ada@example.com')")
            self.log_statements("SET log_statement = 'all'")
            self.addCleanup(self.log_statements, 'RESET log_statement')
            session = server.Session(self.database)
            self.addCleanup(session.end)
            session('BEGIN')
            session('LOCK TABLE users')
            crowd = [socket.create_connection(('127.0.0.1', serving.port), timeout=sluice.PATIENCE_SECONDS) for _ in range(count)]
            for one in crowd:
                self.addCleanup(one.close)
                one.sendall(f'GET /users/{user} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'.encode())
            server.wait_until(lambda: self.active(serving) >= count, 'all wait')
            session('COMMIT')
            for one in crowd:
                with one.makefile('rb') as answer:
                    self.assertIn(b'"email":"ada@example.com"', answer.read())
        with open(self.database.log, encoding='utf-8') as log:
            self.assertEqual(len(re.findall(r'execute users_by_id: ', log.read())), 1)

    def log_statements(self, change):
        self.database.psql(f'ALTER SYSTEM {change}')
        self.database.psql('SELECT pg_reload_conf()')

    @staticmethod
    def active(serving):
        told = serving.get('/metrics', serving.admin_port)[1].decode()
        return float(re.search(r'(?m)^http_server_active_requests (\S+)$', told)[1])


class Start(Case):
    def test_the_access_line_says_how_long_the_database_took(self):
        with self.serve() as serving:
            self.await_readiness(serving, 200)
            serving.get('/users')
        told, = (line for line in serving.lines if line['message'] == 'request' and line['path'] == '/users')
        self.assertGreater(told['db_us'], 0)
        self.assertLessEqual(told['db_us'], told['duration_us'])

    def test_a_database_that_is_away_stops_nothing_and_is_used_once_it_is_there(self):
        self.database.end()
        with self.serve() as serving, Client(serving.port) as client:
            self.assertEqual(serving.get('/healthz')[0].status, 200)
            self.assertEqual(self.await_readiness(serving, 503),
                             b'{"status":"unavailable","dependencies":{"postgres":{"status":"unavailable"}}}')
            refused = client.create('ada@example.com')
            self.assertEqual((refused.status, refused.headers['Content-Type']), (503, 'application/problem+json'))
            self.assertEqual(refused.headers['Retry-After'], '1')
            self.assertNotIn(b'127.0.0.1', refused.text)
            [line] = [line for line in serving.lines if line['level'] == 'error']
            self.assertIn('Connection refused', line['message'])
            self.database.start()
            self.assertEqual(self.await_readiness(serving, 200),
                             b'{"status":"ok","dependencies":{"postgres":{"status":"ok"}}}')
            self.assertEqual(client.create('ada@example.com').status, 201)
            self.assertEqual(serving.stop(), 0)
            self.assertEqual(serving.said(), '')

    def test_the_first_request_after_the_start_is_answered(self):
        for _ in range(3):
            with self.serve() as serving, Client(serving.port) as client:
                self.assertEqual(client.send('GET', '/users').status, 200)
                self.assertEqual(serving.lines[-1]['database'], 'postgres')
                self.assertIn(f'127.0.0.1:{self.database.port}/sluice', serving.lines[-1]['message'])

    def test_what_only_the_operator_can_mend_is_said_once_and_ends_nothing(self):
        wrong = [(self.database.url(password='wrong'), 'password authentication failed for user "sluice"'),
                 (self.database.url(role='nobody'), 'password authentication failed for user "nobody"'),
                 (self.database.url(database='absent'), 'database "absent" does not exist'),
                 (self.database.url(host='nowhere.invalid'), 'could not translate host name "nowhere.invalid"'),
                 (self.database.url(role='stranger', password='x'), 'permission denied for schema public'),
                 (self.database.url(options='?sslmode=require'), 'SSL')]
        for url, words in wrong:
            with self.subTest(words=words), self.serve(DATABASE_URL=url) as serving:
                self.await_readiness(serving, 503)
                time.sleep(0.3)  # several attempts
                self.await_readiness(serving, 503)
                self.assertEqual(serving.stop(), 0)
                said = [line['message'] for line in serving.lines if line['level'] == 'error']
                self.assertEqual(len(said), 1, said)
                self.assertIn(words, said[0])
                self.assertNotIn(self.database.password, str(serving.lines))
                checked = self.run_sluice('check', *FREE_PORTS, DATABASE_URL=url)
                if words.startswith('permission'):
                    words = 'the role may not make tables there'
                self.assertEqual(checked.returncode, 1)
                [failed] = [line for line in checked.stdout.splitlines() if line.startswith('FAIL ')]
                self.assertTrue(failed.startswith('FAIL database: '), failed)
                self.assertIn(words, failed)

    def test_check_says_what_the_role_may_not_do(self):
        self.assertEqual(self.run_sluice('migrate').returncode, 0)
        self.database.psql('GRANT SELECT ON sluice_schema TO stranger')
        stranger = self.database.url(role='stranger', password='x')
        self.addCleanup(self.database.psql, 'ALTER ROLE stranger RESET default_transaction_read_only')
        for sql, words in [('GRANT SELECT ON users TO stranger', 'may not read and write users'),
                           ('GRANT ALL ON users TO stranger; ALTER ROLE stranger SET default_transaction_read_only = on', 'only reads'),
                           ('ALTER ROLE stranger RESET default_transaction_read_only', '')]:
            with self.subTest(sql=sql):
                self.database.psql(sql)
                checked = self.run_sluice('check', *FREE_PORTS, DATABASE_URL=stranger)
                self.assertEqual(checked.returncode, 1 if words else 0, checked.stdout)
                self.assertIn(words, checked.stdout)

    def test_a_schema_that_is_newer_is_left_alone_until_it_is_ours(self):
        self.assertEqual(self.run_sluice('migrate').returncode, 0)
        self.database.psql("INSERT INTO sluice_schema (version, name) VALUES (1000, 'of the future')")
        words = 'has schema version 1000, and this program knows only'
        with self.serve() as serving, Client(serving.port) as client:
            self.await_readiness(serving, 503)
            self.assertEqual(client.send('GET', '/users').status, 503)
            for command in (('check', *FREE_PORTS), ('migrate',)):
                done = self.run_sluice(*command)
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stdout + done.stderr)
            self.database.psql('DELETE FROM sluice_schema WHERE version = 1000')
            self.await_readiness(serving, 200)
            self.assertEqual(client.send('GET', '/users').status, 200)

    def test_many_that_start_at_once_all_serve(self):
        servers, together = [], threading.Barrier(6)

        def start():
            together.wait()
            servers.append(self.serve())
        threads = [threading.Thread(target=start) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(servers), 6)
        for serving in servers:
            with serving, Client(serving.port) as client:
                self.assertEqual(client.send('GET', '/users').status, 200)
                self.assertEqual([line for line in serving.lines if line['level'] == 'error'], [])

    def test_a_schema_that_somebody_drops_is_missed_until_it_is_back(self):
        with self.serve() as serving, Client(serving.port) as client:
            self.await_readiness(serving, 200)
            self.database.psql('ALTER SCHEMA public RENAME TO elsewhere; CREATE SCHEMA public')
            self.await_readiness(serving, 503)
            for _ in range(200):
                self.assertEqual(client.send('GET', '/users').status, 503)
            self.database.psql('DROP SCHEMA public; ALTER SCHEMA elsewhere RENAME TO public')
            self.await_readiness(serving, 200)
            self.assertEqual(client.send('GET', '/users').status, 200)
            self.assertEqual(serving.stop(), 0)
            said = [line for line in serving.lines if line['level'] == 'error']
            self.assertTrue(all(line['sqlstate'] == '42P01' for line in said), said)
            # Once a second, a shard and a statement; not once a request.
            self.assertLess(len(said), 100)

    def test_a_stop_while_the_database_is_frozen_does_not_wait_for_it(self):
        self.database.freeze()
        try:
            with self.serve() as serving:
                self.await_readiness(serving, 503)
                self.assertEqual(serving.stop(), 0)
        finally:
            self.database.thaw()


class Commands(Case):
    def test_migrate_makes_the_schema_once(self):
        first = self.run_sluice('migrate')
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn(f'127.0.0.1:{self.database.port}/sluice migrated from schema version 0', first.stdout)
        second = self.run_sluice('migrate')
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn('up to date', second.stdout)
        self.assertEqual(os.listdir(self.scratch.name), [])

    def test_check_says_which_version_it_finds_and_changes_nothing(self):
        for _ in range(2):
            done = self.run_sluice('check', *FREE_PORTS)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r'(?m)^ok   database: PostgreSQL at \S+/sluice, schema version 0; serve or migrate')
        self.run_sluice('migrate')
        self.assertRegex(self.run_sluice('check', *FREE_PORTS).stdout, r'(?m)^ok   database: .*, schema version [1-9]\d*$')

    def test_errors_are_one_line_with_the_status_of_their_kind(self):
        self.database.end()
        for command, stream in (('migrate', 'stderr'), ('check', 'stdout')):
            done = self.run_sluice(command)
            self.assertEqual(done.returncode, 1)
            self.assertIn('Connection refused', getattr(done, stream))
        for url in ('postgres://sluice:correct-horse@db:port/x', 'correct-horse', 'postgres://a:correct-horse@b@c/x'):
            for command in ('serve', 'check', 'migrate', 'config'):
                done = self.run_sluice(command, DATABASE_URL=url)
                self.assertEqual((done.returncode, done.stdout), (2, ''))
                self.assertRegex(done.stderr, r'\Asluice: DATABASE_URL: database_url must be [^\n]+\n\Z')
                self.assertNotIn('horse', done.stderr)

    def test_fewer_connections_than_shards_are_refused(self):
        done = self.run_sluice('serve', '--shards', '4', SLUICE_POSTGRES_MAX_CONNECTIONS='3')
        self.assertEqual(done.returncode, 2)
        self.assertIn('postgres.max_connections must be at least one for each of the shards: it is 3, and shards 4', done.stderr)

    def test_config_hides_passwords(self):
        done = self.run_sluice('config', DB_PASSWORD='correct-horse')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn('horse', done.stdout)
        self.assertRegex(done.stdout, r'(?m)^database_url += "postgresql://sluice:\*{8}@127\.0\.0\.1:\d+/sluice" +# environment DATABASE_URL$')
        self.assertRegex(done.stdout, r'(?m)^postgres\.password += "\*{8}" +# environment DB_PASSWORD$')

    def test_the_parts_of_a_database_do_as_well_as_its_url(self):
        parts = {'DATABASE_URL': '', 'DB_HOST': self.database.socket, 'DB_PORT': str(self.database.port), 'DB_NAME': 'sluice',
                 'DB_USER': 'sluice', 'DB_PASSWORD': self.database.password}
        with self.serve(**parts) as serving, Client(serving.port) as client:
            self.assertEqual(client.create('ada@example.com').status, 201)
        self.assertEqual(self.database.psql('SELECT count(*) FROM users'), '1')


class Loss(Case):
    def test_a_database_that_is_killed_and_started_again_loses_no_acknowledged_user(self):
        acknowledged, statuses, stop = {}, set(), threading.Event()
        with self.serve() as serving:
            def register(writer):
                with Client(serving.port) as client:
                    number = 0
                    while not stop.is_set():
                        number += 1
                        answer = client.create(f'w{writer}n{number}@example.com')
                        statuses.add(answer.status)
                        if answer.status == 201:
                            acknowledged[answer.headers['Location']] = answer.json
            writers = [threading.Thread(target=register, args=(writer,)) for writer in range(8)]
            for writer in writers:
                writer.start()
            for _ in range(2):
                before = len(acknowledged)
                server.wait_until(lambda: len(acknowledged) >= before + 200, 'users are registered')
                self.database.kill()
                self.await_readiness(serving, 503)
                self.database.start()
                self.await_readiness(serving, 200)
            before = len(acknowledged)
            server.wait_until(lambda: len(acknowledged) >= before + 200, 'users are registered')
            stop.set()
            for writer in writers:
                writer.join()
            self.assertLessEqual(statuses, {201, 503, 504})
            with Client(serving.port) as client:
                # The other shard may still be connecting.
                server.wait_until(lambda: client.send('GET', '/users').status == 200, 'this connection is answered')
                for path, user in acknowledged.items():
                    self.assertEqual(client.send('GET', path).json, user)

    def test_a_locked_table_is_answered_504_after_the_statement_timeout(self):
        held = "wait_event = 'PgSleep'"

        def hold():
            with self.assertRaises(AssertionError):  # as its session is ended
                self.database.psql('BEGIN; LOCK TABLE users; SELECT pg_sleep(3600)')
        with self.serve(SLUICE_POSTGRES_STATEMENT_TIMEOUT='200ms') as serving, Client(serving.port) as client:
            holder = threading.Thread(target=hold)
            holder.start()
            sessions = f'SELECT count(*) FROM pg_stat_activity WHERE {held}'
            server.wait_until(lambda: self.database.psql(sessions) == '1', 'the table is locked')
            for answer in (client.send('GET', '/users'), client.create('ada@example.com')):
                self.assertEqual((answer.status, answer.headers['Content-Type']), (504, 'application/problem+json'))
            self.assertEqual(client.send('GET', '/readyz').status, 200)
            self.database.psql(f'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {held}')
            holder.join()
            server.wait_until(lambda: client.send('GET', '/users').status == 200, 'the table is read again')
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice' AND state = 'active'"
            server.wait_until(lambda: self.database.psql(waiting) == '0', 'what was given up is cancelled')

    def test_the_process_has_no_more_connections_than_it_may(self):
        stop, most, statuses = threading.Event(), 0, set()
        with self.serve(SLUICE_POSTGRES_MAX_CONNECTIONS='3') as serving:
            def work(writer):
                with Client(serving.port) as client:
                    number = 0
                    while not stop.is_set():
                        number += 1
                        statuses.add(client.create(f'w{writer}n{number}@example.com').status)
                        statuses.add(client.send('GET', '/users?limit=200').status)
            workers = [threading.Thread(target=work, args=(writer,)) for writer in range(16)]
            for worker in workers:
                worker.start()
            for _ in range(30):
                counted = self.database.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice'")
                most = max(most, int(counted))
            stop.set()
            for worker in workers:
                worker.join()
        self.assertEqual(statuses, {200, 201})
        self.assertGreaterEqual(most, 2)
        self.assertLessEqual(most, 3)

    def test_a_stop_under_load_leaves_what_was_acknowledged(self):
        acknowledged, refused = [], []

        def register(writer, port):
            try:
                with Client(port) as client:
                    for number in range(100_000):
                        answer = client.create(f'w{writer}n{number}@example.com')
                        (acknowledged if answer.status == 201 else refused).append(answer)
                        if answer.headers['Connection'] == 'close':
                            return
            except GONE:
                pass
        with self.serve() as serving:
            writers = [threading.Thread(target=register, args=(writer, serving.port)) for writer in range(8)]
            for writer in writers:
                writer.start()
            server.wait_until(lambda: len(acknowledged) >= 200, 'users are registered')
            serving.signal(signal.SIGTERM)
            self.assertEqual(serving.wait(), 0)
            for writer in writers:
                writer.join()
            self.assertEqual(refused, [])
            self.assertEqual([line for line in serving.lines if line['level'] == 'error'], [])
        self.assertEqual(self.database.psql('SELECT count(*) FROM users'), str(len(acknowledged)))


if __name__ == '__main__':
    unittest.main()
