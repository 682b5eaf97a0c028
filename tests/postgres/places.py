"""The places that max_connections gives, all taken by somebody else."""
import subprocess

SLEEP = 'SELECT pg_sleep(600)'
SLEEPERS = f"FROM pg_stat_activity WHERE query = '{SLEEP}'"
OURS = "FROM pg_stat_activity WHERE application_name = 'sluice'"


class Places:
    """`count`: all but the superuser's own."""

    def __init__(self, database, count):
        self.database, self.count, self.sleepers = database, count, []

    def sleeper(self):
        """Somebody else's session, for as long as it is let in."""
        return subprocess.Popen([f'{self.database.bin}/psql', '-XqAt', '-d', self.database.url(), '-c', SLEEP],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def occupy(self):
        """Gives every place to somebody else, whoever has it."""
        there = 0
        while there < self.count:
            self.sleepers = [one for one in self.sleepers if one.poll() is None]
            self.sleepers += [self.sleeper() for _ in range(self.count - len(self.sleepers))]
            try:
                self.database.psql(f'SELECT count(pg_terminate_backend(pid)) {OURS}')
                there = int(self.database.psql(f'SELECT count(*) {SLEEPERS}'))
            except AssertionError:
                pass  # those who come may hold even a superuser's place until they are refused

    def leave(self):
        self.database.psql(f'SELECT count(pg_terminate_backend(pid)) {SLEEPERS}')

    def end(self):
        for one in self.sleepers:
            one.kill()
            one.wait()
