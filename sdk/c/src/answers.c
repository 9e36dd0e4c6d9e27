// Answers: lists that grow, and how they and outcomes lie in memory when they are handed to the host.
//
// The layouts are the canonical ABI's for the results in sdk/wit/hooks.wit: a word that says whether it is an error,
// then address and length of each list, or of the message.

#include "text.h"

/// Makes room for `more` entries in lists that share `len` and `room`; LISTS grows each of them.
#define RESERVE(answer, more, LISTS) \
    do { \
        if ((answer)->room - (answer)->len < (more)) { \
            (answer)->room = pl_more_room_((answer)->room, (answer)->len, (more)); \
            LISTS \
        } \
    } while (0)
#define GROW(answer, list) PL_GROW_((answer)->list, (answer)->len, (answer)->room);

void pl_replicas_reserve(pl_replicas *answer, uint32_t more) {
    RESERVE(answer, more, GROW(answer, workloads) GROW(answer, replicas) GROW(answer, codes));
}

uint32_t *pl_replicas_of_first(pl_replicas *answer, uint32_t count) {
    pl_replicas_reserve(answer, count);
    uint32_t *workloads = answer->workloads + answer->len, *replicas = answer->replicas + answer->len;
    // Replicas and codes are zero in memory that is handed out for the first time.
    for (uint32_t row = 0; row < count; row++) workloads[row] = row;
    answer->len += count;
    return replicas;
}

void pl_prices_factor(pl_prices *answer, uint32_t set, double factor) {
    struct pl_factors_ *to = &answer->factors;
    RESERVE(to, 1, GROW(to, sets) GROW(to, factors));
    to->sets[to->len] = set;
    to->factors[to->len++] = factor;
}

void pl_prices_forbid(pl_prices *answer, uint32_t class_row, uint32_t set, uint16_t code) {
    struct pl_bans_ *to = &answer->bans;
    RESERVE(to, 1, GROW(to, classes) GROW(to, sets) GROW(to, codes));
    to->classes[to->len] = class_row;
    to->sets[to->len] = set;
    to->codes[to->len++] = code;
}

uint16_t *pl_prices_forbid_first(pl_prices *answer, uint32_t set, uint32_t count) {
    struct pl_bans_ *to = &answer->bans;
    RESERVE(to, count, GROW(to, classes) GROW(to, sets) GROW(to, codes));
    uint32_t *classes = to->classes + to->len, *sets = to->sets + to->len;
    uint16_t *codes = to->codes + to->len;
    for (uint32_t row = 0; row < count; row++) {
        classes[row] = row;
        sets[row] = set;
        codes[row] = 0;
    }
    to->len += count;
    return codes;
}

void pl_prices_add(pl_prices *answer, uint32_t class_row, uint32_t set, double usd_per_hour, uint16_t code) {
    struct pl_addends_ *to = &answer->addends;
    RESERVE(to, 1, GROW(to, classes) GROW(to, sets) GROW(to, usd) GROW(to, codes));
    to->classes[to->len] = class_row;
    to->sets[to->len] = set;
    to->usd[to->len] = usd_per_hour;
    to->codes[to->len++] = code;
}

void pl_room_keep(pl_room *answer, uint32_t pods, uint32_t cpu_milli, uint32_t memory_mib, uint16_t code) {
    RESERVE(answer, 1, GROW(answer, pods) GROW(answer, cpu_milli) GROW(answer, memory_mib) GROW(answer, codes));
    answer->pods[answer->len] = pods;
    answer->cpu_milli[answer->len] = cpu_milli;
    answer->memory_mib[answer->len] = memory_mib;
    answer->codes[answer->len++] = code;
}

void pl_verdicts_deny(pl_verdicts *answer, uint32_t candidate, uint16_t code) {
    struct pl_denials_ *to = &answer->denials;
    RESERVE(to, 1, GROW(to, candidates) GROW(to, codes));
    to->candidates[to->len] = candidate;
    to->codes[to->len++] = code;
}

void pl_verdicts_add(pl_verdicts *answer, uint32_t candidate, double usd_per_hour, uint16_t code) {
    struct pl_dearer_ *to = &answer->addends;
    RESERVE(to, 1, GROW(to, candidates) GROW(to, usd) GROW(to, codes));
    to->candidates[to->len] = candidate;
    to->usd[to->len] = usd_per_hour;
    to->codes[to->len++] = code;
}

void pl_holds_hold(pl_holds *answer, uint32_t step, uint16_t code) {
    RESERVE(answer, 1, GROW(answer, steps) GROW(answer, codes));
    answer->steps[answer->len] = step;
    answer->codes[answer->len++] = code;
}

// ---- what the host gets ---------------------------------------------------------------------------------------------

pl_outcome pl_decline(const char *format, ...) {
    pl_writing why = {0};
    va_list values;
    va_start(values, format);
    pl_write_all(&why, format, values);
    va_end(values);
    return (pl_outcome){true, pl_written(&why)};
}

/// Address and length of a list.
struct list {
    const void *data;
    uint32_t len;
};
enum { MOST_LISTS = 9 };

static const void *lowered(pl_outcome outcome, const struct list *lists, uint32_t count) {
    static struct {
        uint32_t declined;
        struct list lists[MOST_LISTS];
    } result;
    result.declined = outcome.declined;
    if (outcome.declined) {
        result.lists[0] = (struct list){outcome.why.data, outcome.why.len};
        return &result;
    }
    for (uint32_t i = 0; i < count; i++) {
        result.lists[i] = lists[i];
        // Lists that nothing was added to: aligned for whatever they are of.
        if (lists[i].len == 0) result.lists[i].data = (const void *)_Alignof(double);
    }
    return &result;
}

#define LOWERED(outcome, ...) \
    lowered(outcome, (const struct list[]){__VA_ARGS__}, sizeof((struct list[]){__VA_ARGS__}) / sizeof(struct list))
#define LIST(of, name) {(of).name, (of).len}

const void *pl_configured_(pl_outcome outcome) { return lowered(outcome, NULL, 0); }

const void *pl_scaled_(pl_outcome outcome, const pl_replicas *answer) {
    return LOWERED(outcome, LIST(*answer, workloads), LIST(*answer, replicas), LIST(*answer, codes));
}

const void *pl_placed_(pl_outcome outcome, const pl_prices *answer) {
    return LOWERED(outcome, LIST(answer->factors, sets), LIST(answer->factors, factors), LIST(answer->bans, classes),
                   LIST(answer->bans, sets), LIST(answer->bans, codes), LIST(answer->addends, classes),
                   LIST(answer->addends, sets), LIST(answer->addends, usd), LIST(answer->addends, codes));
}

const void *pl_reserved_(pl_outcome outcome, const pl_room *answer) {
    return LOWERED(outcome, LIST(*answer, pods), LIST(*answer, cpu_milli), LIST(*answer, memory_mib),
                   LIST(*answer, codes));
}

const void *pl_judged_(pl_outcome outcome, const pl_verdicts *answer) {
    return LOWERED(outcome, LIST(answer->denials, candidates), LIST(answer->denials, codes),
                   LIST(answer->addends, candidates), LIST(answer->addends, usd), LIST(answer->addends, codes));
}

const void *pl_reviewed_(pl_outcome outcome, const pl_holds *answer) {
    return LOWERED(outcome, LIST(*answer, steps), LIST(*answer, codes));
}
