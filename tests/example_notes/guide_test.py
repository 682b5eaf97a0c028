"""The code blocks of CONTRIBUTING.md are the files of this folder, byte by byte: guide_test.py CONTRIBUTING.md FOLDER.

A block's file is named in bold in the line above it. With --update the blocks are written anew from the files.
"""
import os
import re
import sys

BLOCK = re.compile(r'^\*\*`([^`]+)`\*\*[^\n]*\n```(\w+)\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != '--update']
    guide_path, folder = arguments
    with open(guide_path, encoding='utf-8') as file:
        guide = file.read()

    def text_of(name):
        with open(os.path.join(folder, name.removeprefix('src/')), encoding='utf-8') as file:
            return file.read()

    shown = {name: text for name, _, text in BLOCK.findall(guide)}
    if '--update' in sys.argv:
        def renewed(match):
            return match.group(0).replace(match.group(3), text_of(match.group(1)))
        with open(guide_path, 'w', encoding='utf-8') as file:
            file.write(BLOCK.sub(renewed, guide))
        return 0

    problems = [f'{name}: the guide shows something else' for name in shown if text_of(name) != shown[name]]
    there = {os.path.relpath(os.path.join(place, name), folder)
             for place, _, names in os.walk(os.path.join(folder, 'resources')) for name in names}
    problems += [f'{name}: the guide does not show it' for name in there if 'src/' + name not in shown]
    for problem in problems:
        print(problem)
    print(f'{len(shown)} files shown')
    return 1 if problems or not shown else 0


if __name__ == '__main__':
    sys.exit(main())
