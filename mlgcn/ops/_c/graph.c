/* Max-relative aggregation, forward and backward; the maths: ../graph.py. */
#define NODES 64 /* nodes that a thread takes at a time */

TARGET int NAME(neighbour_max)(Graph *g) {
    int64_t c = g->c, C = g->G * c, blocks = (g->N + NODES - 1) / NODES, at;
    int32_t *first_of = malloc(sizeof(int32_t) * c); /* as wide as floats: bytes are not vectorised */
    while (first_of && (at = __atomic_fetch_add(&g->next, 1, __ATOMIC_RELAXED)) < blocks * g->P) {
        int64_t p = at / blocks, first = at % blocks * NODES;
        int64_t last = first + NODES < g->N ? first + NODES : g->N;
        const float *rows = g->rows + begin(p, g->G, c, g->M);
        for (int64_t i = first; i < last; i++) {
            const int32_t *index = g->index + (p * g->N + i) * g->k;
            int64_t place = begin(p, g->G, c, g->N) + i * C;
            float *restrict b = g->out + place;
            int32_t *restrict w = first_of;
            memcpy(b, rows + index[0] * C, sizeof(float) * c);
            memset(w, 0, sizeof(int32_t) * c);
            for (int32_t j = 1; j < g->k; j++) {
                const float *restrict row = rows + index[j] * C;
                for (int64_t l = 0; !g->winner && l < c; l++)
                    b[l] = ((row[l] > b[l]) | (row[l] != row[l])) ? row[l] : b[l];
                for (int64_t l = 0; g->winner && l < c; l++) {
                    int better = (row[l] > b[l]) | (row[l] != row[l]); /* NaN wins, as in torch */
                    w[l] = better ? j : w[l];
                    b[l] = better ? row[l] : b[l];
                }
            }
            for (int64_t l = 0; l < c; l++) b[l] -= g->x[place + l];
            if (g->winner) {
                uint8_t *winner = g->winner + (p * g->N + i) * c;
                for (int64_t l = 0; l < c; l++) winner[l] = (uint8_t)w[l];
            }
        }
    }
    int failed = !first_of;
    free(first_of);
    return failed;
}

/* Every pair is one thread's: sums are in the order of the nodes, whatever the number of threads. */
TARGET int NAME(neighbour_max_backward)(Graph *g) {
    int64_t c = g->c, C = g->G * c, p;
    while ((p = __atomic_fetch_add(&g->next, 1, __ATOMIC_RELAXED)) < g->P) {
        float *rows = g->out + begin(p, g->G, c, g->M);
        const float *grad = g->x + begin(p, g->G, c, g->N);
        for (int64_t i = 0; i < g->N; i++) {
            const int32_t *index = g->index + (p * g->N + i) * g->k;
            const uint8_t *winner = g->winner + (p * g->N + i) * c;
            for (int64_t l = 0; l < c; l++) rows[index[winner[l]] * C + l] += grad[i * C + l];
        }
    }
    return 0;
}
