"""A kept-alive request costs no system call but its share of io_uring_enter: strace watches the shard's thread."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

SKIP = 77
REQUESTS = 2000
ROUTES = [b'GET /pipeline HTTP/1.1\r\nHost: test\r\n\r\n',
          b'GET /json/5?m=2 HTTP/1.1\r\nHost: test\r\n\r\n',
          b'POST /baseline11?a=1&b=2 HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n20']


def thread_named(wanted, pid):
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/comm') as name:
            if name.read().strip() == wanted:
                return task
    raise RuntimeError(f'the server has no thread named {wanted}')


def read_answer(connection, rest):
    while b'\r\n\r\n' not in rest:
        rest += connection.recv(65536)
    head, _, rest = rest.partition(b'\r\n\r\n')
    assert head.startswith(b'HTTP/1.1 200'), head
    length = int(re.search(rb'(?i)content-length: (\d+)', head).group(1))
    while len(rest) < length:
        rest += connection.recv(65536)
    return rest[length:]


def ask(connection, times, routes):
    rest = b''
    for i in range(times):
        connection.sendall(routes[i % len(routes)])
        rest = read_answer(connection, rest)


def attach(thread):
    watcher = subprocess.Popen(['strace', '-c', '-p', thread], stderr=subprocess.PIPE, text=True)
    said = watcher.stderr.readline()
    if 'attached' not in said:
        watcher.kill()
        watcher.wait()
        print(f'strace may not watch: {said.strip()}')
        sys.exit(SKIP)
    return watcher


def calls_of_shard(pid, port, routes):
    """What the shard of a process calls, and how often, while it answers REQUESTS requests."""
    return calls_of('shard-0', pid, port, routes)


def calls_of(thread, pid, port, routes):
    """Likewise, what another of its threads calls meanwhile."""
    with socket.create_connection(('127.0.0.1', port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ask(connection, 300, routes)
        watcher = attach(thread_named(thread, pid))
        ask(connection, REQUESTS, routes)
        watcher.send_signal(signal.SIGINT)
        table = watcher.stderr.read()
        watcher.wait()
    # "% time  seconds  usecs/call  calls  [errors]  syscall"
    return {line.split()[-1]: int(line.split()[3]) for line in table.splitlines()
            if re.match(r'\s*\d+\.\d+\s+\d', line) and not line.endswith('total')}


def main(arena):
    if not shutil.which('strace'):
        print('strace is not installed')
        return SKIP
    server = subprocess.Popen([arena, '--listen', '127.0.0.1:0', '--shards', '1', '--busy-poll', 'off'],
                              stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().rsplit(':', 1)[1]
        calls = calls_of_shard(server.pid, int(port), ROUTES)
        print(calls)
        assert set(calls) == {'io_uring_enter'}, f'other system calls: {calls}'
        assert calls['io_uring_enter'] <= 2 * REQUESTS + 100, calls
    finally:
        server.terminate()
        server.wait(timeout=20)
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
