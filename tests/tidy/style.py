"""The repository's .clang-format holds for every C++ file, and every shell script parses."""
import subprocess


def check_format(tree, formatter):
    files = tree.files('src', 'include', 'bench', 'tests', suffixes=('.hpp', '.cpp'))
    if not files:
        return []
    done = subprocess.run([formatter, '--dry-run', '-Werror', *files], cwd=tree.root, capture_output=True, text=True)
    return [] if done.returncode == 0 else [line for line in done.stderr.splitlines() if 'error:' in line]


def shell_scripts(tree):
    for path in tree.files('scripts', '.ci'):
        if tree.text(path).startswith('#!') and 'bash' in tree.text(path).splitlines()[0] or path.endswith('.sh'):
            yield path


def check_shell(tree):
    problems = []
    for path in shell_scripts(tree):
        done = subprocess.run(['bash', '-n', path], cwd=tree.root, capture_output=True, text=True)
        if done.returncode != 0:
            problems.append(done.stderr.strip())
    return problems
