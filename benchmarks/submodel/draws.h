/* Philox4x32-10 (Salmon et al. 2011) with the key layout of ecosim/draws.py, and what an organisation enters with. */
#ifndef DRAWS_H
#define DRAWS_H

#include <math.h>
#include <stdint.h>

/* Streams: places in STREAMS of ecosim/draws.py. */
enum { ENTRANT_ENDOWMENT = 0, ENTRY = 1, EXIT = 2, ADOPTION = 17, ADOPTION_CHOICE = 18, ADOPTION_SWITCH = 19 };
/* Roles: a uid is serial * 64 + role. */
enum { FIRM = 0, SUPPLIER = 1, USER = 5 };
#define DOMAINS 8

typedef struct {
    double contract_rate, usefulness, knowledge_cost;                 /* copying */
    double innovation, imitation, quality_weight, network_weight, loyalty, reconsider;  /* adoption */
    double growth_rate;                                               /* turnover of suppliers and users */
    double firm_knowledge, supplier_knowledge, absorptive, spread;    /* endowment */
} Parameters;

/* What is recorded of a quarter. */
typedef struct {
    double mean_knowledge, adopted_share, firms, suppliers, users, moved;
} Record;

static inline void philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t first = (uint64_t)0xD2511F53u * c[0], second = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t c0 = (uint32_t)(second >> 32) ^ c[1] ^ k0, c2 = (uint32_t)(first >> 32) ^ c[3] ^ k1;
        c[0] = c0;
        c[1] = (uint32_t)second;
        c[2] = c2;
        c[3] = (uint32_t)first;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

static inline void block(uint64_t seed, int stream, uint32_t step, uint64_t uid, uint32_t k, uint32_t words[4])
{
    words[0] = k;
    words[1] = step;
    words[2] = (uint32_t)uid;
    words[3] = (uint32_t)(uid >> 32 & 0xFF) | (uint32_t)stream << 8;
    philox(words, (uint32_t)seed, (uint32_t)(seed >> 32));
}

static inline double fraction(uint32_t high, uint32_t low)
{
    return (double)(int64_t)((uint64_t)high << 21 | low >> 11) * 0x1p-53;
}

static inline double uniform(uint64_t seed, int stream, uint32_t step, uint64_t uid, uint32_t k)
{
    uint32_t words[4];
    block(seed, stream, step, uid, k, words);
    return fraction(words[0], words[1]);
}

static inline double normal(uint64_t seed, int stream, uint32_t step, uint64_t uid, uint32_t k)
{
    uint32_t words[4];
    block(seed, stream, step, uid, k, words);
    double radius = fraction(words[0], words[1]), angle = fraction(words[2], words[3]);
    return sqrt(-2.0 * log(1.0 - radius)) * cos(2.0 * M_PI * angle);
}

/* Draw the knowledge of an entrant; return its absorptive capacity. */
static inline double endow(const Parameters *p, uint64_t seed, uint64_t uid, double median, double *knowledge)
{
    double size = exp(p->spread * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 0)), total = 0.0;
    for (int d = 0; d < DOMAINS; d++) {
        double z = normal(seed, ENTRANT_ENDOWMENT, 0, uid, 10 + d);
        knowledge[d] = 0.5 * z * z + 1e-6;
        total += knowledge[d];
    }
    double scale = median * pow(size, 0.3) / total;
    for (int d = 0; d < DOMAINS; d++)
        knowledge[d] *= scale;
    double level = p->absorptive * (1.0 + 0.1 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 26));
    return level < 0.0 ? 0.0 : level > 1.0 ? 1.0 : level;
}

/* Chance of not adopting in a quarter, exact along the Bass curve from a share that has adopted. */
static inline double survival(double adopted, double innovation, double imitation)
{
    double rate = innovation + imitation, waiting = (1.0 - adopted) * (imitation / rate);
    return 1.0 / (waiting + (1.0 - waiting) * exp(rate * 0.25));
}

/* Logit choice by one draw among weights, the one at `present` raised by a factor. */
static inline int choose(const double *weights, int count, int present, double raised, double draw)
{
    double total = 0.0;
    for (int i = 0; i < count; i++)
        total += i == present ? weights[i] * raised : weights[i];
    double point = draw * total;
    for (int i = 0; i < count - 1; i++) {
        point -= i == present ? weights[i] * raised : weights[i];
        if (point < 0.0)
            return i;
    }
    return count - 1;
}

#endif
