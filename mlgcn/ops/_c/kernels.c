/* The C forms of mlgcn.ops: portable machine code for several instruction sets in one library.

   graph.c, knn.c and norm_gelu.c are compiled for each set; the functions at the end run the best one that the
   processor has. (The others can be called too, for tests.) ../c_kernels.py calls them, after
   ../checks.py has seen all shapes and indices. Threads share the work: each takes the next part
   until none is left. P pairs of image and group, c channels of a
   group, C = G c, N nodes, M keys, k neighbours. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Every field has 8 bytes: the caller fills them in as an array, in this order. */
typedef struct {
    int64_t next;                  /* the next block that no thread works on yet */
    const float *x, *y;            /* features as they came, rows (B, N, C) and (B, M, C) */
    const float *key;              /* -2 * normalised, centred keys (P, m / LANES, c, LANES) */
    const float *key_square;       /* their squares (P, m) */
    const float *centre;           /* (P, c) */
    const double *row, *column;    /* relative positions: (H, m) and (W, m), or null */
    const float *table;            /* relative positions: (N, m), or null */
    int32_t *found;                /* (P, N, ceil(count / step)) */
    int64_t P, G, c, N, M, m, W, count, step; /* m: M padded to a multiple of LANES */
} Search;

typedef struct {
    int64_t next;
    const float *x;       /* forward: nodes (B, N, C); backward: gradients of the result */
    const float *rows;    /* keys (B, M, C); forward only */
    const int32_t *index; /* (P, N, k) */
    float *out;           /* forward: max - x (B, N, C); backward: gradients of rows, zeroed */
    uint8_t *winner;      /* (P, N, c), the first neighbour with the maximum; null: not wanted */
    int64_t P, G, c, N, M, k;
} Graph;

typedef struct {
    int64_t next;
    const float *x;                            /* rows before the norm (n, c) */
    const float *mean, *scale, *weight, *bias; /* of the norm, (c); scale: 1 / deviation */
    float *y;                                  /* gelu(norm(x)), rows (n, c) */
    float *grad;                               /* backward: of y, becomes that of norm(x) */
    float *sums; /* backward, zeroed: of grad and grad * (x - mean) * scale, (n / ROWS, 2, c) */
    int64_t n, c;
} Norm;

/* Where the channels of pair p begin in the rows of n nodes or keys: the group's part of each. */
static inline int64_t begin(int64_t p, int64_t G, int64_t c, int64_t n) {
    return (p / G * n * G + p % G) * c;
}

#include "order.c"
#include "ranking.c"

#define WIDTH 4 /* floats of a register */
#define VECS 2  /* registers of keys at a time */
#define NAME(function) function##_portable
#define TARGET
#include "graph.c"
#include "norm_gelu.c"
#include "knn.c"

#if defined(__x86_64__) && defined(__GNUC__) /* gcc and clang */
#include <immintrin.h>
#define WIDTH 8
#define VECS 2
#define NAME(function) function##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#include "graph.c"
#include "norm_gelu.c"
#include "knn.c"
#define WIDTH 16
#define VECS 4
#define NAME(function) function##_avx512
#define TARGET __attribute__((target("avx512f,fma")))
#include "graph.c"
#include "norm_gelu.c"
#include "knn.c"
#define HAS __builtin_cpu_supports
#define BEST(function)                           \
    (HAS("avx512f")              ? function##_avx512 \
     : HAS("avx2") && HAS("fma") ? function##_avx2   \
                                 : function##_portable)
#else
#define BEST(function) function##_portable
#endif

/* They return 0, or 1 where there is no memory. */
int group_knn(Search *s) { return BEST(group_knn)(s); }
int neighbour_max(Graph *g) { return BEST(neighbour_max)(g); }
int neighbour_max_backward(Graph *g) { return BEST(neighbour_max_backward)(g); }
int norm_gelu(Norm *n) { return BEST(norm_gelu)(n); }
int norm_backward(Norm *n) { return BEST(norm_backward)(n); }
