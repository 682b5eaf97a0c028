"""Each header, public or not, compiles alone. A header that some source includes first needs no proof: the build is it,
or, where that precompiles the standard headers, what precompiled.py finds. Here they are precompiled, too."""
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from precompiled import STANDARD
from tree import includes


def proven(tree):
    """The headers that stand first in a source, so that nothing before them can help."""
    first = set()
    for path in tree.files('src', suffixes=('.cpp',)):
        for _, included in includes(tree.text(path))[:1]:
            places = ('include', 'src', os.path.dirname(path))
            first.update(os.path.normpath(os.path.join(place, included)) for place in places)
    return first


def precompile(tree, compiler, folder):
    """Options that bring the standard headers, if the tree has them."""
    if not tree.exists(STANDARD):
        return []
    made = os.path.join(folder, 'standard.pch')
    subprocess.run([*compiler, '-x', 'c++-header', STANDARD, '-o', made], cwd=tree.root, check=True)
    return ['-include-pch', made]


def compile_alone(tree, compiler, path):
    command = [*compiler, '-fsyntax-only', '-Werror', '-x', 'c++', '-I', 'include', '-I', 'src', '-include', path, os.devnull]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
    return '' if done.returncode == 0 else f'{path}: does not compile alone\n{done.stderr}'


def check(tree, compiler):
    known = proven(tree)
    headers = [path for path in tree.files('include', 'src', suffixes=('.hpp',))
               if path not in known and not path.endswith('.inl.hpp')]
    with ThreadPoolExecutor(os.cpu_count()) as pool, tempfile.TemporaryDirectory() as folder:
        with_standard = [*compiler, *precompile(tree, compiler, folder)]
        return [problem for problem in pool.map(lambda path: compile_alone(tree, with_standard, path), headers) if problem]
