"""A small OTLP collector for measuring: says its URL, and for each line that it is given how many spans it has taken, until
its input ends."""
import http.server
import sys
import threading


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.spans += body.count(b'"spanId"')
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'{}')

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Taker)
    server.daemon_threads = True
    server.spans = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f'http://127.0.0.1:{server.server_address[1]}', flush=True)
    for _ in sys.stdin:
        print(server.spans, flush=True)


if __name__ == '__main__':
    main()
