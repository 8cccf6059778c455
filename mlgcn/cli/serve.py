"""A page in the browser to try a model: drop photographs, see labels and where the model looked."""

import argparse
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlgcn.apis import LoadedModel
from mlgcn.datasets.image_io import BadImage
from mlgcn.messages import printable
from mlgcn.visualization.attributions import class_maps, head_inputs, run_model, seen_picture
from mlgcn.visualization.page import data_uri, render

from . import arguments

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route
except ImportError as error:
    raise ImportError(
        f'mlgcn serve needs {error.name}: pip install starlette uvicorn', name=error.name
    ) from error

MOST_BYTES = 32 * 2**20  # of a photograph's file


def main(args: argparse.Namespace) -> None:
    config, checkpoint, _ = arguments.split_model(args.model)
    model = arguments.load_model(args, config, checkpoint)
    try:
        listening = socket.create_server((args.host, args.port))
    except (OSError, OverflowError) as error:
        where = f'--host {args.host} --port {args.port}'
        reason = getattr(error, 'strerror', None) or error
        raise OSError(f'{where}: {reason}; choose another') from error
    port = listening.getsockname()[1]
    print(printable(f'{checkpoint}: http://{args.host}:{port} (Ctrl-C ends it)'), flush=True)
    server = uvicorn.Server(uvicorn.Config(TrialPage(model).app(args.host), log_level='warning'))
    server.run(sockets=[listening])


class TrialPage:
    """What the browser asks for; one photograph at a time goes through the model."""

    def __init__(self, model: LoadedModel):
        self.model, self.lock = model, threading.Lock()
        values = dict(
            model=Path(model.checkpoint.path).name, head=type(model.model.head).__name__,
            classes=model.classes, thresholds=model.calibration.thresholds.tolist(),
            decision=model.decision(), most_bytes=MOST_BYTES,
        )  # fmt: skip
        self.html = render('serve.html.j2', **values)

    def app(self, host: str) -> Starlette:
        """The application; where `host` is one name, requests for other names are refused."""
        # else a page of somebody else could lead its own name to this machine's address
        names = ['*'] if host in ('0.0.0.0', '::', '') else [host, 'localhost', '127.0.0.1']
        return Starlette(
            routes=[
                Route('/', self.page),
                Route('/predict', self.predict, methods=['POST']),
                Route('/attention/{label:int}', self.attention, methods=['POST']),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names)],
        )

    async def page(self, request: Request) -> HTMLResponse:
        return HTMLResponse(self.html)

    async def predict(self, request: Request) -> JSONResponse:
        """The picture that the model saw, and the probabilities (K,)."""
        return JSONResponse(await run_in_threadpool(self._predict, await content_of(request)))

    async def attention(self, request: Request) -> JSONResponse:
        """Where the model looked for one label: rows of numbers from 0 to 1."""
        label = request.path_params['label']
        if label >= len(self.model.classes):
            raise HTTPException(404, f'no class {label}')
        content = await content_of(request)
        return JSONResponse(await run_in_threadpool(self._attention, content, label))

    def _predict(self, content: bytes) -> dict[str, Any]:
        with self.lock, refused_as_unreadable():
            packed = self.model.pack(content)
            (logits,) = self.model.logits([packed])
        pixels = seen_picture(packed)
        probabilities = self.model.calibration.probabilities(logits)
        return dict(picture=data_uri(Image.fromarray(pixels)), probabilities=probabilities.tolist())

    def _attention(self, content: bytes, label: int) -> list[list[float]]:
        head = self.model.model.head
        with self.lock, refused_as_unreadable():
            _, maps, _, _ = run_model(self.model.model, self.model.pack(content))
            seen = head_inputs(self.model.model, maps)
            found = head.explain(seen).get('attention') if hasattr(head, 'explain') else None
            if found is None:
                seen = class_maps(self.model.model, maps, [label])[0][0]
            else:
                seen = found[0][label]
        seen = seen.detach().double().cpu().numpy().clip(min=0)
        return np.round(seen / max(seen.max(), 1e-12), 3).tolist()


@contextlib.contextmanager
def refused_as_unreadable() -> Iterator[None]:
    """Within, photographs that cannot be read, and NaN logits, become answers of status 422."""
    try:
        yield
    except (BadImage, ValueError) as error:  # the latter: NaN logits
        raise HTTPException(422, getattr(error, 'fault', '') or str(error)) from error


async def content_of(request: Request) -> bytes:
    """The file that was sent, of at most MOST_BYTES.

    A page of somebody else cannot send this content type: browsers ask this server first.
    """
    if request.headers.get('content-type') != 'application/octet-stream':
        raise HTTPException(415, 'expected content-type application/octet-stream')
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise HTTPException(413, f'larger than {MOST_BYTES // 2**20} MiB')
    return bytes(content)
