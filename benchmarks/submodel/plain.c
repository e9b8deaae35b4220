/* The sub-model in plain C: arrays of structs, a list of ties, one loop a rule. Rules: benchmarks/README.md. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "draws.h"

typedef struct {
    double knowledge[DOMAINS], gained[DOMAINS], best[DOMAINS];
    double absorptive;
    uint64_t uid;
    int role;
    bool alive, leaves;
} Organisation;

typedef struct {
    uint64_t uid;
    int provider; /* place among the firms, -1 for none */
} User;

typedef struct {
    int a, b;
} Tie;

typedef struct {
    Parameters p;
    uint64_t seed;
    uint32_t step;
    Organisation *organisations; /* the firms first; rows of those that left are used again */
    int rows, row_capacity, firms, suppliers;
    int *free_rows, free_count;
    User *users;
    int user_count, user_capacity;
    Tie *ties;
    int tie_count;
    uint64_t supplier_serial, user_serial;
    double supplier_room, user_room; /* carrying capacities */
    double *installed;
    double moved[2][2], gained[2][2]; /* knowledge by role of giver and taker; what taker gained of giver */
} Model;

static void enter_organisation(Model *m, int role, uint64_t serial, double median)
{
    int i = m->free_count > 0 ? m->free_rows[--m->free_count] : m->rows++;
    Organisation *o = &m->organisations[i];
    o->uid = serial * 64 + role;
    o->role = role;
    o->alive = true;
    o->leaves = false;
    o->absorptive = endow(&m->p, m->seed, o->uid, median, o->knowledge);
}

static void enter_user(Model *m)
{
    if (m->user_count == m->user_capacity) {
        m->user_capacity += m->user_capacity / 2 + 1;
        m->users = realloc(m->users, m->user_capacity * sizeof *m->users);
    }
    m->users[m->user_count++] = (User){m->user_serial++ * 64 + USER, -1};
}

Model *model_new(const Parameters *p, int64_t seed, int64_t firms, int64_t suppliers, int64_t users, int64_t ties,
                 const int32_t *a, const int32_t *b)
{
    Model *m = calloc(1, sizeof *m);
    m->p = *p;
    m->seed = (uint64_t)seed;
    m->firms = (int)firms;
    m->row_capacity = (int)(firms + suppliers) * 2;
    m->organisations = calloc(m->row_capacity, sizeof *m->organisations);
    m->free_rows = calloc(m->row_capacity, sizeof *m->free_rows);
    m->installed = calloc(firms, sizeof *m->installed);
    for (int64_t i = 0; i < firms; i++)
        enter_organisation(m, FIRM, i, p->firm_knowledge);
    for (int64_t i = 0; i < suppliers; i++)
        enter_organisation(m, SUPPLIER, m->supplier_serial++, p->supplier_knowledge);
    m->suppliers = (int)suppliers;
    for (int64_t i = 0; i < users; i++)
        enter_user(m);
    m->ties = malloc((ties > 0 ? ties : 1) * sizeof *m->ties);
    m->tie_count = (int)ties;
    for (int64_t t = 0; t < ties; t++)
        m->ties[t] = (Tie){a[t], b[t]};
    m->supplier_room = suppliers;
    m->user_room = users;
    return m;
}

void model_free(Model *m)
{
    free(m->organisations);
    free(m->free_rows);
    free(m->installed);
    free(m->users);
    free(m->ties);
    free(m);
}

static void copy(Model *m, const Organisation *giver, Organisation *taker)
{
    double rate = m->p.contract_rate * taker->absorptive, total = 0.0;
    for (int d = 0; d < DOMAINS; d++) {
        double volume = rate * (giver->knowledge[d] - taker->knowledge[d]);
        if (volume > 0.0) {
            taker->gained[d] += volume;
            if (giver->knowledge[d] > taker->best[d])
                taker->best[d] = giver->knowledge[d];
            total += volume;
        }
    }
    m->moved[giver->role][taker->role] += total;
    m->gained[taker->role][giver->role] += m->p.usefulness * m->p.knowledge_cost * total;
}

static void share(Model *m)
{
    for (int i = 0; i < m->rows; i++) {
        memset(m->organisations[i].gained, 0, sizeof m->organisations[i].gained);
        memset(m->organisations[i].best, 0, sizeof m->organisations[i].best);
    }
    memset(m->moved, 0, sizeof m->moved);
    memset(m->gained, 0, sizeof m->gained);
    for (int t = 0; t < m->tie_count; t++) {
        Organisation *a = &m->organisations[m->ties[t].a], *b = &m->organisations[m->ties[t].b];
        copy(m, b, a);
        copy(m, a, b);
    }
    for (int i = 0; i < m->rows; i++) {
        Organisation *o = &m->organisations[i];
        for (int d = 0; d < DOMAINS; d++) {
            double after = o->knowledge[d] + o->gained[d];
            if (after > o->best[d])
                after = o->best[d];
            if (after > o->knowledge[d])
                o->knowledge[d] = after;
        }
    }
}

