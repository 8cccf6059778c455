"""Weights: checkpoints read safely, published files to ours and back, and their metadata."""

from .checkpoint import Checkpoint, load
from .convert import convert, detect, published_key, to_published, unwrap
from .metadata import fingerprint, make_metadata, save_weights
from .pretrained import Pretrained
from .recognise import describe
from .safe_load import CheckpointError, about, trust_checkpoints
from .sources import implied_classes
