/* The sub-model in C for the vector units: one array a column, a cache line of eight domains an organisation, neighbours in
   compressed rows, draws of many members at once. Rules: benchmarks/README.md. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __AVX512DQ__
#include <immintrin.h>
#endif

#include "draws.h"

#define LINE 64
#define LANES 32
#define GROUPS (LANES / 8)
#define AHEAD 12 /* neighbours to fetch in advance */

typedef struct {
    Parameters p;
    uint64_t seed;
    uint32_t step;
    /* organisations, a row each: the firms first; rows of those that left are used again */
    double *knowledge, *next; /* (rows, DOMAINS) */
    double *absorptive;
    uint32_t *uid;
    uint8_t *alive;
    int32_t *starts, *degree, *targets; /* the neighbours of i: targets[starts[i]], ..., degree[i] of them */
    int32_t *free_rows, *leaving;
    int rows, row_capacity, tied_rows, firms, suppliers, free_count, target_count;
    /* users, without gaps */
    uint32_t *user_uid;
    int32_t *provider;
    int user_count, user_capacity;
    uint64_t supplier_serial, user_serial;
    double supplier_room, user_room, known;
    double *installed;
    double moved[2][2], gained[2][2];
} Model;

static void *column(int64_t count, size_t width)
{
    size_t bytes = ((size_t)count * width + LINE - 1) / LINE * LINE + LINE * LANES;
    void *memory = aligned_alloc(LINE, bytes);
    memset(memory, 0, bytes);
    return memory;
}

static void *longer(void *old, int64_t before, int64_t after, size_t width)
{
    void *memory = column(after, width);
    memcpy(memory, old, (size_t)before * width);
    free(old);
    return memory;
}

/* Draw a uniform for each of LANES members, of one stream each. */
#ifdef __AVX512DQ__
/* A word in each half-empty 64-bit lane: the product of two then needs no shuffling, and what is left in the upper half of a
   lane is never looked at. Compilers take the slow product of 64 bits for the loop below. */
