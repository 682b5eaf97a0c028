"""The tests' own PostgreSQL: server_test.py. Nothing else proves anything unless this holds."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import server

COMMAND = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'server.py')]


class TestServer(unittest.TestCase):
    def test_answers_keeps_what_was_committed_through_kill_9_and_leaves_nothing_behind(self):
        with server.Postgres() as database:
            folder, guard = database.folder, database.guard.pid
            database.psql('CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
            database.kill()
            self.assertFalse(database.running())
            database.start()
            self.assertEqual(database.psql('SELECT n FROM kept'), '7')
            self.assertEqual(database.psql('SHOW fsync'), 'on')
            pid = database.process.pid
        self.assertFalse(os.path.exists(folder))
        self.assertFalse(server.alive(pid))
        self.assertFalse(server.alive(guard))

    def test_two_begin_with_copies_of_a_cluster_that_was_made_before(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o711)
            made = os.path.join(folder, 'cluster')
            subprocess.run([*COMMAND, '--make-cluster', made], check=True)
            self.assertEqual(os.listdir(folder), ['cluster'])
            with mock.patch.dict(os.environ, {server.CLUSTER: made}), server.Postgres() as one, server.Postgres() as other:
                one.psql('CREATE TABLE kept (n int)')
                self.assertEqual(one.psql("SELECT to_regclass('kept') IS NULL"), 'f')
                self.assertEqual(other.psql("SELECT to_regclass('kept') IS NULL"), 't')
            self.assertFalse(os.path.exists(os.path.join(made, 'postmaster.pid')))

    def test_what_is_killed_and_never_restarted_leaves_no_shared_memory(self):
        with server.Postgres() as database:
            self.assertEqual(database.psql('SHOW dynamic_shared_memory_type'), 'mmap')
            database.kill()
            identity = server.lines_of(database.pid_file)[6].split()[1]
        with open('/proc/sysvipc/shm', encoding='ascii') as segments:
            self.assertNotIn(identity, [line.split()[1] for line in segments])

    def test_frozen_it_answers_nothing_and_thawed_it_does(self):
        with server.Postgres() as database:
            ready = [f'{database.bin}/pg_isready', '-q', '-t', '1', '-h', database.socket, '-p', str(database.port)]
            database.freeze()
            self.assertNotEqual(subprocess.run(ready, check=False).returncode, 0)
            database.thaw()
            self.assertEqual(database.psql('SELECT 1'), '1')

    def test_settings_and_access_rules_apply(self):
        refuse = 'host all sluice 127.0.0.1/32 reject'
        with server.Postgres({'max_connections': 7}, [refuse]) as database:
            self.assertEqual(database.psql('SHOW max_connections'), '7')
            command = [f'{database.bin}/psql', '-c', 'SELECT 1', database.url()]
            self.assertNotEqual(subprocess.run(command, check=False, capture_output=True).returncode, 0)
            database.access = []
            database.restart()
            self.assertEqual(subprocess.run(command, check=False, capture_output=True).returncode, 0)

    def test_as_a_command_it_runs_a_program_and_gives_its_status(self):
        script = '"$SLUICE_TEST_POSTGRES_BIN/psql" -XAtc "SELECT current_user" "$SLUICE_TEST_DATABASE_URL"; exit 3'
        done = subprocess.run([*COMMAND, '--', 'sh', '-c', script], check=False, text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (3, 'sluice\n'), done.stderr)

    def test_when_the_test_is_killed_the_server_ends_and_its_folder_goes(self):
        process = subprocess.Popen([*COMMAND, '--', 'sh', '-c', 'head -n 1 "$SLUICE_TEST_POSTGRES_PID_FILE"; '
                                    'dirname "$SLUICE_TEST_POSTGRES_DATA"; exec cat'],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        pid, folder = (process.stdout.readline().strip() for _ in range(2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        server.wait_until(lambda: not server.alive(int(pid)) and not os.path.exists(folder), 'everything is gone')
        process.stdin.close()
        process.stdout.close()


if __name__ == '__main__':
    sys.path.insert(0, os.path.join(os.path.dirname(COMMAND[1]), '../e2e'))
    import told
    told.run(TestServer)
