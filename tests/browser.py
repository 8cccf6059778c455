"""Headless Chromium, driven through a pipe (DevTools protocol)."""

import base64
import itertools
import json
import os
import shutil
import subprocess
from contextlib import suppress

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')


class Browser:
    """One page of Chromium, as a context manager; `errors` are what its scripts raised."""

    def __init__(self, folder, width, height=900):
        read, self._send = os.pipe()
        self._receive, write = os.pipe()
        options = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe']
        command = [
            CHROMIUM,
            *options,
            f'--user-data-dir={folder}',
            f'--window-size={width},{height}',
        ]
        script = 'exec 3<&$0 4>&$1; shift; exec "$@"'
        self.process = subprocess.Popen(
            ['bash', '-c', script, str(read), str(write), *command],
            pass_fds=(read, write), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read)
        os.close(write)
        self._numbers, self._rest, self.errors, self._session = itertools.count(1), b'', [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)[
            'sessionId'
        ]
        for domain in ('Page', 'Runtime', 'DOM'):
            self.call(f'{domain}.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip

    def _message(self):
        while b'\0' not in self._rest:
            data = os.read(self._receive, 65536)
            assert data, 'Chromium has ended'
            self._rest += data
        text, self._rest = self._rest.split(b'\0', 1)
        message = json.loads(text)
        if message.get('method') == 'Runtime.exceptionThrown':
            self.errors.append(message['params']['exceptionDetails'])
        return message

    def call(self, method, **params):
        number = next(self._numbers)
        session = {'sessionId': self._session} if self._session else {}
        text = json.dumps(dict(id=number, method=method, params=params, **session))
        os.write(self._send, text.encode() + b'\0')
        while (answer := self._message()).get('id') != number:
            pass
        assert 'error' not in answer, answer
        return answer['result']

    def open(self, url):
        self.call('Page.navigate', url=url)
        while self._message().get('method') != 'Page.loadEventFired':
            pass

    def run(self, script):
        """The value of an expression, or of the promise that it gives."""
        answer = self.call(
            'Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True
        )
        assert 'exceptionDetails' not in answer, answer['exceptionDetails']
        return answer['result'].get('value')

    def until(self, condition):
        """Wait for an expression of the page to become true."""
        self.run(f'new Promise(done => {{ const look = () => ({condition}) ? done() '
                 ': setTimeout(look, 20); look(); })')  # fmt: skip

    def choose(self, selector, files):
        """Put files into an input of the page."""
        root = self.call('DOM.getDocument')['root']['nodeId']
        node = self.call('DOM.querySelector', nodeId=root, selector=selector)['nodeId']
        self.call('DOM.setFileInputFiles', nodeId=node, files=[str(file) for file in files])

    def drop(self, x, y, files):
        """Drag files onto a place of the page."""
        data = dict(items=[], files=[str(file) for file in files], dragOperationsMask=1)
        for kind in ('dragEnter', 'dragOver', 'drop'):
            self.call('Input.dispatchDragEvent', type=kind, x=x, y=y, data=data)

    def point_at(self, selector):
        """Scroll to an element and move the pointer over its middle."""
        x, y = self.run(f"""(() => {{
            const element = document.querySelector({selector!r});
            element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)

    def press(self, key):
        code = {'Tab': 9, 'Enter': 13, 'Escape': 27, 'ArrowLeft': 37, 'ArrowRight': 39}[key]
        for kind in ('keyDown', 'keyUp'):
            text = {'text': '\r'} if (kind, key) == ('keyDown', 'Enter') else {}
            self.call('Input.dispatchKeyEvent', type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **text)  # fmt: skip

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call('Page.captureScreenshot')['data']))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        for pipe in (self._send, self._receive):
            with suppress(OSError):
                os.close(pipe)
