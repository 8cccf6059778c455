"""tools/visualize.py: what it draws is what the models computed; its page stands alone."""

import re
import runpy
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.registry import MODELS
from paths import TESTS
from PIL import Image

import mlgcn  # noqa: F401
from mlgcn.apis import MultiLabelInferencer
from mlgcn.checkpoints.metadata import make_metadata, save_weights
from mlgcn.visualization.explanation import write_explanations
from mlgcn.visualization.explanation.canvas import Canvas
from mlgcn.visualization.explanation.class_maps import class_maps
from mlgcn.visualization.explanation.colors import diverging, hex_of, ink_on, sequential
from mlgcn.visualization.explanation.explain import explain, run_model
from mlgcn.visualization.explanation.graph_pictures import graph_picture
from mlgcn.visualization.explanation.label_edges import edge_effects, label_edges, without_edges
from mlgcn.visualization.explanation.patch_edges import chosen_patches, patch_effects
from mlgcn.visualization.explanation.patch_parts import strongest_patch
from mlgcn.visualization.explanation.photo import HEAD, MARGIN, Photo, seen_image
from mlgcn.visualization.explanation.photo_pictures import short, span

NAMES = ['cat', 'dog & <b>cow</b>', 'hen', 'traffic light']
K, SIZE = len(NAMES), 64
RESNET = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 2, 1)
)  # maps of 4 x 4 places
CHANNELS = (8, 16, 32)
MODELS_HERE = {
    'addgcn': dict(
        backbone=RESNET,
        head=dict(type='mlgcn.ADDGCNHead', num_classes=K, in_channels=32, node_channels=12),
    ),
    'gkgnet': dict(
        backbone=dict(
            type='mlgcn.PyramidViG',
            arch=(CHANNELS, (1, 2, 1)),
            k=3,
            img_size=SIZE,
            out_indices=(0, 1, 2),
        ),
        neck=dict(type='mlgcn.LabelGraphNeck', num_classes=K, in_channels=CHANNELS, k=3, num_gcn=2),
        head=dict(type='mlgcn.GKGHead', num_classes=K, in_channels=32),
    ),
    'addgcn_pvig': dict(
        backbone=dict(
            type='mlgcn.PyramidViG',
            arch=(CHANNELS, (1, 2, 1)),
            k=3,
            img_size=SIZE,
            out_indices=(2,),
        ),
        head=dict(type='mlgcn.ADDGCNHead', num_classes=K, in_channels=32, node_channels=12),
    ),
    'avg': dict(
        backbone=RESNET,
        head=dict(type='mlgcn.LinearHead', num_classes=K, in_channels=32, pool='avg'),
    ),
    'max': dict(
        backbone=RESNET,
        head=dict(type='mlgcn.LinearHead', num_classes=K, in_channels=32, pool='max'),
    ),
}
NORMALISATION = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
PIPELINE = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=(SIZE, SIZE), backend='pillow'),
    dict(type='PackInputs'),
]


def save(folder, kind):
    """A checkpoint of random weights with everything that the tools need."""
    torch.manual_seed(0)
    cfg = Config(
        dict(
            model=dict(type='ImageClassifier', **MODELS_HERE[kind]),
            data_preprocessor=NORMALISATION,
            test_dataloader=dict(dataset=dict(pipeline=PIPELINE)),
        )
    )
    model = MODELS.build(cfg.model)
    for name, value in model.state_dict().items():  # so large that all edges and biases tell
        if name.startswith('head'):
            value.copy_(value + torch.randn(value.shape) * 0.1)
    weights = model.state_dict()
    path = folder / f'{kind}.pth'
    save_weights(path, weights, make_metadata(weights, NAMES, 'none', cfg))
    return path


@pytest.fixture(scope='module')
def photo_file(tmp_path_factory):
    noise = np.random.RandomState(0).randint(0, 256, (9, 12, 3), np.uint8)
    path = tmp_path_factory.mktemp('photos') / 'a photo.png'
    Image.fromarray(noise).resize((120, 90), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope='module')
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checkpoints')
    return {kind: MultiLabelInferencer(save(folder, kind), device='cpu') for kind in MODELS_HERE}


def run(inferencer, photo_file):
    """(model, maps of the photograph, logits (K,))."""
    pixels, maps, neighbours, logits = run_model(
        inferencer.model.model, inferencer.model.pack(photo_file)
    )
    return inferencer.model.model, maps, torch.from_numpy(logits)


