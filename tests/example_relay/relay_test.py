"""Two processes, one asking the other: one trace through both, in their logs and at a collector. relay_test.py PROGRAM."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
import sluice  # noqa: E402
from collector import Collector  # noqa: E402

PROGRAM = sys.argv[1]
TRACE = '0af7651916cd43dd8448eb211c80319c'
PARENT = 'b7ad6b7169203331'


class Relay:
    def __init__(self, log, *arguments):
        self.log = log
        self.process = subprocess.Popen([PROGRAM, '127.0.0.1:0', str(log), *arguments], stdout=subprocess.PIPE, text=True)
        self.url = 'http://' + self.process.stdout.readline().strip()

    def get(self, path, **headers):
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, dict(answer.headers), answer.read().decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.process.stdout.close()
        return status

    def lines(self):
        return [sluice.strict_json(line) for line in self.log.read_text().splitlines()]


class Tracing(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.collector = Collector()
        self.running = []

    def tearDown(self):
        for one in self.running:
            self.assertEqual(one.stop(), 0)
        self.collector.end()
        self.folder.cleanup()

    def relay(self, name, *arguments):
        made = Relay(pathlib.Path(self.folder.name) / name, *arguments)
        self.running.append(made)
        return made

    def pair(self, *arguments):
        last = self.relay('last', *arguments)
        return self.relay('first', '--to', last.url + '/hello', *arguments), last

    def stop_all(self):
        while self.running:
            self.assertEqual(self.running.pop().stop(), 0)

    def test_one_call_through_both_has_one_trace_in_both_logs(self):
        first, last = self.pair()
        status, headers, body = first.get('/hello', traceparent=f'00-{TRACE}-{PARENT}-01', tracestate='vendor=1')
        self.assertEqual((status, body), (200, 'hello'))
        self.assertEqual(headers['X-Request-Id'], TRACE)
        self.stop_all()
        for relay in (first, last):
            said = {line['message']: line for line in relay.lines() if 'trace_id' in line}
            self.assertEqual({line['trace_id'] for line in said.values()}, {TRACE})
            self.assertIn('greeting', said)
            self.assertEqual(said['request']['route'], '/hello')
        spans = [{line['span_id'] for line in relay.lines() if 'span_id' in line} for relay in (first, last)]
        self.assertEqual([len(s) for s in spans], [1, 1])
        self.assertNotEqual(spans[0], spans[1])

    def test_a_new_trace_begins_where_nobody_named_one(self):
        first, last = self.pair()
        _, headers, _ = first.get('/hello')
        self.stop_all()
        trace = headers['X-Request-Id']
        self.assertEqual({line['trace_id'] for relay in (first, last) for line in relay.lines() if 'trace_id' in line}, {trace})

    def test_the_collector_gets_one_tree_of_spans(self):
        first, last = self.pair('--collector', self.collector.url(), '--ratio', '1')
        first.get('/hello', traceparent=f'00-{TRACE}-{PARENT}-00', tracestate='vendor=1')
        self.collector.until(lambda c: len(c.spans) == 3)
        self.assertEqual({span['traceId'] for span in self.collector.spans}, {TRACE})
        self.assertEqual({span['traceState'] for span in self.collector.spans}, {'vendor=1'})
        by_parent = {span['parentSpanId']: span for span in self.collector.spans}
        outer = by_parent[PARENT]
        self.assertEqual((outer['name'], outer['kind']), ('GET /hello', 2))
        call = by_parent[outer['spanId']]
        self.assertEqual((call['name'], call['kind']), ('GET', 3))
        inner = by_parent[call['spanId']]
        self.assertEqual((inner['name'], inner['kind']), ('GET /hello', 2))
        for span in self.collector.spans:
            self.assertLessEqual(int(span['startTimeUnixNano']), int(span['endTimeUnixNano']))
        for inside, outside in ((call, outer), (inner, outer)):
            self.assertLessEqual(int(outside['startTimeUnixNano']) // 10**8, int(inside['startTimeUnixNano']) // 10**8)
        attributes = {a['key']: a['value'] for a in outer['attributes']}
        self.assertEqual(attributes['http.response.status_code'], {'intValue': '200'})
        self.assertEqual(attributes['http.route'], {'stringValue': '/hello'})

    def test_what_fails_is_kept_whatever_the_ratio_and_the_rest_is_not(self):
        relay = self.relay('only', '--collector', self.collector.url(), '--ratio', '0')
        for _ in range(5):
            self.assertEqual(relay.get('/hello', traceparent=f'00-{TRACE}-{PARENT}-01')[0], 200)
        self.assertEqual(relay.get('/fail')[0], 500)
        self.collector.until(lambda c: c.spans)
        self.stop_all()
        self.assertEqual([(span['name'], span['status']) for span in self.collector.spans], [('GET /fail', {'code': 2})])

    def test_a_callers_flag_decides_where_the_caller_is_trusted(self):
        never = self.relay('never', '--collector', self.collector.url(), '--ratio', '0', '--trust', '127.0.0.1')
        always = self.relay('always', '--collector', self.collector.url(), '--ratio', '1', '--trust', '127.0.0.1')
        never.get('/hello', traceparent=f'00-{TRACE}-{PARENT}-01')
        never.get('/hello', traceparent=f'00-{TRACE}-{PARENT}-00')
        never.get('/hello')
        always.get('/hello', traceparent=f'00-{TRACE}-{PARENT}-00')
        self.stop_all()
        self.assertEqual([(span['traceId'], span['flags']) for span in self.collector.spans], [(TRACE, 1)])

    def test_what_is_kept_last_is_sent_before_the_end(self):
        relay = self.relay('only', '--collector', self.collector.url(), '--ratio', '1')
        relay.get('/hello')
        self.stop_all()
        self.assertEqual(len(self.collector.spans), 1)

    def test_a_collector_that_refuses_or_is_away_costs_the_spans_alone(self):
        self.collector.status = 503
        relay = self.relay('only', '--collector', self.collector.url(), '--ratio', '1')
        self.assertEqual(relay.get('/hello')[0], 200)
        self.collector.until(lambda c: c.batches == 1)
        self.collector.status = 200
        self.assertEqual(relay.get('/hello')[0], 200)
        self.collector.until(lambda c: len(c.spans) == 1)
        away = self.relay('away', '--collector', 'http://127.0.0.1:1', '--ratio', '1')
        for _ in range(20):
            self.assertEqual(away.get('/hello')[0], 200)
        self.stop_all()
        self.assertIn('Traces are not taken', [line['message'] for line in relay.lines()])
        self.assertIn('Traces are taken again', [line['message'] for line in relay.lines()])

    def test_the_other_being_away_is_503_and_does_not_say_where_it_is(self):
        first = self.relay('first', '--to', 'http://127.0.0.1:1/hello')
        status, headers, body = first.get('/hello')
        self.assertEqual(status, 503)
        self.assertIn('Retry-After', headers)
        self.assertNotIn('127.0.0.1', body)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
