"""A PostgreSQL that speaks TLS, with a certificate that it has signed itself for 127.0.0.1."""
import os
import shutil
import subprocess

import server

# The tests' role is let in over TLS alone.
ACCESS = ('hostssl all sluice 127.0.0.1/32 scram-sha-256', 'hostnossl all sluice 127.0.0.1/32 reject')


class Encrypted(server.Postgres):
    def __init__(self):
        super().__init__(access=ACCESS)

    def initialise(self):
        super().initialise()
        self.certificate, self.key = (os.path.join(self.folder, name) for name in ('certificate', 'key'))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test', '-addext',
                        'subjectAltName=IP:127.0.0.1', '-keyout', self.key, '-out', self.certificate],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(self.key, 0o600)
        if self.account:
            shutil.chown(self.key, server.ACCOUNT)
        self.settings = {'ssl': 'on', 'ssl_cert_file': self.certificate, 'ssl_key_file': self.key}
