/* Group KNN: distances, relative positions and ranking without an N x M matrix in memory.

   A block of nodes is compared with all keys while its distances fit the L2 cache; the count
   nearest of each row are then picked. The maths: ../knn.py. */
#define TILE 6       /* nodes whose products stay in registers: TILE * VECS accumulators */
#define BLOCK 96     /* nodes of a block at most, a multiple of TILE */
#define CACHE 131072 /* distances of a block that fit the L2 cache */

typedef float NAME(vec) __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

/* d[i][0 .. WIDTH * VECS - 1] = sum_k x[k][i] * y[k][...] for TILE nodes i */
TARGET static inline void NAME(product)(const float *x, const float *y, int64_t c, float *d,
                                        int64_t d_step) {
    NAME(vec) sum[TILE][VECS] = {{{0}}};
    for (int64_t k = 0; k < c; k++) {
        const NAME(vec) *key = (const NAME(vec) *)(y + k * LANES);
        for (int i = 0; i < TILE; i++)
            for (int v = 0; v < VECS; v++) sum[i][v] += x[k * BLOCK + i] * key[v];
    }
    for (int i = 0; i < TILE; i++)
        for (int v = 0; v < VECS; v++) ((NAME(vec) *)(d + i * d_step))[v] = sum[i][v];
}

/* The count-th smallest of LANES numbers, by how many are not above each: without branches, which
   a processor would guess wrong half of the time. */
TARGET static inline float NAME(smallest)(const float *a, int64_t count) {
    int32_t rank[LANES] = {0};
    float value = FLT_MAX;
    for (int j = 0; j < LANES; j++)
        for (int l = 0; l < LANES; l++) rank[l] += a[j] <= a[l];
    for (int l = 0; l < LANES; l++) value = rank[l] >= count && a[l] < value ? a[l] : value;
    return value;
}

/* Which of d[0 .. WIDTH - 1] are <= limit, as bits. */
TARGET static inline uint32_t NAME(not_above)(const float *d, float limit) {
#if WIDTH == 16
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(d), _mm512_set1_ps(limit), _CMP_LE_OQ);
#elif WIDTH == 8
    __m256 below = _mm256_cmp_ps(_mm256_loadu_ps(d), _mm256_set1_ps(limit), _CMP_LE_OQ);
    return (uint32_t)_mm256_movemask_ps(below);
#else
    uint32_t bits = 0;
    for (int l = 0; l < WIDTH; l++) bits |= (uint32_t)(d[l] <= limit) << l;
    return bits;
#endif
}

/* The keys of d[0 .. m - 1] up to TIE above the count-th smallest, nearest first, of equal ones the
   lower index first: their number, at most count + SPARE; distances in best, indices in where. */
TARGET static int64_t NAME(nearest)(const float *d, int64_t m, int64_t count, float *best,
                                    int32_t *where) {
    const float slack = (float)TIE;
    float low[LANES];
    memcpy(low, d, sizeof low);
    for (int64_t j = LANES; j < m; j += LANES)
        for (int l = 0; l < LANES; l++) low[l] = d[j + l] < low[l] ? d[j + l] : low[l];
    for (int l = 0; l < LANES; l++) low[l] = low[l] <= FLT_MAX ? low[l] : FLT_MAX; /* NaN, padding */
    float limit = fminf(NAME(smallest)(low, count) + slack, FLT_MAX); /* at least count keys are below */
    int64_t n = 0, room = count + SPARE;
    for (int64_t j = 0; j < m; j += WIDTH)
        for (uint32_t bits = NAME(not_above)(d + j, limit); bits; bits &= bits - 1) {
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
    for (; n < count; n++) where[n] = (int32_t)n, best[n] = FLT_MAX; /* NaN: any keys */
    return n;
}

TARGET int NAME(group_knn)(Search *s) {
    int64_t nodes = CACHE / s->m / TILE * TILE, kept = (s->count + s->step - 1) / s->step, at;
    nodes = nodes < TILE ? TILE : nodes > BLOCK ? BLOCK : nodes;
    int64_t blocks = (s->N + nodes - 1) / nodes;
    float *d = malloc(sizeof(float) * nodes * s->m), *x = malloc(sizeof(float) * s->c * BLOCK);
    float best[LANES + SPARE], norm[BLOCK];
    int32_t where[LANES + SPARE];
    while (d && x && (at = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < blocks * s->P) {
        int64_t p = at % s->P, first = at / s->P * nodes;
        int64_t n = s->N - first < nodes ? s->N - first : nodes;
        const float *key = s->key + p * s->c * s->m;
        memset(norm, 0, sizeof norm);
        memset(x, 0, sizeof(float) * s->c * BLOCK);
        for (int64_t i = 0; i < n; i++) {
            const float *source = s->x + begin(p, s->G, s->c, s->N) + (first + i) * s->G * s->c;
            for (int64_t k = 0; k < s->c; k++) x[k * BLOCK + i] = source[k];
        }
        for (int64_t k = 0; k < s->c; k++)
            for (int64_t i = 0; i < BLOCK; i++) norm[i] += x[k * BLOCK + i] * x[k * BLOCK + i];
        for (int64_t i = 0; i < BLOCK; i++) norm[i] = 1 / fmaxf(sqrtf(norm[i]), 1e-12f);
        for (int64_t k = 0; k < s->c; k++)
            for (int64_t i = 0; i < BLOCK; i++)
                x[k * BLOCK + i] = x[k * BLOCK + i] * norm[i] - s->centre[p * s->c + k];
        for (int64_t j = 0; j < s->m; j += WIDTH * VECS)
            for (int64_t i = 0; i < n; i += TILE)
                NAME(product)(x + i, key + j / LANES * LANES * s->c + j % LANES, s->c,
                              d + i * s->m + j, s->m);
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
            int64_t some = NAME(nearest)(r, s->m, s->count, best, where);
            for (int64_t j = 0, end; j < s->count; j = end) {
                for (end = j + 1; end < some && best[end] - best[end - 1] <= TIE; end++) {}
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

#undef WIDTH
#undef VECS
#undef NAME
#undef TARGET
