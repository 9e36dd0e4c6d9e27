// Scaler policy: replicas in proportion to the depth of a queue, none once it has been empty for a while.
//
// Keeps since when each queue is empty. Workloads that are scaled on `cpu` or `memory` are not its business.

#include "plimsoll.h"

enum { GROWS = 1, SHRINKS = 2, STAYS = 3, MOST_REPLICAS = 1000000, MOST_KEPT = 65536 };

static uint32_t max_age_seconds = 120, idle_seconds = 300, most_down_percent = 50;

static const pl_field FIELDS[] = {
    PL_WHOLE("max_age_seconds", &max_age_seconds, 0, 86400),
    PL_WHOLE("idle_seconds", &idle_seconds, 0, 86400),
    PL_WHOLE("most_down_percent", &most_down_percent, 0, 100),
};

static pl_outcome configure(pl_text json) { return pl_configure(json, FIELDS, PL_COUNT(FIELDS)); }

/// Since when queues are empty: what was kept, by workload, and what will be.
typedef struct {
    pl_map lines; // where the line of a workload begins in `old`
    pl_text old;
    pl_writing new;
} idle;

static bool read_line(pl_text line, pl_text *key, uint64_t *since) {
    pl_text digits;
    return pl_split_last(line, ' ', key, &digits) && pl_read_whole(digits, since);
}

static idle read_state(pl_view *view) {
    idle state = {.old = pl_state(view)};
    pl_text rest = state.old, line, key;
    uint64_t since;
    while (pl_next_line(&rest, &line)) {
        if (read_line(line, &key, &since)) pl_map_put(&state.lines, key, (uint64_t)(line.data - state.old.data));
    }
    return state;
}

/// The line that was kept of a workload.
static bool old_line(const idle *state, pl_text key, pl_text *line, uint64_t *since) {
    uint64_t begin;
    if (!pl_map_get(&state->lines, key, &begin)) return false;
    pl_text rest = {state->old.data + begin, state->old.len - (uint32_t)begin};
    return pl_next_line(&rest, line) && read_line(*line, &key, since);
}

/// Replicas for a queue that is empty; notes since when it is.
static uint32_t wanted_when_empty(idle *state, pl_text key, uint64_t now) {
    pl_text line;
    uint64_t since;
    if (!old_line(state, key, &line, &since)) since = now;
    pl_write(&state->new, "%.*s %llu\n", PL_SHOWN(key), since);
    return now >= since && now - since >= (uint64_t)idle_seconds * 1000 ? 0 : 1;
}

/// The first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long.
static pl_text what_fits(pl_text state) {
    if (state.len <= MOST_KEPT) return state;
    state.len = MOST_KEPT;
    while (state.len > 0 && state.data[state.len - 1] != '\n') state.len--;
    return state;
}

static uint32_t wanted_for(double depth, double target) {
    double wanted = pl_ceil(depth / target);
    return wanted < 1 ? 1 : wanted < MOST_REPLICAS ? (uint32_t)wanted : MOST_REPLICAS;
}

/// No further down than a share of the replicas, rounded up; to zero at once.
static uint32_t not_too_fast(uint32_t wanted, uint32_t replicas) {
    if (wanted == 0 || wanted >= replicas) return wanted;
    uint64_t least = ((uint64_t)replicas * (100 - most_down_percent) + 99) / 100;
    return wanted > least ? wanted : (uint32_t)least;
}

static pl_outcome scale(pl_view *view, pl_replicas *answer) {
    idle state = read_state(view);
    uint64_t now = pl_now_ms(view), since;
    pl_sym cpu = pl_intern(view, PL("cpu")), memory = pl_intern(view, PL("memory"));
    pl_writing key = {0};
    for (uint32_t row = 0; row < pl_workloads(view); row++) {
        pl_sym metric = pl_workload_metric_sym(view, row);
        if (metric == cpu || metric == memory) continue;
        pl_text kind = pl_workload_kind(view, row), namespace = pl_workload_namespace(view, row);
        pl_text name = pl_workload_name(view, row), line;
        key.len = 0;
        pl_write(&key, "%.*s/%.*s/%.*s", PL_SHOWN(kind), PL_SHOWN(namespace), PL_SHOWN(name));

        double value, target = pl_workload_target(view, row);
        bool old = pl_workload_age_ms(view, row) > max_age_seconds * 1000;
        // What is not known now says nothing about how long the queue has been empty.
        if (!pl_workload_value(view, row, &value) || old || target <= 0) {
            if (old_line(&state, pl_written(&key), &line, &since)) pl_write(&state.new, "%.*s\n", PL_SHOWN(line));
            continue;
        }
        uint32_t replicas = pl_workload_replicas(view, row);
        uint32_t wanted = value > 0 ? wanted_for(value, target) : wanted_when_empty(&state, pl_written(&key), now);
        wanted = not_too_fast(wanted, replicas);
        uint16_t code = wanted > replicas ? GROWS : wanted < replicas ? SHRINKS : STAYS;
        pl_replicas_set(answer, row, wanted, code);
        if (code != STAYS) {
            uint32_t depth = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
            pl_explain(row, code, "%.*s: %u waiting, %u to %u", PL_SHOWN(name), depth, replicas, wanted);
        }
    }
    pl_keep(what_fits(pl_written(&state.new)));
    return PL_DONE;
}

PLIMSOLL_EXPORT_SCALER(configure, scale)
