"""Names of published weights against ours: tables, and strict state_dict -> state_dict functions."""

# (published prefix, our prefix), tried in order; the rest of a key stays as it is.
PREFIXES = {
    'addgcn': [
        ('features.0.', 'backbone.conv1.'),
        ('features.1.', 'backbone.bn1.'),
        ('features.4.', 'backbone.layer1.'),
        ('features.5.', 'backbone.layer2.'),
        ('features.6.', 'backbone.layer3.'),
        ('features.7.', 'backbone.layer4.'),
        ('gcn.static_adj.0.', 'head.gcn.static_adj.'),
        ('gcn.static_weight.0.', 'head.gcn.static_weight.'),
        ('gcn.', 'head.gcn.'),
        ('fc.', 'head.fc.'),
        ('conv_transform.', 'head.conv_transform.'),
        ('last_linear.', 'head.last_linear.'),
    ],
}


def published_key(key: str, source: str) -> str:
    """The published model's name of our state_dict entry `key`; KeyError when it has none."""
    for published, ours in PREFIXES[source]:
        if key.startswith(ours):
            return published + key[len(ours) :]
    raise KeyError(f'{key!r} has no counterpart in the published {source} model')
