"""A real PgBouncer in transaction mode in front of a server.Postgres, on a free loopback port.

`with bouncer.Bouncer(database) as pooler:` gives pooler.url(). It is ended by its own process id. Run as a program, it runs
another one beside both, which finds the pooler where it would find the server: bouncer.py PROGRAM.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import server

PROGRAM = shutil.which('pgbouncer', path=os.environ['PATH'] + ':/usr/sbin')


class Bouncer:
    """`connections`: to the server, shared by all clients."""

    def __init__(self, database, connections=4):
        self.database, self.port = database, server.free_port()
        self.folder = tempfile.mkdtemp(prefix='sluice-bouncer-')
        self.write('users', f'"{database.role}" "{database.password}"\n')
        self.write('ini', '\n'.join([
            '[databases]', f'* = host=127.0.0.1 port={database.port}', '[pgbouncer]', 'listen_addr = 127.0.0.1',
            f'listen_port = {self.port}', 'unix_socket_dir =', 'auth_type = scram-sha-256', f'auth_file = {self.folder}/users',
            'pool_mode = transaction', f'default_pool_size = {connections}', 'server_login_retry = 1',
            f'logfile = {self.folder}/log']) + '\n')
        if database.account:
            shutil.chown(self.folder, server.ACCOUNT, server.ACCOUNT)
        self.start()

    def start(self):
        if os.path.exists(f'{self.folder}/log'):
            os.remove(f'{self.folder}/log')
        self.process = subprocess.Popen([PROGRAM, f'{self.folder}/ini'], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        cwd=self.folder, **self.database.account,
                                        preexec_fn=lambda: server.LIBC.prctl(server.PR_SET_PDEATHSIG, server.signal.SIGTERM))
        server.wait_until(lambda: any('process up' in line for line in server.lines_of(f'{self.folder}/log')), 'PgBouncer is up')

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        os.chmod(path, 0o644)

    def url(self):
        return self.database.url(port=self.port)

    def restart(self):
        self.end()
        self.start()

    def end(self):
        self.process.terminate()
        self.process.wait(server.PATIENCE_SECONDS)

    def stop(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


def main():
    server.signal.signal(server.signal.SIGTERM, lambda *_: sys.exit(128 + server.signal.SIGTERM))
    with server.Postgres() as database, Bouncer(database, connections=2) as pooler:
        environment = {**os.environ, **database.environment(), 'SLUICE_TEST_DATABASE_URL': pooler.url()}
        return subprocess.run(sys.argv[1:], check=False, env=environment).returncode


if __name__ == '__main__':
    sys.exit(main())
