/* y = gelu(u), u = (x - mean) * scale * weight + bias, and its gradients, in one pass over rows. */
#define ROWS 64 /* rows that a thread takes at a time; their sums are one part of sums */

/* The normal distribution and its density at u. exp(-u^2/2) = 2^whole * 2^part with the series of
   2^part; the tail of the distribution is exp(-u^2/2) t P(t), t = 1 / (1 + 0.305 |u|) with a
   polynomial P fitted to it: relative error 1e-7. No branches, so that the loops are vectorised. */
TARGET static inline void NAME(normal)(float u, float *distribution, float *density) {
    float power = u * u * -0.7213475204f; /* -u^2 / 2 * log2(e) */
    power = power < -125 ? -125 : power;
    union { float f; int32_t i; } whole = {power + 0x1.8p23f}, e; /* its last bits: the integer */
    float part = power - (whole.f - 0x1.8p23f), t = 1 / (1 + 0.305f * fabsf(u));
    e.f = 1.5403530e-4f;
    e.f = e.f * part + 1.3333558e-3f;
    e.f = e.f * part + 9.6181291e-3f;
    e.f = e.f * part + 5.5504109e-2f;
    e.f = e.f * part + 2.4022651e-1f;
    e.f = e.f * part + 6.9314718e-1f;
    e.f = e.f * part + 1;
    e.i += (int32_t)((uint32_t)whole.i << 23);
    float tail = 0.03670238f;
    tail = tail * t - 0.15300092f;
    tail = tail * t + 0.18573719f;
    tail = tail * t - 0.03799382f;
    tail = tail * t + 0.12102953f;
    tail = tail * t + 0.10341893f;
    tail = tail * t + 0.12246704f;
    tail = tail * t + 0.12163973f;
    tail *= e.f * t;
    *distribution = u < 0 ? tail : 1 - tail;
    *density = 0.39894228f * e.f;
}

/* One row; grad, sum and product are null in the forward pass. */
TARGET static void NAME(row)(const Norm *a, const float *restrict x, float *restrict y,
                             float *restrict grad, float *restrict sum, float *restrict product) {
    const float *restrict mean = a->mean, *restrict scale = a->scale;
    const float *restrict weight = a->weight, *restrict bias = a->bias;
    for (int64_t l = 0, c = a->c; !grad && l < c; l++) {
        float distribution, density, u = (x[l] - mean[l]) * scale[l] * weight[l] + bias[l];
        NAME(normal)(u, &distribution, &density);
        y[l] = u * distribution;
    }
    for (int64_t l = 0, c = a->c; grad && l < c; l++) {
        float distribution, density, normed = (x[l] - mean[l]) * scale[l];
        float u = normed * weight[l] + bias[l];
        NAME(normal)(u, &distribution, &density);
        y[l] = u * distribution;
        float inner = grad[l] * (distribution + u * density);
        grad[l] = inner;
        sum[l] += inner;
        product[l] += inner * normed;
    }
}

TARGET int NAME(norm_gelu)(Norm *a) {
    int64_t c = a->c, at;
    while ((at = __atomic_fetch_add(&a->next, 1, __ATOMIC_RELAXED)) * ROWS < a->n) {
        float *sum = a->sums ? a->sums + at * 2 * c : 0;
        for (int64_t i = at * ROWS; i < (at + 1) * ROWS && i < a->n; i++)
            NAME(row)(a, a->x + i * c, a->y + i * c, sum ? a->grad + i * c : 0, sum, sum + c);
    }
    return 0;
}

/* The gradient before the norm, from grad after it: weight * grad + scale * (x - mean) + bias. */
TARGET int NAME(norm_backward)(Norm *a) {
    int64_t c = a->c, at;
    const float *mean = a->mean, *scale = a->scale, *weight = a->weight, *bias = a->bias;
    while ((at = __atomic_fetch_add(&a->next, 1, __ATOMIC_RELAXED)) * ROWS < a->n)
        for (int64_t i = at * ROWS; i < (at + 1) * ROWS && i < a->n; i++) {
            const float *x = a->x + i * c;
            float *restrict grad = a->grad + i * c;
            for (int64_t l = 0; l < c; l++)
                grad[l] = weight[l] * grad[l] + scale[l] * (x[l] - mean[l]) + bias[l];
        }
    return 0;
}
