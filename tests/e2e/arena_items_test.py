"""The arena application's items, from a PostgreSQL of its own: arena_items_test.py ARENA SOURCE_ROOT."""
import http.client
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import told

ARENA, ROOT = sys.argv[1], Path(sys.argv[2])
sys.path[:0] = [str(ROOT / 'tests/postgres'), str(ROOT / 'bench/load')]

import fill  # noqa: E402
import server  # noqa: E402

COLUMNS = "id, name, category, price, quantity, active, tags, json_build_object('score', rating_score, 'count', rating_count) AS rating"
EMPTY = {'items': [], 'count': 0}


class Application:
    """A running arena, and a connection to it that stays."""

    def __init__(self, url, shards=1):
        environment = {name: value for name, value in os.environ.items() if name != 'DATABASE_URL'}
        self.process = subprocess.Popen([ARENA, '--listen', '127.0.0.1:0', '--shards', str(shards)], stdout=subprocess.PIPE, text=True,
                                        env={**environment, **({'DATABASE_URL': url, 'DATABASE_MAX_CONN': '4'} if url else {})})
        port = int(re.search(r':(\d+)$', self.process.stdout.readline().strip()).group(1))
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)

    def ask(self, method, target, document=None):
        body, headers = (None, {}) if document is None else (json.dumps(document), {'Content-Type': 'application/json'})
        self.connection.request(method, target, body, headers)
        self.answer = self.connection.getresponse()
        text = self.answer.read()
        return self.answer.status, json.loads(text)

    def stop(self):
        self.connection.close()
        self.process.terminate()
        ended = self.process.wait(20)
        self.process.stdout.close()
        if ended != 0:
            raise AssertionError(f'arena ended with {ended}')


