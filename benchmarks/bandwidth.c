/* What memory gives: a triad as in STREAM (McCalpin 1995), a chain of dependent reads, and independent reads at random. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE 64
#define DOMAINS 8
#define SHORTEST 0.02

/* Seconds of the processor: what others do on it meanwhile does not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static uint64_t state = 0x9E3779B97F4A7C15u;

static uint64_t random_below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint64_t)((unsigned __int128)state * n >> 64);
}

static void *lines(size_t bytes)
{
    void *memory = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    if (!memory)
        exit(1);
    memset(memory, 0, bytes);
    return memory;
}

/* a = b + 3 c over three arrays that together are so large; bytes a second, counted as STREAM does: 24 an element. */
static double triad(size_t bytes)
{
    size_t count = bytes / 3 / LINE * LINE / sizeof(double);
    double *restrict a = lines(count * sizeof *a), *restrict b = lines(count * sizeof *b), *restrict c = lines(count * sizeof *c);
    size_t passes = 0;
    double best = 0.0, begun = now(), last = begun;
    while (passes < 3 || last - begun < 5 * SHORTEST) {
        size_t inner = 1 + (size_t)(1 << 22) / (count + 1);
        for (size_t pass = 0; pass < inner; pass++) {
            for (size_t i = 0; i < count; i++)
                a[i] = b[i] + 3.0 * c[i];
            __asm__ volatile("" : : "r"(a) : "memory");
        }
        double then = now(), rate = 24.0 * count * inner / (then - last);
        best = rate > best ? rate : best;
        last = then;
        passes++;
    }
    free(a);
    free(b);
    free(c);
    return best;
}

/* Seconds of one read, each at a place that the one before told. */
static double latency(size_t bytes)
{
    size_t count = bytes / LINE, step = LINE / sizeof(uint64_t);
    uint64_t *next = lines(count * LINE);
    for (size_t i = 0; i < count; i++)
        next[i * step] = i;
    for (size_t i = count - 1; i > 0; i--) { /* one cycle through all (Sattolo 1986) */
        size_t j = random_below(i);
        uint64_t other = next[i * step];
        next[i * step] = next[j * step];
        next[j * step] = other;
    }
    size_t reads = 0, at = 0;
    double begun = now(), spent;
    do {
        for (int i = 0; i < 100000; i++)
            at = next[at * step];
        reads += 100000;
        spent = now() - begun;
    } while (spent < 5 * SHORTEST);
    __asm__ volatile("" : : "r"(at));
    free(next);
    return spent / reads;
}

/* Seconds of one read of a line of eight numbers at random, where the next can begin before it is done. */
static double gather(size_t bytes)
{
    size_t count = bytes / LINE, wanted = 1 << 16;
    double *restrict values = lines(count * LINE), sum[DOMAINS] = {0};
    uint32_t *places = lines(wanted * sizeof *places);
    size_t reads = 0;
    double spent = 0.0;
    while (spent < 5 * SHORTEST) {
        for (size_t i = 0; i < wanted; i++)
            places[i] = (uint32_t)random_below(count);
        double begun = now();
        for (size_t i = 0; i < wanted; i++) {
            const double *line = values + DOMAINS * (size_t)places[i];
            for (int d = 0; d < DOMAINS; d++)
                sum[d] += line[d];
        }
        spent += now() - begun;
        reads += wanted;
    }
    __asm__ volatile("" : : "r"(sum) : "memory");
    free(values);
    free(places);
    return spent / reads;
}

int main(int count, char **sizes)
{
    for (int i = 1; i < count; i++) {
        size_t bytes = strtoull(sizes[i], NULL, 10);
        printf("%zu %.6g %.6g %.6g\n", bytes, triad(bytes), latency(bytes), gather(bytes));
        fflush(stdout);
    }
    return 0;
}
