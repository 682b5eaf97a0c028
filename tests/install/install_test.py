"""What `meson install` leaves serves an application: install_test.py BUILD APPLICATION.CPP COMPILER …

The application is compiled with the installed headers and pkg-config file, with the compiler's plain linker and without
link-time optimisation, once against the static and once against the shared library, and run.
"""
import os
import subprocess
import sys
import tempfile
import unittest

BUILD, APPLICATION, COMPILER = sys.argv[1], sys.argv[2], sys.argv[3:]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f'{" ".join(command)}\n{done.stdout}\n{done.stderr}')
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = cls.folder.name
        run('meson', 'install', '-C', BUILD, '--no-rebuild', '--tags', 'devel,runtime', '--destdir', cls.root)
        cls.libraries = next(place for place, _, names in os.walk(cls.root) if 'libsluice.a' in names)
        cls.environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=cls.root,
                               PKG_CONFIG_PATH=os.path.join(cls.libraries, 'pkgconfig'))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def flags(self, *options):
        return run('pkg-config', *options, 'sluice', env=self.environment).split()

    def build(self, name, libraries):
        program = os.path.join(self.root, name)
        run(*COMPILER, '-O1', APPLICATION, '-o', program, *self.flags('--cflags'), *libraries)
        return program

    def test_the_static_library_serves_an_application(self):
        libraries = [flag.replace('-lsluice', '-l:libsluice.a') for flag in self.flags('--static', '--libs')]
        self.assertIn('200 OK', run(self.build('static', libraries)))

    def test_the_shared_library_serves_an_application(self):
        program = self.build('shared', self.flags('--libs'))
        self.assertIn('libsluice.so', run('readelf', '-d', program))
        self.assertIn('200 OK', run(program, env=dict(os.environ, LD_LIBRARY_PATH=self.libraries)))

    def test_the_shared_library_exports_nothing_but_sluice(self):
        symbols = run('nm', '-D', '--defined-only', '-C', os.path.join(self.libraries, 'libsluice.so')).splitlines()
        names = [line.split(' ', 2)[2] for line in symbols]
        self.assertEqual([name for name in names if 'llhttp' in name], [])
        self.assertTrue(any(name.startswith('sluice::server::run') for name in names))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
