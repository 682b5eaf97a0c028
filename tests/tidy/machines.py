"""Protocols are state machines: their files wait for nothing, call no system and read no clock."""
import re

from tree import includes, without_comments

FOLDERS = ('src/http', 'src/route', 'src/json', 'include/sluice/http', 'include/sluice/route', 'include/sluice/json',
           'src/client/url.hpp', 'src/client/url.cpp', 'src/client/request_writer.hpp', 'src/client/request_writer.cpp',
           'src/postgres/pipeline.hpp', 'src/redis/greeting.hpp', 'src/redis/greeting.cpp', 'src/redis/multiplexer.hpp', 'src/redis/subscription.hpp',
           'src/redis/reader.hpp', 'src/redis/reader.cpp', 'src/cache/coherence.hpp', 'src/cache/coherence.cpp',
           'src/cache/packet.hpp', 'src/cache/pending_keys.hpp', 'src/cache/flight_table.hpp')

# Handlers and bodies are tasks, so the files that run them may wait; still no system call.
MAY_WAIT = {
    'src/route/route.cpp',
}

WAITS = re.compile(r'\bco_(await|yield)\b')
SYSTEM_HEADER = re.compile(r'(unistd|fcntl|poll|netdb|signal|pthread|dlfcn)\.h|(sys|netinet|linux)/.*|'
                           r'thread|mutex|condition_variable|fstream|filesystem|future|liburing.*')
# With the system's headers refused, what is left are globally qualified calls and what the standard library offers.
CALLS = re.compile(r'(?<![\w>:])::(?:read|write|recv|send|recvmsg|sendmsg|socket|accept|connect|open|close|syscall|usleep|time|'
                   r'clock_gettime)\s*\(|\bclock::now\s*\(|_clock::now\s*\(|\bstd::(?:cout|cerr|clog|cin|getenv|fopen|time|printf)\b')


def check(tree):
    problems = []
    for path in tree.sources(*FOLDERS):
        text = without_comments(tree.text(path))
        for line, included in includes(tree.text(path)):
            if SYSTEM_HEADER.fullmatch(included):
                problems.append(f'{path}:{line}: a state machine includes <{included}>')
        for match in CALLS.finditer(text):
            problems.append(f'{path}:{text.count(chr(10), 0, match.start()) + 1}: a state machine calls {match.group(0).rstrip("( ")}')
        if path not in MAY_WAIT:
            for match in WAITS.finditer(text):
                problems.append(f'{path}:{text.count(chr(10), 0, match.start()) + 1}: a state machine waits')
    return problems
