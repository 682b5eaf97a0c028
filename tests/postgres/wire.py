"""What stands between a server and PostgreSQL, and can lose the answers to what it has passed on."""
import contextlib
import socket
import threading


class Line:
    """One connection, from its client to the server behind."""

    def __init__(self, near, wire):
        self.wire, self.near, self.far = wire, near, socket.create_connection(('127.0.0.1', wire.behind))
        self.threads = [threading.Thread(target=self.pass_on, args=ends)
                        for ends in ((self.near, self.far), (self.far, self.near))]
        for thread in self.threads:
            thread.start()

    def pass_on(self, source, sink):
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                if source is self.near or not self.wire.loses_answers:
                    sink.sendall(said)
        self.cut()

    def cut(self):
        for end in (self.near, self.far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Wire:
    def __init__(self, behind):
        self.behind, self.lines, self.loses_answers = behind, [], False
        self.door = socket.create_server(('127.0.0.1', 0), backlog=100)
        self.port = self.door.getsockname()[1]
        self.porter = threading.Thread(target=self.accept)
        self.porter.start()

    def accept(self):
        with contextlib.suppress(OSError):  # as the door is shut
            while True:
                self.lines.append(Line(self.door.accept()[0], self))

    def lose_answers(self):
        """Until it is cut."""
        self.loses_answers = True

    def cut(self):
        """Ends all that is there; what is made from now on is whole."""
        for line in self.lines:
            line.cut()
        self.loses_answers = False

    def close(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.porter.join()
        for line in self.lines:
            line.cut()
            for thread in line.threads:
                thread.join()
            line.near.close()
            line.far.close()
        self.door.close()
