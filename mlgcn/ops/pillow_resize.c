/* The two passes of Pillow's resize for 8-bit images of three channels, in its integer arithmetic:
   see pillow_resize.py, which also says what `bounds` (n, 2) and `weights` (n, taps) are. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 22, HALF = 1 << (BITS - 1), PIXEL = 4 };
typedef uint8_t bytes __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(16)));

/* One row along itself. A pixel is read and written with a fourth byte, which is the next one's, and
   with `taps` weights each, of which the last ones may be 0: `in` has PAD(taps) bytes behind it, and
   `out` one. */
#define PAD(taps) (3 * (size_t)(taps) + 1)

static inline __attribute__((always_inline)) void
line_of(const uint8_t *restrict in, int taps, uint8_t *restrict out, int width,
        const int32_t *restrict bounds, const int32_t *restrict weight)
{
    const bytes zero = {0};
    for (int x = 0; x < width; x++, out += 3, weight += taps) {
        const uint8_t *pixel = in + 3 * bounds[2 * x];
        ints sum = {HALF, HALF, HALF, HALF};
        for (int k = 0; k < taps; k++) {
            bytes four = zero;
            memcpy(&four, pixel + 3 * k, PIXEL);
            four = __builtin_shufflevector(four, zero, 0, 16, 16, 16, 1, 16, 16, 16,
                                           2, 16, 16, 16, 3, 16, 16, 16); /* bytes to integers */
            sum += (ints)four * weight[k];
        }
        sum >>= BITS;
        sum &= sum > 0;
        ints over = sum > 255;
        sum = (sum & ~over) | (over & 255);
        bytes four = __builtin_shufflevector((bytes)sum, zero, 0, 4, 8, 12, 16, 16, 16, 16,
                                             16, 16, 16, 16, 16, 16, 16, 16);
        memcpy(out, &four, PIXEL);
    }
}

static void across(const uint8_t *in, uint8_t *out, int width, const int32_t *bounds,
                   const int32_t *weights, int taps)
{
    switch (taps) { /* numbers that the compiler knows make loops it unrolls */
    case 2: line_of(in, 2, out, width, bounds, weights); break;
    case 3: line_of(in, 3, out, width, bounds, weights); break;
    case 4: line_of(in, 4, out, width, bounds, weights); break;
    case 5: line_of(in, 5, out, width, bounds, weights); break;
    case 6: line_of(in, 6, out, width, bounds, weights); break;
    default: line_of(in, taps, out, width, bounds, weights);
    }
}

static inline __attribute__((always_inline)) void
row_of(const uint8_t *restrict in, ptrdiff_t stride, int taps, const int32_t *restrict weight,
       uint8_t *restrict out, int n)
{
    for (int i = 0; i < n; i++) {
        int32_t sum = HALF;
        for (int k = 0; k < taps; k++)
            sum += in[k * stride + i] * weight[k];
        sum >>= BITS;
        out[i] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
}

/* Along the columns; n bytes in a row. */
static void down(const uint8_t *in, ptrdiff_t stride, uint8_t *out, int height, int n,
                 const int32_t *bounds, const int32_t *weights, int taps)
{
    for (int y = 0; y < height; y++, out += n) {
        const uint8_t *first = in + bounds[2 * y] * stride;
        const int32_t *weight = weights + (ptrdiff_t)y * taps;
        switch (bounds[2 * y + 1]) {
        case 1: row_of(first, stride, 1, weight, out, n); break;
        case 2: row_of(first, stride, 2, weight, out, n); break;
        case 3: row_of(first, stride, 3, weight, out, n); break;
        case 4: row_of(first, stride, 4, weight, out, n); break;
        default: row_of(first, stride, bounds[2 * y + 1], weight, out, n);
        }
    }
}

/* in: rows of in_width pixels, `stride` bytes apart. out: height x width pixels and a byte more.
   Returns 0, or 1 without memory. */
int resize(const uint8_t *in, ptrdiff_t stride, int in_width, uint8_t *out, int width, int height,
           const int32_t *x_bounds, const int32_t *x_weights, int x_taps,
           const int32_t *y_bounds, const int32_t *y_weights, int y_taps, int down_first)
{
    const int32_t *last = y_bounds + 2 * (height - 1);
    int top = y_bounds[0], rows = last[0] + last[1] - top; /* the rows that are needed */
    size_t in_line = 3 * (size_t)in_width, out_line = 3 * (size_t)width;
    uint8_t *line = calloc(in_line + PAD(x_taps), 1);
    uint8_t *middle = malloc(down_first ? height * in_line : rows * out_line + 1);
    int failed = !line || !middle;
    if (!failed && down_first)
        down(in, stride, middle, height, in_line, y_bounds, y_weights, y_taps);
    for (int y = 0; !failed && y < (down_first ? height : rows); y++) {
        memcpy(line, down_first ? middle + y * in_line : in + (top + y) * stride, in_line);
        across(line, (down_first ? out : middle) + y * out_line, width, x_bounds, x_weights, x_taps);
    }
    if (!failed && !down_first)
        down(middle - (ptrdiff_t)(top * out_line), out_line, out, height, out_line, y_bounds,
             y_weights, y_taps);
    free(line);
    free(middle);
    return failed;
}