# -- what the numbers are ----------------------------------------------------------------------


@pytest.mark.parametrize('kind', MODELS_HERE)
def test_the_picture_is_the_one_that_the_model_saw(kind, loaded, photo_file):
    packed = loaded[kind].model.pack(photo_file)
    pixels, _, _, logits = run_model(loaded[kind].model.model, packed)
    with Image.open(photo_file) as image:
        resized = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    assert np.array_equal(pixels, np.asarray(resized))
    np.testing.assert_allclose(logits, loaded[kind].model.logits([packed])[0], rtol=1e-5)


def test_the_picture_of_a_model_on_bgr_without_normalisation():
    bgr = torch.arange(12.0).reshape(1, 3, 2, 2) * 20 - 1.4
    seen = seen_image(ClsDataPreprocessor(), bgr)
    assert np.array_equal(seen[1, 0], [199, 119, 39]) and seen[0, 0, 2] == 0


def test_attention_and_adjacency_are_the_heads(loaded, photo_file):
    model, maps, _ = run(loaded['addgcn'], photo_file)
    head, labels = model.head, [2, 0, 3]
    edges = label_edges(head, maps, labels)
    explained = head.explain(maps)
    assert torch.equal(edges.attention, explained['attention'][0, labels])
    for i, sender in enumerate(labels):
        for j, receiver in enumerate(labels):
            assert edges.dynamic[i, j] == explained['adjacency'][0, sender, receiver]

    # the static graph, by its effect: what `receiver` gets when `sender` alone says 1
    for i, sender in enumerate(labels):
        nodes = F.one_hot(torch.tensor([sender]), K)[:, :, None].float()
        heard = head.gcn.static_adj(nodes)[0, :, 0]
        torch.testing.assert_close(edges.static[i], heard[labels].detach())


