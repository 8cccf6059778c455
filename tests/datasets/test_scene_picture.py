"""What is drawn can be seen, and is annotated where it is seen."""

import numpy as np
from numpy.random import RandomState

from mlgcn.datasets.scene_picture import CLASSES, MIN_PIXELS, draw_scene


def test_every_class_shows_its_whole_box():
    for name in CLASSES:
        _, instances = draw_scene([name], (128, 128), RandomState(0))
        assert {instance.name for instance in instances} == {name}
        for instance in instances:
            left, top, width, height = instance.box
            inside = instance.mask[top : top + height, left : left + width]
            assert inside.sum() == instance.mask.sum() >= MIN_PIXELS
            assert inside[0].any() and inside[-1].any()
            assert inside[:, 0].any() and inside[:, -1].any()


def test_shared_drawings_are_equal():
    for one, other in (('sports ball', 'orange'), ('remote', 'keyboard')):
        for key in ('drawing', 'width', 'aspect'):
            assert CLASSES[one][key] == CLASSES[other][key]


def test_visible_masks_do_not_overlap():
    names = ['person', 'chair', 'dining table', 'cup', 'bottle', 'bowl']
    _, instances = draw_scene(names, (128, 128), RandomState(3))
    assert np.sum([instance.mask for instance in instances], axis=0).max() == 1
