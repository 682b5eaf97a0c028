"""What clients were told of their writes, and whether PostgreSQL did just that.

Each user is one client's, who asks for one write at a time, gives a name that nobody had before, and leaves him alone once
a write's outcome is open. A trigger keeps a journal of the rows that are written, in the transaction that writes them. So
it is known of every user what must have been done, once and in this order, and what must not.
"""
import collections
import dataclasses

DONE, REFUSED, UNKNOWN = 'done', 'refused', 'unknown'
OPEN = b'the change may '  # in the detail of an answer that leaves a write's outcome open

# The row as JSON, since what has a type is in the way of a table whose columns change theirs.
JOURNAL = """
CREATE TABLE IF NOT EXISTS journal (number bigserial, what text, written jsonb);
CREATE OR REPLACE FUNCTION note_write() RETURNS trigger SECURITY DEFINER SET search_path = public LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (what, written) VALUES (TG_OP, to_jsonb(coalesce(NEW, OLD)));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER note_write AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION note_write();
"""


def outcome_of(answer, wanted):
    if answer.status == wanted:
        return DONE
    return UNKNOWN if OPEN in answer.text else REFUSED


@dataclasses.dataclass
class Told:
    identity: str = None  # as it was acknowledged
    writes: list = dataclasses.field(default_factory=list)  # what, name, outcome


class Ledger:
    def __init__(self):
        self.users = collections.defaultdict(Told)  # by e-mail

    def note(self, what, email, name, outcome, identity=None):
        """`what` is said as the trigger says it: INSERT, UPDATE or DELETE; the name is the one given, or that goes."""
        told = self.users[email]
        told.identity = told.identity or identity
        told.writes.append((what, name, outcome))

    def differences_to(self, database):
        rows = database.psql('SELECT email, id, name, version FROM users').splitlines()
        journal = database.psql("SELECT what, written->>'email', written->>'id', written->>'name' FROM journal ORDER BY number")
        return self.differences({email: rest for email, *rest in (row.split('|') for row in rows)},
                                [tuple(row.split('|')) for row in journal.splitlines()])

    def differences(self, stored, journal):
        """In words. `stored`: id, name and version by e-mail; `journal`: what, e-mail, id and name in their order."""
        done = collections.defaultdict(list)
        for what, email, identity, name in journal:
            done[email].append((what, identity, name))
        found = [f'{email} was never asked for' for email in sorted({*done, *stored} - {*self.users})]
        for email, told in self.users.items():
            found += self.differences_of(email, told, done[email], stored.get(email))
        return found

    @staticmethod
    def differences_of(email, told, done, stored):
        must = [(what, name) for what, name, outcome in told.writes if outcome is DONE]
        may = [(what, name) for what, name, outcome in told.writes if outcome is UNKNOWN]
        was = [(what, name) for what, _, name in done]
        if was not in (must, must + may):
            return [f'{email} was told {told.writes}, and done was {was}']
        if len({told.identity or stored and stored[0], *(identity for _, identity, _ in done)} - {None}) > 1:
            return [f'{email} was told {told.identity}, and done was {done}']
        left = [done[-1][1], was[-1][1], str(len(was))] if was and was[-1][0] != 'DELETE' else None
        return [] if stored == left else [f'{email} is stored as {stored}, and done was {done}']
