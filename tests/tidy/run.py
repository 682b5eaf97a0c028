"""Runs one check over the tree: run.py ROOT CHECK [tool …]. Prints each problem; exit status 1 if there was one."""
import os
import shutil
import sys

import files
import headers
import layers
import machines
import precompiled
import style
from tree import Tree

SKIP = 77


def main():
    tree, check, tools = Tree(os.path.abspath(sys.argv[1])), sys.argv[2], sys.argv[3:]
    if check == 'format' and not shutil.which(tools[0]):
        print(f'{tools[0]} is not installed')
        return SKIP
    problems = {
        'layers': lambda: layers.check(tree),
        'machines': lambda: machines.check(tree),
        'files': lambda: files.check(tree),
        'headers': lambda: headers.check(tree, tools),
        'precompiled': lambda: precompiled.check(tree),
        'format': lambda: style.check_format(tree, tools[0]),
        'shell': lambda: style.check_shell(tree),
    }[check]()
    for problem in problems:
        print(problem)
    print(f'{len(problems)} problems')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
