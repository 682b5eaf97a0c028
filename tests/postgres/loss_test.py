"""Requests while PostgreSQL is killed, throws everybody out, stands still or has no place left: loss_test.py BINARY."""
import collections
import re
import socket
import tempfile
import unittest

import faulty
import server
from faulty import OURS, now
from places import Places

FAILURES = re.compile(rb'^sluice_postgres_failed_connects_total (\d+)$', re.MULTILINE)


class Loss(faulty.Case):
    def throw_out(self):
        self.database.psql(f'SELECT count(pg_terminate_backend(pid)) {OURS}')

    @staticmethod
    def failures_to_connect(serving):
        return int(FAILURES.search(serving.get('/metrics', serving.admin_port)[1])[1])

    def test_killed_and_started_again_it_loses_nothing_that_was_acknowledged(self):
        serving = self.serve_ready()
        load = self.load(serving)
        for _ in range(2):
            load.await_successes()
            fault = now()
            self.database.kill()
            load.await_answers_to_all()
            self.database.start()
            back = now()
            load.await_successes(2000)
        self.end(load, serving)
        self.tell(load, 'killed', fault, back)

    def test_killed_or_thrown_out_while_a_table_is_locked_it_loses_nothing_that_was_acknowledged(self):
        serving = self.serve_ready(statement_timeout='1500ms', connect_timeout='1s')
        load = self.load(serving, readers=6, writers=6)
        for mode, kills in (('EXCLUSIVE', True), ('ACCESS EXCLUSIVE', False), ('ACCESS EXCLUSIVE', True)):
            load.await_successes()
            session = self.session()
            session('BEGIN')
            session(f'LOCK TABLE users IN {mode} MODE')
            server.wait_until(lambda: self.database.psql(f"SELECT count(*) > 0 {OURS} AND wait_event_type = 'Lock'") == 't', 'some wait')
            if kills:
                self.database.kill()
                load.await_answers_to_all()
                self.database.start()
            else:
                self.throw_out()
                load.await_answers_to_all()
                session('ROLLBACK')
            load.await_answers_to_all()
            load.await_successes()
        self.end(load, serving)

    def test_throws_every_session_out_and_each_request_is_answered(self):
        serving = self.serve_ready()
        load = self.load(serving)
        for _ in range(3):
            load.await_successes()
            fault = now()
            self.throw_out()
            back = now()
            load.await_successes(1000)
        self.end(load, serving)
        self.tell(load, 'thrown out', fault, back)

    def test_shut_down_and_started_again_it_is_used_again(self):
        serving = self.serve_ready()
        load = self.load(serving)
        for _ in range(2):
            load.await_successes()
            fault = now()
            self.database.restart()
            back = now()
            load.await_successes(1000)
        self.end(load, serving)
        self.tell(load, 'restarted', fault, back)

    def test_a_password_that_is_wrong_for_a_while_is_said_and_not_at_every_attempt(self):
        serving = self.serve_ready()
        load = self.load(serving)
        load.await_successes()
        self.database.psql("ALTER ROLE sluice PASSWORD 'another'")
        # One that had begun with the old password may come up after the others are gone.
        server.wait_until(lambda: self.throw_out() or serving.get('/readyz')[0].status == 503, '/readyz is 503')
        failures = self.failures_to_connect(serving)
        server.wait_until(lambda: self.failures_to_connect(serving) >= failures + 10, 'it tries again and again')
        self.database.psql(f"ALTER ROLE sluice PASSWORD '{self.database.password}'")
        load.await_successes(1000)
        self.end(load, serving)
        said = collections.defaultdict(list)
        for line in serving.lines:
            if line['message'] == 'PostgreSQL cannot be reached':
                said[line['shard']].append(line['reason'])
        for shard in (0, 1):
            wrong = [reason for reason in said[shard] if 'password authentication failed' in reason]
            thrown_out = [reason for reason in said[shard] if 'terminating connection due to administrator command' in reason]
            self.assertEqual(len(wrong) + len(thrown_out), len(said[shard]), said)
            # One at least, and one more for each session that seemed to end the outage: of those that a shard makes, two at a time.
            self.assertIn(len(wrong), (1, 2, 3), said)
            self.assertLessEqual(len(thrown_out), 2, said)
        self.assertNotIn(self.database.password, str(serving.lines))


