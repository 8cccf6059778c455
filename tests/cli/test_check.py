"""mlgcn check as a user meets it: what it says, what it writes, how it ends."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from tiny import ROOT


def photo(path, seed, **options):
    """A smooth picture of 120 x 80, different for each seed."""
    coarse = np.random.RandomState(seed).randint(0, 256, (8, 12, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((120, 80), Image.Resampling.BICUBIC).save(path, **options)
    return path


def write_csv(path, rows):
    with open(path, 'w', newline='', encoding='utf-8') as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def check(mlgcn, tmp_path):
    """Run the command on `own.train` and `own.val`; gives (status, text, report)."""

    def run(train, val, config='addgcn_own_448', *options):
        work = tmp_path / 'work'
        args = ['check', config, '--work-dir', work, '--force', '--workers', 2, '--cfg-options']
        answer = mlgcn(*args, f'own.train={train}', f'own.val={val}', *options)
        if answer.status == 2:
            return 2, answer.error, None
        text = (work / 'dataset_check.txt').read_text('utf-8')
        assert text.strip() in answer.out
        return answer.status, text, json.loads((work / 'dataset_check.json').read_text('utf-8'))

    return run


@pytest.fixture
def sound(tmp_path):
    """Six training and three validation photographs, with two labels."""
    rows = {'train': [], 'val': []}
    for i in range(9):
        split = 'train' if i < 6 else 'val'
        photo(tmp_path / f'{split} {i}.jpg', i)
        rows[split].append([f'{split} {i}.jpg', 'cat|dog' if i % 3 == 0 else 'dog'])
    return {k: write_csv(tmp_path / f'{k}.csv', v) for k, v in rows.items()}


def test_an_earlier_report_stays(mlgcn, tmp_path, sound):
    report = tmp_path / 'work' / 'dataset_check.json'
    report.parent.mkdir()
    report.write_text('earlier')
    args = ['check', 'addgcn_own_448', '--work-dir', report.parent, '--cfg-options']
    answer = mlgcn(*args, *(f'own.{split}={path}' for split, path in sound.items()))
    assert str(report) in answer.error and '--force' in answer.error
    assert report.read_text() == 'earlier'


def write_coco(path, images, boxes, categories):
    """`boxes` are {image id: (category, x, y, width, height)}."""
    keys = ('id', 'file_name', 'width', 'height')
    data = {
        'images': [dict(zip(keys, image)) for image in images],
        'annotations': [
            {'id': 10 + i, 'image_id': i, 'category_id': category, 'bbox': box}
            for i, (category, *box) in boxes.items()
        ],
        'categories': [{'id': i, 'name': name} for i, name in enumerate(categories, 1)],
    }
    path.write_text(json.dumps(data))


def cases(report, level, word) -> list[str]:
    """The cases of the one finding whose name has `word`."""
    (found,) = (cases for what, cases in report[level].items() if word in what)
    return found


def test_sound_data(check, sound):
    status, text, report = check(sound['train'], sound['val'])
    assert status == 0
    assert report['errors'] == report['warnings'] == {}
    train = report['splits']['train']
    assert train['images'] == 6
    present = {'cat': 2, 'dog': 6}
    assert train['class_counts'] == {k: dict(present=n, difficult=0) for k, n in present.items()}
    assert train['cooccurrence'] == [[2, 2], [2, 6]]
    assert 'val: 3 images, 2 classes, 1.33 labels per image' in text
    assert '2  cat + dog' in text


def test_images_that_are_not_sound(check, sound, tmp_path):
    (tmp_path / 'train 0.jpg').write_bytes(b'')
    (tmp_path / 'train 1.jpg').unlink()
    whole = (tmp_path / 'train 2.jpg').read_bytes()
    (tmp_path / 'train 2.jpg').write_bytes(whole[: len(whole) // 2])
    damaged = whole[: len(whole) * 2 // 3] + b'\xff\xd9'  # decoders go on, with grey
    (tmp_path / 'train 3.jpg').write_bytes(damaged)
    status, text, report = check(sound['train'], sound['val'])
    assert status == 1
    unreadable = cases(report, 'errors', 'cannot be read')
    facts = ('0.jpg (empty file)', '1.jpg (No such', '2.jpg (Premature end', '3.jpg (Corrupt JPEG')
    assert len(unreadable) == len(facts)
    assert all(fact in case for fact, case in zip(facts, unreadable))
    assert 'ERROR: images that cannot be read' in text


def test_copies(check, sound, tmp_path):
    """A leak is an error however the file was written; a copy within a split is a warning."""
    Image.open(tmp_path / 'train 1.jpg').save(tmp_path / 'val 7.jpg', 'PNG')
    (tmp_path / 'train 4.jpg').write_bytes((tmp_path / 'train 3.jpg').read_bytes())
    Image.open(tmp_path / 'train 5.jpg').resize((100, 90)).save(tmp_path / 'val 8.jpg', quality=60)
    status, text, report = check(sound['train'], sound['val'])
    assert status == 1
    (leak,) = cases(report, 'errors', 'several splits')
    assert 'train 1.jpg = val: ' in leak
    assert leak.endswith('val 7.jpg')
    (copy,) = cases(report, 'warnings', 'within a split')
    assert 'train 3.jpg' in copy
    assert 'train 4.jpg, with different labels' in copy
    (alike,) = cases(report, 'warnings', 'look alike')
    assert 'train 5.jpg' in alike
    assert 'val 8.jpg' in alike


def test_one_file_in_both_splits(check, sound, tmp_path):
    write_csv(tmp_path / 'val.csv', [['train 0.jpg', 'dog'], ['val 6.jpg', 'dog|cat']])
    status, _, report = check(sound['train'], sound['val'])
    assert status == 1
    assert len(cases(report, 'errors', 'several splits')) == 1


def test_labels(check, sound, tmp_path):
    rows = [['val 6.jpg', 'dog|owl'], ['val 7.jpg', ''], ['val 8.jpg', 'Cat']]
    write_csv(tmp_path / 'val.csv', rows)
    status, _, report = check(sound['train'], sound['val'])
    assert status == 1
    unknown = cases(report, 'errors', 'not among the classes')
    assert len(unknown) == 2
    assert unknown[0].startswith('val: ')
    assert 'val.csv, line 1: unknown class owl; the 2 known classes: cat, dog' in unknown[0]
    assert 'val.csv, line 3: unknown class Cat' in unknown[1]
    assert cases(report, 'warnings', 'without any label')[0].endswith('val 7.jpg')
    assert cases(report, 'warnings', 'without a positive') == ['val: cat']


def test_a_row_twice(check, sound, tmp_path):
    """Training refuses it; here it is an error of that split, and the others are checked."""
    write_csv(tmp_path / 'train.csv', [['train 0.jpg', 'dog'], ['train 0.jpg', 'cat']])
    status, _, report = check(sound['train'], sound['val'])
    assert status == 1
    (case,) = cases(report, 'errors', 'listed more than once')
    assert 'train 0.jpg a second time with different labels (dog; cat)' in case
    assert 'train.csv, line 1; ' in case and case.endswith('train.csv, line 2')


def test_boxes_of_coco_and_voc(check, tmp_path):
    root = tmp_path / 'VOC2007'
    (root / 'Annotations').mkdir(parents=True)
    for i, right in enumerate((120, 140)):
        photo(root / f'JPEGImages/{i}.jpg', i)
        photo(tmp_path / f'{i}.png', i + 2)
        tags = f'<xmin>1</xmin><ymin>1</ymin><xmax>{right}</xmax><ymax>80</ymax>'
        (root / f'Annotations/{i}.xml').write_text(
            '<annotation><size><width>120</width><height>80</height></size><object><name>cat</name>'
            f'<bndbox>{tags}</bndbox></object></annotation>'
        )
    images = [(0, '0.png', 120, 80), (1, '1.png', 60, 80), (9, '0.png', 120, 80)]
    boxes = {0: (1, 0, 0, 120.5, 80), 1: (1, 5, 5, 0, 10), 9: (2, 1, 1, 9, 9)}
    write_coco(tmp_path / 'all.json', images, boxes, ['cat', 'dog', 'owl'])
    status, _, report = check(tmp_path / 'all.json', root)
    assert status == 1
    empty, outside = cases(report, 'errors', 'boxes')
    assert 'train: ' in empty and '5 5 to 5 15: empty' in empty
    assert empty.endswith('annotation id 11)')
    assert 'val: ' in outside and '1.xml, object 1' in outside
    twice = cases(report, 'errors', 'listed more than once')[0]
    assert twice.startswith(f'train: {tmp_path}/0.png') and 'with different labels' in twice
    assert cases(report, 'warnings', 'size') == [f'{tmp_path}/1.png: 120 x 80, annotated 60 x 80']
    assert cases(report, 'warnings', 'without a positive') == ['train: owl', 'val: dog', 'val: owl']


def test_wrong_input_ends_with_one_line(check, tmp_path):
    status, error, _ = check(tmp_path / 'no.csv', tmp_path / 'no.csv')
    assert status == 2
    assert 'no.csv not found' in error
    status, error, _ = check('a', 'b', 'configs/nothing.py')
    assert status == 2
    assert 'nothing.py: no such config file' in error


def test_bits_and_notes(check, sound, tmp_path):
    for i in range(6):
        pixels = np.full((9, 9), i * 200, np.uint16)
        Image.fromarray(pixels).save(tmp_path / f'train {i}.jpg', 'PNG')
    rows = [['file', 'labels'], ['val 6.jpg', 'dog cat'], ['val 7.jpg', 'cat']]
    write_csv(tmp_path / 'val.csv', rows)
    _, _, report = check(sound['train'], sound['val'])
    assert len(cases(report, 'warnings', 'value_range')) == 5
    notes = ' '.join(cases(report, 'warnings', 'val: how'))
    assert 'file,labels' in notes


def test_all_errors_of_a_split_in_one_run(check, sound, tmp_path):
    rows = [['val 6.jpg', 'owl'], ['val 7.jpg'], ['./val 6.jpg', 'dog'], ['gone.jpg', 'dog']]
    write_csv(tmp_path / 'val.csv', rows)
    _, _, report = check(sound['train'], sound['val'])
    (second,) = cases(report, 'errors', 'val: annotations')
    assert 'val.csv, line 2: expected' in second
    assert cases(report, 'errors', 'more than once')[0].endswith('val.csv, line 3')
    assert 'val.csv, line 1: unknown class owl' in cases(report, 'errors', 'not among')[0]
    assert 'gone.jpg (No such file)' in cases(report, 'errors', 'cannot be read, or')[0]


def test_parts_of_a_concatenation_are_one_split(check, sound, tmp_path):
    """Their classes are united, as in training; labels that differ are an error, copies no leak."""
    rows = [[name, label] for name, label in (('train 0.jpg', 'fox'), ('train 1.jpg', 'dog'))]
    more, work = write_csv(tmp_path / 'more.csv', rows), tmp_path / 'concat.py'
    parts = [
        f"dict(type='mlgcn.OwnPhotos', ann_file={str(path)!r}, pipeline=_base_.train_pipeline)"
        for path in (sound['train'], more)
    ]
    dataset = f"dict(_delete_=True, type='ConcatDataset', datasets=[{','.join(parts)}])"
    base = str(ROOT / 'configs/addgcn/addgcn_own_448.py')
    work.write_text(f'_base_ = {base!r}\ntrain_dataloader = dict(dataset={dataset})\n')
    status, text, report = check('', sound['val'], work)
    assert status == 1 and list(report['errors']) == ['train: lists that contradict each other']
    (case,) = cases(report, 'errors', 'contradict')
    assert 'train 0.jpg' in case and 'differ in dog: ' in case and 'more.csv, line 1' in case
    assert report['splits']['train[2]']['classes'] == ['cat', 'dog', 'fox']


def test_a_list_without_images_is_an_error(check, sound, tmp_path):
    for text in ('', 'file,labels\n'):
        (tmp_path / 'empty.csv').write_text(text)
        status, _, report = check(tmp_path / 'empty.csv', sound['val'])
        assert status == 1
        assert cases(report, 'errors', 'cannot be read') == ['no image is listed']


@pytest.mark.parametrize('ending', ['json', 'yaml'])
def test_mmpretrains_own_data_set(check, sound, tmp_path, ending):
    content = {
        'metainfo': {'classes': ['cat', 'dog']},
        'data_list': [{'img_path': f'train {i}.jpg', 'gt_label': [i % 2]} for i in range(4)],
    }
    (tmp_path / f'list.{ending}').write_text(json.dumps(content))  # YAML contains json
    config = tmp_path / 'own.py'
    config.write_text(
        f"_base_ = '{ROOT}/configs/_base_/datasets/own_448.py'\n"
        "default_scope = 'mmpretrain'\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='MultiLabelDataset', "
        f"data_root='{tmp_path}', ann_file='list.{ending}', pipeline=[]))\n"
    )
    status, _, report = check('', sound['val'], str(config))
    assert status == 0
    assert report['splits']['train']['class_counts']['dog']['present'] == 2