def test_edge_ablation_equals_a_run_by_hand(loaded, photo_file):
    model, maps, before = run(loaded['addgcn'], photo_file)
    head, labels = model.head, [3, 1, 0]
    effects = edge_effects(head, maps, labels)

    def leaky(x):
        return F.leaky_relu(x, 0.2)

    with torch.no_grad():
        activation = head.fc(maps[-1])
        nodes = head.label_nodes(maps[-1], activation)
        nodes_static = nodes + head.gcn.static(nodes)
        whole = head.gcn.adjacency(nodes_static)
        for i, label in enumerate(labels):
            cut = whole.clone()
            for other in range(K):
                if other != label:
                    cut[:, label, other] = cut[:, other, label] = 0
            updated = leaky(head.gcn.dynamic_weight(leaky(nodes_static @ cut)))
            logits = activation.flatten(2).amax(2) + head.node_score(nodes + updated)
            expected = (logits[0] / 2 - before)[labels]
            torch.testing.assert_close(effects[i], expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(head(maps)[0], before, atol=0, rtol=0)  # all edges are back
    assert (effects.abs() > 1e-4).all()


def test_edges_come_back_after_an_error(loaded, photo_file):
    model, maps, before = run(loaded['addgcn'], photo_file)
    with pytest.raises(RuntimeError, match='stop'), without_edges(model.head.gcn, 0):
        raise RuntimeError('stop')
    with torch.no_grad():
        assert torch.equal(model.head(maps)[0], before)


def test_chosen_patches_are_the_necks_edges(loaded, photo_file):
    model, maps, _ = run(loaded['gkgnet'], photo_file)
    labels = [3, 1]
    with torch.no_grad():
        *_, edges = model.neck(maps, return_edges=True)
    found = chosen_patches(model.neck, maps, labels)
    assert [stage.grid for stage in found] == [(16, 16), (8, 8), (4, 4)]
    for stage, index, patches in zip(found, edges, maps):
        assert torch.equal(stage.index, index[0][:, labels])
        torch.testing.assert_close(stage.share.sum(-1), torch.ones(2, 2))
        groups = patches[0].flatten(1).chunk(2)  # (c, N) each
        for g, n in np.ndindex(2, 2):
            values = groups[g][:, stage.index[g, n].long()]  # (c, k)
            wins = [(values.argmax(1) == place).float().mean() for place in range(3)]
            torch.testing.assert_close(stage.share[g, n], torch.stack(wins))


def label_alone(model, maps, label, cut):
    """The logit of `label` from its own way through the neck; no patches in the stages `cut`."""
    neck, head = model.neck, model.head
    node = neck.labels.weight[label][None, :, None]  # (1, C, 1)
    for s, (stage, patches) in enumerate(zip(neck.stages, maps)):
        for block in stage.blocks:
            g = block.grapher
            x = g.fc1(node)
            if s in cut:
                relative = torch.zeros_like(x)
            else:
                _, edges = g(node, patches)
                parts = zip(patches[0].flatten(1).chunk(2), edges[0, :, 0].long(), x[0].chunk(2))
                relative = torch.cat([(p[:, e] - n).amax(1) for p, e, n in parts])[None, :, None]
            mixed = torch.stack([x, relative], dim=2).flatten(1, 2)
            conv, norm = g.graph_conv[:2]
            node = block.ffn(node + g.fc2(F.gelu(norm(conv(mixed)))))
        node = stage.project(node.transpose(1, 2)).transpose(1, 2)
    own = node[0, :, 0] @ head.fc1.weight[label] + head.fc1.bias[label]
    return own + head.fc2(maps[-1].mean(dim=(2, 3)))[0, label]


def test_patch_ablation_equals_a_run_by_hand(loaded, photo_file):
    model, maps, before = run(loaded['gkgnet'], photo_file)
    labels = [2, 0]
    effects = patch_effects(model, maps, labels)
    assert effects.shape == (2, 4)
    with torch.no_grad():
        for i, label in enumerate(labels):
            whole = label_alone(model, maps, label, cut=())
            torch.testing.assert_close(whole, before[label], atol=1e-4, rtol=1e-4)
            for column, cut in enumerate(([0], [1], [2], range(3))):
                change = label_alone(model, maps, label, cut) - whole
                torch.testing.assert_close(effects[i, column], change, atol=1e-4, rtol=1e-3)
        after, *_ = model.head(model.neck(maps))
    torch.testing.assert_close(after, before, atol=0, rtol=0)  # all edges are back
    assert (effects.abs() > 1e-3).all()


def test_neighbours_are_those_of_every_stages_last_block(loaded, photo_file):
    model = loaded['gkgnet'].model.model
    packed = loaded['gkgnet'].model.pack(photo_file)
    _, maps, found, _ = run_model(model, packed)
    assert [(n.grid, n.reduction) for n in found] == [
        ((16, 16), 4),
        ((8, 8), 2),
        ((4, 4), 1),
    ]
    with torch.no_grad():
        for s, stage in enumerate(model.backbone.stages[1:], start=1):
            x = stage.downsample(maps[s - 1])
            table = stage.relative_position(x[0, 0].numel(), stage.num_keys(x.shape[2:]), x.device)
            for block in stage.blocks:
                x, edges = block(x, relative_pos=table)
            assert torch.equal(found[s].index, edges[0])
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize('pool', ['avg', 'max'])
def test_class_maps_of_a_linear_head_add_up_to_the_logit(pool, loaded, photo_file):
    model, maps, logits = run(loaded[pool], photo_file)
    fc, labels = model.head.fc, [3, 0]
    found, rest = class_maps(model, maps, labels)
    torch.testing.assert_close(rest, fc.bias[labels].detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.sum(dim=(1, 2)) + rest, logits[labels])
    feature = maps[-1][0]
    if pool == 'avg':  # Zhou et al.'s CAM, a 1x1 convolution
        expected = torch.einsum('kc,chw->khw', fc.weight[labels], feature) / feature[0].numel()
    else:  # each channel at the place of its maximum
        expected = torch.zeros(2, *feature.shape[1:])
        for c, channel in enumerate(feature):
            row, column = divmod(int(channel.argmax()), feature.shape[2])
            expected[:, row, column] += fc.weight[labels, c] * channel.max()
    torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=1e-4)


def test_class_maps_of_other_heads_are_first_order(loaded, photo_file):
    model, maps, logits = run(loaded['gkgnet'], photo_file)
    found, rest = class_maps(model, maps, [1])
    torch.testing.assert_close(found.sum() + rest[0], logits[1])
    step = 1e-3  # of the last map: the slope is the map's sum
    with torch.no_grad():
        moved = [
            model.head(model.neck((*maps[:-1], maps[-1] * (1 + s))))[0, 1] for s in (step, -step)
        ]
    torch.testing.assert_close(
        found.sum(), (moved[0] - moved[1]) / (2 * step), atol=5e-3, rtol=0.01
    )


