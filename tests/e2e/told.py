"""Runs unittest cases and tells each in the form in which the test count reads GoogleTest's."""
import sys
import time
import unittest


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def tell(self, word, test):
        group, name = type(test).__name__, getattr(test, '_testMethodName', 'setup').removeprefix('test_')
        print(f'[{word:>9} ] {group}.{name} ({(time.monotonic() - self.began) * 1000:.0f} ms)', flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell('OK', test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell('FAILED', test)

    def addError(self, test, err):
        super().addError(test, err)
        print(f'error in {test}', flush=True)


def run(*cases):
    """Runs them and ends the program."""
    outcome = Result()
    unittest.TestSuite([unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in cases]).run(outcome)
    for test, trace in outcome.failures + outcome.errors:
        print(f'{test}\n{trace}')
    sys.exit(0 if outcome.wasSuccessful() else 1)
