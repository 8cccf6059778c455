"""Write one HTML page of scores, per-class APs and photographs from scores files.

python tools/test.py CONFIG CKPT --metrics all --out addgcn.npz
python tools/page.py addgcn.npz baseline.npz --out page.html
"""

import argparse
import sys
import warnings
from pathlib import Path

from mlgcn.visualization import write_page


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('scores', nargs='+', metavar='SCORES.npz', help='from tools/test.py --out')
    parser.add_argument('--out', default='page.html', help='the page (default: %(default)s)')
    parser.add_argument('--names', nargs='+', help='name of each run (default: its file stem)')
    parser.add_argument('--image-root', help='folder that the image files are relative to')
    parser.add_argument('--title', default='Multi-label scores', help='heading of the page')
    args = parser.parse_args()
    args.names = args.names or [Path(path).stem for path in args.scores]
    if len(set(args.names)) != len(args.scores) or len(args.names) != len(args.scores):
        parser.error(
            f'{len(args.scores)} scores files need as many different --names: {args.names}'
        )
    return args


def main() -> None:
    args = parse_args()
    runs = dict(zip(args.names, args.scores))
    warnings.showwarning = lambda message, *_: print(f'warning: {message}', file=sys.stderr)
    try:
        write_page(runs, args.out, args.image_root, args.title)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'Wrote {args.out}: open it in a browser')


if __name__ == '__main__':
    main()
