"""The measuring itself: bench_test.py SUITE BUILD. What it computes, what it writes, and one tiny run that leaves nothing."""
import argparse
import contextlib
import html.parser
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path
from unittest import mock

import told

SUITE, BUILD = (Path(argument).resolve() for argument in sys.argv[1:3])
sys.path.insert(0, str(SUITE))

import cases  # noqa: E402
import load  # noqa: E402
import main  # noqa: E402
import page  # noqa: E402
import recovery_cases  # noqa: E402
import table  # noqa: E402
import telemetry_cases  # noqa: E402
from outcome import Outcome, median_interval  # noqa: E402


def window(cpu_us, rps=1000.0, p50_us=10.0):
    return {'cpu_us': cpu_us, 'rps': rps, 'p50_us': p50_us, 'p99_us': None, 'wrong': 0, 'socket_errors': 0, 'others': 0.0}


def sample():
    found = Outcome('sample', 'a <sample>')
    for base, ours in ((10.0, 11.0), (20.0, 24.0), (10.0, 9.0)):
        found.add('floor', window(base))
        found.add('sluice', window(ours, rps=2000.0))
    return found


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.outside = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ('meta', 'circle', 'rect'):
            self.open.append(tag)
        self.outside += [value for name, value in attrs if name in ('src', 'href', 'xlink:href')]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if tag not in ('circle', 'rect'):
            assert self.open.pop() == tag, tag


def command_lines():
    for process in filter(str.isdigit, os.listdir('/proc')):
        try:
            yield Path('/proc', process, 'cmdline').read_text(encoding='utf-8', errors='replace')
        except OSError:
            pass


