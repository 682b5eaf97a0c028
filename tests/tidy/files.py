"""No dead file, no file that has grown too long, no word or address that has no place here, records in order."""
import os
import re

from tree import includes

LINES_MAX = 400
# Generated or read as a whole.
LONG = re.compile(r'^(CHANGELOG\.md|LICENSE|docs/.*|tests/.*corpus.*)$')
TEXT = re.compile(r'(\.(hpp|cpp|h|c|py|md|sh|ini|toml|txt|yml|json|build|wrap|js|html|sql|service|map)|/[^./]+)$')


def by_suffix(stem, text):
    """Is it named as 'x' in a loop that adds '_test.cpp'?"""
    return any(stem.endswith(end) and f"'{stem[:-len(end)]}'" in text and f"'{end}.cpp'" in text for end in ('_test', '_fuzz'))


def unlisted_sources(tree):
    """A .cpp is dead unless the meson.build of its folder, or of one above, names it."""
    problems = []
    for path in tree.files('src', 'bench', 'tests', suffixes=('.cpp', '.c')):
        folder, listed = os.path.dirname(path), False
        while folder and not listed:
            build = os.path.join(folder, 'meson.build')
            if tree.exists(build):
                name = os.path.relpath(path, folder)
                stem = os.path.splitext(name)[0]
                text = tree.text(build)
                listed = f"'{name}'" in text or f"'{stem}'" in text or by_suffix(stem, text)
            folder = os.path.dirname(folder)
        if not listed:
            problems.append(f'{path}: no meson.build names it')
    return problems


def folders_above(path):
    while path:
        path = os.path.dirname(path)
        yield path


PRECOMPILED = re.compile(r"cpp_pch: '([^']+)'")


def unused_files(tree):
    """Headers, and what is embedded, that no source names; a precompiled header is named where its program is made."""
    used = set()
    for path in tree.files('src', 'tests', suffixes=('meson.build',)):
        used.update(os.path.normpath(os.path.join(os.path.dirname(path), named)) for named in PRECOMPILED.findall(tree.text(path)))
    for path in tree.sources('src', 'include', 'bench', 'tests'):
        for _, included in includes(tree.text(path)):
            for place in ('src', 'include', *folders_above(path)):
                candidate = os.path.normpath(os.path.join(place, included))
                if candidate != path:
                    used.add(candidate)
    return [f'{path}: nothing includes it'
            for path in tree.files('src', 'include', 'bench', 'tests', suffixes=('.hpp', '.h', '.sql')) if path not in used]


def long_files(tree):
    problems = []
    for path in tree.files('src', 'include', 'bench', 'tests', 'scripts', suffixes=('.hpp', '.cpp', '.py', '.build', '.js')):
        lines = tree.text(path).count('\n')
        if lines > LINES_MAX and not LONG.match(path):
            problems.append(f'{path}: {lines} lines; split it at {LINES_MAX}')
    return problems


PUSH, POP = '#pragma GCC visibility push(default)', '#pragma GCC visibility pop'


def exported_headers(tree):
    """The library is compiled with hidden symbols: what a public header declares has to say that it is for everybody."""
    problems = []
    for path in tree.files('include', suffixes=('.hpp',)):
        text = tree.text(path)
        declares = re.search(r'^namespace ', text, re.MULTILINE) and not path.endswith('.inl.hpp')
        if declares and (text.count(PUSH), text.count(POP)) != (1, 1):
            problems.append(f'{path}: its declarations must stand between "{PUSH}" and "{POP}"')
        elif declares and re.search(r'^#\s*include', text[text.index(PUSH):text.index(POP)], re.MULTILINE):
            problems.append(f'{path}: it includes something where it exports, and would export that as well')
    return problems


# Written in halves, so that this file passes its own check.
WORDS = re.compile('|'.join((
    r'\bTO' r'DO\b', r'\bFIX' r'ME\b', r'\bXX' r'X\b', r'\bHA' r'CK\b',
    r'/ro' r'ot/', r'/ho' r'me/\w', r'/wo' r'rk/', r'deb\.deb' r'ian\.org', r'security\.deb' r'ian\.org',
    r'regis' r'try\.npmjs', r'\bpy' r'pi\.org', r'cra' r'tes\.io')))


def words(tree):
    problems = []
    for path in tree.files():
        if path == 'LICENSE' or not TEXT.search('/' + path):
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            found = WORDS.search(line)
            if found:
                problems.append(f'{path}:{number}: "{found.group(0)}" has no place in the tree')
    return problems


def records(tree):
    """docs/decisions/NNNN-title.md, numbered from 0001 without gap or double."""
    names = [os.path.basename(path) for path in tree.files('docs/decisions', suffixes=('.md',))]
    names = [name for name in names if name != 'README.md']
    problems = [f'docs/decisions/{name}: its name is not NNNN-title.md' for name in names
                if not re.fullmatch(r'\d{4}-[a-z0-9-]+\.md', name)]
    numbers = sorted(int(name[:4]) for name in names if re.match(r'\d{4}-', name))
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f'docs/decisions: the records are not numbered 1 to {len(numbers)}: {numbers}')
    return problems


def check(tree):
    return unlisted_sources(tree) + unused_files(tree) + exported_headers(tree) + long_files(tree) + words(tree) + records(tree)
