"""Name what is on photographs."""

import argparse
import contextlib
import functools
import itertools
import sys
from collections.abc import Callable, Iterable

from PIL import Image

from mlgcn.apis import Decision, Prediction
from mlgcn.apis.inputs import ImageFile, list_images, read_image_list
from mlgcn.datasets.image_io import BadImage, read_image
from mlgcn.messages import printable
from mlgcn.progress import track
from mlgcn.visualization.label_card import PictureFolder, label_card

from . import arguments
from .prediction_file import PredictionFile


def main(args: argparse.Namespace) -> None:
    config, checkpoint, words = arguments.split_model(args.model, images=True)
    files = read_image_list(sys.stdin) if words == ['-'] else list_images(words)
    with contextlib.ExitStack() as stack:
        folder = PictureFolder(args.show_dir, args.force) if args.show_dir else None
        if folder and words != ['-']:
            folder.refuse_overwriting(files)
        out = stack.enter_context(PredictionFile(args.out, args.force)) if args.out else None
        model = arguments.load_model(args, config, checkpoint, args.fuse)
        decision = model.decision(args.threshold, args.top_k, args.tta)
        print(printable(f'{checkpoint}: {decision}'), file=sys.stderr)
        stream = functools.partial(model.stream, batch_size=args.batch_size)
        if out:
            out.start(model.checkpoint, decision)
        images, failed = answer(stream, decision, files, args.batch_size, out, folder)
    if out:
        print(f'{args.out}: {images} images, {failed} of them failed')
    if failed:
        print(f'{failed} of {images} images could not be read, named above', file=sys.stderr)
        sys.exit(1)


def answer(
    stream: Callable[[Iterable[str], Decision], Iterable[Prediction]],
    decision: Decision,
    files: Iterable[ImageFile],
    flush_after: int,
    out: PredictionFile | None,
    folder: PictureFolder | None,
) -> tuple[int, int]:
    """Predict, and write or print what comes; (number of images, how many of them failed)."""
    images = failed = 0
    total = len(files) if isinstance(files, list) else None
    files, ahead = itertools.tee(files)  # the model reads a batch ahead
    answers = zip(files, stream((file.path for file in ahead), decision))
    if out:  # the labels are printed otherwise
        answers = track(answers, 'images', total)
    for file, prediction in answers:
        if folder and not prediction.error:
            prediction = draw(folder, file, prediction, decision)
        if prediction.error:
            print(printable(f'{prediction.image}: {prediction.error}'), file=sys.stderr)
        elif not out:
            print(line(prediction), flush=True)
        images, failed = images + 1, failed + bool(prediction.error)
        if out:
            out.add(prediction)
            if images % flush_after == 0:  # what a kill leaves; after every image would be slow
                out.flush()
    if not images:
        raise ValueError('no path came on stdin')
    return images, failed


def draw(
    folder: PictureFolder, file: ImageFile, prediction: Prediction, decision: Decision
) -> Prediction:
    """Save the picture; an image that only the model's own pipeline can read counts as failed."""
    folder.refuse_overwriting([file])
    try:
        photo = Image.fromarray(read_image(file.path)[..., ::-1])
    except BadImage as error:
        return Prediction(prediction.image, error=error.fault)
    marks = dict(zip(decision.classes, decision.thresholds)) if decision.by_threshold else {}
    folder.save(label_card(photo, prediction.labels, str(decision), marks), *file)
    return prediction


def line(prediction: Prediction) -> str:
    labels = ', '.join(f'{name} {probability:.2f}' for name, probability in prediction.labels)
    return printable(f'{prediction.image}: {labels or "no label reaches its threshold"}')
