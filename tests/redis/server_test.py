"""The tests' own Redis: server_test.py. Nothing else proves anything unless this holds."""
import os
import signal
import subprocess
import sys
import unittest

import server

COMMAND = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'server.py')]


def gone(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0] == 'Z'
    except OSError:
        return True


class TestServer(unittest.TestCase):
    def test_answers_comes_back_empty_after_kill_9_and_leaves_nothing_behind(self):
        with server.Redis() as redis:
            folder = redis.folder
            self.assertEqual(redis.command('SET', 'name', 'värde'), b'+OK\r\n')
            self.assertEqual(redis.command('GET', 'name'), '$6\r\nvärde\r\n'.encode())
            redis.kill()
            self.assertFalse(redis.answers())
            redis.start()
            self.assertEqual(redis.command('GET', 'name'), b'$-1\r\n')
            pid = redis.process.pid
        self.assertFalse(os.path.exists(folder))
        self.assertTrue(gone(pid))

    def test_frozen_it_answers_nothing_and_thawed_it_does(self):
        with server.Redis() as redis:
            redis.freeze()
            self.assertFalse(redis.answers(patience_seconds=0.1))
            redis.thaw()
            self.assertEqual(redis.command('PING'), b'+PONG\r\n')

    def test_options_and_users_apply_and_change_with_a_restart(self):
        with server.Redis({'requirepass': 'secret', 'user': 'reader on >word ~* +get'}) as redis:
            self.assertTrue(redis.command('GET', 'name').startswith(b'-NOAUTH'))
            self.assertEqual(redis.command('AUTH', 'secret'), b'+OK\r\n')
            self.assertEqual(redis.command('AUTH', 'reader', 'word'), b'+OK\r\n')
            self.assertTrue(redis.command('AUTH', 'reader', 'wrong').startswith(b'-WRONGPASS'))
            redis.config = {}
            redis.restart()
            self.assertEqual(redis.command('GET', 'name'), b'$-1\r\n')

    def test_options_that_redis_refuses_are_an_error_that_says_so(self):
        with self.assertRaisesRegex(AssertionError, 'maxmemory'):
            server.Redis({'maxmemory': 'much'})

    def test_as_a_command_it_runs_a_program_obeys_it_and_gives_its_status(self):
        script = ('import os, socket, sys\n'
                  'port = int(os.environ["SLUICE_TEST_REDIS_PORT"])\n'
                  'control = socket.socket(fileno=int(os.environ["SLUICE_TEST_REDIS_CONTROL"])).makefile("rw")\n'
                  'def order(what):\n'
                  '    print(what, file=control, flush=True)\n'
                  '    assert control.readline() == "done\\n"\n'
                  'order("kill")\n'
                  'try:\n'
                  '    socket.create_connection(("127.0.0.1", port))\n'
                  'except ConnectionRefusedError:\n'
                  '    order("start")\n'
                  '    socket.create_connection(("127.0.0.1", port)).close()\n'
                  '    sys.exit(3)\n')
        done = subprocess.run([*COMMAND, '--', sys.executable, '-c', script], check=False, text=True, capture_output=True)
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_when_the_test_is_killed_the_server_ends_and_its_folder_goes(self):
        process = subprocess.Popen([*COMMAND, '--', 'sh', '-c', 'echo $SLUICE_TEST_REDIS_PID; '
                                    'dirname "$SLUICE_TEST_REDIS_SOCKET"; exec cat'],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        pid, folder = (process.stdout.readline().strip() for _ in range(2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        server.wait_until(lambda: gone(pid) and not os.path.exists(folder), 'everything is gone')
        process.stdin.close()
        process.stdout.close()


if __name__ == '__main__':
    sys.path.insert(0, os.path.join(os.path.dirname(COMMAND[1]), '../e2e'))
    import told
    told.run(TestServer)
