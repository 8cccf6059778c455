/* Group KNN on a CPU: distances, relative positions and ranking without an N x M matrix in memory.

   The maths and the meaning of every argument: knn_cpu.py. A block of nodes is compared with all
   keys while its distances fit the L2 cache; the count nearest of each row are then picked. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define WIDTH 16 /* floats of a register */
#define VECS 4   /* registers of keys at a time */
#elif defined(__AVX2__)
#include <immintrin.h>
#define WIDTH 8
#define VECS 2
#else
#define WIDTH 4
#define VECS 2
#endif
#define TILE 6      /* nodes whose products stay in registers: TILE * VECS accumulators */
#define BLOCK 96    /* nodes of a block at most, a multiple of TILE */
#define CACHE 131072 /* distances of a block that fit the L2 cache */
#define LANES 64    /* keys are padded to a multiple; count may not exceed it */
#define SPARE 32    /* keys kept beyond count, for ties */

typedef float vec __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

/* d[i][0 .. WIDTH * VECS - 1] = sum_k x[k][i] * y[k][...] for TILE nodes i */
static inline void product(const float *x, const float *y, int64_t y_step, int64_t c, float *d,
                           int64_t d_step) {
    vec sum[TILE][VECS] = {{{0}}};
    for (int64_t k = 0; k < c; k++) {
        const vec *key = (const vec *)(y + k * y_step);
        for (int i = 0; i < TILE; i++)
            for (int v = 0; v < VECS; v++) sum[i][v] += x[k * BLOCK + i] * key[v];
    }
    for (int i = 0; i < TILE; i++)
        for (int v = 0; v < VECS; v++) ((vec *)(d + i * d_step))[v] = sum[i][v];
}

/* Which of d[0 .. 15] are <= limit, as bits. */
static inline uint32_t not_above(const float *d, float limit) {
#if WIDTH == 16
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(d), _mm512_set1_ps(limit), _CMP_LE_OQ);
#elif WIDTH == 8
    __m256 l = _mm256_set1_ps(limit);
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(d), l, _CMP_LE_OQ)) |
           (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(d + 8), l, _CMP_LE_OQ)) << 8;
#else
    uint32_t bits = 0;
    for (int l = 0; l < 16; l++) bits |= (uint32_t)(d[l] <= limit) << l;
    return bits;
#endif
}

/* The k-th smallest (0-based) of LANES numbers: quickselect in place. */
static float kth(float *a, int64_t k) {
    int64_t low = 0, high = LANES - 1;
    while (low < high) {
        float pivot = a[(low + high) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) { float t = a[i]; a[i++] = a[j]; a[j--] = t; }
        }
        if (k <= j) high = j;
        else if (k >= i) low = i;
        else break;
    }
    return a[k];
}

/* The keys of d[0 .. m - 1] up to `slack` above the count-th smallest, nearest first, of equal ones
   the lower index first: their number, at most count + SPARE; distances in best, indices in where. */
static int64_t nearest(const float *d, int64_t m, int64_t count, float slack, float *best,
                       int32_t *where) {
    float low[LANES];
    memcpy(low, d, sizeof low);
    for (int64_t j = LANES; j < m; j += LANES)
        for (int l = 0; l < LANES; l++) low[l] = d[j + l] < low[l] ? d[j + l] : low[l];
    for (int l = 0; l < LANES; l++) low[l] = low[l] <= FLT_MAX ? low[l] : FLT_MAX; /* NaN, padding */
    float limit = fminf(kth(low, count - 1) + slack, FLT_MAX); /* at least count keys are below */
    int64_t n = 0, room = count + SPARE;
    for (int64_t j = 0; j < m; j += 16)
        for (uint32_t bits = not_above(d + j, limit); bits; bits &= bits - 1) {
            int32_t key = (int32_t)(j + __builtin_ctz(bits));
            float s = d[key];
            if (s > limit || (n == room && s >= best[n - 1])) continue;
            int64_t at = n < room ? n++ : n - 1;
            for (; at > 0 && s < best[at - 1]; at--) {
                best[at] = best[at - 1];
                where[at] = where[at - 1];
            }
            best[at] = s;
            where[at] = key;
            if (n >= count) limit = fminf(best[count - 1] + slack, FLT_MAX);
        }
    while (n > count && best[n - 1] > limit) n--;
    for (; n < count; n++) where[n] = 0, best[n] = FLT_MAX; /* NaN features: any key will do */
    return n;
}

typedef struct {
    const float *x, *y;             /* features as they came: (P, c, N), (P, c, M) */
    const float *key, *key_square;  /* -2 * normalised, centred keys (P, c, m); squares (P, m) */
    const float *centre;            /* (P, c) */
    const double *row, *column;     /* relative positions: (H, m) and (W, m), or null */
    const float *table;             /* relative positions: (N, m), or null */
    int32_t *found;                 /* (P, N, ceil(count / step)) */
    int64_t *next;                  /* the next block that nobody works on yet */
    int64_t P, c, N, M, m, W, count, step;
} Search;

