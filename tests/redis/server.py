"""A real Redis for tests: its own server in a temporary folder, on a free loopback port and a unix socket.

As a library: `with server.Redis() as redis:` gives a running server; `config` are its options, which may be changed
before a restart. As a command: `server.py [--set NAME=VALUE …] -- PROGRAM [ARGUMENT …]` runs a program beside one and
gives it SLUICE_TEST_REDIS_{URL,PORT,SOCKET,PID} and SLUICE_TEST_REDIS_CONTROL: a descriptor of a stream to which it
writes `kill`, `start`, `end`, `freeze` or `thaw`, a line each, and reads `done` once that has happened.
The server is ended by its own id, and nothing stays behind, however the test ends.
"""
import argparse
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE_SECONDS = 60
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def free_port():
    """A port below those that the kernel gives to connections, so that a server that restarts finds it free."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', random.randrange(20_000, 32_000)))
                return probe.getsockname()[1]
            except OSError:
                pass


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {PATIENCE_SECONDS} s in vain: {what}')
        time.sleep(0.005)


def encode(arguments):
    """A command as RESP writes it."""
    parts = [str(argument).encode() for argument in arguments]
    return b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part) for part in parts)


class Redis:
    def __init__(self, config=None):
        self.config = dict(config or {})
        self.program = shutil.which('redis-server') or sys.exit('no redis-server: install the package redis-server')
        self.port, self.process = free_port(), None
        self.folder = tempfile.mkdtemp(prefix='sluice-redis-')
        self.socket = os.path.join(self.folder, 'socket')
        self.log = os.path.join(self.folder, 'log')
        # In a session of its own: it outlives whatever ends the test, and then removes the folder.
        self.guard = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--guard', self.folder],
                                      stdin=subprocess.PIPE, start_new_session=True)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        """Starts it, and returns once it answers."""
        config = {'bind': '127.0.0.1', 'port': self.port, 'unixsocket': self.socket, 'dir': self.folder, 'save': '""',
                  'daemonize': 'no', **self.config}
        path = os.path.join(self.folder, 'redis.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.writelines(f'{name} {value}\n' for name, value in config.items())
        with open(self.log, 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen([self.program, path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        wait_until(lambda: not self.running() or self.answers(), 'Redis answers')
        if not self.running():
            with open(self.log, encoding='utf-8') as log:
                raise AssertionError('Redis did not start: ' + log.read()[-1000:])

    def running(self):
        return self.process is not None and self.process.poll() is None

    def answers(self, patience_seconds=1):
        """Does it say anything to a PING, be it that it wants a password?"""
        try:
            return self.command('PING', patience_seconds=patience_seconds)[:1] in (b'+', b'-')
        except OSError:
            return False

    def command(self, *arguments, patience_seconds=PATIENCE_SECONDS):
        """The reply to a command whose reply is one line or one string, as RESP writes it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(patience_seconds)
            connection.connect(self.socket)
            connection.sendall(encode(arguments))
            with connection.makefile('rb') as replies:
                line = replies.readline()
                return line + replies.read(int(line[1:]) + 2) if line[:1] == b'$' and line[1:2] != b'-' else line

    def end(self):
        """Shuts it down; what it holds is lost, since it writes nothing to disk."""
        if self.running():
            self.thaw()
            self.process.terminate()
            self.process.wait(PATIENCE_SECONDS)

    def kill(self):
        """As when the machine loses power: kill -9."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def restart(self):
        self.end()
        self.start()

    def freeze(self):
        """Stops it in its tracks; its socket still takes connections, as the kernel does that."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def url(self, user='', password='', database=0):
        name = f'{user}:{password}@' if user or password else ''
        return f'redis://{name}127.0.0.1:{self.port}/{database}'

    def environment(self):
        return {'SLUICE_TEST_REDIS_URL': self.url(password=self.config.get('requirepass', '')),
                'SLUICE_TEST_REDIS_PORT': str(self.port), 'SLUICE_TEST_REDIS_SOCKET': self.socket,
                'SLUICE_TEST_REDIS_PID': str(self.process.pid)}

    def obey(self, control):
        """Does what the lines of a stream say, until it ends."""
        orders = {'kill': self.kill, 'start': self.start, 'end': self.end, 'freeze': self.freeze, 'thaw': self.thaw}
        with control, control.makefile('rw') as lines:
            for line in lines:
                orders[line.strip()]()
                lines.write('done\n')
                lines.flush()

    def run(self, program):
        """Runs a program beside it; gives the program's status."""
        mine, given = socket.socketpair()
        obeying = threading.Thread(target=self.obey, args=(mine,))
        environment = {**os.environ, **self.environment(), 'SLUICE_TEST_REDIS_CONTROL': str(given.fileno())}
        with given:
            running = subprocess.Popen(program, env=environment, pass_fds=[given.fileno()])
        # A server that this thread starts dies with it, so it lives as long as the program.
        obeying.start()
        try:
            return running.wait()
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
            obeying.join()

    def stop(self):
        """Ends it and removes everything."""
        if self.running():
            self.kill()
        self.guard.stdin.close()
        self.guard.wait(PATIENCE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description='Runs a program beside a Redis of its own.')
    parser.add_argument('--set', action='append', default=[], metavar='NAME=VALUE', help='a line of redis.conf')
    parser.add_argument('--guard', metavar='FOLDER', help=argparse.SUPPRESS)
    parser.add_argument('program', nargs='*')
    asked = parser.parse_args()
    if asked.guard:
        sys.stdin.buffer.read()  # until whoever started this is gone; the server dies with it
        shutil.rmtree(asked.guard, ignore_errors=True)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with Redis(dict(pair.split('=', 1) for pair in asked.set)) as redis:
        return redis.run(asked.program)


if __name__ == '__main__':
    sys.exit(main())
