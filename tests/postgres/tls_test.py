"""The server on a PostgreSQL that speaks TLS alone: tls_test.py BINARY."""
import os
import subprocess
import threading

import faulty
import sluice
from encrypted import Encrypted
from faulty import OURS, now
from users_client import Client

CLEF = '\U0001d11e'  # four bytes, as long as a character can be


class Tls(faulty.Case):
    def make_database(self):
        return Encrypted()

    def url(self, mode):
        return self.database.url(options=f'?sslmode={mode}&sslrootcert={self.database.certificate}')

    def test_every_connection_is_encrypted_and_a_killed_server_loses_nothing(self):
        serving = self.serve_ready(self.url('verify-full'))
        load = self.load(serving)
        load.await_successes(1000)
        encrypted = self.database.psql(f'SELECT bool_and(ssl) FROM pg_stat_ssl WHERE pid IN (SELECT pid {OURS})')
        self.assertEqual(encrypted, 't')
        self.assert_no_refusal(load)
        fault = now()
        self.database.kill()
        load.await_answers_to_all()
        self.database.start()
        back = now()
        load.await_successes(2000)
        self.end(load, serving)
        self.tell(load, 'killed under TLS', fault, back)

    def test_large_results_come_whole_beside_small_ones(self):
        serving = self.serve_ready(self.url('require'))
        self.database.psql("INSERT INTO users SELECT lpad(n::text, 32, '0')::uuid, n || '@example.com', "
                           f"repeat('{CLEF}', 200), now(), now(), 1, n || '@example.com' FROM generate_series(1, 200) AS n")
        load = self.load(serving, users=10)
        pages = []

        def turn_pages():
            with Client(serving.port) as client:
                for _ in range(20):
                    pages.append(client.send('GET', '/users?limit=200'))
        readers = [threading.Thread(target=turn_pages) for _ in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        expected = [(f'{n}@example.com', CLEF * 200) for n in range(1, 201)]
        for page in pages:
            self.assertEqual(page.status, 200, page.text)
            self.assertEqual([(user['email'], user['name']) for user in page.json['items']], expected)
        self.database.psql("DELETE FROM users WHERE id < '00000001-0000-0000-0000-000000000000'")
        self.database.psql("DELETE FROM journal WHERE written->>'id' < '00000001-0000-0000-0000-000000000000'")
        self.assert_no_refusal(load)
        self.end(load, serving)

    def test_a_server_that_it_does_not_trust_gets_no_password(self):
        self.refused(self.url('verify-full').replace(self.database.certificate, self.foreign_certificate()), 'certificate verify failed')

    def test_without_encryption_it_is_not_let_in(self):
        self.refused(self.url('disable'), 'no encryption')

    def foreign_certificate(self):
        made = os.path.join(self.scratch.name, 'foreign')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=other', '-keyout',
                        os.devnull, '-out', made], check=True, stderr=subprocess.DEVNULL)
        return made

    def refused(self, url, words):
        serving = self.serve(url)
        self.await_readiness(serving, 503)
        checked = sluice.run(faulty.BINARY, 'check', folder=self.scratch.name, environment={'DATABASE_URL': url})
        self.assertEqual(checked.returncode, 1)
        [failed] = [line for line in checked.stdout.splitlines() if line.startswith('FAIL database')]
        self.assertIn(words, failed)
        self.assertEqual(serving.stop(), 0)
        said = [line['message'] for line in serving.lines if line['level'] == 'error']
        self.assertEqual(len(said), 1, said)
        self.assertIn(words, said[0])
        self.assertNotIn(self.database.password, str(serving.lines))


if __name__ == '__main__':
    faulty.run(Tls)
