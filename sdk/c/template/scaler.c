// Scaler policy: one replica for so much of the metric, at least as many as are allowed.

#include "plimsoll.h"

/// Values older than this are not believed.
static uint32_t max_age_seconds = 120;

static const pl_field FIELDS[] = {
    PL_WHOLE("max_age_seconds", &max_age_seconds, 0, 86400),
};

static pl_outcome configure(pl_text json) { return pl_configure(json, FIELDS, PL_COUNT(FIELDS)); }

static pl_outcome scale(pl_view *view, pl_replicas *answer) {
    for (uint32_t row = 0; row < pl_workloads(view); row++) {
        double value, request = pl_workload_request(view, row);
        if (pl_workload_age_ms(view, row) / 1000 > max_age_seconds) continue;
        // A missing value never means zero: without one, the workload keeps what it has.
        if (!pl_workload_value(view, row, &value)) continue;
        double per_replica = pl_workload_target(view, row) * (request > 0 ? request : 1);
        if (!(per_replica > 0)) continue;
        double wanted = pl_ceil(value / per_replica);
        uint32_t replicas = wanted < 1000000 ? (uint32_t)wanted : 1000000, least = pl_workload_min(view, row);
        pl_replicas_set(answer, row, replicas > least ? replicas : least, 1);
    }
    return PL_DONE;
}

PLIMSOLL_EXPORT_SCALER(configure, scale)