def test_a_backbone_without_maps_is_named(loaded):
    with pytest.raises(ValueError, match=r'ResNet: its last output is \(1, 32\), not a map'):
        class_maps(loaded['avg'].model.model, (torch.zeros(1, 32),), [0])


# -- where they are drawn ------------------------------------------------------------------------


def test_patches_lie_where_the_strides_put_them():
    photo = Photo(np.zeros((96, 96, 3), np.uint8), 'p')
    scale = photo.scale
    box = photo.patch_box(1, 2, (24, 24))
    assert box == pytest.approx(
        (MARGIN + 8 * scale, HEAD + 4 * scale, MARGIN + 12 * scale, HEAD + 8 * scale)
    )
    box = photo.patch_box(4, 8, (24, 24), span=4)
    assert box[2] - box[0] == pytest.approx(16 * scale)
    assert photo.patch_at((95, 50), (24, 24)) == (12, 23)

    odd = Photo(np.zeros((100, 60, 3), np.uint8), 'p')  # strided convolutions round up
    assert odd.strides((25, 15)) == (4, 4) and odd.strides((13, 8)) == (8, 8)
    assert odd.strides((7, 4)) == (16, 16) and odd.strides((4, 2)) == (32, 32)
    assert odd.patch_box(3, 1, (4, 2))[2:] == pytest.approx(
        (MARGIN + 60 * odd.scale, HEAD + 100 * odd.scale)
    )
    assert odd.patch_at((59, 99), (4, 2)) == (3, 1)
    cells = odd.cells(np.arange(8, dtype=np.uint8).repeat(4).reshape(4, 2, 4))
    assert cells.size == (60, 100)
    assert cells.getpixel((31, 32))[0] == 2 and cells.getpixel((32, 31))[0] == 1


def test_the_strongest_patch_has_the_largest_share(loaded, photo_file):
    model, maps, _ = run(loaded['gkgnet'], photo_file)
    photo = Photo(np.zeros((SIZE, SIZE, 3), np.uint8), 'p')
    stage = chosen_patches(model.neck, maps, [0, 1, 2])[1]
    for label in range(3):
        x, y = strongest_patch(photo, stage, label)
        patch = (y // 8) * 8 + x // 8
        best = max(
            (stage.share[g, label, j].item(), stage.index[g, label, j].item())
            for g, j in np.ndindex(2, 3)
        )
        assert stage.share[stage.index[:, label].eq(patch).nonzero()[0, 0], label].max() == best[0]


@pytest.mark.parametrize('scale', [sequential, diverging])
def test_numbers_can_be_read_on_every_colour(scale):
    def luminance(color):
        c = np.asarray(color) / 255
        c = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return c @ (0.2126, 0.7152, 0.0722)

    for value in np.linspace(-1, 1, 101):
        color = scale(np.array(value))
        ink = ink_on(color)
        both = sorted([luminance(color), 1.0 if ink == '#ffffff' else 0.0])
        assert (both[1] + 0.05) / (both[0] + 0.05) >= 4.5, (value, hex_of(color))


def test_colour_scales_have_the_known_ends():
    assert hex_of(sequential(np.array(0.0))) == '#440154'
    assert hex_of(sequential(np.array(1.0))) == '#fde725'
    assert hex_of(diverging(np.array(0.0))) == '#f7f7f7'


def test_numbers_in_few_characters():
    assert [short(v) for v in (0, 0.0432, 0.9, 1.0, 4.3e-9)] == ['0', '0.043', '0.9', '1', '4e-09']
    assert [short(v, 2) for v in (0, 0.001, -0.3, 5.27)] == ['0', '~0', '-0.30', '+5.27']
    assert span(0.0, 0.5) == '0 to 0.5' and span(0.4961, 0.5042) == '0.4961 to 0.5042'
    assert span(0.3, 0.3) == '0.3 to 0.3'


def test_png_and_svg_show_the_same_shapes():
    canvas = Canvas(40, 20, 'a & b')
    canvas.rect((10, 5, 30, 15), '#ff0000')
    canvas.polyline([(0, 10), (40, 10)], '#0000ff', 2)
    canvas.text((20, 5), 'x < y', 8)
    image = canvas.png()
    assert image.size == (60, 30)
    assert image.getpixel((20, 11)) == (255, 0, 0) and image.getpixel((3, 3)) == (255, 255, 255)
    assert image.getpixel((50, 15)) == (0, 0, 255)
    svg = canvas.svg()
    assert 'aria-label="a &amp; b"' in svg and 'x &lt; y' in svg
    assert '<rect x="10.0" y="5.0" width="20.0" height="10.0" fill="#ff0000"' in svg


def test_large_graphs_keep_their_heaviest_edges():
    weights = np.arange(100, dtype=float).reshape(10, 10)
    canvas = graph_picture(weights, [f'label {i}' for i in range(10)], [0.5] * 10, 'graph')
    assert 'the 30 heaviest of 90' in canvas.title
    assert canvas.svg().count('<polygon') == 30 + 3  # and those of the legend


# -- the page ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Links and alternative texts of a page; fails on a tag that is not closed."""

    void = {'meta', 'img', 'input', 'br'}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.figures, self.headings = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[name] for name in ('src', 'href') if name in attrs]
        if tag == 'svg' and attrs.get('role') == 'img':
            assert attrs['aria-label'] and 'button' in self.open
            self.figures.append(attrs['aria-label'])
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ('src', 'href')]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ('h2', 'h3'):
            self.headings.append(data)


