"""Runs the example as a user would, over a real socket: run_test.py PROGRAM."""
import json
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

PROGRAM = sys.argv[1]


class Notes(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([PROGRAM, '127.0.0.1:0'], stdout=subprocess.PIPE, text=True)
        self.address = 'http://' + self.server.stdout.readline().strip()

    def tearDown(self):
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(30), 0)
        self.server.stdout.close()

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), json.load(answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, dict(answer.headers), json.load(answer)

    def test_a_note_can_be_made_and_read(self):
        status, headers, made = self.ask('/notes', {'text': 'milk'})
        self.assertEqual((status, made['text']), (201, 'milk'))
        status, _, found = self.ask(headers['Location'])
        self.assertEqual((status, found), (200, made))

    def test_a_note_without_text_is_refused_with_the_pointer(self):
        status, headers, problem = self.ask('/notes', {'text': ''})
        self.assertEqual((status, headers['Content-Type']), (422, 'application/problem+json'))
        self.assertEqual(problem['errors'][0]['pointer'], '/text')

    def test_what_is_not_there_is_not_found(self):
        self.assertEqual(self.ask('/notes/01890000-0000-7000-8000-000000000000')[0], 404)
        self.assertEqual(self.ask('/notes/none')[0], 404)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
