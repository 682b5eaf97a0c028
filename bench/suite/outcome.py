"""What a case found: windows of each server, single facts, and the claims that the project makes about them."""
import statistics


class Outcome:
    def __init__(self, name, title, cpu='cpu_us'):
        """`cpu`: which figure is shown, of the server's CPU as a whole or of its process alone."""
        self.name, self.title, self.cpu = name, title, cpu
        self.windows = {}  # server: its windows, one a round
        self.facts = []    # (what, value, unit)
        self.claims = []   # what the project promises, and whether it held

    def add(self, server, window):
        self.windows.setdefault(server, []).append(window)

    def has(self, *servers):
        return all(self.windows.get(server) for server in servers)

    def values(self, server, key):
        return [window[key] for window in self.windows[server] if window.get(key) is not None]

    def median(self, server, key):
        values = self.values(server, key)
        return statistics.median(values) if values else None

    def ratio(self, server, base, key):
        """The median over rounds: both windows of a round were taken one after the other, so most noise cancels."""
        pairs = zip(self.windows[server], self.windows[base])
        ratios = [ours[key] / theirs[key] for ours, theirs in pairs if ours.get(key) and theirs.get(key)]
        return statistics.median(ratios) if ratios else None

    def fact(self, what, value, unit):
        self.facts.append((what, value, unit))

    def fact_ratio(self, what, server, base, key):
        if self.has(server, base) and (value := self.ratio(server, base, key)) is not None:
            self.fact(what, value, '')

    def claim(self, what, value, bound, least=False):
        """`least`: the value must be at least the bound instead of at most. None: it could not be measured."""
        holds = value is not None and (value >= bound if least else value <= bound)
        self.claims.append({'what': what, 'value': value, 'bound': bound, 'least': least, 'holds': holds})

    def claim_ratio(self, what, server, base, key, bound, least=False):
        self.claim(what, self.ratio(server, base, key) if self.has(server, base) else None, bound, least)

    def data(self):
        return {'name': self.name, 'title': self.title, 'windows': self.windows, 'claims': self.claims,
                'facts': [{'what': what, 'value': value, 'unit': unit} for what, value, unit in self.facts]}
