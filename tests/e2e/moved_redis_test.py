"""A name of Redis that comes to stand for another server, and for the first again: moved_redis_test.py BINARY.

Nothing that was acknowledged meanwhile is read as it was before, and all connections find their way."""
import contextlib
import os
import re
import sys
import tempfile
import unittest
import uuid

import sluice
from users_client import Client

BINARY = os.path.abspath(sys.argv.pop(1))
server = sluice.servers_of('redis')


class Name:
    """A path that leads to the socket of one of several servers."""

    def __init__(self, folder, to):
        self.path = os.path.join(folder, 'redis')
        self.point(to)

    def point(self, to):
        os.symlink(to.socket, self.path + '.next')
        os.replace(self.path + '.next', self.path)


def clients_of(redis, name):
    return re.findall(rf'\bid=(\d+) [^\n]*\bname={name} '.encode(), redis.command('CLIENT', 'LIST'))


def await_clients(redis, name, count):
    server.wait_until(lambda: len(clients_of(redis, name)) == count, f'{count} connections of {name}')


def name_of(client, path):
    return client.send('GET', path).json['name']


def rename(client, path, name):
    answer = client.send('PATCH', path, {'name': name})
    if answer.status != 200:
        raise AssertionError(answer.text)


def cut(redis, *kinds):
    for kind in kinds:
        redis.command('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes')


class MovedRedis(unittest.TestCase):
    @contextlib.contextmanager
    def serving(self, shards, **more):
        """A server beside the first of two Redis, and the name that it knows."""
        with server.Redis() as first, server.Redis() as second, tempfile.TemporaryDirectory() as folder:
            name = Name(folder, first)
            environment = {'REDIS_URL': f'unix:{name.path}', 'SLUICE_CACHE_L1_BYTES': '0', 'SLUICE_CACHE_TTL': '1h',
                           'SLUICE_REDIS_COMMAND_TIMEOUT': '20s', 'SLUICE_REDIS_CONNECT_TIMEOUT': '20s', **more}
            with sluice.Server(BINARY, '--shards', str(shards), folder=folder, environment=environment) as serving:
                yield serving, name, first, second

    @staticmethod
    def metric(of, name):
        lines = of.get('/metrics', port=of.admin_port)[1].decode().splitlines()
        return sum(float(line.rpartition(' ')[2]) for line in lines if line.startswith(name))

    @staticmethod
    def stored_user(client, redis):
        """A user whose value is in Redis."""
        path = '/users/' + client.create('a@example.com', 'one').json['id']
        # A fill comes after its answer, and none before Redis is there.
        server.wait_until(lambda: name_of(client, path) == 'one' and
                          redis.command('EVAL', "return #redis.call('KEYS', '*}')", 0) != b':0\r\n', 'a value')
        return path

    def test_nothing_is_older_than_a_write_on_another_server(self):
        self.check_a_write_on_another_server(connections=1)

    def test_nothing_is_with_several_connections_of_a_shard(self):
        self.check_a_write_on_another_server(connections=2)

    def check_a_write_on_another_server(self, connections):
        count = 2 * connections
        with self.serving(2, SLUICE_REDIS_CONNECTIONS=str(connections)) as (serving, name, first, second), \
                Client(serving.port) as client:
            await_clients(first, 'sluice', count)
            path = self.stored_user(client, first)
            name.point(second)
            cut(first, 'normal', 'pubsub')
            await_clients(second, 'sluice', count)
            self.assertEqual(name_of(client, path), 'one')
            rename(client, path, 'two')
            server.wait_until(lambda: self.metric(serving, 'sluice_cache_pending') == 0, 'the deletion')
            name.point(first)
            cut(second, 'normal', 'pubsub')
            await_clients(first, 'sluice', count)
            for _ in range(10):
                self.assertEqual(name_of(client, path), 'two')

    # While the two are on different servers, what one process says the other does not hear.
    def test_the_subscription_follows_the_commands_and_they_follow_it(self):
        with self.serving(2) as (_, name, first, second):
            for kind, now, then in (('normal', first, second), ('pubsub', second, first)):
                await_clients(now, 'sluice', 2)
                await_clients(now, 'sluice-subscriber', 1)
                name.point(then)
                cut(now, kind)
                await_clients(then, 'sluice', 2)
                await_clients(then, 'sluice-subscriber', 1)

    # What one shard deletes on another server than its own, the others would go on to read from theirs.
    def test_all_connections_follow_the_first_that_finds_another_server(self):
        for shards, connections in ((3, 1), (2, 2)):
            with self.subTest(shards=shards, connections=connections):
                self.check_that_all_follow(shards, connections)

    def check_that_all_follow(self, shards, connections):
        count = shards * connections
        with self.serving(shards, SLUICE_REDIS_CONNECTIONS=str(connections)) as (_, name, first, second):
            now, then = first, second
            for which in range(count):
                await_clients(now, 'sluice', count)
                await_clients(now, 'sluice-subscriber', 1)
                name.point(then)
                now.command('CLIENT', 'KILL', 'ID', clients_of(now, 'sluice')[which].decode())
                await_clients(then, 'sluice', count)
                await_clients(then, 'sluice-subscriber', 1)
                now, then = then, now

    def test_a_deletion_counts_for_nothing_while_connections_are_on_different_servers(self):
        with self.serving(1, SLUICE_REDIS_CONNECTIONS='2') as (serving, name, first, second), \
                Client(serving.port) as client, Client(serving.port) as one, Client(serving.port) as other:
            await_clients(first, 'sluice', 2)
            path = self.stored_user(client, first)
            # Each of the two waits for a reply, and is not left before.
            first.command('CLIENT', 'PAUSE', '600000', 'WRITE')
            for waiting, asking in enumerate((one, other), 1):
                asking.ask('GET', f'/users/{uuid.uuid4()}')
                server.wait_until(lambda: self.metric(serving, 'sluice_redis_in_flight') == waiting, 'one that waits')
            name.point(second)
            first.command('CLIENT', 'KILL', 'ID', clients_of(first, 'sluice')[0].decode())
            await_clients(second, 'sluice', 1)
            rename(client, path, 'two')
            await_clients(first, 'sluice', 1)
            first.command('CLIENT', 'UNPAUSE')
            name.point(first)
            cut(second, 'normal', 'pubsub')
            await_clients(first, 'sluice', 2)
            for _ in range(10):
                self.assertEqual(name_of(client, path), 'two')


if __name__ == '__main__':
    unittest.main()
