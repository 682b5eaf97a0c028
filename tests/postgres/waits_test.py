"""Requests whose statements wait, are given up, change their shape or break a rule, and those beside them: waits_test.py BINARY."""
import contextlib
import json
import re
import select
import signal
import socket
import struct

import faulty
import server
from faulty import OURS
from ledger import DONE, OPEN, UNKNOWN
from users_client import Client

WAITING = f"{OURS} AND wait_event_type = 'Lock'"
AT_ONCE = struct.pack('ii', 1, 0)  # close with a reset


def ask(port, method, path, body='', version='1.1'):
    """Sends a request, and leaves its answer to come."""
    made = socket.create_connection(('127.0.0.1', port))
    made.sendall(f'{method} {path} HTTP/{version}\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n'
                 f'\r\n{body}'.encode())
    return made


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    connection.close()


def count_of(serving, metric):
    text = serving.get('/metrics', serving.admin_port)[1].decode()
    return sum(int(count) for count in re.findall(f'^{re.escape(metric)} (\\d+)', text, re.M))


class Waits(faulty.Case):
    def test_a_lock_that_all_writes_wait_for_holds_up_no_read(self):
        serving = self.serve_ready(statement_timeout='60s', connect_timeout='60s')
        load, session = self.load(serving), self.session()
        load.await_successes()
        session('BEGIN')
        session('LOCK TABLE users IN EXCLUSIVE MODE')
        load.await_answers(load.readers, 100)
        self.assert_no_refusal(load)
        session('COMMIT')
        load.await_answers_to_all()
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_more_writes_at_once_than_connections_leave_one_of_each_shard_to_the_reads(self):
        for most in (4, 8):  # of two shards
            serving = self.serve_ready(statement_timeout='60s', connect_timeout='60s', max_connections=most)
            load, session = self.load(serving, writers=20), self.session()
            for _ in range(3):
                load.await_answers_to_all(10)
                session('BEGIN')
                session('LOCK TABLE users IN EXCLUSIVE MODE')
                load.await_answers(load.readers, 50)
                session('COMMIT')
            load.await_answers_to_all()
            self.assert_no_refusal(load)
            self.end(load, serving)
            self.database.psql('TRUNCATE users, journal')

    def test_more_than_may_wait_for_a_connection_is_refused_at_once(self):
        serving, session = self.serve_ready(max_connections=2, max_waiters=2, statement_timeout='60s', connect_timeout='60s'), self.session()
        session('BEGIN')
        session('LOCK TABLE users')
        with contextlib.ExitStack() as clients:
            asking = []

            def answered():
                asking.append(clients.enter_context(Client(serving.port)))
                asking[-1].ask('GET', '/users')
                sockets = [client.connection.sock for client in asking]
                return select.select(sockets, [], [], 0)[0]
            server.wait_until(answered, 'one is answered though the table is locked')
            [first, *_] = answered()
            refused = next(client for client in asking if client.connection.sock is first).answer()
            self.assertEqual((refused.status, refused.headers['Retry-After']), (503, '1'), refused.text)
            self.assertIn(b'Too much waits for the database', refused.text)
            self.assertGreater(count_of(serving, 'sluice_postgres_refused_total'), 0)
            session('COMMIT')

    def test_a_statement_that_takes_too_long_is_answered_504_and_cancelled_on_the_server(self):
        serving = self.serve_ready(statement_timeout='2s')
        load, session = self.load(serving, writers=0), self.session()  # a write that was sent behind it waits as long
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']
            load.ledger.note('INSERT', 'ada@example.com', 'Ada', DONE, path.removeprefix('/users/'))
            session('BEGIN')
            session("UPDATE users SET name = name WHERE email = 'ada@example.com'")
            late = client.send('PATCH', path, {'name': 'Grace'})
            self.assertEqual(late.status, 504)
            self.assertIn(b'may still be made', late.text)
            self.await_value(f'SELECT count(*) {WAITING}', '0')
            session('ROLLBACK')
            self.assertEqual(client.send('GET', path).json['name'], 'Ada')
        self.assertEqual(count_of(serving, 'sluice_postgres_statement_timeouts_total'), 1)
        self.assertEqual(count_of(serving, 'db_client_connection_timeouts_total{db_client_connection_pool_name="postgresql"}'), 0)
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_a_request_that_has_less_time_than_a_statement_may_take_is_answered_504_and_cancelled(self):
        serving, session = self.serve_ready(statement_timeout='60s', SLUICE_LIMITS_REQUEST_TIMEOUT='1s'), self.session()
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']
            session('BEGIN')
            session("UPDATE users SET name = name WHERE email = 'ada@example.com'")
            self.assertEqual(client.send('PATCH', path, {'name': 'Grace'}).status, 504)
            self.await_value(f'SELECT count(*) {WAITING}', '0')
            session('COMMIT')
            self.assertEqual(client.send('GET', path).json['name'], 'Ada')

    def test_what_a_reset_leaves_behind_is_cancelled_if_it_reads_and_done_once_if_it_writes(self):
        serving = self.serve_ready(statement_timeout='60s', connect_timeout='60s')
        session = self.session()
        self.keep_journal()
        session('BEGIN')
        session('LOCK TABLE users')
        write = ask(serving.port, 'POST', '/users', json.dumps({'email': 'ada@example.com', 'name': 'Ada'}))
        self.await_value(f'SELECT count(*) {WAITING}', '1')
        read = ask(serving.port, 'GET', '/users')
        self.await_value(f'SELECT count(*) {WAITING}', '2')
        reset(write)
        reset(read)
        self.await_value(f"SELECT string_agg(split_part(query, ' ', 1), ' ') {WAITING}", 'INSERT')
        session('COMMIT')
        self.await_value('SELECT count(*) FROM users', '1')
        load = self.load(serving)
        load.await_successes()
        load.ledger.note('INSERT', 'ada@example.com', 'Ada', DONE)
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_a_write_that_waits_longer_than_a_stop_may_take_ends_with_it(self):
        for signals in (1, 2):  # the second one waits for nothing
            with self.subTest(signals=signals):
                grace = '0s' if signals == 1 else '10m'
                serving = self.serve_ready(statement_timeout='10m', SLUICE_LIMITS_REQUEST_TIMEOUT='10m', SLUICE_SHUTDOWN_GRACE=grace)
                session = self.session()
                session('BEGIN')
                session('LOCK TABLE users')
                with ask(serving.port, 'POST', '/users', json.dumps({'email': 'ada@example.com', 'name': 'Ada'})):
                    self.await_value(f'SELECT count(*) {WAITING}', '1')
                    if signals == 2:
                        serving.signal(signal.SIGTERM)
                        serving.await_lines(1, 'Draining')
                    self.assertEqual(serving.stop(), 0)
                session('ROLLBACK')

    def test_a_write_whose_client_says_no_more_is_answered(self):
        serving, session = self.serve_ready(statement_timeout='60s', connect_timeout='60s'), self.session()
        session('BEGIN')
        session('LOCK TABLE users')
        waiting = []
        for number, version in enumerate(('1.1', '1.0')):
            body = json.dumps({'email': f'ada{number}@example.com', 'name': 'Ada'})
            waiting.append(ask(serving.port, 'POST', '/users', body, version))
            self.addCleanup(waiting[-1].close)
            waiting[-1].shutdown(socket.SHUT_WR)
        self.await_value(f'SELECT count(*) > 0 {WAITING}', 't')
        server.wait_until(lambda: count_of(serving, 'http_server_active_requests') == 2, 'both wait')
        session('COMMIT')
        for one in waiting:
            with one.makefile('rb') as answer:
                self.assertRegex(answer.read(), rb'^HTTP/1\.1 201 ')  # to the end, which comes behind it
        self.assertEqual(self.database.psql('SELECT count(*) FROM users'), '2')

    def test_what_others_may_make_possible_in_a_moment_is_a_503_with_retry_after(self):
        serving, session = self.serve_ready(statement_timeout='60s', connect_timeout='60s'), self.session()
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']

        def refused(setting, before, waits):
            self.database.psql(f'ALTER ROLE sluice SET {setting}')
            self.database.psql(f'SELECT count(pg_terminate_backend(pid)) {OURS}')  # it is for new sessions
            self.await_readiness(serving, 200)
            session('BEGIN')
            session(before)
            with Client(serving.port) as client:
                client.ask('PATCH', path, {'name': 'Grace'})
                if waits:
                    self.await_value(f'SELECT count(*) {WAITING}', '1')
                    session('COMMIT')
                answer = client.answer()
            if not waits:
                session('COMMIT')
            self.database.psql(f'ALTER ROLE sluice RESET {setting.split()[0]}')
            self.assertEqual((answer.status, answer.headers['Retry-After']), (503, '1'), answer.text)
            self.assertNotIn(OPEN, answer.text)
        refused("lock_timeout = '50ms'", 'LOCK TABLE users IN EXCLUSIVE MODE', False)  # 55P03
        refused("default_transaction_isolation = 'repeatable read'", "UPDATE users SET name = 'Eve'", True)  # 40001
        with Client(serving.port) as client:
            self.assertEqual(client.send('GET', path).json['name'], 'Eve')

    def test_a_name_that_the_encoding_of_the_database_has_not_is_a_422(self):
        self.database.psql("CREATE DATABASE latin OWNER sluice ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        serving = self.serve_ready(self.database.url(database='latin'))
        with Client(serving.port) as client:
            made = client.create('jose@example.com', 'José')
            self.assertEqual((made.status, made.json['name']), (201, 'José'))
            for answer in (client.create('li@example.com', '李'), client.send('PATCH', made.headers['Location'], {'name': '李'})):
                self.assertEqual(answer.status, 422, answer.text)
            self.assertEqual(client.send('GET', made.headers['Location']).json['name'], 'José')

    def test_resets_under_load_disturb_nobody_else(self):
        serving = self.serve_ready()
        load = self.load(serving)
        for number in range(300):
            reset(ask(serving.port, 'GET', '/users?limit=200'))
            reset(ask(serving.port, 'POST', '/users', json.dumps({'email': f'gone{number}@example.com', 'name': 'Ada'})))
            load.ledger.note('INSERT', f'gone{number}@example.com', 'Ada', UNKNOWN)
        load.await_answers_to_all(10)
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_a_schema_that_changes_under_prepared_statements_is_noticed_by_nobody(self):
        serving = self.serve_ready(statement_timeout='60s', connect_timeout='60s')
        load = self.load(serving)
        for kind in ('varchar', 'text', 'varchar(200)', 'text'):
            load.await_answers_to_all(10)
            self.database.psql(f'ALTER TABLE users ALTER name TYPE {kind}')
        load.await_answers_to_all(10)
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_columns_that_do_not_fit_fail_what_reads_them_and_nothing_else(self):
        serving = self.serve_ready()
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']
            changes = (('created_at', 'TYPE timestamp', 'TYPE timestamptz', 'type 1114'),
                       ('version', 'TYPE numeric', 'TYPE bigint', 'type 1700'),
                       ('name', 'DROP NOT NULL', 'SET NOT NULL', 'NULL of text'))
            for column, change, back, _ in changes:
                self.database.psql(f'ALTER TABLE users ALTER {column} {change}')
                if column == 'name':
                    self.database.psql('UPDATE users SET name = NULL')
                for asked in (path, '/users'):
                    answer = client.send('GET', asked)
                    self.assertEqual(answer.status, 503, answer.text)
                    self.assertNotIn(column.encode(), answer.text)
                changed = client.send('PATCH', path, {'email': f'{column}@example.com'})
                self.assertEqual(changed.status, 503)
                self.assertIn(OPEN, changed.text)
                self.database.psql("UPDATE users SET name = 'Ada'")
                self.database.psql(f'ALTER TABLE users ALTER {column} {back}')
                self.assertEqual(client.send('GET', path).json['email'], f'{column}@example.com')
        self.assertEqual(serving.stop(), 0)
        reasons = [line['reason'] for line in serving.lines if line['message'] == "A column of PostgreSQL's does not fit"]
        for column, _, _, kind in changes:
            self.assertTrue(any(f"'{column}'" in reason and kind in reason for reason in reasons), reasons)

    def test_failures_that_nobody_waits_for_are_counted(self):
        serving, session = self.serve_ready(statement_timeout='5s'), self.session()

        def failures():
            return count_of(serving, 'sluice_postgres_errors_total{class="57"}')
        with Client(serving.port) as client:
            session('BEGIN')
            session('LOCK TABLE users')
            self.assertEqual(client.send('GET', '/users').status, 504)
            server.wait_until(lambda: failures() > 0, 'the cancelled statement is counted')
            before = failures()
            client.ask('POST', '/users', {'email': 'ada@example.com', 'name': 'Ada'})
            self.await_value(f'SELECT count(*) {WAITING}', '1')
            self.database.psql(f'SELECT pg_terminate_backend(pid) {WAITING}')
            self.assertEqual(client.answer().status, 503)
            server.wait_until(lambda: failures() > before, 'the end of the session is counted')

    def test_a_statement_that_somebody_else_cancels_runs_once_more(self):
        serving, session = self.serve_ready(statement_timeout='60s', connect_timeout='60s'), self.session()
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']
            for cancellations, status in ((1, 200), (2, 503)):
                session('BEGIN')
                session('LOCK TABLE users')
                client.ask('PATCH', path, {'name': f'Grace {status}'})
                began = 'never'
                for _ in range(cancellations):
                    waiting = f"{WAITING} AND query LIKE '%UPDATE%' AND query_start::text <> '{began}'"
                    self.await_value(f'SELECT count(*) {waiting}', '1')
                    began = self.database.psql(f'SELECT query_start {waiting}')
                    self.database.psql(f'SELECT pg_cancel_backend(pid) {WAITING}')
                if status == 200:
                    self.await_value(f"SELECT count(*) {WAITING} AND query_start::text <> '{began}'", '1')
                    session('COMMIT')
                    self.assertEqual(client.answer().status, status)
                else:
                    self.assertEqual(client.answer().status, status)
                    session('COMMIT')
            self.assertEqual(client.send('GET', path).json['name'], 'Grace 200')

    def test_what_a_rule_of_the_table_refuses_is_a_422_that_names_the_member_where_that_can_be_known(self):
        serving, long = self.serve_ready(), 'x' * 11
        with Client(serving.port) as client:
            ada = client.create('ada@example.com').headers['Location']
            self.database.psql("ALTER TABLE users ALTER name TYPE varchar(10), ADD CHECK (email <> 'no@example.com')")

            def blamed(*what):
                answer = client.send(*what)
                self.assertEqual(answer.status, 422, answer.text)
                return [fault['pointer'] for fault in answer.json['errors']]
            self.assertEqual(blamed('PATCH', ada, {'name': long}), ['/name'])
            self.assertEqual(blamed('PATCH', ada, {'email': 'no@example.com', 'name': 'Ada'}), ['/email'])
            self.assertEqual(blamed('POST', '/users', {'email': 'no@example.com', 'name': 'Ada'}), ['/email'])
            self.assertEqual(blamed('POST', '/users', {'email': 'a@b.co', 'name': long}), ['/name'])
            # PostgreSQL says how long a text may be, and not which: both may be meant.
            self.assertEqual(blamed('POST', '/users', {'email': 'a@example.com', 'name': long}), ['/email', '/name'])
            self.database.psql('UPDATE users SET version = 9223372036854775807')
            self.assertEqual(blamed('PATCH', ada, {'name': 'Eve'}), [])
            self.assertEqual(client.send('GET', ada).json['name'], 'Ada')

    def test_what_speaks_of_a_whole_row_refuses_it_with_a_422_that_names_no_member(self):
        serving, raises = self.serve_ready(), 'CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE \'not today\'; END $$'
        deep = "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM (repeat('[', 100000) || repeat(']', 100000))::jsonb; END $$"
        rules = {
            'a trigger': [raises, 'CREATE TRIGGER no BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION no()'],
            'what is too deep': [deep, 'CREATE TRIGGER no BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION no()'],
            'a policy': ['ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', 'CREATE POLICY no ON users USING (true) '
                         'WITH CHECK (false)'],
            'a view': ['ALTER TABLE users RENAME TO everybody', "CREATE VIEW users AS SELECT * FROM everybody WHERE name <> 'Ada' "
                       'WITH CHECK OPTION', 'GRANT ALL ON users TO sluice'],
        }
        undo = ['DROP TRIGGER IF EXISTS no ON users', 'DROP FUNCTION IF EXISTS no', 'DROP POLICY IF EXISTS no ON users',
                'ALTER TABLE users NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY']
        with Client(serving.port) as client:
            for what, statements in rules.items():
                with self.subTest(what):
                    for statement in statements:
                        self.database.psql(statement)
                    answer = client.send('POST', '/users', {'email': 'ada@example.com', 'name': 'Ada'})
                    self.assertEqual((answer.status, answer.json.get('errors', [])), (422, []), answer.text)
                    for statement in undo if what != 'a view' else []:
                        self.database.psql(statement)


if __name__ == '__main__':
    faulty.run(Waits)
