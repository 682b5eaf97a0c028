"""The server behind PgBouncer in transaction mode, when things happen to either: bouncer_test.py BINARY."""
import contextlib
import tempfile

import bouncer
import faulty
import ledger
import sluice
from faulty import now
from users_client import Client

WAITING = "FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


class Behind(faulty.Case):
    def setUp(self):
        super().setUp()
        self.pooler = bouncer.Bouncer(self.database)
        self.addCleanup(lambda: self.pooler.stop())

    def serve_behind(self, **environment):
        return self.serve_ready(self.pooler.url(), pooler='transaction', **environment)

    def test_all_are_served_over_few_sessions(self):
        serving = self.serve_behind()
        load = self.load(serving)
        load.await_successes(2000)
        self.assert_no_refusal(load)
        sessions = int(self.database.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'sluice'"))
        self.assertLessEqual(sessions, 4)
        self.assertEqual(self.database.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'sluice' AND "
                                            "state LIKE 'idle in transaction%'"), '0')
        self.end(load, serving)

    def test_check_says_that_a_frozen_database_behind_it_answers_nothing(self):
        with self.serve_behind():
            pass  # it has sessions
        self.database.freeze()
        self.addCleanup(self.database.thaw)
        with tempfile.TemporaryDirectory() as folder:
            checked = sluice.run(faulty.BINARY, 'check', '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', folder=folder,
                                 environment={'DATABASE_URL': self.pooler.url(), 'SLUICE_POSTGRES_POOLER': 'transaction'})
        self.assertEqual(checked.returncode, 1)
        [failed] = [line for line in checked.stdout.splitlines() if line.startswith('FAIL ')]
        self.assertIn('answers no statement', failed)

    def test_a_killed_database_loses_nothing_that_was_acknowledged(self):
        serving = self.serve_behind(connect_timeout='1s')
        load = self.load(serving)
        load.await_successes()
        fault = now()
        self.database.kill()
        load.await_answers_to_all()
        self.database.start()
        back = now()
        load.await_successes(1000)
        self.end(load, serving)
        self.tell(load, 'killed behind PgBouncer', fault, back)

    def test_a_write_whose_answer_is_lost_behind_it_is_not_called_refused(self):
        serving, session = self.serve_behind(), self.session()
        session('BEGIN')
        session('LOCK TABLE users')
        with Client(serving.port) as client:
            client.ask('POST', '/users', {'email': 'ada@example.com', 'name': 'Ada'})
            self.await_value(f'SELECT count(*) {WAITING}', '1')
            self.database.kill()
            answer = client.answer()
            self.assertEqual(answer.status, 503)
            self.assertIn(ledger.OPEN, answer.text)

    def test_a_statement_that_waits_says_whose_it_is(self):
        serving, session = self.serve_behind(), self.session()
        session('BEGIN')
        session('LOCK TABLE users')
        trace = 'a1b2c3d4' * 4
        with Client(serving.port) as client:
            client.ask('POST', '/users', {'email': 'ada@example.com', 'name': 'Ada'}, traceparent=f'00-{trace}-{"5" * 16}-00')
            self.await_value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                             f"query LIKE '%; /*traceparent=''00-{trace}-________________-00''*/'", '1')
            session('COMMIT')
            self.assertEqual(client.answer().status, 201)

    def test_what_it_keeps_waiting_for_a_frozen_database_holds_up_no_end(self):
        serving = self.serve_behind(connect_timeout='1s')
        load = self.load(serving)
        load.await_successes()
        self.database.freeze()
        self.await_readiness(serving, 503)
        load.await_answers_to_all()
        load.stop()
        self.assertEqual(load.faults, [])
        self.assertEqual(serving.stop(), 0)
        self.database.thaw()
        self.assertEqual(load.differences(self.database), [])

    def test_reads_that_waited_for_a_session_when_they_were_given_up_are_cancelled_too(self):
        serving, session = self.serve_behind(statement_timeout='1s', connect_timeout='60s'), self.session()
        load = self.load(serving, writers=20)  # until there are more connections than sessions
        load.await_successes(1000)
        load.stop()
        session('BEGIN')
        session('LOCK TABLE users')
        with contextlib.ExitStack() as clients:
            asking = [clients.enter_context(Client(serving.port)) for _ in range(12)]
            for client in asking:
                client.ask('GET', '/users')
            self.await_value(f'SELECT count(*) {WAITING}', '4')
            for client in asking:
                self.assertIn(client.answer().status, (503, 504))
        self.await_value(f'SELECT count(*) {WAITING}', '0')
        session('COMMIT')

    def test_what_sessions_acknowledge_is_on_the_disk_whatever_their_role_says(self):
        for name, value in (('wal_writer_delay', '10s'), ('bgwriter_delay', '10s'), ('autovacuum', 'off')):
            self.database.settings[name] = value
        self.database.restart()  # what is not flushed for a commit's sake stays where it is
        serving = self.serve_behind()
        with Client(serving.port) as client:
            self.database.psql('ALTER ROLE sluice SET synchronous_commit = off')
            self.pooler.restart()
            self.await_readiness(serving, 200)
            for number in range(20):
                self.assertEqual(client.create(f'user{number}@example.com').status, 201)
            self.database.kill()
        self.database.start()
        self.assertEqual(self.database.psql('SELECT count(*) FROM users'), '20')

    def test_a_pooler_that_is_started_anew_is_used_again(self):
        serving = self.serve_behind()
        load = self.load(serving)
        load.await_successes()
        fault = now()
        self.pooler.restart()
        back = now()
        load.await_successes(1000)
        self.end(load, serving)
        self.tell(load, 'PgBouncer restarted', fault, back)


if __name__ == '__main__':
    faulty.run(Behind)
