"""What a case found: windows of each server, single facts, and the claims that the project makes about them."""
import math
import statistics

OUTSIDE_MAX = 0.05


def median_interval(values):
    """Between which two of the values the median of any number of rounds lies, with 95 % certainty: that follows from the
    binomial distribution, however the values are spread. None: they are too few."""
    ordered, outside, rank = sorted(values), 0, 0
    while (outside := outside + 2 * math.comb(len(ordered), rank) / 2 ** len(ordered)) <= OUTSIDE_MAX:
        rank += 1
    return (ordered[rank - 1], ordered[-rank]) if rank else None


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

    def ratios(self, server, base, key):
        """Of each round: both its windows were taken one after the other, so most noise cancels."""
        pairs = zip(self.windows.get(server, []), self.windows.get(base, []))
        return [ours[key] / theirs[key] for ours, theirs in pairs if ours.get(key) and theirs.get(key)]

    def ratio(self, server, base, key):
        ratios = self.ratios(server, base, key)
        return statistics.median(ratios) if ratios else None

    def fact(self, what, value, unit):
        self.facts.append((what, value, unit))

    def fact_ratio(self, what, server, base, key):
        if (value := self.ratio(server, base, key)) is not None:
            self.fact(what, value, '')

    def claim(self, what, value, bound, least=False, interval=None):
        """`least`: the value must be at least the bound instead of at most. None: it could not be measured."""
        holds = value is not None and (value >= bound if least else value <= bound)
        self.claims.append({'what': what, 'value': value, 'bound': bound, 'least': least, 'holds': holds, 'interval': interval})

    def claim_ratio(self, what, server, base, key, bound, least=False):
        self.claim(what, self.ratio(server, base, key), bound, least, median_interval(self.ratios(server, base, key)))

    def data(self):
        return {'name': self.name, 'title': self.title, 'windows': self.windows, 'claims': self.claims,
                'facts': [{'what': what, 'value': value, 'unit': unit} for what, value, unit in self.facts]}
