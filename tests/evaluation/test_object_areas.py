"""Boxes of COCO json and VOC XML, matched to the images of a scores file."""

import json

import pytest
from paths import TESTS

from mlgcn.evaluation.object_areas import object_areas

LAYOUT = TESTS / 'data/layouts/coco'
FILES = ['/elsewhere/train/1.jpg', 'data/val/1.jpg', 'data/val/2.jpg', 'data/val/3.jpg']


@pytest.fixture
def coco(tmp_path):
    boxes = [(1, 1, 4, 5), (1, 1, 10, 2.5), (2, 2, 3, 3), (3, 2, 7, 1), (1, 3, 6, 6)]
    data = {
        'images': [{'id': 1, 'file_name': 'val/1.jpg'}, {'id': 2, 'file_name': '2.png'},
                   {'id': 3, 'file_name': 'train/1.jpg'}],
        'categories': [{'id': i, 'name': name} for i, name in enumerate('xabc') if i],
        'annotations': [{'id': i, 'image_id': image, 'category_id': category,
                         'bbox': [0, 0, width, height]}
                        for i, (image, category, width, height) in enumerate(boxes)],
    }  # fmt: skip
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(data))
    return path


def test_coco(coco):
    areas = object_areas(coco, FILES, ['b', 'a', 'other'])
    assert areas.tolist() == [[7, 0, 0], [0, 25, 0], [9, 0, 0], [0, 0, 0]]


def test_the_area_that_coco_states():
    told = json.loads((LAYOUT / 'expected.json').read_text())
    names = [row['image'] for row in told['rows']]
    areas = object_areas(LAYOUT / 'annotations/instances_train2014.json', names, told['classes'])
    assert areas.tolist() == told['max_area']


@pytest.mark.parametrize('area', [None, 'x', -3, 0, float('inf')])
def test_a_wrong_area_is_that_of_the_box(coco, area):
    content = json.loads(coco.read_text())
    content['annotations'][0]['area'] = area
    content['annotations'][2]['area'] = 5
    coco.write_text(json.dumps(content))
    assert object_areas(coco, FILES, ['b', 'a']).tolist() == [[7, 0], [0, 25], [5, 0], [0, 0]]


def test_voc(tmp_path):
    (tmp_path / 'Annotations').mkdir()
    thing = ('<object><name>{}</name><difficult>1</difficult><bndbox><xmin>10</xmin><ymin>5</ymin>'
             '<xmax>{}</xmax><ymax>15.5</ymax></bndbox></object>')  # fmt: skip
    text = f'<annotation>{thing.format("a", 12)}{thing.format("a", 20)}</annotation>'
    (tmp_path / 'Annotations/2.xml').write_text(text)
    expected = [[0], [0], [105], [0]]
    assert object_areas(tmp_path, FILES, ['a']).tolist() == expected
    assert object_areas(tmp_path / 'Annotations', FILES, ['a']).tolist() == expected
    (tmp_path / 'Annotations/2.xml').write_text(text.replace('<ymin>5</ymin>', ''))
    with pytest.raises(ValueError, match=r'2\.xml, object 1: .*four numbers'):
        object_areas(tmp_path, FILES, ['a'])
    (tmp_path / 'Annotations/2.xml').write_text('<!DOCTYPE x []><annotation/>')
    with pytest.raises(ValueError, match='document type'):
        object_areas(tmp_path, FILES, ['a'])


def test_wrong_annotations_are_named(coco, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.json: no such annotations'):
        object_areas(tmp_path / 'none.json', FILES, ['a'])
    with pytest.raises(ValueError, match=r'none of its classes \(a, b, c\).*cat'):
        object_areas(coco, FILES, ['cat'])
    with pytest.raises(ValueError, match=r'3 images \(e\.g\. val/1\.jpg.*none of the 1'):
        object_areas(coco, ['9.jpg'], ['a'])
    data = json.loads(coco.read_text())
    data['annotations'][2]['bbox'] = [1, 2]
    coco.write_text(json.dumps(data))
    with pytest.raises(ValueError, match='image id 2, annotation id 2: no box of four'):
        object_areas(coco, FILES, ['a'])
    coco.write_text('{"images"')
    with pytest.raises(ValueError, match='expected json'):
        object_areas(coco, FILES, ['a'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'no \*\.xml'):
        object_areas(tmp_path / 'empty', FILES, ['a'])


def test_images_of_one_name(coco):
    areas = object_areas(coco, ['data/val/1.jpg', 'x/train/1.jpg', 'other/1.jpg'], ['a', 'b'])
    assert areas.tolist() == [[25, 0], [0, 7], [0, 0]]
    with pytest.raises(ValueError, match='1.jpg could be any of val/1.jpg, train/1.jpg'):
        object_areas(coco, ['1.jpg'], ['a'])
    data = json.loads(coco.read_text())
    data['images'][2]['file_name'] = 'more/val/1.jpg'
    coco.write_text(json.dumps(data))
    assert object_areas(coco, ['x/more/val/1.jpg', 'val/1.jpg'], ['a', 'b']).tolist() == [
        [0, 7], [25, 0]]  # fmt: skip
