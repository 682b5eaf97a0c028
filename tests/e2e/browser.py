"""Headless Chromium, driven over WebDriver (https://www.w3.org/TR/webdriver2/) by Debian's chromium-driver."""
import base64
import json
import subprocess
import tempfile
import time
import urllib.request

PATIENCE_SECONDS = 60


class Browser:
    """One window. `dark`: the colour scheme that pages are told of."""

    def __init__(self, width, height, dark=False):
        self.home = tempfile.TemporaryDirectory()
        # The port that it takes free for one kind of loopback may be taken for the other: it ends, and finds another.
        if not any(self.start() for _ in range(5)):
            raise AssertionError('chromedriver did not start')
        options = {'args': ['--headless=new', '--no-sandbox', '--disable-gpu', f'--user-data-dir={self.home.name}',
                            '--disable-background-networking', f'--window-size={width},{height}']}
        made = self.ask('POST', '/session', {'capabilities': {'alwaysMatch': {'browserName': 'chrome', 'goog:chromeOptions': options}}})
        self.url += '/session/' + made['sessionId']
        self.command('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.prefer(dark)

    def start(self):
        self.driver = subprocess.Popen(['chromedriver', '--port=0'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if 'started successfully on port' in line:
                self.url = 'http://127.0.0.1:' + line.rstrip('.\n').rsplit(' ', 1)[1]
                return True
        self.driver.stdout.close()
        self.driver.wait()
        return False

    def prefer(self, dark):
        self.command('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def ask(self, method, path, what=None):
        body = json.dumps(what).encode() if what is not None else None
        asked = urllib.request.Request(self.url + path, body, {'Content-Type': 'application/json'}, method=method)
        with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)['value']

    def command(self, name, **parameters):
        """Of the DevTools protocol."""
        return self.ask('POST', '/goog/cdp/execute', {'cmd': name, 'params': parameters})

    def open(self, url):
        self.ask('POST', '/url', {'url': url})

    def evaluate(self, expression):
        return self.ask('POST', '/execute/sync', {'script': 'return ' + expression, 'args': []})

    def wait_for(self, expression):
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.evaluate(expression):
            if time.monotonic() > until:
                raise AssertionError(f'{expression} did not come true: {self.evaluate("document.body.innerText")}')
            time.sleep(0.05)

    def screenshot(self, path):
        shot = self.command('Page.captureScreenshot', captureBeyondViewport=True)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(shot['data']))

    def close(self):
        try:
            self.ask('DELETE', '')
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            self.home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