class ArenaItems(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = server.Postgres()
        cls.addClassCleanup(cls.database.stop)
        fill.fill_items(cls.database.url(), 2000)
        cls.arena = Application(cls.database.url())
        cls.addClassCleanup(cls.arena.stop)
        server.wait_until(lambda: cls.arena.ask('GET', '/crud/items/1')[0] == 200, 'the application reaches its database')

    def ask(self, *what):
        return self.arena.ask(*what)

    def rows(self, condition):
        return json.loads(self.database.psql(f"SELECT coalesce(json_agg(found), '[]') FROM (SELECT {COLUMNS} FROM items WHERE {condition}) found"))

    def item(self, identity):
        return self.rows(f'id = {identity}')[0]

    def test_items_within_a_price_have_the_benchmark_s_shape(self):
        status, answer = self.ask('GET', '/async-db?min=20&max=25&limit=7')
        self.assertEqual((status, answer['count'], len(answer['items'])), (200, 7, 7))
        for item in answer['items']:
            self.assertTrue(20 <= item['price'] <= 25)
            self.assertEqual(item, self.item(item['id']))
        self.assertEqual(list(item), ['id', 'name', 'category', 'price', 'quantity', 'active', 'tags', 'rating'])

    def test_limits_are_clamped_and_have_defaults(self):
        for query, count in (('limit=0', 1), ('limit=-3', 1), ('limit=51', 50), ('limit=2000000000', 50), ('', 50)):
            status, answer = self.ask('GET', f'/async-db?{query}')
            self.assertEqual((status, answer['count'], len(answer['items'])), (200, count, count), query)
            self.assertTrue(all(10 <= item['price'] <= 50 for item in answer['items']))

    def test_no_match_is_an_empty_list_and_no_number_is_an_error(self):
        self.assertEqual(self.ask('GET', '/async-db?min=9000&max=9001'), (200, EMPTY))
        self.assertEqual(self.ask('GET', '/async-db?min=50&max=10'), (200, EMPTY))
        for query in ('min=x', 'max=1.5', 'limit=many', 'limit=99999999999'):
            self.assertEqual(self.ask('GET', f'/async-db?{query}')[0], 400, query)

    def test_a_page_of_a_category_is_in_the_order_of_ids(self):
        status, answer = self.ask('GET', '/crud/items?category=home&page=3&limit=4')
        self.assertEqual(status, 200)
        self.assertEqual(answer, {'items': self.rows("category = 'home' ORDER BY id LIMIT 4 OFFSET 8"), 'total': 4, 'page': 3, 'limit': 4})
        self.assertEqual(self.ask('GET', '/crud/items?category=home&limit=99')[1]['limit'], 50)
        self.assertEqual(self.ask('GET', '/crud/items?category=nowhere')[1], {'items': [], 'total': 0, 'page': 1, 'limit': 10})
        self.assertEqual(self.ask('GET', '/crud/items?page=2000000000')[1]['items'], [])
        self.assertEqual(len(self.ask('GET', '/crud/items?category=h%C3%A4user')[1]['items']), 0)
        status, problem = self.ask('GET', '/crud/items?category=%FF')
        self.assertEqual((status, [one['pointer'] for one in problem['errors']]), (422, ['/category']))

    def test_an_item_is_kept_for_a_moment_and_then_read_again(self):
        kept = self.item(40)

        def x_cache():
            self.assertEqual(self.ask('GET', '/crud/items/40'), (200, kept))
            return self.arena.answer.getheader('X-Cache')
        server.wait_until(lambda: x_cache() == 'MISS' and x_cache() == 'HIT', 'a miss and then a hit')
        server.wait_until(lambda: x_cache() == 'MISS', 'its time is over')

    def test_an_item_that_is_not_there_is_not_found(self):
        for _ in range(2):
            self.assertEqual(self.ask('GET', '/crud/items/1000000')[0], 404)
        self.assertEqual(self.ask('GET', '/crud/items/first')[0], 404)
        self.assertEqual(self.ask('PUT', '/crud/items/1000000', {'name': 'a', 'price': 1, 'quantity': 1})[0], 404)

    def test_an_update_is_seen_at_once(self):
        for name in ('Once', 'Twice'):
            self.ask('GET', '/crud/items/41')
            self.assertEqual(self.ask('PUT', '/crud/items/41', {'name': name, 'price': 7, 'quantity': 8}),
                             (200, {'id': 41, 'name': name, 'price': 7, 'quantity': 8}))
            status, item = self.ask('GET', '/crud/items/41')
            self.assertEqual((status, item['name'], self.arena.answer.getheader('X-Cache')), (200, name, 'MISS'))
        self.assertEqual(self.item(41), item)

    def test_an_item_is_made_and_made_anew(self):
        for name, category in (('Zebra "x"', 'home'), ('Ähre', 'sports')):
            document = {'id': 500_000, 'name': name, 'category': category, 'price': 3, 'quantity': 4}
            made = {**document, 'active': True, 'tags': [], 'rating': {'score': 0, 'count': 0}}
            self.assertEqual(self.ask('POST', '/crud/items', document), (201, made))
            self.assertEqual(self.ask('GET', '/crud/items/500000'), (200, made))
        self.assertEqual(self.item(500_000), made)

    def test_what_is_no_item_is_refused_by_its_member(self):
        good = {'id': 600_000, 'name': 'a', 'category': 'b', 'price': 1, 'quantity': 1}
        for member, value in (('name', 'a\0b'), ('price', 'dear'), ('id', 2**31), ('quantity', None)):
            status, problem = self.ask('POST', '/crud/items', {**good, member: value})
            self.assertEqual((status, [one['pointer'] for one in problem['errors']]), (422, [f'/{member}']), member)
        self.assertEqual(self.rows('id = 600000'), [])

    def test_a_column_that_does_not_fit_fails_what_reads_it_and_nothing_else(self):
        def change(kind):
            self.database.psql(f'ALTER TABLE items ALTER rating_score TYPE {kind}')
        change('bigint')
        try:
            self.assertEqual(self.ask('GET', '/crud/items/70')[0], 503)
            self.assertEqual(self.ask('GET', '/async-db?limit=7'), (200, EMPTY))
            self.assertEqual(self.ask('PUT', '/crud/items/70', {'name': 'a', 'price': 1, 'quantity': 1})[0], 200)
        finally:
            change('integer')
        self.assertEqual(self.ask('GET', '/crud/items/70'), (200, self.item(70)))


class ArenaWithoutItsDatabase(unittest.TestCase):
    def test_without_a_url_there_is_nothing_to_find(self):
        arena = Application(None)
        self.addCleanup(arena.stop)
        self.assertEqual(arena.ask('GET', '/async-db?min=10&max=50&limit=20'), (200, EMPTY))
        self.assertEqual(arena.ask('GET', '/crud/items/1')[0], 404)

    def test_while_it_is_away_lists_are_empty_and_afterwards_they_are_not(self):
        with server.Postgres() as database:
            fill.fill_items(database.url(), 200)
            arena = Application(database.url(), shards=2)
            self.addCleanup(arena.stop)

            def count():
                status, answer = arena.ask('GET', '/async-db?limit=3')
                self.assertEqual(status, 200)
                return answer['count']
            server.wait_until(lambda: count() == 3, 'it finds items')
            database.kill()
            server.wait_until(lambda: count() == 0, 'it finds none')
            self.assertEqual(arena.ask('GET', '/crud/items/150')[0], 503)
            database.start()
            server.wait_until(lambda: count() == 3, 'it finds items again')
            self.assertEqual(arena.ask('GET', '/crud/items/150')[0], 200)


if __name__ == '__main__':
    told.run(ArenaItems, ArenaWithoutItsDatabase)
