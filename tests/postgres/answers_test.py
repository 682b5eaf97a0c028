"""Writes that are done, and whose answers never come: answers_test.py BINARY."""
import faulty
import wire
from faulty import OURS
from ledger import DONE


class Answers(faulty.Case):
    def test_writes_whose_answers_are_lost_are_done_once(self):
        between = wire.Wire(self.database.port)
        self.addCleanup(between.close)
        serving = self.serve_ready(self.database.url(port=between.port))
        load = self.load(serving)
        for _ in range(5):
            load.await_successes()
            between.lose_answers()
            self.await_value(f"SELECT count(*) {OURS} AND state <> 'idle'", '0')
            between.cut()
            load.await_successes()
        load.stop()
        acknowledged = sum(outcome is DONE for told in load.ledger.users.values() for _, _, outcome in told.writes)
        self.assertGreater(int(self.database.psql('SELECT count(*) FROM journal')), acknowledged)
        self.end(load, serving)


if __name__ == '__main__':
    faulty.run(Answers)
