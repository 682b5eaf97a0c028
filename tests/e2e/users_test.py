"""The users API from the outside, on each database: users_test.py BINARY."""
import os
import re
import sys
import tempfile
import threading
import unittest

import sluice
from users_client import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'postgres'))
import bouncer  # noqa: E402
import server  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))
NOBODY = '/users/01890000-0000-7000-8000-000000000001'
TIME = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z'


class Users:
    """What is promised whatever the database."""
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.server = sluice.Server(BINARY, '--shards', '2', folder=cls.scratch.name, environment=cls.environment)
        cls.made = 0

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        said = cls.server.said()
        cls.server.errors.close()
        faults = [line for line in cls.server.lines if line['level'] == 'error']
        if status != 0 or said or faults:
            raise AssertionError(f'the server ended with {status} and said {said or faults}')

    def setUp(self):
        self.client = self.connect()

    def connect(self):
        client = Client(self.server.port)
        self.addCleanup(client.close)
        return client

    def new_email(self):
        type(self).made += 1
        return f'user{self.made}@example.com'

    def make(self, name='Ada'):
        answer = self.client.create(self.new_email(), name)
        self.assertEqual(answer.status, 201, answer.text)
        return answer

    def assert_problem(self, answer, status, detail=None):
        self.assertEqual(answer.status, status, answer.text)
        self.assertEqual(answer.headers['Content-Type'], 'application/problem+json')
        problem = answer.json
        self.assertEqual(problem['status'], status)
        self.assertRegex(problem['trace_id'], r'\A[0-9a-f]{32}\Z')
        self.assertEqual(problem['trace_id'], answer.headers['X-Request-Id'])
        self.assertNotRegex(answer.text.decode(), r'(?i)sqlite|postgres|select |insert |\.db|/tmp|127\.0|_unique')
        if detail is not None:
            self.assertEqual(problem['detail'], detail)
        return problem

    def test_a_user_is_made_and_shown(self):
        made = self.make('Ada Lovelace')
        user = made.json
        self.assertEqual(list(user), ['id', 'email', 'name', 'created_at', 'updated_at'])
        self.assertRegex(user['id'], r'\A[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z')
        self.assertRegex(user['created_at'], rf'\A{TIME}\Z')
        self.assertEqual(made.headers['Location'], '/users/' + user['id'])
        shown = self.client.send('GET', made.headers['Location'])
        self.assertEqual((shown.status, shown.json), (200, user))
        self.assertEqual(shown.headers['ETag'], made.headers['ETag'])
        unchanged = self.client.send('GET', made.headers['Location'], If_None_Match='W/' + shown.headers['ETag'])
        self.assertEqual((unchanged.status, unchanged.text), (304, b''))
        head = self.client.send('HEAD', made.headers['Location'])
        self.assertEqual((head.status, head.headers['Content-Length']), (200, shown.headers['Content-Length']))

    def test_an_email_is_registered_once(self):
        email = self.make().json['email']
        self.assert_problem(self.client.create(email.upper()), 409, 'Email already registered')

    def test_wrong_bodies_are_refused_with_what_is_wrong(self):
        for body, pointers in (({'email': 'nobody', 'name': ''}, ['/email', '/name']), ({}, ['/email', '/name']),
                               ({'email': 'a@b.c', 'name': 'A', 'role': 'x'}, ['/role']), ([], ['']),
                               ({'email': None, 'name': 1}, ['/email', '/name']),
                               ({'email': 'a@b.c', 'name': 'A\0'}, ['/name']), ({'email': '\0@b.c', 'name': 'A'}, ['/email']),
                               ({'email': 'a@b.c', 'name': 'x' * 201}, ['/name'])):
            problem = self.assert_problem(self.client.send('POST', '/users', body), 422)
            self.assertEqual([each['pointer'] for each in problem['errors']], pointers, body)
        for body in ('', '{', '{"email":"a@b.c","name":"A"} x', b'{"email":"a@b.c","name":"\xff"}', '[1,,2]'):
            self.assert_problem(self.client.send('POST', '/users', body), 400)
        self.assert_problem(self.client.send('POST', '/users', '{}', Content_Type='text/plain'), 415)

    def test_what_is_not_there_is_404(self):
        self.assert_problem(self.client.send('GET', NOBODY), 404, f'User {NOBODY[7:]} not found')
        for word in ('dancing-bear', '%3Cscript%3E'):
            answer = self.client.send('GET', '/users/' + word)
            self.assert_problem(answer, 404)
            self.assertNotIn(word.encode(), answer.text)

    def test_methods_that_are_not_there_are_405(self):
        answer = self.client.send('PUT', '/users', {})
        self.assert_problem(answer, 405)
        self.assertEqual(set(re.split(', *', answer.headers['Allow'])) & {'GET', 'POST', 'HEAD'}, {'GET', 'POST', 'HEAD'})

    def test_pages_lead_through_all_users_newest_last(self):
        made = [self.make().json['id'] for _ in range(5)]
        seen, path = [], '/users?limit=2'
        while path:
            answer = self.client.send('GET', path)
            self.assertEqual(answer.status, 200)
            seen += [user['id'] for user in answer.json['items']]
            cursor = answer.json['next_cursor']
            path = cursor and f'/users?limit=2&cursor={cursor}'
        self.assertEqual(seen[-5:], made)
        self.assertEqual(len(seen), len(set(seen)))
        for query in ('limit=0', 'limit=201', 'limit=x', 'cursor=x', 'cursor='):
            self.assert_problem(self.client.send('GET', '/users?' + query), 400)

    def test_a_user_is_found_by_email(self):
        user = self.make().json
        found = self.client.send('GET', '/users?email=' + user['email'].upper())
        self.assertEqual(found.json, {'items': [user], 'next_cursor': None})
        for nobody in ('nobody@example.org', '%00', 'a%00@example.org', "'", 'x' * 2000 + '@example.org'):
            self.assertEqual(self.client.send('GET', '/users?email=' + nobody).json['items'], [])

    def test_a_patch_changes_what_it_names(self):
        made = self.make()
        path = made.headers['Location']
        changed = self.client.send('PATCH', path, {'name': 'Countess'}, Content_Type='application/merge-patch+json')
        self.assertEqual((changed.status, changed.json['name']), (200, 'Countess'))
        self.assertNotEqual(changed.headers['ETag'], made.headers['ETag'])
        same = self.client.send('PATCH', path, {'name': 'Countess'})
        self.assertEqual((same.status, same.json, same.headers['ETag']), (200, changed.json, changed.headers['ETag']))
        self.assert_problem(self.client.send('PATCH', path, {'name': None}), 422)
        refused = self.client.send('PATCH', path, '{}', Content_Type='text/plain')
        self.assert_problem(refused, 415)
        self.assertIn('application/merge-patch+json', refused.headers['Accept-Patch'])
        other = self.make().json['email']
        self.assert_problem(self.client.send('PATCH', path, {'email': other}), 409, 'Email already registered')

    def test_a_stale_if_match_writes_nothing(self):
        made = self.make()
        path, tag = made.headers['Location'], made.headers['ETag']
        self.assertEqual(self.client.send('PATCH', path, {'name': 'B'}, If_Match=tag).status, 200)
        self.assert_problem(self.client.send('PATCH', path, {'name': 'C'}, If_Match=tag), 412)
        for stale in (tag, '"9223372036854775807"', '"9223372036854775808"', '"-1"', '"x"'):
            self.assert_problem(self.client.send('DELETE', path, If_Match=stale), 412)
        self.assertEqual(self.client.send('GET', path).json['name'], 'B')

    def test_a_user_is_removed_once(self):
        path = self.make().headers['Location']
        removed = self.client.send('DELETE', path)
        self.assertEqual((removed.status, removed.text), (204, b''))
        self.assert_problem(self.client.send('DELETE', path), 404)
        self.assert_problem(self.client.send('GET', path), 404)

    def on_many_connections(self, count, work):
        """Runs work(index, client) at the same time on as many connections; gives what each returned."""
        outcomes, together = [None] * count, threading.Barrier(count)

        def run(index):
            with Client(self.server.port) as client:
                together.wait()
                outcomes[index] = work(index, client)
        threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    def test_of_simultaneous_registrations_exactly_one_wins(self):
        for _ in range(20):
            email = self.new_email()
            statuses = self.on_many_connections(8, lambda _, client: client.create(email).status)
            self.assertEqual(sorted(statuses), [201] + [409] * 7)

    def test_of_simultaneous_patches_of_one_version_exactly_one_wins(self):
        made = self.make()
        path, tag = made.headers['Location'], made.headers['ETag']
        statuses = self.on_many_connections(
            8, lambda index, client: client.send('PATCH', path, {'name': f'N{index}'}, If_Match=tag).status)
        self.assertEqual(sorted(statuses), [200] + [412] * 7)

    def test_every_connection_sees_an_acknowledged_write(self):
        path = self.make().headers['Location']
        readers = [self.connect() for _ in range(8)]
        for round_number in range(30):
            name = f'Name {round_number}'
            self.assertEqual(self.client.send('PATCH', path, {'name': name}).status, 200)
            for reader in readers:
                self.assertEqual(reader.send('GET', path).json['name'], name)


class OnSqlite(Users, unittest.TestCase):
    pass


class OnPostgres(Users, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = server.Postgres()
        cls.addClassCleanup(cls.database.stop)
        cls.environment = {'DATABASE_URL': cls.database.url()}
        super().setUpClass()

    def test_nothing_is_kept_but_in_the_database(self):
        user = self.make().json
        self.assertEqual(self.database.psql(f"SELECT email FROM users WHERE id = '{user['id']}'"), user['email'])
        self.assertEqual(os.listdir(self.scratch.name), [])


class BehindAPooler(Users, unittest.TestCase):
    """PgBouncer in transaction mode, with fewer connections than the server has."""

    @classmethod
    def setUpClass(cls):
        database = server.Postgres()
        cls.addClassCleanup(database.stop)
        pooler = bouncer.Bouncer(database, connections=2)
        cls.addClassCleanup(pooler.stop)
        cls.environment = {'DATABASE_URL': pooler.url(), 'SLUICE_POSTGRES_POOLER': 'transaction'}
        super().setUpClass()


if __name__ == '__main__':
    unittest.main()
