/* The quarter and what is measured of it. Included last: each of the two programs has its own Model, phases and `known`. */

static Record measure(const Model *m, double adopted)
{
    double moved = m->moved[0][0] + m->moved[0][1] + m->moved[1][0] + m->moved[1][1];
    return (Record){known(m) / (m->firms + m->suppliers), adopted, m->firms, m->suppliers, m->user_count, moved};
}

/* How many users each firm serves, (firms,). */
void model_installed(const Model *m, double *installed)
{
    memcpy(installed, m->installed, m->firms * sizeof *installed);
}

void model_run(Model *m, int64_t quarters, Record *records)
{
    for (int64_t quarter = 0; quarter < quarters; quarter++) {
        share(m);
        double adopted = adopt(m);
        turn_over(m);
        records[quarter] = measure(m, adopted);
        m->step++;
    }
}