class Standstill(faulty.Case):
    def test_frozen_it_keeps_nobody_waiting_and_thawed_it_is_used_again(self):
        serving = self.serve_ready(statement_timeout='1s', connect_timeout='500ms')
        load = self.load(serving)
        for _ in range(2):
            load.await_successes()
            fault = now()
            self.database.freeze()
            load.await_answers_to_all()
            self.await_readiness(serving, 503)
            self.database.thaw()
            back = now()
            load.await_successes(1000)
            self.await_readiness(serving, 200)
        self.end(load, serving)
        self.tell(load, 'frozen', fault, back)

    def test_frozen_at_the_start_it_keeps_the_server_from_nothing_but_its_tables(self):
        self.database.freeze()
        self.addCleanup(self.database.thaw)
        serving = self.serve(connect_timeout='24h')
        self.assertEqual(serving.get('/healthz')[0].status, 200)
        self.assertEqual(serving.get('/readyz')[0].status, 503)
        self.assertEqual(serving.stop(), 0)

    def test_frozen_until_its_connections_are_given_up_it_is_used_again(self):
        serving = self.serve_ready(statement_timeout='500ms', connect_timeout='500ms')
        load = self.load(serving, readers=4, writers=4)
        load.await_successes()
        fault = now()
        self.database.freeze()
        for _ in range(6):
            load.await_answers_to_all()
        self.database.thaw()
        back = now()
        load.await_successes(1000)
        self.end(load, serving)
        self.tell(load, 'frozen long', fault, back)


class Silent(unittest.TestCase):
    """Hosts from which nothing comes, so many that their timeouts sum up to more than anybody waits for a server to end."""

    def end_beside(self, silent):
        hosts = ','.join([f'127.0.0.1:{silent.getsockname()[1]}'] * 30)
        with tempfile.TemporaryDirectory() as scratch:
            with faulty.sluice.Server(faulty.BINARY, '--shards', '2', folder=scratch, environment={
                    'DATABASE_URL': f'postgresql://sluice@{hosts}/sluice', 'SLUICE_POSTGRES_CONNECT_TIMEOUT': '2s'}) as serving:
                self.assertEqual(serving.get('/readyz')[0].status, 503)
                self.assertEqual(serving.stop(), 0)

    def test_a_host_that_takes_connections_and_says_nothing_holds_up_no_end(self):
        with socket.create_server(('127.0.0.1', 0), backlog=200) as silent:
            self.end_beside(silent)

    def test_a_route_that_drops_packets_holds_up_no_end(self):
        with socket.create_server(('127.0.0.1', 0), backlog=0) as silent:
            with socket.create_connection(silent.getsockname()):  # what comes when it has one is dropped by the kernel
                self.end_beside(silent)


class Full(faulty.Case):
    # Who is refused holds a place, a superuser's as well, until he is told: there are some for all shards' attempts at once.
    places, reserved = 5, 12
    settings = {'max_connections': places + reserved, 'superuser_reserved_connections': reserved}

    def setUp(self):
        super().setUp()
        self.others = Places(self.database, self.places)
        self.addCleanup(self.others.end)

    def test_fewer_places_than_connections_are_enough(self):
        serving = self.serve_ready(max_connections=20)
        load = self.load(serving)
        load.await_successes(2000)
        load.stop()
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_without_a_place_all_are_refused_and_with_one_again_served(self):
        serving = self.serve_ready(max_connections=20)
        load = self.load(serving)
        load.await_successes()
        fault = now()
        self.others.occupy()
        self.await_readiness(serving, 503)
        load.await_answers_to_all()
        self.others.leave()
        back = now()
        load.await_successes(1000)
        self.end(load, serving)
        self.tell(load, 'full', fault, back)

    def test_one_that_starts_without_a_place_becomes_ready_by_itself(self):
        self.others.occupy()
        serving = self.serve()
        self.await_readiness(serving, 503)
        self.others.leave()
        self.await_readiness(serving, 200)
        load = self.load(serving)
        load.await_successes()
        load.stop()
        self.assertEqual(load.differences(self.database), [])


if __name__ == '__main__':
    faulty.run(Loss, Standstill, Silent, Full)
