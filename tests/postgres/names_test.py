"""The server whose database has a name that nobody looks up, since the name server is silent: names_test.py BINARY."""
import os
import random
import socket
import subprocess
import tempfile
import unittest

import faulty
import server
import sluice
from faulty import BINARY
from users_client import Client

NAME = 'database.test'
# Much longer than anybody waits here.
SILENCE = 'nameserver {address}\noptions timeout:30 attempts:5\n'
# The process that is started is the server in the end, so signals reach it.
AMONG_OWN_FILES = """#!/bin/sh
exec unshare --mount sh -c 'mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/hosts" /etc/hosts && shift && exec "$@"' \\
  sh {folder} "$@"
"""


class Silence:
    """A name server that says nothing, on a loopback address of its own; gives the beginning of a command line."""

    def __init__(self, folder):
        self.hosts, self.run = os.path.join(folder, 'hosts'), os.path.join(folder, 'run')
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(sluice.PATIENCE_SECONDS)
        address = f'127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}'
        self.socket.bind((address, 53))
        for name, text in (('resolv.conf', SILENCE.format(address=address)), ('hosts', ''), ('run', AMONG_OWN_FILES.format(folder=folder))):
            with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
                file.write(text)
        os.chmod(self.run, 0o755)

    def know(self, text):
        """What the file of hosts says from now on; the name server is asked of nothing else."""
        with open(self.hosts, 'w', encoding='ascii') as file:
            file.write(text)

    def await_question(self):
        while NAME.split('.', maxsplit=1)[0].encode() not in self.socket.recv(1000):
            pass


class Names(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        try:
            self.silence = Silence(self.folder)
        except PermissionError:
            self.skipTest('the port of name servers is not ours to take')
        self.addCleanup(self.silence.socket.close)
        if subprocess.run([self.silence.run, 'true'], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest('no files of our own are to be had here')
        # What starts the server stands where its name is expected.
        self.program = os.path.join(self.folder, 'program')
        with open(self.program, 'w', encoding='ascii') as file:
            file.write(f'#!/bin/sh\nexec {self.silence.run} {BINARY} "$@"\n')
        os.chmod(self.program, 0o755)

    def serve(self, **environment):
        return sluice.Server(self.program, folder=self.folder, environment={'SLUICE_CACHE_L1_BYTES': '0', **environment})

    def assert_only_the_database_is_away(self, serving):
        for path, port, status in (('/healthz', None, 200), ('/readyz', None, 503), ('/nowhere', None, 404), ('/metrics', serving.admin_port, 200)):
            self.assertEqual(serving.get(path, port)[0].status, status, path)
        with Client(serving.port) as client:
            for answer in (client.send('GET', '/users'), client.create('ada@example.com')):
                self.assertEqual((answer.status, answer.headers['Retry-After']), (503, '1'), answer.text)

    def test_it_starts_and_ends_while_the_name_is_looked_up(self):
        with self.serve(DB_HOST=NAME) as serving:
            self.silence.await_question()
            self.assert_only_the_database_is_away(serving)
            self.assertEqual(serving.stop(), 0)

    def test_what_was_ready_answers_and_ends_while_the_name_is_looked_up_again(self):
        database = server.Postgres()
        self.addCleanup(database.stop)
        self.silence.know(f'127.0.0.1 {NAME}\n')
        with self.serve(DATABASE_URL=database.url(host=NAME)) as serving:
            server.wait_until(lambda: serving.get('/readyz')[0].status == 200, 'it is ready')
            self.silence.know('')
            database.kill()
            self.silence.await_question()
            self.assert_only_the_database_is_away(serving)
            self.assertEqual(serving.stop(), 0)


if __name__ == '__main__':
    faulty.run(Names)
