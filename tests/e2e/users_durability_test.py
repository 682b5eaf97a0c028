"""What becomes of users when things go wrong: users_durability_test.py BINARY. Kills, restarts, disks, files."""
import http.client
import os
import resource
import signal
import stat
import sys
import tempfile
import threading
import unittest

import sluice
from users_client import Client

BINARY = os.path.abspath(sys.argv.pop(1))
NOBODY = 65534
GONE = (OSError, http.client.HTTPException)


class Durability(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name
        self.database = os.path.join(self.folder, 'sluice.db')

    def serve(self, **more):
        return sluice.Server(BINARY, '--shards', '2', folder=self.folder, **more)

    def test_kill_under_write_load_loses_no_acknowledged_user(self):
        acknowledged = {}
        for round_number in range(5):
            server, enough = self.serve(), threading.Semaphore(0)

            def register(writer, port=server.port):
                try:
                    with Client(port) as client:
                        for number in range(100_000):
                            answer = client.create(f'r{round_number}w{writer}n{number}@example.com')
                            self.assertEqual(answer.status, 201)
                            acknowledged[answer.headers['Location']] = answer.json
                            enough.release()
                except GONE:
                    pass
            writers = [threading.Thread(target=register, args=(writer,)) for writer in range(8)]
            for writer in writers:
                writer.start()
            for _ in range(200):
                self.assertTrue(enough.acquire(timeout=sluice.PATIENCE_SECONDS))
            server.process.kill()
            for writer in writers:
                writer.join()
            server.wait()
            server.errors.close()
        self.assertGreaterEqual(len(acknowledged), 1000)
        with self.serve() as server, Client(server.port) as client:
            for path, user in acknowledged.items():
                self.assertEqual(client.send('GET', path).json, user)

    def test_users_survive_a_restart(self):
        with self.serve() as server, Client(server.port) as client:
            made = client.create('ada@example.com')
        with self.serve() as server, Client(server.port) as client:
            self.assertEqual(client.send('GET', made.headers['Location']).json, made.json)
            self.assertEqual(client.create('ada@example.com').status, 409)

    def test_only_its_owner_can_read_the_database(self):
        with self.serve() as server, Client(server.port) as client:
            client.create('ada@example.com')
            for name in os.listdir(self.folder):
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.folder, name)).st_mode), 0o600, name)

    def test_a_disk_that_takes_no_more_answers_503_and_goes_on_reading(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (128 * 1024, 128 * 1024))
        made = {}
        with self.serve(prepare=limit) as server, Client(server.port) as client:
            for number in range(5000):
                answer = client.create(f'user{number}@example.com', 'x' * 200)
                if answer.status != 201:
                    break
                made[answer.headers['Location']] = answer.json
            self.assertEqual(answer.status, 503, answer.text)
            self.assertEqual(answer.headers['Content-Type'], 'application/problem+json')
            self.assertNotIn(b'.db', answer.text)
            self.assertTrue(made)
            for path, user in made.items():
                self.assertEqual(client.send('GET', path).json, user)
        with self.serve() as server, Client(server.port) as client:
            for path, user in made.items():
                self.assertEqual(client.send('GET', path).json, user)
            self.assertEqual(client.create('later@example.com').status, 201)

    def assert_refused(self, *parts, **more):
        done = sluice.run(BINARY, 'serve', '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', folder=self.folder, **more)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, r'\Asluice: [^\n]+\n\Z')
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_a_folder_that_is_not_there_is_named(self):
        self.assert_refused('missing/sluice.db', 'No such file or directory', 'sqlite.path',
                            environment={'SLUICE_SQLITE_PATH': 'missing/sluice.db'})

    def test_what_is_no_database_is_refused_and_left_alone(self):
        with open(self.database, 'wb') as file:
            file.write(b'x' * 5000)
        self.assert_refused('is not an SQLite database')
        with open(self.database, 'rb') as file:
            self.assertEqual(file.read(), b'x' * 5000)

    @unittest.skipUnless(os.geteuid() == 0, 'needs another user')
    def test_a_file_that_may_not_be_written_is_refused(self):
        with self.serve():
            pass
        os.chmod(self.folder, 0o755)
        os.chmod(self.database, 0o444)
        self.assert_refused('sluice.db', 'this user may write there', prepare=lambda: os.setuid(NOBODY))


if __name__ == '__main__':
    unittest.main()
