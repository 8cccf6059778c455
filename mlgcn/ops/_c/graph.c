/* Max-relative aggregation, forward and backward; the maths: ../graph.py. */
#define NODES 16 /* nodes at a time: 64 bytes of a channel */

TARGET int NAME(neighbour_max)(Graph *g) {
    int64_t c = g->c, blocks = (g->N + NODES - 1) / NODES, at;
    float *best = malloc(sizeof(float) * NODES * c);
    int32_t *first_of = malloc(sizeof(int32_t) * c); /* as wide as floats: bytes are not vectorised */
    while (best && first_of && (at = __atomic_fetch_add(&g->next, 1, __ATOMIC_RELAXED)) < blocks * g->P) {
        int64_t p = at / blocks, first = at % blocks * NODES;
        int64_t n = g->N - first < NODES ? g->N - first : NODES;
        const float *rows = g->rows + p * g->M * c;
        for (int64_t i = 0; i < n; i++) {
            const int32_t *index = g->index + (p * g->N + first + i) * g->k;
            float *restrict b = best + i * c;
            int32_t *restrict w = first_of;
            memcpy(b, rows + index[0] * c, sizeof(float) * c);
            memset(w, 0, sizeof(int32_t) * c);
            for (int32_t j = 1; j < g->k; j++) {
                const float *restrict row = rows + index[j] * c;
                for (int64_t l = 0; !g->winner && l < c; l++)
                    b[l] = ((row[l] > b[l]) | (row[l] != row[l])) ? row[l] : b[l];
                for (int64_t l = 0; g->winner && l < c; l++) {
                    int better = (row[l] > b[l]) | (row[l] != row[l]); /* NaN wins, as in torch */
                    w[l] = better ? j : w[l];
                    b[l] = better ? row[l] : b[l];
                }
            }
            if (g->winner) {
                uint8_t *winner = g->winner + (p * g->N + first + i) * c;
                for (int64_t l = 0; l < c; l++) winner[l] = (uint8_t)w[l];
            }
        }
        for (int64_t l = 0; l < c; l++) {
            int64_t place = (p * c + l) * g->N + first;
            for (int64_t i = 0; i < n; i++) g->out[place + i] = best[i * c + l] - g->x[place + i];
        }
    }
    int failed = !best || !first_of;
    free(best);
    free(first_of);
    return failed;
}

/* Every pair is one thread's: sums are in the order of the nodes, whatever the number of threads. */
TARGET int NAME(neighbour_max_backward)(Graph *g) {
    int64_t c = g->c, p;
    while ((p = __atomic_fetch_add(&g->next, 1, __ATOMIC_RELAXED)) < g->P) {
        float *rows = g->out + p * g->M * c;
        for (int64_t first = 0; first < g->N; first += NODES) {
            int64_t last = first + NODES < g->N ? first + NODES : g->N;
            for (int64_t l = 0; l < c; l++)
                for (int64_t i = first; i < last; i++) {
                    int64_t node = p * g->N + i;
                    int32_t key = g->index[node * g->k + g->winner[node * c + l]];
                    rows[key * c + l] += g->x[(p * c + l) * g->N + i];
                }
        }
    }
    return 0;
}
