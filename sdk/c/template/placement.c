// Placement policy: keeps batch pods off Fargate.

#include "plimsoll.h"

/// Label whose value `batch` marks such pods.
static pl_text label = PL("tier");

static const pl_field FIELDS[] = {
    PL_TEXT("label", &label),
};

static pl_outcome configure(pl_text json) { return pl_configure(json, FIELDS, PL_COUNT(FIELDS)); }

static pl_outcome place(pl_view *view, pl_prices *answer) {
    for (uint32_t row = 0; row < pl_classes(view); row++) {
        if (!pl_equal(pl_class_label(view, row, label), PL("batch"))) continue;
        for (uint32_t set = 0; set < pl_sets(view); set++) {
            if (pl_set_is_fargate(view, set)) pl_prices_forbid(answer, row, set, 1);
        }
    }
    return PL_DONE;
}

PLIMSOLL_EXPORT_PLACEMENT(configure, place)
