"""The page to try a model: what it answers, what it refuses, and in a browser."""

import contextlib
import io
import json
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
from browser import CHROMIUM, Browser
from PIL import Image
from tiny_checkpoint import CLASSES, write_checkpoint

import mlgcn as package
from mlgcn.models.mirror_average import use_mirror_average

uvicorn = pytest.importorskip('uvicorn', reason='uvicorn is needed to serve')
pytest.importorskip('starlette', reason='starlette is needed to serve')
BINARY = {'content-type': 'application/octet-stream'}


def photo():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, 'PNG')
    return file.getvalue()


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    stated = dict(temperature=2.0, thresholds=[0.25, 0.5, 0.75], objective='f1', images=7)
    path, _ = write_checkpoint(
        tmp_path_factory.mktemp('model'), lambda cfg: use_mirror_average(cfg.model),
        calibration=stated,
    )  # fmt: skip
    return package.load(path, device='cpu')


@pytest.fixture(scope='module')
def address(model):
    """Of a server in a thread: its socket takes requests before it is ready to answer."""
    from mlgcn.cli.serve import TrialPage

    listening = socket.create_server(('127.0.0.1', 0))
    server = uvicorn.Server(uvicorn.Config(TrialPage(model).app('127.0.0.1'), log_level='error'))
    thread = threading.Thread(target=server.run, kwargs=dict(sockets=[listening]))
    thread.start()
    yield f'http://127.0.0.1:{listening.getsockname()[1]}'
    server.should_exit = True
    thread.join()


def ask(url, content=None, **headers):
    """(status, text) of a request."""
    request = urllib.request.Request(url, content, headers or (BINARY if content else {}))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_answers_are_those_of_predict(model, address):
    status, page = ask(address)
    assert status == 200 and '0.75' in page and all(name in page for name in CLASSES)
    status, text = ask(f'{address}/predict', photo())
    answer = json.loads(text)
    expected = model.predict(photo())[0].probabilities
    assert status == 200 and answer['picture'].startswith('data:image/jpeg;base64,')
    np.testing.assert_allclose(answer['probabilities'], expected, rtol=1e-5)
    status, text = ask(f'{address}/attention/1', photo())
    rows = np.array(json.loads(text))
    assert status == 200 and rows.ndim == 2 and rows.min() >= 0 and rows.max() <= 1


def test_what_is_refused(address, monkeypatch):
    predict = f'{address}/predict'
    assert ask(predict, b'no image') == (422, 'not an image')
    assert ask(predict, photo()[:900])[0] == 422
    assert ask(f'{address}/attention/3', photo())[0] == 404
    # what a page of somebody else could send, and under which name
    assert ask(predict, photo(), **{'content-type': 'text/plain'})[0] == 415
    assert ask(address, None, host='elsewhere.example')[0] == 400
    monkeypatch.setattr('mlgcn.cli.serve.MOST_BYTES', 2**20)
    assert ask(predict, bytes(2**20 + 1)) == (413, 'larger than 1 MiB')


def test_a_port_that_is_taken(mlgcn, model):
    with contextlib.closing(socket.create_server(('127.0.0.1', 0))) as taken:
        port = taken.getsockname()[1]
        answer = mlgcn('serve', model.checkpoint.path, '--port', port, '--device', 'cpu')
    assert answer.status == 2 and f'--port {port}' in answer.error


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason='Chromium is needed')
def test_in_a_browser(python, model, tmp_path):
    (tmp_path / 'a, "b".png').write_bytes(photo())
    (tmp_path / 'bad.jpg').write_text('no image')
    files = [tmp_path / 'a, "b".png', tmp_path / 'bad.jpg']
    command = [python, '-m', 'mlgcn', 'serve', model.checkpoint.path, '--port', '0']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split(': ', 1)[1].split()[0]
            for width in (420, 1280):
                with Browser(tmp_path / f'profile {width}', width) as browser:
                    browser.open(url)
                    if width == 420:
                        browser.choose('[type=file]', files)
                    else:
                        browser.drop(width / 2, 600, files)
                    browser.until('photos.length === 2')
                    try_page(browser, model.predict(files[0], threshold=0)[0])
        finally:
            server.terminate()


def try_page(browser, expected):
    assert browser.run("document.querySelector('article').innerText") == 'bad.jpg\nnot an image'
    # with the keyboard alone: all thresholds to 0, then to the first label of the photograph
    browser.run("document.querySelector('details').open = true; all.value = 0.01; all.focus()")
    browser.press('ArrowLeft')
    names = browser.run("[...document.querySelectorAll('.present span')].map(s => s.textContent)")
    assert names == [name for name, _ in expected.labels]
    while browser.run('document.activeElement.className') != 'present':
        browser.press('Tab')
    browser.until("!document.querySelector('canvas').hidden")
    assert browser.run("document.querySelector('canvas').width") >= 1
    assert browser.run('document.activeElement.title') == 'threshold 0.0 %'
    # with the pointer
    browser.run('document.activeElement.blur()')
    browser.until("document.querySelector('canvas').hidden")
    browser.point_at('.present')
    browser.until("!document.querySelector('canvas').hidden")
    browser.point_at('h1')
    browser.until("document.querySelector('canvas').hidden")
    assert browser.run('thresholds') == [0, 0, 0]
    browser.run("document.getElementById('reset').click()")
    assert browser.run('thresholds') == pytest.approx([0.25, 0.5, 0.75])
    saved = """(async () => {
        let blob;
        URL.createObjectURL = made => { blob = made; return '#'; };
        document.getElementById('csv').click();
        return blob.text();
    })()"""
    lines = browser.run(saved).splitlines()
    assert lines[0] == f'image,labels,error,{",".join(CLASSES)}'
    assert lines[1].startswith('"a, ""b"".png",') and lines[2] == 'bad.jpg,,not an image'
    browser.run("document.querySelector('h1').textContent += 'a_long_name_'.repeat(9)")
    assert browser.run('document.documentElement.scrollWidth <= innerWidth')
    show = "note = [...document.querySelectorAll('.unlabelled')].at(-1); note.hidden = false"
    assert 0 < browser.run(f'{show}; note.offsetHeight') < 100
    assert not browser.errors