static double adopt(Model *m)
{
    double weights[m->firms], highest = -INFINITY;
    for (int i = 0; i < m->firms; i++) {
        double known = 0.0;
        for (int d = 0; d < DOMAINS; d++)
            known += m->organisations[i].knowledge[d];
        weights[i] = m->p.quality_weight * log(1.0 + known) + m->p.network_weight * log(1.0 + m->installed[i]);
        highest = weights[i] > highest ? weights[i] : highest;
    }
    for (int i = 0; i < m->firms; i++)
        weights[i] = exp(weights[i] - highest);
    double loyalty = exp(m->p.loyalty);
    int adopted = 0;
    for (int u = 0; u < m->user_count; u++)
        adopted += m->users[u].provider >= 0;
    double chance = 1.0 - survival((double)adopted / m->user_count, m->p.innovation, m->p.imitation);
    memset(m->installed, 0, m->firms * sizeof *m->installed);
    for (int u = 0; u < m->user_count; u++) {
        User *user = &m->users[u];
        bool first = user->provider < 0;
        bool looks = uniform(m->seed, first ? ADOPTION : ADOPTION_SWITCH, m->step, user->uid, 0)
                     < (first ? chance : m->p.reconsider);
        if (looks) {
            double draw = uniform(m->seed, ADOPTION_CHOICE, m->step, user->uid, 0);
            user->provider = choose(weights, m->firms, user->provider, loyalty, draw);
            adopted += first;
        }
        if (user->provider >= 0)
            m->installed[user->provider] += 1.0;
    }
    return (double)adopted / m->user_count;
}

static void turn_over(Model *m)
{
    double entry = 1.0 - exp(-m->p.growth_rate);
    double supplier_exit = 1.0 - exp(-m->p.growth_rate * (m->suppliers / m->supplier_room));
    double user_exit = 1.0 - exp(-m->p.growth_rate * (m->user_count / m->user_room));
    int entrants = 0, leavers = 0;
    for (int i = m->firms; i < m->rows; i++) {
        Organisation *o = &m->organisations[i];
        if (!o->alive)
            continue;
        entrants += uniform(m->seed, ENTRY, m->step, o->uid, 0) < entry;
        o->leaves = uniform(m->seed, EXIT, m->step, o->uid, 0) < supplier_exit;
        leavers += o->leaves;
    }
    if (leavers > 0) {
        int kept = 0;
        for (int t = 0; t < m->tie_count; t++)
            if (!m->organisations[m->ties[t].a].leaves && !m->organisations[m->ties[t].b].leaves)
                m->ties[kept++] = m->ties[t];
        m->tie_count = kept;
        for (int i = m->firms; i < m->rows; i++)
            if (m->organisations[i].leaves) {
                memset(&m->organisations[i], 0, sizeof m->organisations[i]);
                m->free_rows[m->free_count++] = i;
            }
    }
    m->suppliers += entrants - leavers;
    int needed = m->rows + entrants;
    if (needed > m->row_capacity) {
        m->row_capacity = needed * 3 / 2;
        m->organisations = realloc(m->organisations, m->row_capacity * sizeof *m->organisations);
        m->free_rows = realloc(m->free_rows, m->row_capacity * sizeof *m->free_rows);
    }
    for (int e = 0; e < entrants; e++)
        enter_organisation(m, SUPPLIER, m->supplier_serial++, m->p.supplier_knowledge);

    int user_entrants = 0, kept = 0;
    for (int u = 0; u < m->user_count; u++) {
        uint64_t uid = m->users[u].uid;
        user_entrants += uniform(m->seed, ENTRY, m->step, uid, 0) < entry;
        if (uniform(m->seed, EXIT, m->step, uid, 0) >= user_exit)
            m->users[kept++] = m->users[u];
    }
    m->user_count = kept;
    for (int e = 0; e < user_entrants; e++)
        enter_user(m);
}

/* All knowledge of the organisations. */
static double known(const Model *m)
{
    double sum = 0.0;
    for (int i = 0; i < m->rows; i++)
        for (int d = 0; d < DOMAINS; d++)
            sum += m->organisations[i].knowledge[d];
    return sum;
}

#include "run.h"
