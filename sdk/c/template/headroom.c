// Headroom policy: keeps room for as many pods as waited at most in the last cycles.

#include "plimsoll.h"

/// How far back to look, and the request of a virtual pod.
static uint32_t minutes = 30, cpu_milli = 250, memory_mib = 512;

static const pl_field FIELDS[] = {
    PL_WHOLE("minutes", &minutes, 1, 1440),
    PL_WHOLE("cpu_milli", &cpu_milli, 1, 1000000),
    PL_WHOLE("memory_mib", &memory_mib, 0, 10000000),
};

static pl_outcome configure(pl_text json) { return pl_configure(json, FIELDS, PL_COUNT(FIELDS)); }

static pl_outcome reserve(pl_view *view, pl_room *answer) {
    uint32_t most = 0;
    for (uint32_t row = 0; row < pl_history(view); row++) {
        bool recent = pl_history_age_ms(view, row) / 60000 <= minutes;
        if (recent && pl_history_pending(view, row) > most) most = pl_history_pending(view, row);
    }
    if (most > 100) most = 100;
    if (most > 0) pl_room_keep(answer, most, cpu_milli, memory_mib, 1);
    return PL_DONE;
}

PLIMSOLL_EXPORT_HEADROOM(configure, reserve)