static inline float offset(const Search *s, int64_t node, int64_t key) {
    if (s->row) return (float)(s->row[node / s->W * s->m + key] + s->column[node % s->W * s->m + key]);
    return s->table ? s->table[node * s->m + key] : 0;
}

/* The part of the squared distance that ranks the keys of a node, in float64 from the features. */
static double exact(const Search *s, int64_t p, int64_t node, int64_t key) {
    const float *x = s->x + p * s->c * s->N + node, *y = s->y + p * s->c * s->M + key;
    double xx = 0, yy = 0, xy = 0;
    for (int64_t k = 0; k < s->c; k++) {
        double a = x[k * s->N], b = y[k * s->M];
        xx += a * a, yy += b * b, xy += a * b;
    }
    double x_norm = fmax(sqrt(xx), 1e-12), y_norm = fmax(sqrt(yy), 1e-12);
    return yy / (y_norm * y_norm) - 2 * xy / (x_norm * y_norm) + offset(s, node, key);
}

/* Keys first .. last - 1 of the ranking are too near each other for float32: by float64. */
static void rank_again(const Search *s, int64_t p, int64_t node, int32_t *where, int64_t first,
                       int64_t last) {
    double d[LANES + SPARE];
    for (int64_t i = first; i < last; i++) {
        int32_t key = where[i];
        double value = exact(s, p, node, key);
        int64_t at = i;
        for (; at > first && (value < d[at - 1] || (value == d[at - 1] && key < where[at - 1])); at--) {
            d[at] = d[at - 1];
            where[at] = where[at - 1];
        }
        d[at] = value;
        where[at] = key;
    }
}

/* Take blocks until none is left; several threads may call it with the same Search. Not 0: no memory. */
int group_knn(const Search *s, double tie) {
    int64_t nodes = CACHE / s->m / TILE * TILE, kept = (s->count + s->step - 1) / s->step, at;
    nodes = nodes < TILE ? TILE : nodes > BLOCK ? BLOCK : nodes;
    int64_t blocks = (s->N + nodes - 1) / nodes;
    float *d = malloc(sizeof(float) * nodes * s->m), *x = malloc(sizeof(float) * s->c * BLOCK);
    float best[LANES + SPARE], norm[BLOCK];
    int32_t where[LANES + SPARE];
    while (d && x && (at = __atomic_fetch_add(s->next, 1, __ATOMIC_RELAXED)) < blocks * s->P) {
        int64_t p = at % s->P, first = at / s->P * nodes;
        int64_t n = s->N - first < nodes ? s->N - first : nodes;
        const float *source = s->x + p * s->c * s->N + first, *key = s->key + p * s->c * s->m;
        memset(norm, 0, sizeof norm);
        for (int64_t k = 0; k < s->c; k++)
            for (int64_t i = 0; i < n; i++) norm[i] += source[k * s->N + i] * source[k * s->N + i];
        for (int64_t i = 0; i < n; i++) norm[i] = 1 / fmaxf(sqrtf(norm[i]), 1e-12f);
        for (int64_t k = 0; k < s->c; k++) {
            float centre = s->centre[p * s->c + k];
            for (int64_t i = 0; i < n; i++)
                x[k * BLOCK + i] = source[k * s->N + i] * norm[i] - centre;
            for (int64_t i = n; i < (n + TILE - 1) / TILE * TILE; i++) x[k * BLOCK + i] = 0;
        }
        for (int64_t j = 0; j < s->m; j += WIDTH * VECS)
            for (int64_t i = 0; i < n; i += TILE)
                product(x + i, key + j, s->m, s->c, d + i * s->m + j, s->m);
        for (int64_t i = 0; i < n; i++) {
            float *r = d + i * s->m;
            const float *square = s->key_square + p * s->m;
            int64_t node = first + i;
            if (s->row) {
                const double *a = s->row + node / s->W * s->m, *b = s->column + node % s->W * s->m;
                for (int64_t j = 0; j < s->m; j++) r[j] += square[j] + (float)(a[j] + b[j]);
            } else if (s->table) {
                const float *t = s->table + node * s->m;
                for (int64_t j = 0; j < s->m; j++) r[j] += square[j] + t[j];
            } else {
                for (int64_t j = 0; j < s->m; j++) r[j] += square[j];
            }
            int64_t some = nearest(r, s->m, s->count, (float)tie, best, where);
            for (int64_t j = 0, end; j < s->count; j = end) {
                for (end = j + 1; end < some && best[end] - best[end - 1] <= tie; end++) {}
                if (end > j + 1) rank_again(s, p, node, where, j, end);
            }
            int32_t *out = s->found + (p * s->N + node) * kept;
            for (int64_t j = 0; j < s->count; j += s->step) *out++ = where[j];
        }
    }
    int failed = !d || !x;
    free(d);
    free(x);
    return failed;
}
