"""What scripts/ does where tools are missing or fail: scripts_test.py SOURCE_ROOT."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(sys.argv.pop(1))


class Scripts(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tools = os.path.join(scratch.name, 'tools')
        os.mkdir(self.tools)
        for name in ('bash', 'cat', 'dirname', 'mktemp', 'python3', 'renice', 'rm'):
            os.symlink(shutil.which(name), os.path.join(self.tools, name))

    def tool(self, name, text):
        path = os.path.join(self.tools, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'#!{shutil.which("bash")}\n{text}\n')
        os.chmod(path, 0o755)

    def run_bash(self, *arguments):
        """With none but the tools of this test."""
        return subprocess.run(['bash', *arguments], env={'PATH': self.tools, 'SLUICE_NO_INSTALL': '1'}, text=True,
                              capture_output=True, timeout=60)

    def test_the_count_comes_last_even_where_nothing_can_be_configured(self):
        self.tool('meson', 'exit 1')
        done = self.run_bash(f'{ROOT}/scripts/test')
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, '0 passed, 3 failed'), done)

    def test_clang_is_asked_for_only_where_it_is(self):
        self.tool('meson', 'printf "%s\\n" "$*" >&2')
        configure = f'. {ROOT}/scripts/lib.sh && configure {self.tools}/build -Dtests=true'
        done = self.run_bash('-euo', 'pipefail', '-c', configure)
        self.assertIn(f'\nsetup -Dtests=true {self.tools}/build {ROOT}\n', done.stderr)
        self.tool('clang++-19', '')
        done = self.run_bash('-euo', 'pipefail', '-c', configure)
        self.assertIn(f'\nsetup --native-file {ROOT}/scripts/clang-19.ini -Dtests=true ', done.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
