// Scaler policy: every workload keeps its replicas, within its bounds.
//
// Decides nothing; it shows the fastest way over whole columns, and speed is measured with it.

#include "plimsoll.h"

enum { MOST_REPLICAS = 1000000 };

static pl_outcome configure(pl_text json) { return pl_configure(json, NULL, 0); }

static pl_outcome scale(pl_view *view, pl_replicas *answer) {
    pl_numbers replicas = pl_workload_replicas_column(view);
    pl_numbers least = pl_workload_min_column(view), most = pl_workload_max_column(view);
    uint32_t *wanted = pl_replicas_of_first(answer, replicas.len);
    for (uint32_t row = 0; row < replicas.len; row++) {
        uint32_t enough = replicas.data[row] > least.data[row] ? replicas.data[row] : least.data[row];
        uint32_t within = enough < most.data[row] ? enough : most.data[row];
        wanted[row] = within < MOST_REPLICAS ? within : MOST_REPLICAS;
    }
    return PL_DONE;
}

PLIMSOLL_EXPORT_SCALER(configure, scale)
