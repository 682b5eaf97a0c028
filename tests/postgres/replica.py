"""A PostgreSQL that follows another one, until it is promoted: `replica.Replica(primary)`."""
import shutil
import subprocess

import server


class Replica(server.Postgres):
    def __init__(self, primary, port=None):
        self.primary = primary
        super().__init__({'primary_conninfo': primary.url(role=server.ACCOUNT)}, port=port)

    def initialise(self):
        if self.account:
            shutil.chown(self.folder, server.ACCOUNT, server.ACCOUNT)
        subprocess.run([f'{self.bin}/pg_basebackup', '-D', self.data, '-R', '-c', 'fast', '-d',
                        self.primary.url(role=server.ACCOUNT)], check=True, cwd=self.folder, **self.account)
        self.given_access = server.lines_of(f'{self.data}/pg_hba.conf')

    def populate(self):
        """It has what the other has."""

    def promote(self):
        """Returns once it takes writes."""
        subprocess.run([f'{self.bin}/pg_ctl', '-D', self.data, '-W', 'promote'], check=True, stdout=subprocess.DEVNULL, cwd=self.folder,
                       **self.account)
        server.wait_until(lambda: self.psql('SELECT pg_is_in_recovery()') == 'f', 'the replica is promoted')
