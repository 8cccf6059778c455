/* numpy's argsort of 16 bits, which leaves equal values in an order of its own: the same steps,
   three times as fast, as the comparisons of a partition come first and need no branches. */
typedef uint64_t Item; /* the value << 32 | its place */

static inline int below(Item a, Item b) { return a >> 32 < b >> 32; }

static inline void swap(Item *a, Item *b) {
    Item old = *a;
    *a = *b, *b = old;
}

/* left and right: room for as many numbers as items. 1: numpy would turn to heapsort here. */
static int introsort(Item *first, Item *last, int depth, int32_t *left, int32_t *right) {
    while (last - first > 15) {
        if (depth-- < 0) return 1;
        Item *middle = first + ((last - first) >> 1);
        if (below(*middle, *first)) swap(middle, first);
        if (below(*last, *middle)) swap(last, middle);
        if (below(*middle, *first)) swap(middle, first);
        Item low = *middle >> 32 << 32, high = low + ((Item)1 << 32);
        swap(middle, last - 1);
        /* where a scan from the left stops, and one from the right; they end at their meeting */
        int32_t size = (int32_t)(last - first), a = 0, b = 0, k = 0;
        for (int32_t i = 1; i < size; i++) {
            left[a] = i, a += first[i] >= low;
            right[b] = size - 1 - i, b += first[size - 1 - i] < high;
        }
        for (; left[k] < right[k]; k++) swap(first + left[k], first + right[k]);
        int32_t end = k && right[k - 1] < left[k] ? right[k - 1] : left[k];
        Item *border = first + end;
        swap(border, last - 1);
        if (introsort(first, border - 1, depth, left, right)) return 1;
        first = border + 1;
    }
    for (Item *i = first + 1; i <= last; i++) {
        Item item = *i, *j = i;
        for (; j > first && below(item, j[-1]); j--) *j = j[-1];
        *j = item;
    }
    return 0;
}

int order_of_halves(Item *items, int32_t *left, int32_t *right, int64_t n) {
    int depth = 0;
    for (int64_t m = n; m > 1; m >>= 1) depth += 2;
    return introsort(items, items + n - 1, depth, left, right);
}
