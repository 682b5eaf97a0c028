"""What a listener is told while its PostgreSQL goes away and comes back: listener_test.py LISTENER."""
import os
import subprocess
import sys
import unittest

import server

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../e2e'))
import told  # noqa: E402

LISTENER = os.path.abspath(sys.argv[1])
LOST = 'The connection for PostgreSQL\'s notifications was lost'
AWAY = 'PostgreSQL sends no notifications'
NOTICE = 'PostgreSQL has a notice\n'


class Listener(unittest.TestCase):
    def setUp(self):
        self.database = server.Postgres()
        self.addCleanup(self.database.stop)

    def listen(self):
        self.program = subprocess.Popen([LISTENER, self.database.url(), 'news'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.addCleanup(self.program.stdout.close)
        self.addCleanup(self.program.wait, server.PATIENCE_SECONDS)
        self.addCleanup(self.program.stdin.close)

    def next_told(self):
        # A session may have time to say that its server was killed before it is killed itself.
        return next((line for line in iter(self.program.stdout.readline, '') if line != NOTICE), '').rstrip('\n')

    def assert_told(self, *wanted):
        self.assertEqual([self.next_told() for _ in wanted], [*wanted])

    def assert_hears(self, word):
        self.database.psql(f"NOTIFY news, '{word}'")
        self.assert_told(f'news={word}')

    def test_hears_again_from_a_server_that_was_killed_and_started_later(self):
        self.listen()
        self.assert_told('listening')
        self.assert_hears('one')
        for word in ('two', 'three'):
            self.database.kill()
            self.assert_told(LOST, 'lost', AWAY)
            self.database.start()
            self.assert_told('listening')
            self.assert_hears(word)

    def test_hears_from_a_server_that_was_away_at_first(self):
        self.database.kill()
        self.listen()
        self.assert_told(AWAY)
        self.database.start()
        self.assert_told('listening')
        self.assert_hears('one')


if __name__ == '__main__':
    told.run(Listener)
