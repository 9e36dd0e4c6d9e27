// Headroom policy: keeps room for so many pods on weekdays and so many at weekends, and for a share of a recent peak.
//
// The time is the picture's; daylight saving is not known.

#include "plimsoll.h"

enum { WEEKDAY = 1, WEEKEND = 2, PEAK = 3, MOST_PODS = 10000 };

static int32_t utc_offset_minutes = 0;
static uint32_t cpu_milli = 500, memory_mib = 1024;
static uint32_t weekday_pods = 10, weekend_pods = 2;
static uint32_t peak_percent = 0, peak_minutes = 60;

static const pl_field FIELDS[] = {
    PL_SIGNED("utc_offset_minutes", &utc_offset_minutes, -1440, 1440),
    PL_WHOLE("cpu_milli", &cpu_milli, 0, UINT32_MAX),
    PL_WHOLE("memory_mib", &memory_mib, 0, UINT32_MAX),
    PL_WHOLE("weekday_pods", &weekday_pods, 0, MOST_PODS),
    PL_WHOLE("weekend_pods", &weekend_pods, 0, MOST_PODS),
    PL_WHOLE("peak_percent", &peak_percent, 0, 1000),
    PL_WHOLE("peak_minutes", &peak_minutes, 1, 1440),
};

static pl_outcome configure(pl_text json) {
    pl_outcome outcome = pl_configure(json, FIELDS, PL_COUNT(FIELDS));
    if (outcome.declined) return outcome;
    return cpu_milli > 0 || memory_mib > 0 ? PL_DONE : pl_decline("cpu_milli and memory_mib must not both be 0");
}

static bool is_weekend(uint64_t now_ms) {
    // A week later, so that nothing is negative; 1970-01-01 was a Thursday.
    int64_t minutes = (int64_t)(now_ms / 60000) + utc_offset_minutes + 7 * 1440;
    return (minutes / 1440 + 3) % 7 >= 5;
}

/// The most pods that waited recently.
static uint32_t peak(pl_view *view) {
    uint32_t most = 0;
    for (uint32_t row = 0; row < pl_history(view); row++) {
        uint32_t pending = pl_history_pending(view, row);
        if (pl_history_age_ms(view, row) <= peak_minutes * 60000 && pending > most) most = pending;
    }
    return most;
}

static pl_outcome reserve(pl_view *view, pl_room *answer) {
    uint16_t code = is_weekend(pl_now_ms(view)) ? WEEKEND : WEEKDAY;
    uint64_t pods = code == WEEKEND ? weekend_pods : weekday_pods;
    if (peak_percent > 0) {
        uint64_t follow = ((uint64_t)peak(view) * peak_percent + 99) / 100;
        if (follow > pods) {
            pods = follow;
            code = PEAK;
        }
    }
    if (pods > MOST_PODS) pods = MOST_PODS;
    if (pods > 0) pl_room_keep(answer, (uint32_t)pods, cpu_milli, memory_mib, code);
    return PL_DONE;
}

PLIMSOLL_EXPORT_HEADROOM(configure, reserve)
