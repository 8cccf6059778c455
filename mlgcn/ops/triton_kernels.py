"""The GPU code of group KNN, in Triton. Imported only when it is to run: triton is optional."""

import os

import triton
import triton.language as tl

# Nodes of a program, and keys that it looks at together: the fastest is found at the first call.
# A warp for 32 nodes gives one node to each thread; four for them suit few nodes or long lists.
TILES = [
    triton.Config(dict(BLOCK_N=32, BLOCK_M=32), num_warps=1, num_stages=1),
    triton.Config(dict(BLOCK_N=32, BLOCK_M=32), num_warps=1, num_stages=3),
    triton.Config(dict(BLOCK_N=128, BLOCK_M=32), num_warps=4, num_stages=1),
    triton.Config(dict(BLOCK_N=32, BLOCK_M=128), num_warps=4, num_stages=1),
]
INTERPRETED = os.environ.get('TRITON_INTERPRET') == '1'  # on a CPU: there is nothing to be timed


@triton.autotune(TILES[:1] if INTERPRETED else TILES, key=['channels', 'SLOTS'])
@triton.jit(do_not_specialize=['channels', 'width', 'stride', 'count', 'step'])
def nearest_keys(
    x_ptr,  # nodes (P, c, N)
    y_ptr,  # keys times -2 (P, c, M)
    square_ptr,  # squared lengths of the keys (P, M)
    row_ptr,  # the table R[n, m] = row[n // W, m] + column[m, n % W]: (H, M), or None
    column_ptr,  # (M, stride), repeated after W columns, so that a program reads BLOCK_N; or None
    found_ptr,  # (P, N, ceil(count / step)) int32
    num_nodes,
    num_keys,
    channels,
    width,
    stride,
    count,
    step,
    SLOTS: tl.constexpr,  # a power of two >= count
    BLOCK_N: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """Every `step`-th of the `count` keys nearest to BLOCK_N nodes, ties by the lower index.

    The distance is |y|^2 - 2 x.y + R in float32. The program loops over tiles of BLOCK_M keys. The
    nearest key of a tile replaces the last of a node's list, until no node's list would change.
    Keys are along the first axis of a tile, nodes along the second, so that a thread has the keys
    and the list of its node in registers.
    """
    NO_KEY: tl.constexpr = 2147483647
    INF: tl.constexpr = float('inf')
    blocks = tl.cdiv(num_nodes, BLOCK_N)
    pair = (tl.program_id(0) // blocks).to(tl.int64)
    begin = tl.program_id(0) % blocks * BLOCK_N
    end = tl.minimum(begin + BLOCK_N, num_nodes)
    lane = tl.arange(0, BLOCK_N)
    node = begin + lane
    is_node = node < num_nodes
    x_ptr += pair * channels * num_nodes
    y_ptr += pair * channels * num_keys
    square_ptr += pair * num_keys

    # (distance, key) in any order; indices that are valid even if all distances are NaN
    kept_key = tl.arange(0, SLOTS)[:, None] + tl.zeros([1, BLOCK_N], tl.int32)
    in_use = kept_key < count
    kept = tl.where(in_use, INF, -INF)
    last = tl.max(kept, 0)
    for start in range(0, num_keys, BLOCK_M):
        key = start + tl.arange(0, BLOCK_M)
        is_key = key < num_keys
        product = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
        for first in range(0, channels, BLOCK_C):
            channel = first + tl.arange(0, BLOCK_C)
            is_channel = channel < channels
            y = tl.load(
                y_ptr + channel[None, :] * num_keys + key[:, None],
                mask=is_channel[None, :] & is_key[:, None],
                other=0.0,
            )
            x = tl.load(
                x_ptr + channel[:, None] * num_nodes + node[None, :],
                mask=is_channel[:, None] & is_node[None, :],
                other=0.0,
            )
            product = tl.dot(y, x, product, input_precision='ieee')  # no TF32
        square = tl.load(square_ptr + key, mask=is_key, other=INF)
        distance = square[:, None] + product
        if column_ptr is not None:
            places = column_ptr + key[:, None] * stride + (begin % width + lane)[None, :]
            offset = tl.load(places, mask=is_key[:, None] & is_node[None, :], other=0.0)
            if row_ptr is not None:
                for height in range(begin // width, (end - 1) // width + 1):
                    row = tl.load(row_ptr + height * num_keys + key, mask=is_key, other=0.0)
                    offset += tl.where((node // width == height)[None, :], row[:, None], 0.0)
            distance += offset

        nearest = tl.min(distance, 0)
        while tl.max((nearest < last).to(tl.int32), 0) > 0:
            is_nearest = distance == nearest[None, :]
            nearest_key = tl.min(tl.where(is_nearest, key[:, None], NO_KEY), 0)
            distance = tl.where(key[:, None] == nearest_key[None, :], INF, distance)
            is_last = kept == last[None, :]
            last_key = tl.max(tl.where(is_last, kept_key, -1), 0)
            leaves = is_last & (kept_key == last_key[None, :]) & (nearest < last)[None, :]
            kept = tl.where(leaves, nearest[None, :], kept)
            kept_key = tl.where(leaves, nearest_key[None, :], kept_key)
            last = tl.max(kept, 0)
            nearest = tl.min(distance, 0)

    kept = tl.where(in_use, kept, INF)
    kept_key = tl.where(in_use, kept_key, NO_KEY)
    found_ptr += (pair * num_nodes + node) * tl.cdiv(count, step)
    for rank in range(count):
        is_nearest = kept == tl.min(kept, 0)[None, :]
        nearest_key = tl.min(tl.where(is_nearest, kept_key, NO_KEY), 0)
        is_nearest = kept_key == nearest_key[None, :]
        kept = tl.where(is_nearest, INF, kept)
        kept_key = tl.where(is_nearest, NO_KEY, kept_key)
        if rank % step == 0:
            tl.store(found_ptr + rank // step, nearest_key, mask=is_node)
