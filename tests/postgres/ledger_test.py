"""The ledger of what was told finds what is not so: ledger_test.py. The tests of faults prove nothing unless this holds."""
import os
import sys
import unittest

import ledger
from ledger import DONE, REFUSED, UNKNOWN

ADA, BOB, EVE = 'ada@example.com', 'bob@example.com', 'eve@example.com'


class TestLedger(unittest.TestCase):
    def setUp(self):
        """Ada was renamed twice, and a refused name came between; Bob was removed; what became of Eve's new name is open."""
        self.told = ledger.Ledger()
        self.told.note('INSERT', ADA, 'a1', DONE, '1')
        self.told.note('UPDATE', ADA, 'a2', DONE)
        self.told.note('UPDATE', ADA, 'a3', REFUSED)
        self.told.note('UPDATE', ADA, 'a4', DONE)
        self.told.note('INSERT', BOB, 'b1', DONE, '2')
        self.told.note('DELETE', BOB, 'b1', DONE)
        self.told.note('INSERT', EVE, 'e1', DONE, '3')
        self.told.note('UPDATE', EVE, 'e2', UNKNOWN)
        self.stored = {ADA: ['1', 'a4', '3'], EVE: ['3', 'e1', '1']}
        self.journal = [('INSERT', ADA, '1', 'a1'), ('INSERT', BOB, '2', 'b1'), ('UPDATE', ADA, '1', 'a2'), ('INSERT', EVE, '3', 'e1'),
                        ('DELETE', BOB, '2', 'b1'), ('UPDATE', ADA, '1', 'a4')]

    def assert_found(self, *emails):
        found = self.told.differences(self.stored, self.journal)
        self.assertEqual([line.split()[0] for line in found], list(emails), found)

    def test_finds_nothing_where_all_is_as_told(self):
        self.assert_found()

    def test_allows_an_open_write_to_be_done_once(self):
        self.journal.append(('UPDATE', EVE, '3', 'e2'))
        self.stored[EVE] = ['3', 'e2', '2']
        self.assert_found()
        self.journal.append(('UPDATE', EVE, '3', 'e2'))
        self.assert_found(EVE)

    def test_finds_each_acknowledged_write_that_was_lost(self):
        whole = self.journal
        for at, lost in enumerate(whole):
            self.journal = whole[:at] + whole[at + 1:]
            self.assert_found(lost[1])

    def test_finds_an_acknowledged_name_that_the_row_has_not(self):
        self.stored[ADA] = ['1', 'a2', '2']
        self.assert_found(ADA)

    def test_finds_an_update_that_was_done_twice_though_it_left_no_trace_in_the_row(self):
        self.journal.append(self.journal[-1])
        self.assert_found(ADA)

    def test_finds_an_update_that_came_again_after_the_next(self):
        self.journal.append(('UPDATE', ADA, '1', 'a2'))
        self.stored[ADA] = ['1', 'a2', '4']
        self.assert_found(ADA)

    def test_finds_an_update_that_was_done_to_another(self):
        self.journal[-1] = ('UPDATE', EVE, '3', 'a4')
        self.stored = {ADA: ['1', 'a2', '2'], EVE: ['3', 'a4', '2']}
        self.assert_found(ADA, EVE)

    def test_finds_a_removed_user_that_is_there(self):
        self.stored[BOB] = ['2', 'b1', '1']
        self.assert_found(BOB)

    def test_finds_a_removal_that_nobody_asked_for(self):
        self.journal.append(('DELETE', ADA, '1', 'a4'))
        del self.stored[ADA]
        self.assert_found(ADA)

    def test_finds_a_refused_write_that_was_done(self):
        self.journal.insert(3, ('UPDATE', ADA, '1', 'a3'))
        self.stored[ADA] = ['1', 'a4', '4']
        self.assert_found(ADA)

    def test_finds_a_user_under_another_id_than_was_told(self):
        self.stored[ADA][0] = '9'
        self.journal = [(what, email, '9' if email == ADA else identity, name) for what, email, identity, name in self.journal]
        self.assert_found(ADA)

    def test_finds_a_user_that_nobody_asked_for(self):
        self.journal.append(('INSERT', 'who@example.com', '7', 'w1'))
        self.stored['who@example.com'] = ['7', 'w1', '1']
        self.assert_found('who@example.com')


if __name__ == '__main__':
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../e2e'))
    import told
    told.run(TestLedger)
