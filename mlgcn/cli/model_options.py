"""Options of the commands that use a trained model or its file.

These files import no torch, so that help and mistyped options take no second. A docstring is what
`mlgcn COMMAND --help` prints.
"""

from .options import MODEL, Parser, add, pixel

# as mlgcn.checkpoints.tables has them, which imports torch
SYSTEMS = ('addgcn', 'gkgnet', 'pvig', 'mmpretrain', 'torchvision')
PEERS = ('csra', 'ml_gcn', 'ml_decoder', 'query2label', 'ctran', 'asl')


def predict(parser: Parser) -> None:
    """Name what is on photographs.

    mlgcn predict work_dirs/addgcn_scenes/best.pth photos/ --out preds.json --show-dir drawn
    find photos -name '*.jpg' | mlgcn predict addgcn_coco_448 addgcn.pth - --out preds.csv

    Images are files, folders or globs; - reads paths from stdin, one a line. Ends with status 1 if
    an image could not be read (it is named, the others go on), 2 on wrong input.
    """
    option = parser.add_argument
    add(parser, 'model', metavar='[CONFIG] CKPT IMAGE|FOLDER|GLOB|-')
    add(parser, '--threshold', '--device', '--cfg-options', '--trust-checkpoint')
    add(parser, '--top-k', help='the K most probable labels (that reach a --threshold)')
    option('--batch-size', type=int, default=16, help='images at once (16)')
    option('--fuse', action='store_true', help='faster; logits differ by rounding')
    add(parser, '--tta', '--known', '--absent')
    add(parser, '--out', help='.json or .csv with the probabilities of all classes')
    add(parser, '--force')
    option('--show-dir', help='folder for the pictures with their labels')


def serve(parser: Parser) -> None:
    """A page in the browser to try a model: drop photographs, see labels and attention.

    mlgcn serve work_dirs/addgcn_scenes/best.pth
    mlgcn serve gkgnet_coco_576 gkgnet.pth --port 8080

    Thresholds are sliders; a label under the pointer or the keyboard's focus shows its attention
    (ADD-GCN and others that have one, else its class map); all probabilities can be downloaded as
    csv. Only this machine can open the page, unless --host says otherwise. Photographs are not
    kept. Needs starlette and uvicorn: pip install -e ".[optional]"
    """
    add(parser, *MODEL, '--device')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen at (127.0.0.1)')
    parser.add_argument('--port', type=int, default=8000, help='(8000); 0: any that is free')


def calibrate(parser: Parser) -> None:
    """Choose temperature and thresholds on the validation split, and put them into the checkpoint.

    mlgcn calibrate CONFIG CKPT --objective f1
    mlgcn calibrate CKPT --scores val.npz --objective precision=0.9 --out calibrated.pth

    CONFIG is a file or a shipped config's name. Both numbers are first fitted on half of the images
    and measured on the other half (the table); those that are stored are then fitted on all of
    them.
    """
    option = parser.add_argument
    add(parser, *MODEL)
    option('--objective', default='f1', help='f1, f2, precision=P, recall=R or cost=FP:FN (f1)')
    option('--global', dest='shared', action='store_true', help='one threshold for all classes')
    option('--min-positives', type=int, default=10, help='of a class with its own threshold (10)')
    add(parser, '--seed', default=0, help='of the split into halves (0)')
    option('--scores', help="the checkpoint's scores, written by mlgcn test --out FILE.npz")
    add(parser, '--out', help='.pth or .safetensors to write (CKPT with _calibrated)')
    add(parser, '--force')
    add(parser, '--device', default='cpu', help='e.g. cuda:1 (cpu)')


def visualize(parser: Parser) -> None:
    """Draw what a model looked at: one HTML page, and PNGs beside it.

    mlgcn visualize work_dirs/addgcn_scenes/best.pth street.jpg --out seen
    mlgcn visualize gkgnet_coco_576 gkgnet.pth street.jpg --out seen --labels person cup

    ADD-GCN: attention, the graph among the labels, edge ablation. GKGNet: the patches that the
    labels chose, edge ablation, the neighbours of a patch. All but ADD-GCN: class activation maps.
    docs/visualize.md explains the pictures.
    """
    add(parser, 'model', metavar='[CONFIG] CKPT IMAGE|FOLDER|GLOB')
    add(parser, '--out', required=True, help='folder for page and PNGs')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--labels', nargs='+', metavar='NAME', default=[], help='classes to draw')
    add(which, '--threshold', '--top-k')
    patch = (
        'GKGNet: pixel of the picture that the model saw (its size stands on the page), whose '
        "patch's neighbours are drawn (each label's strongest patch)"
    )
    parser.add_argument('--patch', metavar='X,Y', type=pixel, help=patch)
    add(parser, '--force', '--device', '--cfg-options', '--trust-checkpoint')
    add(parser, '--known', '--absent')


