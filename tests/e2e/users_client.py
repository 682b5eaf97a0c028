"""A client of the users API for end-to-end tests: one kept-alive connection."""
import http.client
import json

PATIENCE_SECONDS = 30


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()

    @property
    def json(self):
        return json.loads(self.text)


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=PATIENCE_SECONDS)

    def send(self, method, path, body=None, **headers):
        self.ask(method, path, body, **headers)
        return self.answer()

    def ask(self, method, path, body=None, **headers):
        """Header names are written with "_" for "-"; a body that is no text is sent as JSON."""
        fields = {name.replace('_', '-'): value for name, value in headers.items()}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if body is not None:
            fields.setdefault('Content-Type', 'application/json')
        self.connection.request(method, path, body, fields)

    def answer(self):
        return Answer(self.connection.getresponse())

    def create(self, email, name='Ada'):
        return self.send('POST', '/users', {'email': email, 'name': name})

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()
