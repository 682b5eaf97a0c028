"""A load of kept-alive clients on the users API, and the ledger of what it was told: who asked what, and what came.

Every request carries a trace of its own, and its answer must name it; what is read must be what was stored. Each
write has an e-mail of its own, so that one that is done twice meets itself and is a conflict. At the end the ledger is
compared with the table: what was acknowledged is there, and what was refused is not.
"""
import bisect
import collections
import http.client
import itertools
import os
import random
import threading
import time

import server
from users_client import Client

BROKEN = (OSError, http.client.HTTPException)
REFUSAL_PAUSE_SECONDS = 0.005  # a client that is refused leaves the processor to the database that comes back
WINDOW_SECONDS = 0.25
UNKNOWN = b'the change may '  # in the detail of an answer that leaves a write's outcome open


class Load:
    """Runs from its construction until stop(). `readers` and `writers` are connections, each with one request at a
    time; `faults` is what must not have been, in words."""

    def __init__(self, port, readers=12, writers=12, users=40):
        self.faults = []
        self.acknowledged, self.unknown, self.refused = {}, set(), set()  # e-mail: id; e-mails
        self.answers = collections.Counter()  # by status
        self.times = []  # of what succeeded, in order but for a hair
        self.told = collections.Counter()  # answers, by client
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.names = itertools.count()
        self.readers, self.writers = ([Client(port) for _ in range(count)] for count in (readers, writers))
        self.clients = self.readers + self.writers
        with Client(port) as client:
            for _ in range(users):
                self.write(client)
        if len(self.acknowledged) != users:
            raise AssertionError(f'the load cannot begin: {self.answers} {self.faults}')
        self.known = list(self.acknowledged.items())
        work = [*[self.read] * readers, *[self.write] * writers]
        self.threads = [threading.Thread(target=self.run, args=pair) for pair in zip(self.clients, work)]
        for thread in self.threads:
            thread.start()

    def run(self, client, work):
        with client:
            while not self.ended.is_set():
                try:
                    if work(client) >= 500:
                        time.sleep(REFUSAL_PAUSE_SECONDS)
                except BROKEN as failure:
                    self.faults.append(f'no answer: {failure!r}')
                    return

    def ask(self, client, *what):
        trace = os.urandom(16).hex()
        answer = client.send(*what, traceparent=f'00-{trace}-00f067aa0ba902b7-00')
        if answer.headers['X-Request-Id'] != trace:
            self.faults.append(f'{what} got the answer of {answer.headers["X-Request-Id"]}')
        with self.lock:
            self.told[client] += 1
            self.answers[answer.status] += 1
            if answer.status < 300:
                self.times.append(time.monotonic())
        if answer.status in (503, 504):
            # Nobody is invited to repeat a write that may have been made.
            if answer.status == 503 and bool(answer.headers['Retry-After']) == (UNKNOWN in answer.text):
                self.faults.append(f'{what}: {answer.headers["Retry-After"]} {answer.text}')
        elif answer.status >= 300:
            self.faults.append(f'{what}: {answer.status} {answer.text}')
        return answer

    def read(self, client):
        email, identity = random.choice(self.known)
        by_email = random.random() < 0.1
        answer = self.ask(client, 'GET', f'/users?email={email}' if by_email else f'/users/{identity}')
        if answer.status == 200:
            found = answer.json['items'] if by_email else [answer.json]
            if [(user['id'], user['email']) for user in found] != [(identity, email)]:
                self.faults.append(f'asked for {email}, got {answer.text}')
        return answer.status

    def write(self, client):
        email = f'user{next(self.names)}@example.com'
        answer = self.ask(client, 'POST', '/users', {'email': email, 'name': 'Ada'})
        if answer.status == 201:
            if answer.json['email'] != email:
                self.faults.append(f'{email} was answered as {answer.text}')
            self.acknowledged[email] = answer.json['id']
        elif UNKNOWN in answer.text:
            self.unknown.add(email)
        else:
            self.refused.add(email)
        return answer.status

    def await_successes(self, count=200):
        """Waits until so many more requests succeed."""
        before = len(self.times)
        server.wait_until(lambda: self.faults or len(self.times) >= before + count, 'requests succeed')

    def await_answers(self, clients, count=2):
        """Waits until each has been answered so many times more: the first may have been asked before."""
        before = dict(self.told)
        server.wait_until(lambda: self.faults or all(self.told[one] >= before.get(one, 0) + count for one in clients),
                          'every client is answered')

    def await_answers_to_all(self, count=2):
        self.await_answers(self.clients, count)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def differences(self, database):
        """What was told and is not so, in words; only once it has stopped."""
        rows = database.psql('SELECT email, id FROM users').splitlines()
        stored = dict(row.split('|') for row in rows)
        lost = [email for email, identity in self.acknowledged.items() if stored.get(email) != identity]
        done = [email for email in self.refused if email in stored]
        strange = stored.keys() - self.acknowledged.keys() - self.unknown - self.refused
        return [*self.faults, *(f'{email} was acknowledged and is not there' for email in lost),
                *(f'{email} was refused and is there' for email in done),
                *(f'{email} was never asked for' for email in strange)]

    def rate(self, begin, end):
        return (bisect.bisect(self.times, end) - bisect.bisect(self.times, begin)) / (end - begin)

    def seconds_to_full_speed(self, fault, back):
        """From `back` until a window in which nine tenths of the rate before the fault were reached."""
        self.times.sort()
        wanted = 0.9 * self.rate(max(self.times[0], fault - 4 * WINDOW_SECONDS), fault)
        for begin in self.times[bisect.bisect(self.times, back):]:
            if self.rate(begin, begin + WINDOW_SECONDS) >= wanted:
                return begin - back
        return None
