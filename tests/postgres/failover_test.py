"""The server with more than one PostgreSQL to go to, or with none that takes writes: failover_test.py BINARY."""
import re
import socket
import time

import faulty
import server
import sluice
from faulty import BINARY, now
from replica import Replica
from users_client import Client


class Hosts(faulty.Case):
    def url(self, *ports, options=''):
        given = self.database.url(options=options)
        return given.replace(f'127.0.0.1:{self.database.port}', ','.join(f'127.0.0.1:{port}' for port in ports))

    def follow(self):
        """A replica that has every write before it is acknowledged."""
        made = Replica(self.database)
        self.addCleanup(made.stop)
        self.database.psql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.database.psql('SELECT pg_reload_conf()')
        self.await_value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", '1')
        return made

    def test_a_first_host_that_is_down_is_passed_over(self):
        serving = self.serve_ready(self.url(server.free_port(), self.database.port))
        load = self.load(serving)
        load.await_successes(1000)
        self.assert_no_refusal(load)
        self.database.kill()
        load.await_answers_to_all()
        self.database.start()
        load.await_successes(1000)
        self.end(load, serving)

    def test_a_first_host_that_says_nothing_is_passed_over_by_all_shards_at_once(self):
        with socket.create_server(('127.0.0.1', 0), backlog=200) as silent:
            with sluice.Server(BINARY, '--shards', '6', folder=self.scratch.name, environment={
                    'DATABASE_URL': self.url(silent.getsockname()[1], self.database.port), 'SLUICE_POSTGRES_CONNECT_TIMEOUT': '5s'}) as serving:
                tried = [silent.accept()[0] for _ in range(7)]  # the schema's, which the start waits for, and then the shards'
                self.assertEqual([self.is_given_up(one) for one in tried[1:]], [False] * 6)
                self.await_readiness(serving, 200)
                for one in tried:
                    one.close()
                self.assertEqual(serving.get('/users')[0].status, 200)
                self.assertEqual(serving.stop(), 0)

    @staticmethod
    def is_given_up(connection):
        connection.setblocking(False)
        try:
            while connection.recv(100):
                pass
        except BlockingIOError:
            return False
        return True

    def test_the_one_that_takes_writes_is_found_wherever_it_stands(self):
        replica = self.follow()
        for ports, options in (((self.database.port, replica.port), '?target_session_attrs=read-write'),
                               ((replica.port, self.database.port), '?target_session_attrs=read-write'),
                               ((replica.port, self.database.port), '')):
            serving = self.serve_ready(self.url(*ports, options=options))
            load = self.load(serving, users=10)
            load.await_successes(500)
            load.stop()
            self.assertEqual(load.faults, [])
            self.assert_no_refusal(load)
            self.assertEqual(serving.stop(), 0)
            self.database.psql('DELETE FROM users')

    def test_unless_asked_to_none_reads_from_a_standby_while_the_primary_is_away(self):
        replica = self.follow()
        serving = self.serve_ready(self.url(self.database.port, replica.port))
        self.database.end()
        self.await_readiness(serving, 503)
        self.database.start()
        self.await_readiness(serving, 200)
        self.assertEqual(replica.psql(f'SELECT count(*) {faulty.OURS}'), '0')
        self.assertEqual(serving.stop(), 0)
        asked = self.serve_ready(self.url(replica.port, self.database.port, options='?target_session_attrs=any'))
        self.assertEqual(asked.get('/users')[0].status, 200)
        self.assertGreater(int(replica.psql(f'SELECT count(*) {faulty.OURS}')), 0)
        self.assertEqual(asked.stop(), 0)

    def test_when_the_replica_is_promoted_everything_goes_on_there(self):
        replica = self.follow()
        serving = self.serve_ready(self.url(self.database.port, replica.port, options='?target_session_attrs=read-write'))
        load = self.load(serving)
        load.await_successes(1000)
        fault = now()
        self.database.kill()
        load.await_answers_to_all()
        replica.promote()
        back = now()
        load.await_successes(2000)
        self.end(load, serving, replica)
        self.tell(load, 'failover', fault, back)

    def test_a_primary_that_takes_no_more_writes_is_left_for_the_one_that_does(self):
        replica = self.follow()
        serving = self.serve_ready(self.url(self.database.port, replica.port, options='?target_session_attrs=read-write'),
                                   idle_timeout='1s')
        load = self.load(serving, readers=20, writers=1)
        load.await_successes(1000)
        self.database.psql('ALTER SYSTEM SET default_transaction_read_only = on')
        self.database.psql('SELECT pg_reload_conf()')
        server.wait_until(lambda: 503 in load.answers, 'writes are refused')
        replica.promote()
        self.await_value(f'SELECT count(*) {faulty.OURS}', '0')
        load.await_successes(1000)
        self.end(load, serving, replica)

    def test_the_only_one_is_read_when_it_takes_no_more_writes_and_that_is_said_once(self):
        self.read_the_only_one()

    def test_what_a_cache_tells_others_of_writes_that_were_refused_is_no_change(self):
        self.read_the_only_one(SLUICE_CACHE_L1_BYTES='64MiB')

    def read_the_only_one(self, **environment):
        def read_only(value):
            self.database.psql(f'ALTER SYSTEM SET default_transaction_read_only = {value}')
            self.database.psql('SELECT pg_reload_conf()')
            self.await_value('SHOW default_transaction_read_only', value)

        def refuses():
            told = serving.get('/metrics', serving.admin_port)[1].decode()
            return re.search(r'(?m)^sluice_postgres_refuses_changes (\S+)$', told)[1]
        serving = self.serve_ready(**environment)
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']
            self.assertEqual(refuses(), '0')
            read_only('on')
            for _ in range(20):
                self.assertEqual(client.create('grace@example.com').status, 503)
            self.assertEqual(refuses(), '1')
            self.assertEqual(client.send('GET', path).status, 200)
            self.assertEqual(serving.get('/readyz')[0].status, 200)
            read_only('off')
            self.assertEqual(client.create('grace@example.com').status, 201)
            self.assertEqual(refuses(), '0')
        self.assertEqual(serving.stop(), 0)
        said = [line['message'] for line in serving.lines if line['message'].startswith('PostgreSQL takes')]
        self.assertEqual(said, ['PostgreSQL takes no changes', 'PostgreSQL takes changes again'])

    def test_what_a_standby_refuses_is_told_to_others_when_it_takes_changes_and_not_tried_until_then(self):
        replica = self.follow()
        self.serve_ready().stop()  # it makes the tables
        serving = self.serve_ready(replica.url(), SLUICE_CACHE_L1_BYTES='64MiB')

        def refused():
            told = serving.get('/metrics', serving.admin_port)[1].decode()
            return int((re.search(r'(?m)^sluice_postgres_errors_total\{class="25"\} (\d+)$', told) or (0, 0))[1])
        with Client(serving.port) as client:
            self.assertEqual(client.create('ada@example.com').status, 503)
            server.wait_until(lambda: refused() > 1, 'a notice is refused as well')
            time.sleep(2)
            self.assertLessEqual(refused(), 5)  # the write, and that of the id and of the e-mail, twice
            replica.promote()
            listening = server.Session(replica)
            self.addCleanup(listening.end)
            listening('LISTEN sluice_written')
            self.assertEqual(client.create('ada@example.com').status, 201)
            server.wait_until(lambda: ' *" received' in self.heard(listening), 'what was not told is')
        self.assertEqual(serving.stop(), 0)

    @staticmethod
    def heard(session):
        """What psql says of notices before it has done nothing."""
        session.process.stdin.write('DO $$BEGIN END$$;\n\\echo done\n')
        session.process.stdin.flush()
        said = ''
        while not said.endswith('done\n'):
            line = session.process.stdout.readline()
            if not line:
                raise AssertionError('psql has ended')
            said += line
        return said

    def test_the_first_write_after_a_rest_is_done_by_the_one_that_took_over(self):
        replica = self.follow()
        serving = self.serve_ready(self.url(self.database.port, replica.port, options='?target_session_attrs=read-write'))
        with Client(serving.port) as client:
            path = client.create('ada@example.com').headers['Location']
            self.database.psql('ALTER SYSTEM SET default_transaction_read_only = on')
            self.database.psql('SELECT pg_reload_conf()')
            self.await_value('SHOW default_transaction_read_only', 'on')
            replica.promote()
            self.assertEqual(client.send('PATCH', path, {'name': 'Grace'}).status, 200)
            self.assertEqual(client.create('grace@example.com').status, 201)
        self.assertEqual(replica.psql('SELECT name FROM users ORDER BY email'), 'Grace\nAda')
        self.assertEqual(serving.stop(), 0)

    def test_those_who_only_read_leave_it_as_well(self):
        replica = self.follow()
        serving = self.serve_ready(self.url(self.database.port, replica.port, options='?target_session_attrs=read-write'),
                                   idle_timeout='1s')
        load = self.load(serving, writers=0)
        load.await_successes(1000)
        self.database.psql('ALTER SYSTEM SET default_transaction_read_only = on')
        self.database.psql('SELECT pg_reload_conf()')
        replica.promote()
        self.await_value(f'SELECT count(*) {faulty.OURS}', '0')
        load.await_successes(1000)
        self.end(load, serving, replica)

    def test_so_does_what_listens(self):
        replica = self.follow()
        serving = self.serve_ready(self.url(self.database.port, replica.port, options='?target_session_attrs=read-write'),
                                   idle_timeout='1s', SLUICE_CACHE_L1_BYTES='1048576')
        sessions = f'SELECT count(*) {faulty.OURS}'
        self.await_value(sessions, '3')  # one of each shard, and the one that listens
        self.database.psql('ALTER SYSTEM SET default_transaction_read_only = on')
        self.database.psql('SELECT pg_reload_conf()')
        replica.promote()
        # One of a pool that nobody uses leaves when it is used.
        server.wait_until(lambda: serving.get('/users') and self.database.psql(sessions) == '0', 'all have left the one')
        server.wait_until(lambda: replica.psql(sessions) == '3', 'all are at the other')
        self.assertEqual(serving.stop(), 0)


if __name__ == '__main__':
    faulty.run(Hosts)
