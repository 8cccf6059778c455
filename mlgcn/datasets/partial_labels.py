"""Data sets in which labels are unknown: one data set class, and a table of their layouts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from mlgcn.registry import DATASETS

from . import partial_csv, partial_lists
from .annotations import Labels, by_state
from .base import MultiLabelPhotos


class Layout(NamedTuple):
    """How one published layout is read, and what its conventions are."""

    read: Callable[..., tuple[Sequence[str] | set[str], Iterable[Labels]]]
    unlisted: str  # the labels that an image does not list: 'negative' or 'unknown'
    difficult: str = ''  # the labels to which the option `difficult` applies; '': there are none


LAYOUTS = {
    'openimages_v6': Layout(partial_csv.open_images, 'unknown'),
    'miil_csv': Layout(partial_csv.miil, 'unknown'),
    'chexpert': Layout(partial_csv.chexpert, 'unknown', 'uncertain (-1.0)'),
    'lvis': Layout(partial_lists.lvis, 'unknown'),
    'nuswide': Layout(partial_lists.nus_wide, 'negative'),
    'vg500': Layout(partial_lists.vg500, 'negative'),
    'wider_attribute': Layout(partial_lists.wider_attribute, 'unknown', 'unspecified (0)'),
    'csra_json': Layout(partial_lists.csra_json, 'unknown', 'difficult (0) or unspecified (99)'),
    'robust_loss_txt': Layout(partial_lists.robust_loss_txt, 'negative'),
    'spml_npy': Layout(partial_lists.spml_npy, 'unknown'),
}


@DATASETS.register_module()
class PartialLabels(MultiLabelPhotos):
    """Labels of three states, in the layout of a published data set or code base.

    =============== ==================================================== =========================
    layout          ann_file (relative to data_root)                     split
    =============== ==================================================== =========================
    openimages_v6   *-annotations-human-imagelabels.csv
    miil_csv        data.csv                                             'train', 'val', '': both
    chexpert        train.csv, valid.csv
    lvis            lvis_v1_*.json
    nuswide         '' (the folders lie in data_root)                    'train', 'test', '': both
    vg500           *_list_500.txt
    wider_attribute wider_attribute_*.json, one sample per person's box
    csra_json       *.json of CSRA's code; its coding is logged
    robust_loss_txt *.txt of the code of Hill and SPLC
    spml_npy        formatted_*_labels_obs.npy or formatted_*_labels.npy
    =============== ==================================================== =========================

    Classes are the layout's own, in its order, or MIDs (openimages_v6: those of
    oidv6-classes-trainable.txt where it lies beside). Numbered classes are named by `classes`.

    Args:
        layout: one of the table.
        unlisted: 'negative' or 'unknown' (-1), the labels that an image does not list. '': as the
            layout's authors take them.
        difficult: what an uncertain label of CheXpert, an unspecified one of WIDER-Attribute and a
            difficult one of CSRA's VOC lists becomes: 'ignore' (-1), 'negative' or 'positive'.
        split: of a layout that has both in one file.
        keep_unlabelled: whether images without a positive label stay.
        machine_file: Open Images' machine labels, relative to data_root.
        machine_confidence: from which a machine label is positive where no human verified it.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder that the paths start from.
    """

    def __init__(
        self,
        layout: str,
        ann_file: str = '',
        unlisted: str = '',
        difficult: str = 'ignore',
        split: str = '',
        keep_unlabelled: bool = True,
        machine_file: str = '',
        machine_confidence: float | None = None,
        **kwargs: Any,
    ) -> None:
        if layout not in LAYOUTS:
            raise ValueError(f'layout={layout!r}: expected one of {", ".join(LAYOUTS)}')
        if bool(machine_file) != (machine_confidence is not None):
            raise ValueError('expected machine_file and machine_confidence together')
        self.layout, self.split, self.keep_unlabelled = layout, split, keep_unlabelled
        self.machine_file, self.machine_confidence = machine_file, machine_confidence
        self.merges_parts = layout == 'openimages_v6'  # rows of an image may lie apart
        chosen = LAYOUTS[layout]
        super().__init__(
            ann_file=ann_file, unlisted=unlisted or chosen.unlisted, difficult=difficult, **kwargs
        )

    def read_labels(self) -> tuple[Sequence[str] | set[str], Iterable[Labels]]:
        """The classes and the images in the file's order."""
        names, images = LAYOUTS[self.layout].read(self)
        if not self.keep_unlabelled:
            images = (labels for labels in images if labels.present)
        return names, images

    def policy(self) -> str:
        """What becomes of labels that the layout does not state, for the log."""
        chosen = LAYOUTS[self.layout]
        told = f'layout {self.layout}: labels that are not listed are {self.unlisted} (unlisted)'
        if chosen.difficult:
            told += f'; {chosen.difficult} ones: {self.difficult} (difficult)'
        if not self.keep_unlabelled:
            told += '; images without a positive label are left out'
        return told

    @property
    def stated_classes(self) -> list[str]:
        """The names of `classes`, or none."""
        return list(self._metainfo.get('classes') or ())

    def numbered(self, number: int) -> list[str]:
        """The names of numbered classes: of `classes`, else their numbers; at least so many."""
        stated = self.stated_classes
        return stated + [str(k) for k in range(len(stated), number)]

    def coded(
        self, where: str, path: str, values: list, coding: dict, names: list[str], **more: Any
    ) -> Iterable[Labels]:
        """The image of a vector of `values`, in the words of `coding`; nothing for a fault.

        Args:
            coding: {value: 1 present, 0 absent, -1 `difficult`, None not listed}.
        """
        # the type, because True and 1.0 equal 1
        wrong = [v for v in values if type(v) not in (int, str) or v not in coding]
        if path and not wrong and len(values) == len(names):
            present, absent, difficult = by_state(names, [coding[v] for v in values])
            yield Labels(path, present, difficult, where, absent=absent, **more)
        else:
            told = f'expected an image and {len(names)} values of {sorted(coding)}'
            self.fault(where, told, f'{path[:80]!r}, {len(values)}: {str(wrong or values)[:120]}')

    def splits(self, *known: str) -> set[str]:
        """Those of the `known` splits that are asked for."""
        if self.split not in ('', *known):
            raise ValueError(f'split={self.split!r}: expected {" or ".join(known)}, or none')
        return {self.split} if self.split else set(known)
