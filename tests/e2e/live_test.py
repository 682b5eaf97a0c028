"""The admin listener's live page, in a browser; and what it refuses to pages of other sites."""
import http.client
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
import unittest

import sluice
import told
from browser import Browser
from sluice import PATIENCE_SECONDS, Server
from users_client import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'redis'))
import server as redis  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))


class Load:
    """Requests, one after another, for as long as it lives."""

    def __init__(self, port):
        self.port, self.over = port, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        count = 0
        while not self.over.wait(0.001):
            count += 1
            connection.request('POST', '/users', json.dumps({'email': f'{count}@example.com', 'name': 'Load'}), {'Content-Type': 'application/json'})
            connection.getresponse().read()
            for _ in range(3):  # from the database, and then from a cache
                connection.request('GET', f'/users?email={count}@example.com')
                connection.getresponse().read()
        connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class LivePage(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        beside = redis.Redis({})
        self.addCleanup(beside.stop)
        self.server = Server(BINARY, '--shards', '2', folder=self.folder.name,
                             environment={'REDIS_URL': beside.url(), 'SLUICE_RATE_LIMIT_REQUESTS': '1000000'})
        self.addCleanup(self.server.stop)
        self.page = f'http://127.0.0.1:{self.server.admin_port}/'

    def shoot(self, browser, name):
        if 'SCREENSHOTS' in os.environ:
            browser.screenshot(os.path.join(os.environ['SCREENSHOTS'], name))

    def fits(self, browser, width):
        # Not into the window: on a phone that grows with what overflows.
        self.assertLessEqual(browser.evaluate('document.documentElement.scrollWidth'), width, 'the page is too wide')

    def look(self, browser, width):
        browser.open(self.page)
        browser.wait_for('document.getElementById("state").textContent === "live"')
        browser.wait_for('document.getElementById("routes").textContent.includes("/users")')
        browser.wait_for('document.getElementById("shards").rows.length === 3')
        browser.wait_for('document.getElementById("slowest").textContent.includes("POST")')
        # What it shows of the parts moves with the load, and of the requests under way there is always its own.
        browser.wait_for('/db_client_operation_duration sqlite write\\s+[0-9.]+[0-9k]*\\/s\\s+p99 [0-9]/.test(document.getElementById("parts").innerText)')
        for part in ('cache_lookups l1', 'redis_commands', 'rate_limit_decisions.*'):
            browser.wait_for(f'/{part}\\s+[0-9.]*[1-9][0-9.k]*\\/s/.test(document.getElementById("parts").innerText)')
        browser.wait_for('/p99\\s+[0-9.]+\\s*[µm]?s/.test(document.getElementById("tiles").innerText)')
        browser.evaluate('(window.seen = document.getElementById("tiles").innerText)')
        browser.wait_for('document.getElementById("tiles").innerText !== window.seen')
        browser.wait_for('/\\bGET\\s+\\/live\\b/.test(document.getElementById("inflight").innerText)')
        text = browser.evaluate('document.body.innerText')
        self.assertIn('requests/s', text)
        self.assertRegex(browser.evaluate('document.getElementById("slowest").innerText'), r'query \d')
        self.assertNotIn('NaN', text)
        self.assertNotIn('undefined', text)
        # In colour: the axes' labels are grey.
        drawn = '(id => { const c = document.getElementById(id), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;' \
                ' for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 0 && Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]) > 60) return true;' \
                ' return false; })'
        browser.wait_for(f'{drawn}("rate")')
        browser.wait_for(f'{drawn}("heat")')
        self.fits(browser, width)
        asked = browser.evaluate('performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin))')
        self.assertEqual(asked, [], 'the page asks others')

    def test_shows_what_goes_on_in_light_and_dark_and_on_a_phone(self):
        with Load(self.server.port):
            for name, width, height, dark in (('light', 1280, 1000, False), ('dark', 1280, 1000, True), ('phone', 390, 844, False)):
                with self.subTest(name), Browser(width, height, dark) as browser:
                    self.look(browser, width)
                    if 'SCREENSHOTS' in os.environ:
                        browser.evaluate('new Promise(done => setTimeout(done, 8000))')
                    self.assert_background(browser, dark)
                    self.shoot(browser, name + '.png')
                    browser.prefer(not dark)
                    self.assert_background(browser, not dark)
                    self.fits(browser, width)

    def assert_background(self, browser, dark):
        background = browser.evaluate('getComputedStyle(document.body).backgroundColor')
        self.assertEqual(background, 'rgb(14, 17, 22)' if dark else 'rgb(246, 247, 249)')

    def test_shows_what_is_slower_or_quicker_than_the_heat_map_is_high_at_its_edge(self):
        with Browser(1280, 1000) as browser:
            browser.open(self.page)
            browser.wait_for('document.getElementById("state").textContent === "live"')
            def rows_of(bucket):
                """Of the canvas, that are coloured at its right edge: one second alone, looked at before another comes."""
                return browser.evaluate("""((second) => {
                    past.splice(0, past.length, second);
                    drawHeat();
                    const map = document.getElementById("heat"), column = map.getContext("2d").getImageData(map.width - 2, 0, 1, map.height).data;
                    past.length = 0;
                    return [...Array(map.height).keys()].filter(row => column[4 * row + 3] > 0);
                })({all: {counts: Array.from({length: buckets}, (_, i) => Number(i === %d))}})""" % bucket)

            slowest, quickest = rows_of(190), rows_of(1)
            self.assertTrue(slowest and quickest and slowest[-1] < rows_of(16)[-1] < quickest[0])  # microseconds have rows of their own
            self.assertEqual(rows_of(200), slowest)  # a request that took its 30 s
            self.assertEqual(rows_of(browser.evaluate('buckets') - 1), slowest)
            self.assertEqual(rows_of(0), quickest)

    def test_says_that_the_server_has_gone(self):
        with Browser(1280, 1000) as browser:
            browser.open(self.page)
            browser.wait_for('document.getElementById("state").textContent === "live"')
            self.server.stop()
            browser.wait_for('document.getElementById("state").textContent === "not connected"')

    def watch(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.server.admin_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request('GET', '/live')
        return connection, connection.getresponse()

    def test_says_that_too_many_are_watching_and_is_live_once_there_is_room(self):
        watchers = [self.watch() for _ in range(16)]
        with Browser(1280, 1000) as browser:
            browser.open(self.page)
            browser.wait_for('document.getElementById("state").textContent === "too many are watching"')
            watchers[0][0].close()
            browser.wait_for('document.getElementById("state").textContent === "live"')

    def test_a_watcher_does_not_hold_up_the_end(self):
        self.assertTrue(self.watch()[1].readline().startswith(b'data: {'))
        self.assertEqual(self.server.stop(), 0)


class Stages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = Server(BINARY, folder=self.folder.name)
        self.addCleanup(self.server.stop)

    def ask(self, path):
        connection = http.client.HTTPConnection('127.0.0.1', self.server.admin_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request('GET', path)
        return connection.getresponse()

    def inflight(self):
        return json.load(self.ask('/inflight'))['requests']

    def test_the_slowest_requests_say_where_their_time_went(self):
        body = b'{"email":"slow@example.com","name":"Slow"}'
        client = socket.create_connection(('127.0.0.1', self.server.port), timeout=30)
        self.addCleanup(client.close)
        client.sendall(b'POST /users HTTP/1.1\r\nHost: a\r\n')
        time.sleep(0.02)  # so that the head takes time, unless the server is held up and reads all of it at once
        client.sendall(b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body))
        while not self.inflight():  # it is known once its head is whole
            pass
        under_way = self.inflight()[0]
        self.assertEqual((under_way['method'], under_way['path'], under_way['stage']), ('POST', '/users', 'body'))
        self.assertGreater(under_way['age_ms'], 0)
        self.assertEqual(set(under_way['stages']) | {'head'}, {'head', 'body'})
        client.sendall(body)
        self.assertTrue(client.recv(65536).startswith(b'HTTP/1.1 201 '))

        event = self.ask('/live').readline()
        self.assertTrue(event.startswith(b'data: '))
        slowest = json.loads(event[len('data: '):])['slowest']
        self.assertEqual([(one['method'], one['route'], one['status']) for one in slowest], [('POST', '/users', 201)])
        stages = slowest[0]['stages']
        # That every shard knows of the write may take no time that is worth telling.
        self.assertEqual(set(stages) | {'head', 'cache'}, {'head', 'body', 'query', 'cache', 'work'})
        within = sum(spent for name, spent in stages.items() if name != 'head')
        self.assertAlmostEqual(within, slowest[0]['took_ms'], places=5)


class BesidePostgres(unittest.TestCase):
    """One shard with two connections to PostgreSQL, Redis, a limit and a cache: what holds requests up is known."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        postgres = sluice.servers_of('postgres')
        self.database, self.session = postgres.Postgres(), postgres.Session
        self.addCleanup(self.database.stop)
        self.redis = redis.Redis({})
        self.addCleanup(self.redis.stop)
        patience = ('POSTGRES_STATEMENT_TIMEOUT', 'POSTGRES_CONNECT_TIMEOUT', 'POSTGRES_IDLE_TIMEOUT', 'REDIS_COMMAND_TIMEOUT',
                    'REDIS_CONNECT_TIMEOUT', 'LIMITS_REQUEST_TIMEOUT')
        self.server = Server(BINARY, '--shards', '1', folder=self.folder.name, environment={
            'DATABASE_URL': self.database.url(), 'REDIS_URL': self.redis.url(), 'SLUICE_POSTGRES_MAX_CONNECTIONS': '2',
            'SLUICE_RATE_LIMIT_REQUESTS': '1000000', 'SLUICE_RATE_LIMIT_WINDOW': '1h', 'SLUICE_RATE_LIMIT_KEY': 'header:X-Client',
            **{f'SLUICE_{name}': '100s' for name in patience}})
        self.addCleanup(self.server.__exit__)
        self.traces = 0

    def until(self, condition):
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()):
            self.assertLess(time.monotonic(), end, 'it does not happen')
            time.sleep(0.02)
        return found

    def ask(self, path, client=None):
        """Sends a request, of a client of its own unless told otherwise: its trace, and the connection that gets the answer."""
        self.traces += 1
        trace = f'{self.traces:032x}'
        connection = http.client.HTTPConnection('127.0.0.1', self.server.port, timeout=PATIENCE_SECONDS)
        self.addCleanup(connection.close)
        connection.request('GET', path, headers={'traceparent': f'00-{trace}-00000000000000ff-00', 'X-Client': client or trace})
        return trace, connection

    def answer(self, connection):
        answer = connection.getresponse()
        answer.read()
        self.assertEqual(answer.status, 200)

    def held_in(self, stage, asked):
        """Until that request is where it was to be, and has been there for most of its time."""
        def is_there():
            for one in json.loads(self.server.get('/inflight', self.server.admin_port)[1])['requests']:
                if one['trace_id'] == asked[0] and one['stage'] == stage and one['stages'].get(stage, 0) > max(300, 0.9 * one['age_ms']):
                    return True
            return False
        self.until(is_there)
        return asked

    def parts(self):
        """The page's panel: names and what stands beside them."""
        rows = self.browser.evaluate('[...document.getElementById("parts").rows].map(row => [...row.cells].map(cell => cell.textContent))')
        return {row[0]: row[1:] for row in rows}

    def await_parts(self, column, wanted):
        """Until the panel says that, now (0) or in all (1)."""
        def seen():
            parts = self.parts()
            return {name: parts.get(name, ('', ''))[column] for name in wanted}
        end = time.monotonic() + PATIENCE_SECONDS
        while seen() != wanted and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(seen(), wanted)

    def slowest(self):
        """By trace: how long a request took, and its stages with their times, as they stand there."""
        rows = self.browser.evaluate('[...document.getElementById("slowest").rows].slice(1).map(row => [row.cells[7].textContent, row.cells[0].textContent,'
                                     ' [...row.cells[4].querySelectorAll(".stage")].map(stage => stage.textContent)])')
        told = {}
        for trace, took, stages in rows:
            parts = [re.fullmatch(r'([a-z ]+) ([0-9.]+ \S+)', stage).groups() for stage in stages]
            told[trace] = seconds(took), [(stage, seconds(spent)) for stage, spent in parts]
        return told

    def shoot(self, name):
        if 'SCREENSHOTS' in os.environ:
            self.browser.screenshot(os.path.join(os.environ['SCREENSHOTS'], name))

    def test_the_page_shows_the_pool_as_it_is_and_in_which_stage_slow_requests_were(self):
        self.until(lambda: self.server.get('/readyz')[0].status == 200)
        with Client(self.server.port) as client:
            user = client.create('ada@example.com').headers['Location']
        with Browser(1280, 1000) as self.browser:
            self.browser.open(f'http://127.0.0.1:{self.server.admin_port}/')
            self.browser.wait_for('document.getElementById("state").textContent === "live"')
            asked = self.while_the_table_is_locked(user)
            asked += self.while_redis_stands_still()
            told = self.until(lambda: (all_told := self.slowest()).keys() >= {trace for _, trace in asked} and all_told)
            self.shoot('slowest.png')
            for stage, trace in asked:
                took, stages = told[trace]
                with self.subTest(stage):
                    self.assertEqual(stages[0][0], stage)
                    self.assertAlmostEqual(sum(spent for name, spent in stages if name != 'head') / took, 1, delta=0.1)
            text = self.browser.evaluate('document.body.innerText')
            self.assertNotIn('NaN', text)
            self.assertNotIn('undefined', text)

    def while_the_table_is_locked(self, user):
        before = self.pool()
        with self.session(self.database) as session:
            session('BEGIN')
            session('LOCK TABLE users IN ACCESS EXCLUSIVE MODE')
            held = [('query', self.held_in('query', self.ask('/users')))]
            # One statement that waits for a lock gets one connection of two; and nobody else's waits behind it.
            held.append(('pool wait', self.held_in('pool_wait', self.ask('/users'))))
            loading = self.held_in('cache', self.ask(user))
            held += [('query', loading), ('cache', self.held_in('cache', self.ask(user)))]

            ours = "FROM pg_stat_activity WHERE application_name = 'sluice'"
            self.until(lambda: self.database.psql(f"SELECT count(*) {ours} AND wait_event_type = 'Lock'") == '2')
            self.assertEqual(self.database.psql(f'SELECT count(*) {ours}'), '2')
            self.await_parts(0, {'db_client_connection_count postgresql used': '2', 'db_client_connection_count postgresql idle': '0',
                                 'db_client_connection_max postgresql': '2', 'db_client_connection_pending_requests postgresql': '1',
                                 'postgres_away': '0'})
            self.browser.wait_for('/pool wait/.test(document.getElementById("inflight").innerText)')
            self.shoot('pool.png')
            session('COMMIT')
        for _, (_, connection) in held:
            self.answer(connection)
        # Since the start, as the metrics say it; nobody else asks for a statement.
        after = self.pool()
        self.assertEqual(after['sluice_postgres_queries_total'], before['sluice_postgres_queries_total'] + 3)
        self.assertEqual(after['sluice_postgres_connects_total'], 2)
        self.await_parts(1, {f'postgres_{name}': f'{after[f"sluice_postgres_{name}_total"]:.0f}' for name in ('queries', 'connects')})
        self.await_parts(0, {'db_client_connection_pending_requests postgresql': '0'})
        for name in ('wait_time', 'create_time', 'use_time'):
            self.assertIn(f'db_client_connection_{name} postgresql', self.parts())
        return [(stage, trace) for stage, (trace, _) in held]

    def pool(self):
        text = self.server.get('/metrics', self.server.admin_port)[1].decode()
        return {name: float(number) for name, number in re.findall(r'^(sluice_postgres_\w+) (\S+)$', text, re.MULTILINE)}

    def while_redis_stands_still(self):
        self.answer(self.ask('/users', 'somebody')[1])  # whose next request asks for more than one
        self.redis.freeze()
        try:
            asks = self.held_in('limit', self.ask('/users', 'somebody'))
            joins = self.held_in('limit', self.ask('/users', 'somebody'))
        finally:
            self.redis.thaw()
        for _, connection in (asks, joins):
            self.answer(connection)
        return [('redis', asks[0]), ('limit', joins[0])]


def seconds(text):
    number, unit = text.split()
    return float(number) * {'s': 1, 'ms': 1e-3, '\u00b5s': 1e-6}[unit]


class OtherSites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.server = Server(BINARY, folder=cls.folder.name, environment={'SLUICE_ADMIN_NAMES': 'metrics.internal'})

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    def status(self, path='/metrics', **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.server.admin_port, timeout=30)
        connection.request('GET', path, headers={name.replace('_', '-'): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def test_a_name_that_was_made_to_point_here_is_refused(self):
        for path in ('/', '/live', '/inflight', '/metrics', '/healthz', '/nothing'):
            self.assertEqual(self.status(path, Host='attacker.example'), 403, path)
        for host in ('attacker.example:9090', 'localhost.attacker.example', '127.0.0.1.attacker.example', '127.0.0.1@attacker.example'):
            self.assertIn(self.status(Host=host), (400, 403), host)

    def test_addresses_localhost_and_its_own_names_are_answered(self):
        for host in ('127.0.0.1', '127.0.0.1:9090', '[::1]:9090', 'localhost:9090', 'LOCALHOST', 'metrics.internal:80'):
            self.assertEqual(self.status(Host=host), 200, host)

    def test_a_page_of_another_site_is_refused(self):
        self.assertEqual(self.status(Host='localhost:9', Origin='http://localhost:9'), 200)
        self.assertEqual(self.status(Host='localhost:9', Origin='http://localhost:8'), 403)
        self.assertEqual(self.status(Origin='https://attacker.example'), 403)
        self.assertEqual(self.status(Origin='null'), 403)
        self.assertEqual(self.status(Sec_Fetch_Site='cross-site'), 403)
        self.assertEqual(self.status(Sec_Fetch_Site='same-site'), 403)
        self.assertEqual(self.status(Sec_Fetch_Site='none'), 200)


told.run(LivePage, Stages, BesidePostgres, OtherSites)
