"""A load of kept-alive clients on the users API, who keep a ledger of what they are told.

Every request carries a trace of its own, and its answer must name it; what is read must be what was stored. A writer
makes a user, renames him some times, and removes or leaves him. At the end the ledger is compared with the database.
"""
import bisect
import collections
import dataclasses
import http.client
import itertools
import os
import random
import threading
import time

import ledger
import server
from ledger import DONE, OPEN, UNKNOWN
from users_client import Client

BROKEN = (OSError, http.client.HTTPException)
REFUSAL_PAUSE_SECONDS = 0.005  # a client that is refused leaves the processor to the database that comes back
WINDOW_SECONDS = 0.25


@dataclasses.dataclass
class User:
    email: str
    identity: str
    name: str
    version: int = 1

    def is_in(self, answer):
        told = [answer.json[member] for member in ('email', 'id', 'name')] + [answer.headers['ETag']]
        return told == [self.email, self.identity, self.name, f'"{self.version}"']


class Load:
    """Runs from its construction until stop(). `readers` and `writers` are connections, each with one request at a
    time; `faults` is what must not have been, in words."""

    def __init__(self, port, readers=12, writers=12, users=40):
        self.faults = []
        self.ledger = ledger.Ledger()
        self.users = {}  # whom each writer has
        self.answers = collections.Counter()  # by status
        self.times = []  # of what succeeded, in order but for a hair
        self.told = collections.Counter()  # answers, by client
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.numbers = itertools.count()
        self.readers, self.writers = ([Client(port) for _ in range(count)] for count in (readers, writers))
        self.clients = self.readers + self.writers
        with Client(port) as client:
            for _ in range(users):
                self.make(client)
            self.users.clear()
        if self.answers != {201: users}:
            raise AssertionError(f'the load cannot begin: {self.answers} {self.faults}')
        self.known = [(email, told.identity) for email, told in self.ledger.users.items()]
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
            if answer.status == 503 and bool(answer.headers['Retry-After']) == (OPEN in answer.text):
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
        user = self.users.get(client)
        if user is None:
            return self.make(client)
        return random.choice((self.rename, self.rename, self.rename, self.remove, self.make))(client, user)

    def make(self, client, _=None):
        number = next(self.numbers)
        email, name = f'user{number}@example.com', f'Ada {number}'
        answer = self.ask(client, 'POST', '/users', {'email': email, 'name': name})
        outcome = ledger.outcome_of(answer, 201)
        self.users[client] = made = User(email, answer.json['id'], name) if outcome is DONE else None
        self.ledger.note('INSERT', email, name, outcome, made and made.identity)
        if made and not made.is_in(answer):
            self.faults.append(f'{made} was answered as {answer.text}')
        return answer.status

    def rename(self, client, user):
        name = f'Ada {next(self.numbers)}'
        answer = self.ask(client, 'PATCH', f'/users/{user.identity}', {'name': name})
        outcome = self.note('UPDATE', client, user, name, ledger.outcome_of(answer, 200))
        if outcome is DONE:
            user.name, user.version = name, user.version + 1
            if not user.is_in(answer):
                self.faults.append(f'{user} was answered as {answer.text} {answer.headers["ETag"]}')
        return answer.status

    def remove(self, client, user):
        answer = self.ask(client, 'DELETE', f'/users/{user.identity}')
        if self.note('DELETE', client, user, user.name, ledger.outcome_of(answer, 204)) is DONE:
            self.users[client] = None
        return answer.status

    def note(self, what, client, user, name, outcome):
        self.ledger.note(what, user.email, name, outcome)
        if outcome is UNKNOWN:
            self.users[client] = None
        return outcome

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
        return [*self.faults, *self.ledger.differences_to(database)]

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
