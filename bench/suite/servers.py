"""The servers that are compared: each starts on a free port, pinned to the server's CPU, and is ended by its own id."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import machine

PEERS = Path(__file__).resolve().parent.parent / 'peers'


class Server:
    """A running server: `with Server(recipe, cpu) as server: … server.port`."""

    poll_seconds = 0.01

    def __init__(self, recipe, cpu):
        self.name = recipe.name
        self.path = recipe.path
        self.port = machine.free_port()
        self.folder = Path(tempfile.mkdtemp(prefix='sluice-bench-'))
        command = ['taskset', '-c', str(cpu), *recipe.command(self.port, self.folder)]
        self.log = (self.folder / 'output').open('w', encoding='utf-8')
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                        env={**os.environ, **recipe.environment}, start_new_session=True)
        self.pid = self.process.pid
        try:
            self.wait_until_it_accepts()
        except BaseException:
            self.stop()
            raise

    def wait_until_it_accepts(self):
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return
            time.sleep(self.poll_seconds)
        raise SystemExit(f'bench: {self.name} does not answer: ' + (self.folder / 'output').read_text(encoding='utf-8')[-300:])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Recipe:
    """How a server is started: `command(port, folder)` gives its arguments, `path` is what it is asked for."""

    def __init__(self, name, command, path='/', environment=None):
        self.name, self.command, self.path, self.environment = name, command, path, environment or {}

    def named(self, name, **environment):
        return Recipe(name, self.command, self.path, {**self.environment, **environment})


def nginx_command(port, folder):
    text = (PEERS / 'nginx.conf').read_text(encoding='utf-8').replace('@PORT@', str(port)).replace('@FOLDER@', str(folder))
    (folder / 'nginx.conf').write_text(('user root;\n' if os.geteuid() == 0 else '') + text, encoding='utf-8')
    return [find('nginx'), '-p', str(folder), '-c', str(folder / 'nginx.conf')]


def find(program):
    """Where a program is; nginx is not on everybody's PATH."""
    return shutil.which(program) or shutil.which(program, path='/usr/sbin:/usr/local/sbin')


class Menu:
    """Every recipe, by what the cases call it. A peer that is not installed is left out, and said so once."""

    def __init__(self, build):
        self.build = build
        self.floor = Recipe('floor', lambda port, _: [str(build / 'bench/floor/floor'), str(port)])
        self.sluice = Recipe('sluice', self.listening('bench/arena/arena'), '/pipeline')
        self.polls = self.sluice.named('polls', SLUICE_REACTOR_BUSY_POLL='auto')
        self.sleeps = self.sluice.named('sleeps', SLUICE_REACTOR_BUSY_POLL='off')
        self.nginx = Recipe('nginx', nginx_command)
        self.node = Recipe('node', lambda port, _: [find('node'), str(PEERS / 'node_http.js'), str(port)])

        packages = build / 'bench-peers/node_modules'
        self.fastify = Recipe('fastify', lambda port, _: [find('node'), str(PEERS / 'fastify_pg.js'), str(port)],
                              environment={'NODE_PATH': str(packages)})
        self.packages = packages
        self.missing = [name for name in ('nginx', 'node') if not find(name)]
        if 'node' in self.missing or not (packages / 'fastify').exists() or not all((packages / name).exists() for name in ('pg', 'lru-cache', 'ioredis')):
            self.missing.append('fastify')

    def cached_fastify(self, kind):
        """With lru-cache or ioredis before the database."""
        return Recipe('fastify', lambda port, _: [find('node'), str(PEERS / 'fastify_cache.js'), str(port), kind],
                      environment={'NODE_PATH': str(self.packages)})

    def crud_fastify(self):
        """The items of bench/arena, with lru-cache before the database."""
        return Recipe('fastify', lambda port, _: [find('node'), str(PEERS / 'fastify_crud.js'), str(port)],
                      environment={'NODE_PATH': str(self.packages)})

    def listening(self, program):
        return lambda port, _: [str(self.build / program), '--listen', f'127.0.0.1:{port}', '--shards', '1']

    def __call__(self, *recipes):
        return [one for one in recipes if one.name not in self.missing]
