/* What the neighbour search needs once, whatever the instruction set: selection, and exact order. */
#define LANES 64      /* keys are padded to a multiple; count may not exceed it */
#define SPARE 32      /* keys kept beyond count, for ties */
#define TIE 0x1p-21   /* float32 distances nearer than this are compared in float64 */

/* The part of the squared distance that ranks the keys of a node, in float64 from the features. */
static double exact(const Search *s, int64_t p, int64_t node, int64_t key) {
    const float *x = s->x + begin(p, s->G, s->c, s->N) + node * s->G * s->c;
    const float *y = s->y + begin(p, s->G, s->c, s->M) + key * s->G * s->c;
    double xx = 0, yy = 0, xy = 0, offset = s->table ? s->table[node * s->m + key] : 0;
    if (s->row)
        offset = (float)(s->row[node / s->W * s->m + key] + s->column[node % s->W * s->m + key]);
    for (int64_t k = 0; k < s->c; k++) {
        double a = x[k], b = y[k];
        xx += a * a, yy += b * b, xy += a * b;
    }
    double x_norm = fmax(sqrt(xx), 1e-12), y_norm = fmax(sqrt(yy), 1e-12);
    return yy / (y_norm * y_norm) - 2 * xy / (x_norm * y_norm) + offset;
}

/* Keys first .. last - 1 of the ranking are too near each other for float32: sort by float64,
   exact ties by the lower index. */
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