class Bench(unittest.TestCase):
    def test_ratios_are_taken_round_by_round(self):
        self.assertAlmostEqual(sample().ratio('sluice', 'floor', 'cpu_us'), 1.1)

    def test_a_claim_holds_up_to_its_bound(self):
        found = sample()
        found.claim_ratio('within', 'sluice', 'floor', 'cpu_us', 1.2)
        found.claim_ratio('above', 'sluice', 'floor', 'cpu_us', 1.05)
        found.claim_ratio('enough', 'sluice', 'floor', 'rps', 2, least=True)
        found.claim_ratio('a peer that was not there', 'sluice', 'nginx', 'cpu_us', 1)
        self.assertEqual([(one['what'], one['holds']) for one in found.claims], [('within', True), ('above', False), ('enough', True),
                                                                                    ('a peer that was not there', False)])
        self.assertIn('not measured', table.claim(found.claims[-1]))
        self.assertNotIn('not measured', table.claim(found.claims[1]))

    def test_a_ratio_is_as_sure_as_its_rounds_make_it(self):
        self.assertIsNone(median_interval([]))
        self.assertIsNone(median_interval([1, 2, 3, 4, 5]))
        self.assertEqual(median_interval([3, 1, 2, 6, 5, 4]), (1, 6))
        self.assertEqual(median_interval(range(1, 61)), (22, 39))
        found = Outcome('sure', 'a ratio')
        for cpu_us in range(101, 161):
            found.add('floor', window(100))
            found.add('sluice', window(cpu_us))
        found.claim_ratio('a ratio', 'sluice', 'floor', 'cpu_us', 1.4)
        self.assertEqual(found.data()['claims'][0]['interval'], (1.22, 1.39))
        self.assertEqual(table.claim(found.claims[0]), 'holds   a ratio: 1.31, 95 %: 1.22–1.39 (at most 1.4)')

    def test_many_short_rounds_are_fewer_where_windows_are_taken_again(self):
        for tries, windows in ((1, 2 * 40), (5, 2 * 11)):
            clock = [0]

            def wrk(_, seconds, tries=tries, clock=clock):
                clock[0] += tries * seconds
                return window(1)
            found = Outcome('short', 'short windows')
            bench = cases.Bench(mock.MagicMock(), mock.Mock(wrk=wrk), 6, 4, None)
            with mock.patch.object(cases, 'Server'), mock.patch.object(cases.time, 'monotonic', lambda clock=clock: clock[0]):
                bench.alternate_often(found, ['one', 'other'], 40)
            self.assertEqual([len(of) for of in found.windows.values()], [windows])  # the servers have one name here

    def test_what_wrk_says_is_read(self):
        said = '     50%  232.00us\n     99%    1.20ms\n  Socket errors: connect 0, read 1, write 2, timeout 3\n'
        self.assertEqual((load.latency('50%', said), load.latency('99%', said), load.socket_errors(said)), (232, 1200, 6))
        self.assertIsNone(load.latency('99%', '     99%   -nan%\n'))

    def test_a_recovery_is_read_from_the_times_of_the_answers(self):
        usual = [(hundredth / 100, 10) for hundredth in range(100, 300)]
        slow = [(hundredth / 100, 5) for hundredth in range(450, 500)]
        again = [(hundredth / 100, 10) for hundredth in range(500, 700)]
        found = recovery_cases.recovery(usual + slow + again, 1, 3, 4.25, 3)
        for value, wanted in zip(found, (1000, 0.25, 0.69)):  # from a window on of which a fifth is slow
            self.assertAlmostEqual(value, wanted, delta=0.03 * wanted)
        self.assertEqual(recovery_cases.recovery(usual + slow, 1, 3, 4.25, 3)[2], 3)
        self.assertEqual(recovery_cases.recovery(usual, 1, 3, 4.25, 3)[1:], (3, 3))

    def test_the_table_shows_medians_and_spread(self):
        found = sample()
        found.claim('a thing', 3, 2)
        self.assertIn('10.00 (10.00–20.00)', table.text(found))
        self.assertIn('MISSED  a thing: 3.00 (at most 2)', table.text(found))

    def test_the_page_is_whole_and_asks_for_nothing_from_outside(self):
        found = sample()
        found.fact('a fact', 1.0, 's')
        about = {'cpu': 'x', 'cpus': 2, 'kernel': 'y', 'date': 'z', 'rounds': 1, 'seconds': 1}
        text = page.html([found], about)
        tags = Tags()
        tags.feed(text)
        self.assertEqual((tags.open, tags.outside), ([], []))
        self.assertNotIn('url(', text)
        self.assertIn('a &lt;sample&gt;', text)
        self.assertIn('prefers-color-scheme: dark', text)

    def ended(self, *values):
        """How a run ends whose one case claims that each of these is 2 at most."""
        found = Outcome('a case', 'claims')
        for value in values:
            found.claim('a thing', value, 2)
        about = {'cpu': 'x', 'cpus': 2, 'kernel': 'y', 'date': 'z', 'autogroup': 'off'}
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said, mock.patch.multiple(
                main, Menu=mock.Mock(return_value=mock.Mock(missing=[])), Bench=mock.DEFAULT, Load=mock.DEFAULT, signal=mock.DEFAULT, shutil=mock.DEFAULT,
                machine=mock.Mock(two_cpus=lambda: (0, 1), describe=lambda: about), arguments=lambda: (
                    argparse.Namespace(parse_only=False, rounds=1, seconds=1, tries=1, build=Path(folder)), [lambda _: found])):
            return main.main(), said.getvalue()

    def test_a_run_fails_where_a_claim_is_missed_and_not_where_it_was_not_measured(self):
        status, said = self.ended(1, None)
        self.assertFalse(status)
        self.assertIn('1 of 2 claims hold, 1 were not measured', said)
        self.assertEqual(self.ended(1, 3)[0], main.MISSED)

    def test_system_calls_that_may_not_be_counted_are_a_claim_that_was_not_measured(self):
        found = Outcome('telemetry', 'system calls')
        bench = mock.Mock(load=mock.Mock(system_calls=mock.Mock(return_value=None)))
        with mock.patch.object(telemetry_cases, 'Server'):
            telemetry_cases.count_calls(bench, found, [mock.Mock(), mock.Mock()])
        self.assertEqual([one['value'] for one in found.claims], [None])

    def test_every_case_has_a_name_of_its_own(self):
        names = [case.__name__ for group in cases.GROUPS.values() for case in group]
        self.assertEqual(len(names), len(set(names)))

    def test_the_collector_counts_the_spans_that_it_takes(self):
        collector = telemetry_cases.Collector(min(os.sched_getaffinity(0)))
        try:
            body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"a","parentSpanId":"b"},{"spanId":"c"}]}]}]}'
            with urllib.request.urlopen(collector.url + '/v1/traces', body, timeout=30) as answer:
                self.assertEqual((answer.status, answer.read()), (200, b'{}'))
            self.assertEqual(collector.spans(), 2)
        finally:
            collector.stop()

    def measure(self, folder, *what, timeout):
        """A run so short that what it claims may be missed."""
        (Path(folder) / 'bench').symlink_to(BUILD / 'bench')
        run = subprocess.run([sys.executable, str(SUITE / 'main.py'), '--build', folder, '--tries', '1', '--rounds', '1', '--seconds', '1',
                              *what], check=False, stdout=subprocess.DEVNULL, timeout=timeout)
        self.assertIn(run.returncode, (0, main.MISSED))
        return json.loads((Path(folder) / 'bench-results/results.json').read_text(encoding='utf-8'))

    @unittest.skipUnless(shutil.which('wrk') and len(os.sched_getaffinity(0)) >= 2, 'needs wrk and two CPUs')
    def test_every_load_of_the_public_benchmark_is_answered_well(self):
        with tempfile.TemporaryDirectory() as folder:
            results = self.measure(folder, 'arena-limited', 'arena-json', 'arena-async-db', 'arena-crud', 'arena-crud-peers', 'arena-api',
                                   timeout=200)
        windows = [window for case in results['cases'] for windows in case['windows'].values() for window in windows]
        self.assertEqual(len(windows), 8)
        self.assertEqual([window['wrong'] for window in windows], [0] * 8)

    @unittest.skipUnless(shutil.which('wrk') and len(os.sched_getaffinity(0)) >= 2, 'needs wrk and two CPUs')
    def test_a_run_writes_its_results_and_leaves_no_server(self):
        with tempfile.TemporaryDirectory() as folder:
            results = self.measure(folder, 'pipeline', timeout=100)
            self.assertEqual(results['cases'][0]['name'], 'pipeline')
            self.assertTrue(all(one['wrong'] == 0 for one in results['cases'][0]['windows']['sluice']))
            self.assertTrue((Path(folder) / 'bench-results/index.html').exists())
            left = [line for line in command_lines() if f'{folder}/bench/' in line]
        self.assertEqual(left, [])


if __name__ == '__main__':
    told.run(Bench)
