"""The real binary for end-to-end tests: started in a temporary folder on free ports, ended by its own process id."""
import http.client
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_SECONDS = 30


def clean_environment(**more):
    """This environment without settings of its own."""
    ours = ('LOG_LEVEL', 'DATABASE_URL', 'DB_HOST', 'DB_PORT', 'DB_NAME', 'DB_USER', 'DB_PASSWORD', 'REDIS_URL')
    kept = {name: value for name, value in os.environ.items() if not name.startswith('SLUICE_') and name not in ours}
    return {**kept, **more}


def run(binary, *arguments, folder, environment=None, prepare=None):
    """Runs a command to its end."""
    return subprocess.run([binary, *arguments], cwd=folder, env=clean_environment(**(environment or {})), text=True,
                          capture_output=True, timeout=PATIENCE_SECONDS, preexec_fn=prepare)


def once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f'a name twice: {names}')
    return dict(pairs)


def no_constant(text):
    raise ValueError(f'{text} is no JSON')


def strict_json(text):
    """As each line of the log has to be: no name twice, no number that JSON does not have."""
    return json.loads(text, object_pairs_hook=once, parse_constant=no_constant)


def servers_of(name):
    """The module that starts a PostgreSQL or a Redis; both folders call it server.py."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', name, 'server.py')
    spec = importlib.util.spec_from_file_location(f'{name}_server', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def port_of(url):
    found = re.search(r':(\d+)$', url)
    return int(found[1]) if found else None


class Server:
    """`sluice serve`, on free ports unless told otherwise; ready once the constructor returns. `log`: where its lines
    go if that is not standard output."""

    def __init__(self, binary, *arguments, folder, listen='127.0.0.1:0', log=None, environment=None, prepare=None):
        self.errors = tempfile.TemporaryFile('w+')
        command = [binary, 'serve', '--listen', listen, '--admin-listen', '127.0.0.1:0', *arguments]
        self.process = subprocess.Popen(command, cwd=folder, env=clean_environment(**(environment or {})),
                                        stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=prepare)
        self.lines, self.unread = [], b''
        for text in self.follow(log) if log else self.told():
            self.lines.append(strict_json(text))
            if 'listen' in self.lines[-1]:
                break
        else:
            raise AssertionError(f'the server did not start: {self.stop()} {self.said()}')
        self.port, self.admin_port = port_of(self.lines[-1]['listen']), port_of(self.lines[-1]['admin_listen'])

    def follow(self, path):
        """Whole lines of a growing file, for as long as the server runs."""
        seen = 0
        while self.process.poll() is None:
            if os.path.exists(path):
                with open(path, encoding='utf-8') as file:
                    *lines, _ = file.read().split('\n')
                yield from lines[seen:]
                seen = len(lines)
            time.sleep(0.01)

    def told(self):
        """Lines of its standard output as they come; nothing is read ahead of the one that is asked for but stays here."""
        while True:
            line, end, self.unread = self.unread.partition(b'\n')
            if end:
                yield line
                continue
            more = os.read(self.process.stdout.fileno(), 65536)
            self.unread = line + more
            if not more:
                return

    def await_lines(self, count, message):
        """Reads on until it has said `message` so many times."""
        left = count - sum(line['message'] == message for line in self.lines)
        while left > 0:
            self.lines.append(strict_json(next(self.told())))
            left -= self.lines[-1]['message'] == message

    def get(self, path, port=None):
        connection = http.client.HTTPConnection('127.0.0.1', port or self.port, timeout=PATIENCE_SECONDS)
        connection.request('GET', path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """The exit status, and the rest of the log lines."""
        if self.process.stdout.closed:
            return self.process.returncode
        rest, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        *lines, _ = (self.unread + rest).split(b'\n')  # a server that was killed may leave half a line behind
        self.unread = b''
        self.lines += [strict_json(line) for line in lines]
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def said(self):
        """What it wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.errors.close()
