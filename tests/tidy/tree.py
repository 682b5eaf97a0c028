"""The source tree as the checks of this folder see it: paths relative to its root, and their text."""
import os
import re

SOURCES = ('.hpp', '.cpp', '.h', '.c')
SKIPPED = re.compile(r'^(\.git|build.*|\.cache|__pycache__|packagecache|node_modules)$')


class Tree:
    def __init__(self, root):
        self.root = root

    def files(self, *folders, suffixes=None):
        """Every file below the folders (the whole tree without any), sorted, as paths relative to the root."""
        found = []
        for folder in folders or ('',):
            for place, below, names in os.walk(os.path.join(self.root, folder)):
                below[:] = [name for name in below if not SKIPPED.match(name) and not self.downloaded(place, name)]
                for name in names:
                    if suffixes is None or name.endswith(suffixes):
                        found.append(os.path.relpath(os.path.join(place, name), self.root))
        return sorted(path for path in found if not path.endswith(('.db', '.db-wal', '.db-shm', '.pyc')))

    def sources(self, *folders):
        return self.files(*folders, suffixes=SOURCES)

    def downloaded(self, place, name):
        """Subprojects that wraps have brought are not ours."""
        return os.path.relpath(place, self.root) == 'subprojects' and name not in ('llhttp', 'packagefiles')

    def text(self, path):
        with open(os.path.join(self.root, path), encoding='utf-8', errors='surrogateescape') as file:
            return file.read()

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))


COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)


def without_comments(text):
    """C++ with its comments and the inside of its strings blanked; line numbers stay."""
    def blank(match):
        found = match.group(0)
        return re.sub(r'[^\n]', ' ', found) if found[0] == '/' else found[0] * 2
    return COMMENT.sub(blank, text)


INCLUDE = re.compile(r'^\s*#\s*(?:include|embed)\s*([<"])([^">]+)[">]', re.MULTILINE)


def includes(text):
    """(line, path) of each include."""
    return [(text.count('\n', 0, m.start(2)) + 1, m.group(2)) for m in INCLUDE.finditer(text)]
