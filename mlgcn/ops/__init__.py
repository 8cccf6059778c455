"""Graph operators as pure tensor functions."""

from .graph import gather_keys, max_relative, max_relative_plain
from .knn import group_knn, group_knn_plain, pairwise_distances
from .relative_pos import SeparableTable, relative_position
