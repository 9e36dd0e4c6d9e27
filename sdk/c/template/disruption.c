// Disruption policy: nodes with young pods of Jobs stay, and moving a pod of a namespace that is named costs extra.

#include "plimsoll.h"

enum { YOUNG_JOB = 1, DEAR_NAMESPACE = 2 };

/// Pods of Jobs are young for so many minutes.
static uint32_t minutes = 30;
/// Dollars per hour that a pod of a namespace counts beyond what every eviction counts.
static pl_named_amounts usd_per_hour;

static const pl_field FIELDS[] = {
    PL_WHOLE("minutes", &minutes, 0, 10000),
    PL_NAMED_AMOUNTS("usd_per_hour", &usd_per_hour, -1000, 1000),
};

static pl_outcome configure(pl_text json) { return pl_configure(json, FIELDS, PL_COUNT(FIELDS)); }

static double counts(pl_text namespace) {
    for (uint32_t i = 0; i < usd_per_hour.len; i++) {
        if (pl_equal(namespace, usd_per_hour.data[i].name)) return usd_per_hour.data[i].amount;
    }
    return 0;
}

static void judge_one(pl_view *view, uint32_t candidate, pl_verdicts *answer) {
    pl_numbers rows = pl_mover_candidate_column(view);
    bool denied = false;
    double sum = 0;
    for (uint32_t pod = pl_first_row(rows, candidate); pod < rows.len && rows.data[pod] == candidate; pod++) {
        sum += counts(pl_mover_namespace(view, pod));
        bool young = pl_mover_age_ms(view, pod) / 60000 < minutes;
        if (denied || !young || !pl_equal(pl_mover_owner_kind(view, pod), PL("Job"))) continue;
        pl_text job = pl_mover_owner_name(view, pod);
        pl_explain(candidate, YOUNG_JOB, "Job %.*s has just begun", PL_SHOWN(job));
        pl_verdicts_deny(answer, candidate, YOUNG_JOB);
        denied = true;
    }
    if (sum != 0) pl_verdicts_add(answer, candidate, sum, DEAR_NAMESPACE);
}

static pl_outcome judge(pl_view *view, pl_verdicts *answer) {
    for (uint32_t candidate = 0; candidate < pl_candidates(view); candidate++) judge_one(view, candidate, answer);
    return PL_DONE;
}

PLIMSOLL_EXPORT_DISRUPTION(configure, judge)