CAM, ABLATION = 'Class activation maps', 'Edge ablation'
HEADINGS = {
    'addgcn': ['Attention', 'Graph', ABLATION],
    'gkgnet': ['Patches that the labels chose', 'Neighbours of a patch', ABLATION, CAM],
    'addgcn_pvig': ['Attention', 'Graph', ABLATION, 'Neighbours of a patch'],
    'avg': [CAM],
    'max': [CAM],
}
FIGURES = {
    'addgcn': 3 + 3 + 1,
    'gkgnet': 3 * 3 + 1 + 3 * 3 + 3,
    'addgcn_pvig': 3 + 3 + 1 + 3,
    'avg': 3,
    'max': 3,
}


@pytest.mark.parametrize('kind', MODELS_HERE)
def test_page_and_pngs(kind, loaded, photo_file, tmp_path):
    labels = ['hen', NAMES[1], 'cat']
    path = write_explanations(loaded[kind], [photo_file, photo_file], tmp_path / 'new/out', labels)
    text = path.read_text()
    page = Page(text)
    assert all(link.startswith(('data:image/', '#')) for link in page.links)
    assert not re.search(r'https?://|url\(|@import', text) and '<b>cow' not in text
    for link in page.links:
        assert not link.startswith('#') or f'id="{link[1:]}"' in text, link
    assert page.headings == 2 * [str(photo_file), *HEADINGS[kind]]
    folders = [path.parent / 'a_photo', path.parent / 'a_photo-2']
    assert len(page.figures) == 2 * (FIGURES[kind] + 1)  # and the photographs themselves
    for folder in folders:
        pngs = sorted(folder.glob('*.png'))
        assert len(pngs) == FIGURES[kind]
        for png in pngs:
            with Image.open(png) as image:
                assert min(image.size) > 150
        with Image.open(folder / 'overview.jpg') as image:
            assert image.width <= 903 and image.height <= 480


def test_tables_hold_the_ablations(loaded, photo_file):
    for kind, head in (('addgcn', 5), ('gkgnet', 7)):
        model, maps, logits = run(loaded[kind], photo_file)
        inferencer = loaded[kind]
        packed = inferencer.model.pack(photo_file)
        explanation = explain(inferencer, packed, 'p', ['cat', 'hen'])
        (table,) = [part.table for part in explanation.parts if part.table]
        assert len(table.head) == head == len(table.rows[0])
        for name, before, after, change, *rest in table.rows:
            k = NAMES.index(name)
            if kind == 'addgcn':
                effect = edge_effects(model.head, maps, [k])[0, 0]
            else:
                effects = patch_effects(model, maps, [k])[0]
                effect = effects[-1]
                assert rest == [f'{e:+.3f}' for e in effects[:-1]]
            assert before == f'{logits[k]:.3f}' and after == f'{logits[k] + effect:.3f}'
            assert float(change) == pytest.approx(effect.item(), abs=6e-4)


