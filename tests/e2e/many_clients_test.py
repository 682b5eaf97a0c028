"""A hundred thousand clients, or as many as SLUICE_TEST_CLIENTS says, told apart by what a trusted proxy says of them, against one
server with a Redis, and then against the same server without: many_clients_test.py BINARY.

The process keeps answers about 4096 clients a shard, and counts of 65536 where it counts by itself, so a hundred thousand are more
than fit, and none of those that come after may cost it memory."""
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

import sluice
import told

BINARY = os.path.abspath(sys.argv.pop(1))
server = sluice.servers_of('redis')

CLIENTS = int(os.environ.get('SLUICE_TEST_CLIENTS', '100000'))
CONNECTIONS, DEPTH = 50, 100
WINDOW_SECONDS = 600
MAY_GROW = 4 << 20


def resident_bytes(pid):
    with open(f'/proc/{pid}/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


class ManyClients(unittest.TestCase):
    def test_cost_the_process_no_more_memory_than_its_tables_have_and_redis_a_key_each_for_a_window(self):
        chosen = {'SLUICE_TRUSTED_PROXIES': '127.0.0.1', 'SLUICE_RATE_LIMIT_REQUESTS': '10', 'SLUICE_RATE_LIMIT_WINDOW': f'{WINDOW_SECONDS}s',
                  'SLUICE_LOG_ACCESS': 'false', 'SLUICE_REDIS_COMMAND_TIMEOUT': '30s'}
        with tempfile.TemporaryDirectory() as folder, server.Redis() as redis, \
                sluice.Server(BINARY, '--shards', '2', folder=folder, environment={**chosen, 'REDIS_URL': redis.url()}) as serving:
            while b'"redis":{"status":"ok"}' not in serving.get('/readyz')[1]:
                time.sleep(0.02)
            self.drive(serving, 0, CLIENTS // 5)  # whatever is made once is there
            before = resident_bytes(serving.process.pid)
            self.drive(serving, CLIENTS // 5, CLIENTS)
            self.assertLess(resident_bytes(serving.process.pid) - before, MAY_GROW, 'nothing is kept of each client')
            self.assertEqual(self.metric(serving, 'sluice_rate_limit_redis_outages_total'), 0)

            keys = int(redis.command('DBSIZE')[1:])
            self.assertEqual(keys - self.others(redis), CLIENTS, 'one for each client that is counted')
            self.assertEqual(redis.command('EVAL', OUTLIVES, 0, WINDOW_SECONDS * 1000 + 1), b':0\r\n', 'each is gone after the window')
            self.assertEqual(redis.command('EVAL', LARGEST, 0), b':21\r\n', 'the bytes of a client who came once')

            redis.kill()
            self.drive(serving, CLIENTS, 2 * CLIENTS)
            grown = resident_bytes(serving.process.pid)
            self.assertGreater(self.metric(serving, 'sluice_rate_limit_evicted_total'), 0, 'more than fit')
            self.drive(serving, 2 * CLIENTS, 2 * CLIENTS + CLIENTS // 2)
            self.assertLess(resident_bytes(serving.process.pid) - grown, MAY_GROW, 'the tables are full')

    def drive(self, serving, first, last):
        """A request of each client, pipelined on a few connections; every one is answered 200."""
        each = (last - first) // CONNECTIONS
        answered = [0] * CONNECTIONS

        def work(index):
            with socket.create_connection(('127.0.0.1', serving.port), sluice.PATIENCE_SECONDS) as connection:
                begin = first + index * each
                for at in range(begin, begin + each, DEPTH):
                    clients = range(at, min(at + DEPTH, begin + each))
                    connection.sendall(b''.join(request_of(client) for client in clients))
                    answered[index] += count_answers(connection, len(clients))
        threads = [threading.Thread(target=work, args=(index,)) for index in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(answered), last - first)

    @staticmethod
    def metric(of, name):
        """The sum of all of that name."""
        lines = of.get('/metrics', port=of.admin_port)[1].decode().splitlines()
        return sum(float(line.rpartition(' ')[2]) for line in lines if line.startswith(name + '{'))

    @staticmethod
    def others(redis):
        """Keys that are no client's."""
        return int(redis.command('EXISTS', 'sluice:limit:probe')[1:])


OUTLIVES = """
local wrong = 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left < 0 or left > tonumber(ARGV[1]) then wrong = wrong + 1 end
end
return wrong"""
LARGEST = """
local most = 0
for _, key in ipairs(redis.call('KEYS', 'sluice:limit:default:*')) do most = math.max(most, redis.call('STRLEN', key)) end
return most"""


def request_of(client):
    """No e-mail at all, so nothing but the limit is asked."""
    address = f'10.{client >> 16 & 255}.{client >> 8 & 255}.{client & 255}'
    return f'GET /users?email=x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n'.encode()


def count_answers(connection, wanted):
    word, found, rest = b'HTTP/1.1 200 OK\r\n', 0, b''
    while found < wanted:
        more = connection.recv(1 << 16)
        if not more:
            break
        rest += more
        found += rest.count(word)
        rest = rest[rest.rfind(word) + len(word):] if word in rest else rest[-len(word):]
    return found


told.run(ManyClients)
