// Review policy: lets a plan add so many dollars per hour at once and holds what goes beyond, later steps first.

#include "plimsoll.h"

enum { TOO_DEAR = 1 };

/// What the steps of one plan may add together.
static double usd_per_hour = 10;
/// Groups and Fargate profiles that do not count.
static pl_texts except;

static const pl_field FIELDS[] = {
    PL_AMOUNT("usd_per_hour", &usd_per_hour, 0, 1000000),
    PL_TEXTS("except", &except),
};

static pl_outcome configure(pl_text json) { return pl_configure(json, FIELDS, PL_COUNT(FIELDS)); }

static pl_outcome review(pl_view *view, pl_holds *answer) {
    double sum = 0, adds;
    for (uint32_t step = 0; step < pl_steps(view); step++) {
        // What nobody knows the price of is not what this policy is about.
        if (!pl_step_adds(view, step, &adds) || adds <= 0 || pl_among(pl_step_group(view, step), except)) continue;
        if (sum + adds > usd_per_hour) {
            pl_explain(step, TOO_DEAR, "adds %.2f, %.2f of %.2f are taken", adds, sum, usd_per_hour);
            pl_holds_hold(answer, step, TOO_DEAR);
        } else {
            sum += adds;
        }
    }
    return PL_DONE;
}

PLIMSOLL_EXPORT_REVIEW(configure, review)
