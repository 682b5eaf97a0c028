"""Proves that each check can fail: small trees that break one rule each, and one that breaks none."""
import os
import sys
import tempfile
import unittest

import files
import headers
import layers
import machines
import precompiled
import style
from tree import Tree

COMPILER, FORMATTER = sys.argv[1], sys.argv[2]
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, 'scripts'))
import count_tests  # noqa: E402


class Checks(unittest.TestCase):
    def tree(self, **texts):
        """A tree with these files; their names as keywords, "/" written as "__"."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in texts.items():
            path = os.path.join(folder.name, *name.split('__'))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
        return Tree(folder.name)

    def fails(self, problems, *words):
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])

    def source(self, path, text):
        return self.tree(**{path.replace('/', '__'): text})

    # --- layers
    def test_a_lower_layer_may_not_include_a_higher_one(self):
        self.fails(layers.check(self.source('src/core/a.cpp', '#include <sluice/http/request.hpp>\n')), 'a.cpp:1', 'core')

    def test_http_and_json_do_not_know_each_other(self):
        self.fails(layers.check(self.source('include/sluice/http/a.hpp', '#include <sluice/json/read.hpp>\n')), 'beside')

    def test_a_higher_layer_may_include_a_lower_one(self):
        self.assertEqual(layers.check(self.source('src/route/a.cpp', '#include <sluice/core/error.hpp>\n')), [])

    def test_liburing_belongs_to_the_ring(self):
        self.fails(layers.check(self.source('src/server/a.cpp', '#include <liburing.h>\n')), 'only ring')
        self.assertEqual(layers.check(self.source('src/ring/a.cpp', '#include <liburing.h>\n')), [])

    def test_libraries_belong_to_their_layers(self):
        for library in ('llhttp.h', 'simdjson.h', 'sqlite3.h', 'libpq-fe.h', 'hiredis/hiredis.h', 'toml++/toml.h'):
            self.fails(layers.check(self.source('src/server/a.cpp', f'#include <{library}>\n')), library)

    def test_a_public_header_may_not_include_the_inside(self):
        self.fails(layers.check(self.source('include/sluice/http/a.hpp', '#include "http/machine.hpp"\n')), 'not installed')

    def test_a_public_header_may_not_include_a_library(self):
        self.fails(layers.check(self.source('include/sluice/json/a.hpp', '#include <simdjson.h>\n')), 'public header')
        self.assertEqual(layers.check(self.source('src/json/a.cpp', '#include <simdjson.h>\n')), [])

    def test_an_application_may_not_include_the_inside(self):
        self.fails(layers.check(self.source('src/app/a.cpp', '#include "http/connection.hpp"\n')), 'inside')
        self.fails(layers.check(self.source('bench/arena/a.cpp', '#include "http/connection.hpp"\n')), 'inside')

    def test_a_resource_may_not_include_its_sibling(self):
        include = '#include "resources/orders/order.hpp"\n'
        self.fails(layers.check(self.source('src/resources/users/user.cpp', include)), 'sibling')
        self.assertEqual(layers.check(self.source('src/resources/orders/a.cpp', include)), [])

    def test_a_new_layer_needs_its_line(self):
        self.fails(layers.check(self.source('src/orm/a.cpp', '')), 'orm')

    # --- machines
    def test_a_state_machine_may_not_wait(self):
        self.fails(machines.check(self.source('src/http/a.cpp', 'task<> f() { co_await g(); }\n')), 'a.cpp:1', 'waits')

    def test_a_state_machine_may_not_call_the_system(self):
        for call in ('::send(1, p, n, 0);', 'return ::read(fd, p, n);', 'auto now = steady_clock::now();', 'std::cout << 1;'):
            self.fails(machines.check(self.source('src/http/a.cpp', f'void f() {{ {call} }}\n')), 'calls')

    def test_a_state_machine_may_not_include_the_system(self):
        self.fails(machines.check(self.source('src/json/a.cpp', '#include <sys/socket.h>\n')), 'sys/socket.h')

    def test_comments_strings_and_members_are_no_calls(self):
        text = '// read(fd)\nconst char* s = "co_await read(1)";\nvoid open(int);\nvoid f(body& b) { b.write("x"); }\n'
        self.assertEqual(machines.check(self.source('src/http/a.cpp', text)), [])

    # --- files
    def test_an_unlisted_source_is_dead(self):
        self.fails(files.unlisted_sources(self.source('src/core/a.cpp', '')), 'src/core/a.cpp')

    def test_a_listed_source_is_alive(self):
        tree = self.tree(**{'src__core__a.cpp': '', 'src__core__meson.build': "files('a.cpp')\n"})
        self.assertEqual(files.unlisted_sources(tree), [])

    def test_a_header_that_nothing_includes_is_dead(self):
        self.fails(files.unused_files(self.source('include/sluice/core/a.hpp', '')), 'a.hpp')
        tree = self.tree(**{'include__sluice__core__a.hpp': '', 'src__core__b.cpp': '#include <sluice/core/a.hpp>\n'})
        self.assertEqual(files.unused_files(tree), [])

    def test_a_step_of_a_schema_that_nothing_embeds_fails(self):
        self.fails(files.unused_files(self.source('src/resources/migrations/0002_a.sql', '')), '0002_a.sql')
        tree = self.tree(**{'src__resources__steps__a.sql': '', 'src__resources__b.cpp': '#embed "steps/a.sql"\n'})
        self.assertEqual(files.unused_files(tree), [])

    def test_a_precompiled_header_counts_as_used(self):
        tree = self.tree(**{'tests__parsed__a.hpp': '', 'tests__core__meson.build': "cpp_pch: '../parsed/a.hpp'\n"})
        self.assertEqual(files.unused_files(tree), [])

    def test_a_public_header_that_exports_nothing_fails(self):
        push, pop = files.PUSH, files.POP
        header = 'include/sluice/core/a.hpp'
        self.fails(files.exported_headers(self.source(header, 'namespace sluice {\n}\n')), 'a.hpp', 'must stand between')
        include = f'{push}\n#include <string>\nnamespace sluice {{\n}}\n{pop}\n'
        self.fails(files.exported_headers(self.source(header, include)), 'includes something')
        self.assertEqual(files.exported_headers(self.source(header, f'{push}\nnamespace sluice {{\n}}\n{pop}\n')), [])

    def test_what_only_a_precompiled_header_brings_fails(self):
        standard = {precompiled.STANDARD.replace('/', '__'): '#include <vector>\n'}
        uses = 'std::vector<int> numbers;\n'
        self.fails(precompiled.check(self.tree(**{'src__core__a.cpp': uses}, **standard)), 'a.cpp', '<vector>')
        by_itself = {'src__core__a.cpp': '#include <vector>\n' + uses}
        self.assertEqual(precompiled.check(self.tree(**by_itself, **standard)), [])
        through_another = {'include__sluice__core__b.hpp': '#include <vector>\n',
                           'src__core__a.cpp': '#include <sluice/core/b.hpp>\n' + uses}
        self.assertEqual(precompiled.check(self.tree(**through_another, **standard)), [])
        self.fails(precompiled.check(self.tree(**{precompiled.STANDARD.replace('/', '__'): '#include <regex>\n'})), '<regex>')

    def test_a_long_file_fails(self):
        self.fails(files.long_files(self.source('src/core/a.cpp', 'int x;\n' * 401)), '401 lines')
        self.assertEqual(files.long_files(self.source('src/core/a.cpp', 'int x;\n' * 400)), [])

    def test_words_and_places_that_do_not_belong_fail(self):
        for text in ('// TO' 'DO: later', 'path = "/ro' 'ot/x"', 'curl https://regis' 'try.npmjs.org/x'):
            self.fails(files.words(self.source('src/core/a.cpp', text + '\n')), 'a.cpp:1')

    def test_records_are_numbered_without_gap(self):
        self.fails(files.records(self.tree(**{'docs__decisions__0002-b.md': ''})), 'not numbered')
        self.fails(files.records(self.tree(**{'docs__decisions__0001-a.md': '', 'docs__decisions__notes.md': ''})), 'notes.md')
        self.assertEqual(files.records(self.tree(**{'docs__decisions__0001-a.md': ''})), [])

    # --- headers and style
    def test_a_header_that_needs_another_before_it_fails(self):
        self.fails(headers.check(self.source('src/core/a.hpp', 'inline std::string f() { return {}; }\n'), [COMPILER]), 'a.hpp')
        self.assertEqual(headers.check(self.source('src/core/a.hpp', '#include <string>\n'), [COMPILER]), [])

    def test_unformatted_code_fails(self):
        tree = self.tree(**{'src__core__a.cpp': 'int  x;\n', '.clang-format': 'BasedOnStyle: LLVM\n'})
        self.fails(style.check_format(tree, FORMATTER), 'a.cpp:1')

    def test_a_broken_script_fails(self):
        self.fails(style.check_shell(self.tree(**{'scripts__a': '#!/usr/bin/env bash\nif true; then\n'})), 'a:')

    # --- the closing line of scripts/test
    def test_cases_are_counted_one_by_one(self):
        cases = '[       OK ] A.b (1 ms)\n[  FAILED  ] A.c (1 ms)\n[  SKIPPED ] A.d (0 ms)\n[  FAILED  ] A.c\n'
        self.assertEqual(count_tests.count({'result': 'FAIL', 'stdout': cases}), (1, 1, 1))
        self.assertEqual(count_tests.count({'result': 'OK', 'stdout': '[       OK ] A.b (1 ms)\n'}), (1, 0, 0))

    def test_a_program_that_died_counts_as_a_failure(self):
        self.assertEqual(count_tests.count({'result': 'FAIL', 'stdout': '[       OK ] A.b (1 ms)\n'}), (1, 1, 0))
        self.assertEqual(count_tests.count({'result': 'TIMEOUT', 'stdout': ''}), (0, 1, 0))

    def test_any_other_test_counts_as_one(self):
        self.assertEqual(count_tests.count({'result': 'OK', 'stdout': 'fine'}), (1, 0, 0))
        self.assertEqual(count_tests.count({'result': 'SKIP'}), (0, 0, 1))

    def test_what_failed_is_shown_where_the_end_of_a_long_log_is_read(self):
        shown = count_tests.end_of_output({'stdout': 'first\n' * 50, 'stderr': 'x' * 9999 + '\nwhy\n'})
        self.assertEqual(shown[-1].strip(), 'why')
        self.assertEqual(len(shown), count_tests.LINES_SHOWN)
        self.assertLess(max(map(len, shown)), 600)
        self.assertEqual(count_tests.end_of_output({'result': 'TIMEOUT'}), [])

    # --- the walk itself
    def test_the_walk_finds_this_repository(self):
        self.assertIn('tests/tidy/tree.py', Tree(REPOSITORY).files('tests'))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