def export(parser: Parser) -> None:
    """Write a model for use without mlgcn, and verify that the file gives the same answers.

    mlgcn export work_dirs/RUN/epoch_50.pth                        (config: in the checkpoint)
    mlgcn export gkgnet_coco_576 CKPT --out gkgnet.onnx --dynamic-batch
    mlgcn export CKPT --format torch-export --image-size 320 480 --images photos/

    The file takes resized RGB images (B, H, W, 3), uint8, and gives logits and probabilities;
    classes, thresholds and the resize rule are in its metadata. Beside it a certificate says how
    nearly it answers as PyTorch does; a file that does not is refused. See docs/export.md.
    """
    option = parser.add_argument
    add(parser, *MODEL, '--force')
    add(parser, '--out', help='file to write (CKPT with .onnx or .pt2)')
    option('--format', choices=['onnx', 'torch-export'], default='onnx')
    option('--dynamic-batch', action='store_true', help='any number of images at once')
    option('--fp16', action='store_true', help='backbone and neck in float16')
    option('--image-size', nargs=2, type=int, metavar=('H', 'W'), help="(the test pipeline's)")
    option('--images', nargs='+', default=[], help="to compare on (the config's validation images)")
    option('--num-images', type=int, default=16, help='of them (16)')
    parser.set_defaults(device='cpu')  # where an exported graph is traced and compared


def convert(parser: Parser) -> None:
    """Convert published weights to mlgcn's names, or ours to those of the published code.

    mlgcn convert checkpoint_best.pth addgcn_coco.safetensors
    mlgcn convert work_dirs/addgcn/best.pth for_addgcn.pth --to addgcn
    mlgcn convert train.data data/coco/annotations/gkgnet_train.json

    mlgcn test and init_cfg read published files directly; converting is for keeping and passing on.
    GKGNet's published annotation lists (.data, pickles of which nothing is executed) become a COCO
    json with labels, without boxes.
    """
    option = parser.add_argument
    option('source', metavar='SRC', help='weights or list to read')
    option('target', metavar='DST', help='.safetensors, .pth or .json to write')
    names = parser.add_mutually_exclusive_group()
    kinds = ['auto', *SYSTEMS, *PEERS]
    names.add_argument(
        '--from', dest='kind', default='auto', choices=kinds, help='whose names SRC has (auto)'
    )
    kinds = ['addgcn', 'gkgnet', *PEERS]
    names.add_argument(
        '--to', choices=kinds, help='write our weights for the published code (.pth)'
    )
    vectors = 'label vectors that published ML-GCN weights were trained with: go into DST'
    option('--embeddings', metavar='NPY', help=vectors)
    add(parser, '--force', '--trust-checkpoint')


def publish(parser: Parser) -> None:
    """Write a checkpoint's weights and metadata alone, without the training state, to pass them on.

    mlgcn publish work_dirs/addgcn_coco_448/best_mAP_epoch_50.pth addgcn.safetensors
    """
    option = parser.add_argument
    option('source', metavar='IN', help='checkpoint of mlgcn train')
    option('target', metavar='OUT', help='.safetensors (preferred) or .pth to write')
    option('--licence', help='terms of use of the weights, in one sentence')
    add(parser, '--force', '--trust-checkpoint')


def describe(parser: Parser) -> None:
    """Say what a file of weights is: its metadata, or what a published file's names and shapes say.

    mlgcn describe FILE
    """
    parser.add_argument('file', help='checkpoint, published or ours (.pth, .pth.tar, .safetensors)')
    parser.add_argument('--config', action='store_true', help="also print the metadata's config")
    add(parser, '--trust-checkpoint')


def models(parser: Parser) -> None:
    """List the shipped models with their published results, or explain one of them.

    mlgcn models
    mlgcn models gkgnet_coco_576
    """
    parser.add_argument('name', nargs='?', help='explain this one')


def stats(parser: Parser) -> None:
    """Parameters and multiply-adds of models, as a Markdown table.

    mlgcn stats configs/gkgnet/*.py addgcn_coco_448

    One image at the size of the test pipeline. Multiply-adds count once, as in the papers' "FLOPs":
    convolutions, linear layers, batch norms, and the products behind ADD-GCN's graphs and GKGNet's
    distances. That makes 40.1 G of GKGNet-s at 576 (the paper's figure; 27 % of it are distances).
    """
    parser.add_argument('configs', nargs='+', help='config files or names of shipped ones')
    parser.add_argument('--num-classes', type=int, default=80, help='where the data decide (80)')