def test_which_labels_are_drawn(loaded, photo_file, monkeypatch):
    model = loaded['avg'].model
    logits = model.logits([model.pack(photo_file)])[0]
    order = [NAMES[k] for k in np.argsort(-logits)]
    p = np.sort(1 / (1 + np.exp(-logits)))[::-1]
    for options, expected, note in (
        (dict(threshold=float(p[1] + p[2]) / 2), order[:2], 'that the model predicts'),
        (dict(top_k=3), order[:3], 'the 3 most probable'),
        (dict(threshold=1.0), order[:3], 'No label is predicted'),
    ):
        inferencer = MultiLabelInferencer(model.path, device='cpu', **options)
        explanation = explain(inferencer, model.pack(photo_file), 'p')
        assert explanation.labels.names == expected and note in explanation.note
    monkeypatch.setattr('mlgcn.visualization.explanation.explain.MOST_LABELS', 2)
    inferencer = MultiLabelInferencer(model.path, device='cpu', threshold=0.0)
    explanation = explain(inferencer, model.pack(photo_file), 'p')
    assert explanation.labels.names == order[:2]
    assert explanation.note == 'Drawn: the 2 most probable of 4 predicted labels.'
    explanation = explain(inferencer, model.pack(photo_file), 'p', [order[3], order[0]])
    assert explanation.labels.names == [order[0], order[3]]


def test_a_given_patch(loaded, photo_file):
    packed = loaded['gkgnet'].model.pack(photo_file)
    explanation = explain(loaded['gkgnet'], packed, 'p', ['cat'], (50, 3))
    part = next(part for part in explanation.parts if part.heading.startswith('Neighbours'))
    assert [figure.stem for figure in part.figures] == [
        f'neighbours_pixel 50,3_stage{s}' for s in (1, 2, 3)
    ]


# -- the command ---------------------------------------------------------------------------------


def command(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['visualize.py', *map(str, args)])
    runpy.run_path(str(TESTS.parent / 'tools/visualize.py'), run_name='__main__')


def test_command(loaded, photo_file, tmp_path, monkeypatch, capsys):
    checkpoint = loaded['gkgnet'].model.path
    out = tmp_path / 'out'
    command(monkeypatch, checkpoint, photo_file.parent, '--out', out, '--top-k', 1)
    assert f'{out}/index.html: open it in a browser; 1 photograph,' in capsys.readouterr().out
    assert len(list(out.glob('a_photo/*.png'))) == 3 + 1 + 3 + 1


def test_wrong_input_is_one_line_and_status_2(loaded, photo_file, tmp_path, monkeypatch, capsys):
    gkgnet, linear = loaded['gkgnet'].model.path, loaded['avg'].model.path
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(b'no image')
    out = tmp_path / 'out'
    for args, message in (
        (
            (gkgnet, photo_file, '--labels', 'hens'),
            "no class 'hens' among its 4; did you mean 'hen'",
        ),
        ((gkgnet, photo_file, '--labels', 'zebra'), "no class 'zebra' among its 4; it has cat, "),
        ((gkgnet, photo_file, broken), f'{broken}'),
        ((gkgnet, tmp_path / 'none.jpg'), 'none.jpg: no such file'),
        ((gkgnet, photo_file, '--patch', '64,3'), 'patch 64,3 lies outside .* x goes from 0 to 63'),
        ((gkgnet, photo_file, '--patch=-1,3'), 'patch -1,3 lies outside'),
        ((gkgnet, photo_file, '--patch', '3'), '--patch 3: expected a pixel as X,Y'),
        ((linear, photo_file, '--patch', '3,3'), 'backbone ResNet has no graph of patches'),
        ((linear, photo_file, '--threshold', '2'), 'threshold is 2.0'),
        ((linear, photo_file, '--top-k', '9'), 'top_k is 9, but the model has 4 classes'),
    ):
        with pytest.raises(SystemExit) as stopped:
            command(monkeypatch, *args, '--out', out)
        lines = capsys.readouterr().err.splitlines()
        errors = [line for line in lines if line.startswith('error: ')]
        assert stopped.value.code == 2 and len(errors) == 1, args
        assert re.search(message, errors[0]), errors
    assert not out.exists()


def test_out_that_is_a_file(loaded, photo_file, tmp_path, monkeypatch, capsys):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SystemExit) as stopped:
        command(monkeypatch, loaded['avg'].model.path, photo_file, '--out', tmp_path / 'file')
    assert stopped.value.code == 2 and f'{tmp_path}/file' in capsys.readouterr().err
