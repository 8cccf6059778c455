"""The report's precision-recall curves: data for every class, drawn by the page's script."""

import json
from collections.abc import Sequence
from html import escape

import numpy as np

from mlgcn.evaluation import precision_recall_curves

from .runs import Run


def curves_section(runs: Sequence[Run]) -> str:
    """A choice of class, the chart, and the same in words."""
    result = runs[0].result
    data = {
        'classes': list(result.class_names),
        'positives': result.positives.tolist(),
        'runs': [_curves(run) for run in runs],
    }
    text = json.dumps(data, separators=(',', ':')).replace('<', '\\u003c')
    options = ''.join(
        f'<option value="{k}">{escape(result.class_names[k])}</option>'
        for k in np.argsort([name.lower() for name in result.class_names], kind='stable')
    )
    return f"""<p><label for="curve">Curve of</label> <select id="curve">
<option value="micro">micro: all decisions pooled</option>
<option value="macro">macro: mean of the classes</option>
{options}</select></p>
<div class="chart">
<svg id="chart" viewBox="-46 -14 560 460" role="img" aria-labelledby="told"></svg>
<div id="told" aria-live="polite"></div></div>
<p class="soft">A point is the precision at the rank of a positive (50 of them at equal recalls
where there are more). The circle is where the threshold puts the model; difficult labels are left
out of it. Macro averages precision at equal recalls; its circle is (CR, CP). Micro ranks all images
and classes together; its circle is (OR, OP).</p>
<script type="application/json" id="curve-data">{text}</script>"""


def _curves(run: Run) -> dict:
    """Names, precisions (rounded to 0.1 %), AP and (recall, precision) at the threshold."""
    targets, result = run.file.targets, run.result
    curves = precision_recall_curves(run.file.scores, targets, result.protocol)
    hits = (run.predicted & (targets == 1)).sum(axis=0)
    tried = (run.predicted & (targets != -1)).sum(axis=0)
    at = [
        [_round(100 * hit / max(positives, 1)), _round(100 * hit / number)] if number else None
        for hit, positives, number in zip(hits, result.positives, tried)
    ]
    empty = np.zeros((2, 0))
    return {
        'name': run.name,
        'ap': [None if np.isnan(ap) else round(float(ap), 1) for ap in result.ap],
        'mAP': _round(result['mAP']),
        'at': at,
        'predicted': tried.tolist(),
        'curves': [_round(curve[1]) for curve in curves.classes],
        'macro': _round(empty[1] if curves.macro is None else curves.macro[1]),
        'micro': _round(curves.micro[1]),
        'atMacro': [_round(result['CR']), _round(result['CP'])],
        'atMicro': [_round(result['OR']), _round(result['OP'])],
    }


def _round(values):
    return np.round(values, 1).tolist()
