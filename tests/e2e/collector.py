"""A collector of traces, as an exporter sees it."""
import http.server
import json
import threading


class Collector(http.server.ThreadingHTTPServer):
    """Takes what exporters send, as OTLP's collector would, or says no with a status. `parse`: what makes JSON of it, or fails."""

    def __init__(self, parse=json.loads):
        super().__init__(('127.0.0.1', 0), Taker)
        self.parse, self.unreadable = parse, []
        self.spans, self.batches, self.status, self.changed = [], 0, 200, threading.Condition()
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def url(self):
        return f'http://127.0.0.1:{self.server_address[1]}'

    def until(self, condition):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), 60):
                raise AssertionError(f'waited in vain: {self.batches} batches, {self.spans}')

    def of(self, trace):
        """The spans of a trace, without those of others."""
        with self.changed:
            return [span for span in self.spans if span['traceId'] == trace]

    def end(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with self.server.changed:
            self.server.batches += 1
            if self.path == '/v1/traces' and self.headers['Content-Type'] == 'application/json' and self.server.status == 200:
                try:
                    told = self.server.parse(body)
                except ValueError as why:
                    self.server.unreadable.append((str(why), body))
                    told = {'resourceSpans': []}
                for resource in told['resourceSpans']:
                    for scope in resource['scopeSpans']:
                        self.server.spans += scope['spans']
            self.server.changed.notify_all()
        self.send_response(self.server.status)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'{}')

    def log_message(self, *_):
        pass
