"""Each header, public or not, compiles alone."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor


def compile_alone(tree, compiler, path):
    command = [*compiler, '-fsyntax-only', '-Werror', '-x', 'c++', '-I', 'include', '-I', 'src', '-include', path, os.devnull]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True)
    return '' if done.returncode == 0 else f'{path}: does not compile alone\n{done.stderr}'


def check(tree, compiler):
    headers = [path for path in tree.files('include', 'src', suffixes=('.hpp',)) if not path.endswith('.inl.hpp')]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for problem in pool.map(lambda path: compile_alone(tree, compiler, path), headers) if problem]