static inline void uniforms(uint64_t seed, const uint32_t *restrict streams, uint32_t step, const uint32_t *restrict uids,
                            double *restrict out)
{
    __m512i a[GROUPS], b[GROUPS], c[GROUPS], d[GROUPS];
    __m512i first = _mm512_set1_epi64(0xD2511F53u), second = _mm512_set1_epi64(0xCD9E8D57u);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int g = 0; g < GROUPS; g++) {
        a[g] = _mm512_setzero_si512();
        b[g] = _mm512_set1_epi64(step);
        c[g] = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(uids + 8 * g)));
        d[g] = _mm512_slli_epi64(_mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(streams + 8 * g))), 8);
    }
    for (int round = 0; round < 10; round++) {
        __m512i key0 = _mm512_set1_epi64(k0), key1 = _mm512_set1_epi64(k1);
        for (int g = 0; g < GROUPS; g++) {
            __m512i p = _mm512_mul_epu32(a[g], first), q = _mm512_mul_epu32(c[g], second);
            a[g] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(q, 32), b[g], key0, 0x96); /* exclusive or of three */
            c[g] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p, 32), d[g], key1, 0x96);
            b[g] = q;
            d[g] = p;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    __m512i low = _mm512_set1_epi64(0xFFFFFFFFu);
    for (int g = 0; g < GROUPS; g++) {
        __m512i high = _mm512_slli_epi64(_mm512_and_si512(a[g], low), 21);
        __m512i bits = _mm512_or_si512(high, _mm512_srli_epi64(_mm512_and_si512(b[g], low), 11));
        _mm512_storeu_pd(out + 8 * g, _mm512_mul_pd(_mm512_cvtepi64_pd(bits), _mm512_set1_pd(0x1p-53)));
    }
}
#else
static inline void uniforms(uint64_t seed, const uint32_t *restrict streams, uint32_t step, const uint32_t *restrict uids,
                            double *restrict out)
{
    uint32_t a[LANES] __attribute__((aligned(LINE))), b[LANES] __attribute__((aligned(LINE)));
    uint32_t c[LANES] __attribute__((aligned(LINE))), d[LANES] __attribute__((aligned(LINE)));
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        a[l] = 0;
        b[l] = step;
        c[l] = uids[l];
        d[l] = streams[l] << 8;
    }
    for (int round = 0; round < 10; round++) {
#pragma omp simd
        for (int l = 0; l < LANES; l++) {
            uint64_t first = (uint64_t)0xD2511F53u * a[l], second = (uint64_t)0xCD9E8D57u * c[l];
            a[l] = (uint32_t)(second >> 32) ^ b[l] ^ k0;
            c[l] = (uint32_t)(first >> 32) ^ d[l] ^ k1;
            b[l] = (uint32_t)second;
            d[l] = (uint32_t)first;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
#pragma omp simd
    for (int l = 0; l < LANES; l++)
        out[l] = (double)(int64_t)((uint64_t)a[l] << 21 | b[l] >> 11) * 0x1p-53;
}
#endif

static void enter_organisation(Model *m, int role, uint64_t serial, double median)
{
    int i = m->free_count > 0 ? m->free_rows[--m->free_count] : m->rows++;
    m->uid[i] = (uint32_t)(serial * 64 + role);
    m->alive[i] = 1;
    m->absorptive[i] = endow(&m->p, m->seed, m->uid[i], median, m->knowledge + DOMAINS * (int64_t)i);
    for (int d = 0; d < DOMAINS; d++)
        m->known += m->knowledge[DOMAINS * (int64_t)i + d];
}

static void room_for_rows(Model *m, int needed)
{
    if (needed <= m->row_capacity)
        return;
    int before = m->row_capacity, after = needed * 3 / 2;
    m->knowledge = longer(m->knowledge, before, after, DOMAINS * sizeof(double));
    m->next = longer(m->next, before, after, DOMAINS * sizeof(double));
    m->absorptive = longer(m->absorptive, before, after, sizeof(double));
    m->uid = longer(m->uid, before, after, sizeof(uint32_t));
    m->alive = longer(m->alive, before, after, 1);
    m->starts = longer(m->starts, before, after, sizeof(int32_t));
    m->degree = longer(m->degree, before, after, sizeof(int32_t));
    m->free_rows = longer(m->free_rows, before, after, sizeof(int32_t));
    m->leaving = longer(m->leaving, before, after, sizeof(int32_t));
    m->row_capacity = after;
}

static void room_for_users(Model *m, int needed)
{
    if (needed <= m->user_capacity)
        return;
    int before = m->user_capacity, after = needed * 3 / 2;
    m->user_uid = longer(m->user_uid, before, after, sizeof(uint32_t));
    m->provider = longer(m->provider, before, after, sizeof(int32_t));
    m->user_capacity = after;
}

static void enter_users(Model *m, int count)
{
    room_for_users(m, m->user_count + count);
    for (int e = 0; e < count; e++) {
        m->user_uid[m->user_count] = (uint32_t)(m->user_serial++ * 64 + USER);
        m->provider[m->user_count++] = -1;
    }
}

Model *model_new(const Parameters *p, int64_t seed, int64_t firms, int64_t suppliers, int64_t users, int64_t ties,
                 const int32_t *a, const int32_t *b)
{
    Model *m = calloc(1, sizeof *m);
    m->p = *p;
    m->seed = (uint64_t)seed;
    m->firms = (int)firms;
    room_for_rows(m, (int)(firms + suppliers));
    m->installed = column(firms, sizeof(double));
    for (int64_t i = 0; i < firms; i++)
        enter_organisation(m, FIRM, i, p->firm_knowledge);
    for (int64_t i = 0; i < suppliers; i++)
        enter_organisation(m, SUPPLIER, m->supplier_serial++, p->supplier_knowledge);
    m->suppliers = (int)suppliers;
    enter_users(m, (int)users);
    for (int64_t t = 0; t < ties; t++) {
        m->degree[a[t]]++;
        m->degree[b[t]]++;
    }
    for (int i = 1; i < m->rows; i++)
        m->starts[i] = m->starts[i - 1] + m->degree[i - 1];
    m->targets = column(2 * ties + AHEAD, sizeof(int32_t));
    m->target_count = (int)(2 * ties);
    memset(m->degree, 0, m->rows * sizeof *m->degree);
    for (int64_t t = 0; t < ties; t++) {
        m->targets[m->starts[a[t]] + m->degree[a[t]]++] = b[t];
        m->targets[m->starts[b[t]] + m->degree[b[t]]++] = a[t];
    }
    m->supplier_room = suppliers;
    m->user_room = users;
    return m;
}

void model_free(Model *m)
{
    void *columns[] = {m->knowledge, m->next, m->absorptive, m->uid, m->alive, m->starts, m->degree, m->targets,
                       m->free_rows, m->leaving, m->user_uid, m->provider, m->installed};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        free(columns[i]);
    free(m);
}

/* Copy from some neighbours: gains, best source, and what moved by domain. */
static inline void take(const double *restrict knowledge, const double *restrict own, double *restrict gained,
                        double *restrict best, double *restrict moved, double rate, int32_t giver)
{
    const double *from = __builtin_assume_aligned(knowledge + DOMAINS * (int64_t)giver, LINE);
#pragma omp simd simdlen(8)
    for (int d = 0; d < DOMAINS; d++) {
        double gap = from[d] - own[d], volume = gap > 0.0 ? rate * gap : 0.0;
        gained[d] += volume;
        moved[d] += volume;
        best[d] = from[d] > best[d] ? from[d] : best[d];
    }
}

static void share(Model *m)
{
    const double *restrict knowledge = __builtin_assume_aligned(m->knowledge, LINE);
    double *restrict next = __builtin_assume_aligned(m->next, LINE);
    const int32_t *restrict targets = m->targets;
    double moved[2][2][DOMAINS] __attribute__((aligned(LINE))) = {{{0.0}}};
    double known[DOMAINS] __attribute__((aligned(LINE))) = {0.0};
    for (int i = 0; i < m->rows; i++) {
        const double *restrict mine = __builtin_assume_aligned(knowledge + DOMAINS * (int64_t)i, LINE);
        double own[DOMAINS] __attribute__((aligned(LINE))), best[DOMAINS] __attribute__((aligned(LINE)));
        double gained[DOMAINS] __attribute__((aligned(LINE))), sum[DOMAINS] __attribute__((aligned(LINE)));
#pragma omp simd simdlen(8)
        for (int d = 0; d < DOMAINS; d++) {
            own[d] = best[d] = mine[d];
            gained[d] = sum[d] = 0.0;
        }
        double rate = m->p.contract_rate * m->absorptive[i];
        int taker = i < m->firms ? FIRM : SUPPLIER, first = m->starts[i], end = first + m->degree[i];
        for (int n = first; n < end; n++) {
            __builtin_prefetch(knowledge + DOMAINS * (int64_t)targets[n + AHEAD]);
            int32_t giver = targets[n];
            if (__builtin_expect(giver < m->firms, 0))
                take(knowledge, own, gained, best, moved[FIRM][taker], rate, giver);
            else
                take(knowledge, own, gained, best, sum, rate, giver);
        }
        double *restrict after = __builtin_assume_aligned(next + DOMAINS * (int64_t)i, LINE);
#pragma omp simd simdlen(8)
        for (int d = 0; d < DOMAINS; d++) {
            double level = own[d] + gained[d];
            level = level < best[d] ? level : best[d];
            level = level > own[d] ? level : own[d];
            after[d] = level;
            known[d] += level;
            moved[SUPPLIER][taker][d] += sum[d];
        }
    }
    m->next = m->knowledge;
    m->knowledge = next;
    m->known = 0.0;
    for (int d = 0; d < DOMAINS; d++)
        m->known += known[d];
    for (int giver = 0; giver < 2; giver++)
        for (int taker = 0; taker < 2; taker++) {
            double total = 0.0;
            for (int d = 0; d < DOMAINS; d++)
                total += moved[giver][taker][d];
            m->moved[giver][taker] = total;
            m->gained[taker][giver] = m->p.usefulness * m->p.knowledge_cost * total;
        }
}

static double adopt(Model *m)
{
    double weights[m->firms], highest = -INFINITY;
    for (int i = 0; i < m->firms; i++) {
        double known = 0.0;
        for (int d = 0; d < DOMAINS; d++)
            known += m->knowledge[DOMAINS * i + d];
        weights[i] = m->p.quality_weight * log(1.0 + known) + m->p.network_weight * log(1.0 + m->installed[i]);
        highest = weights[i] > highest ? weights[i] : highest;
    }
    for (int i = 0; i < m->firms; i++)
        weights[i] = exp(weights[i] - highest);
    double loyalty = exp(m->p.loyalty);
    int32_t *restrict provider = m->provider;
    int count = m->user_count, adopted = 0;
#pragma omp simd reduction(+ : adopted)
    for (int u = 0; u < count; u++)
        adopted += provider[u] >= 0;
    double chance = 1.0 - survival((double)adopted / count, m->p.innovation, m->p.imitation);
    for (int first = 0; first < count; first += LANES) {
        uint32_t streams[LANES] __attribute__((aligned(LINE)));
        double draws[LANES] __attribute__((aligned(LINE)));
#pragma omp simd
        for (int l = 0; l < LANES; l++)
            streams[l] = provider[first + l] < 0 ? ADOPTION : ADOPTION_SWITCH;
        uniforms(m->seed, streams, m->step, m->user_uid + first, draws);
        uint32_t looks = 0;
        for (int l = 0; l < LANES; l++)
            looks |= (uint32_t)(draws[l] < (provider[first + l] < 0 ? chance : m->p.reconsider)) << l;
        if (count - first < LANES)
            looks &= (1u << (count - first)) - 1;
        for (; looks; looks &= looks - 1) {
            int u = first + __builtin_ctz(looks);
            adopted += provider[u] < 0;
            double draw = uniform(m->seed, ADOPTION_CHOICE, m->step, m->user_uid[u], 0);
            provider[u] = choose(weights, m->firms, provider[u], loyalty, draw);
        }
    }
    int32_t installed[m->firms + 1];
    memset(installed, 0, sizeof installed);
    for (int u = 0; u < count; u++)
        installed[provider[u] + 1]++;
    for (int i = 0; i < m->firms; i++)
        m->installed[i] = installed[i + 1];
    return (double)adopted / count;
}

/* For LANES members: which bring an entrant and which leave, as bits. */
static inline void turnover_draws(const Model *m, const uint32_t *uids, double entry, double leave, uint32_t *brings,
                                  uint32_t *leaves)
{
    uint32_t streams[LANES] __attribute__((aligned(LINE)));
    double draws[LANES] __attribute__((aligned(LINE)));
    *brings = *leaves = 0;
    for (int l = 0; l < LANES; l++)
        streams[l] = ENTRY;
    uniforms(m->seed, streams, m->step, uids, draws);
    for (int l = 0; l < LANES; l++)
        *brings |= (uint32_t)(draws[l] < entry) << l;
    for (int l = 0; l < LANES; l++)
        streams[l] = EXIT;
    uniforms(m->seed, streams, m->step, uids, draws);
    for (int l = 0; l < LANES; l++)
        *leaves |= (uint32_t)(draws[l] < leave) << l;
}

static void end_ties(Model *m, int32_t i)
{
    for (int n = m->starts[i]; n < m->starts[i] + m->degree[i]; n++) {
        int32_t j = m->targets[n], *row = m->targets + m->starts[j];
        int place = 0;
        while (row[place] != i)
            place++;
        m->degree[j]--;
        memmove(row + place, row + place + 1, (m->degree[j] - place) * sizeof *row);
    }
    m->degree[i] = 0;
}

static void turn_over(Model *m)
{
    double entry = 1.0 - exp(-m->p.growth_rate);
    double supplier_exit = 1.0 - exp(-m->p.growth_rate * (m->suppliers / m->supplier_room));
    double user_exit = 1.0 - exp(-m->p.growth_rate * (m->user_count / m->user_room));
    int entrants = 0, leavers = 0;
    uint32_t brings, leaves;
    for (int first = 0; first < m->rows; first += LANES) {
        uint32_t living = 0;
        for (int l = 0; l < LANES; l++) /* beyond the last row nobody is alive */
            living |= (uint32_t)(m->alive[first + l] && first + l >= m->firms) << l;
        turnover_draws(m, m->uid + first, entry, supplier_exit, &brings, &leaves);
        entrants += __builtin_popcount(brings & living);
        for (leaves &= living; leaves; leaves &= leaves - 1)
            m->leaving[leavers++] = first + __builtin_ctz(leaves);
    }
    for (int l = 0; l < leavers; l++) {
        int32_t i = m->leaving[l];
        end_ties(m, i);
        for (int d = 0; d < DOMAINS; d++) {
            m->known -= m->knowledge[DOMAINS * (int64_t)i + d];
            m->knowledge[DOMAINS * (int64_t)i + d] = 0.0;
        }
        m->alive[i] = 0;
        m->free_rows[m->free_count++] = i;
    }
    m->suppliers += entrants - leavers;
    room_for_rows(m, m->rows + entrants);
    for (int e = 0; e < entrants; e++)
        enter_organisation(m, SUPPLIER, m->supplier_serial++, m->p.supplier_knowledge);

    int user_entrants = 0;
    leavers = 0;
    if (m->user_count > m->row_capacity) /* `leaving` serves both */
        room_for_rows(m, m->user_count);
    for (int first = 0; first < m->user_count; first += LANES) {
        turnover_draws(m, m->user_uid + first, entry, user_exit, &brings, &leaves);
        uint32_t living = m->user_count - first < LANES ? (1u << (m->user_count - first)) - 1 : ~0u;
        user_entrants += __builtin_popcount(brings & living);
        for (leaves &= living; leaves; leaves &= leaves - 1)
            m->leaving[leavers++] = first + __builtin_ctz(leaves);
    }
    while (leavers > 0) { /* from the last on, so that the one that fills the gap stays */
        int32_t gap = m->leaving[--leavers], last = --m->user_count;
        m->user_uid[gap] = m->user_uid[last];
        m->provider[gap] = m->provider[last];
    }
    enter_users(m, user_entrants);
}

/* All knowledge of the organisations: kept up to date by what changes it. */
static double known(const Model *m)
{
    return m->known;
}

#include "run.h"
