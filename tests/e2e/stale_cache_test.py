"""What has expired, while the database does not give it: stale_cache_test.py BINARY."""
import itertools
import os
import re
import sys
import tempfile
import time
import unittest

import sluice
from users_client import Client

BINARY = os.path.abspath(sys.argv.pop(1))
postgres = sluice.servers_of('postgres')


class StaleCache(unittest.TestCase):
    def test_an_expired_user_is_served_as_the_settings_say(self):
        for setting in ('', 'STALE_WHILE_REVALIDATE', 'STALE_ON_ERROR'):
            with self.subTest(setting), postgres.Postgres({'fsync': 'off'}) as database, tempfile.TemporaryDirectory() as folder:
                environment = {'DATABASE_URL': database.url(), 'SLUICE_CACHE_TTL': '1ms', 'SLUICE_POSTGRES_STATEMENT_TIMEOUT': '200ms'}
                if setting:
                    environment[f'SLUICE_CACHE_{setting}'] = '1h'
                with sluice.Server(BINARY, '--shards', '2', folder=folder, environment=environment) as serving, \
                        Client(serving.port) as client:
                    self.look(setting != '', database, serving, client)

    def look(self, allowed, database, serving, client):
        # Once it listens: with that the first tier begins anew.
        postgres.wait_until(lambda: self.told(serving, 'sluice_cache_forgotten_total') >= 2, 'it listens')
        made, tries = {}, itertools.count()

        def is_made():  # one of which nobody knows may be there
            made.update(client.create(f'ada{next(tries)}@example.com').json)
            return 'id' in made
        postgres.wait_until(is_made, 'a user is registered')
        path = f'/users/{made["id"]}'
        postgres.wait_until(lambda: client.send('GET', path).status == 200, 'it is cached')
        time.sleep(0.01)  # it has expired, or else nothing is tried here
        with postgres.Session(database) as session:
            session('BEGIN')
            session('LOCK TABLE users')
            for _ in range(3):
                answer = client.send('GET', path)
                self.assertEqual(answer.status, 200 if allowed else 504)
                if allowed:
                    self.assertEqual(answer.json['name'], made['name'])
            session('COMMIT')
        self.assertEqual(self.told(serving, 'sluice_cache_stale_total') > 0, allowed)

    @staticmethod
    def told(serving, name):
        text = serving.get('/metrics', serving.admin_port)[1].decode()
        return sum(float(number) for number in re.findall(rf'(?m)^{name}(?:\{{.*\}})? (\S+)$', text))


if __name__ == '__main__':
    unittest.main()
