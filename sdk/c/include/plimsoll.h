// What the author of a Plimsoll policy in C includes: the view with rows over cached columns, answers that are put
// together row by row, texts, configuration, and the macros that export a hook.
//
// Says nothing of what a column means beyond a line; sdk/wit is the contract. There is no libc and nothing stands in
// for it: what a policy needs of it (memory, formatting, a map) is here under the prefix `pl_`.
//
// Names that end in an underscore are this header's own.

#ifndef PLIMSOLL_H
#define PLIMSOLL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL_CONTRACT_ "0.2.0"
#define PL_IMPORT_(interface, name) \
    __attribute__((import_module("plimsoll:policy/" interface "@" PL_CONTRACT_), import_name(name)))
#define PL_EXPORT_(interface, name) \
    __attribute__((export_name("plimsoll:policy/" interface "@" PL_CONTRACT_ "#" name)))
#define PL_MUST_LOOK_ __attribute__((warn_unused_result))
#define PL_FORMAT_(text, values) __attribute__((format(printf, text, values)))

// ---- memory ---------------------------------------------------------------------------------------------------------
//
// A bump allocator: nothing is ever freed, because the instance is gone once it has answered. Memory that cannot be had
// ends the evaluation (a trap); no pointer that these return is null.

/// Memory for `count` things of `size` bytes, zeroed.
void *pl_allocate(size_t count, size_t size, size_t align);
#define PL_NEW(type, count) ((type *)pl_allocate((count), sizeof(type), _Alignof(type)))

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);

// ---- texts and columns ----------------------------------------------------------------------------------------------

/// UTF-8 of so many bytes; no zero at the end.
typedef struct {
    const char *data;
    uint32_t len;
} pl_text;

/// Several of them.
typedef struct {
    const pl_text *data;
    uint32_t len;
} pl_texts;

/// A whole column. One entry for each row.
typedef struct {
    const uint32_t *data;
    uint32_t len;
} pl_numbers;
typedef struct {
    const double *data;
    uint32_t len;
} pl_amounts;
typedef struct {
    const int32_t *data;
    uint32_t len;
} pl_signeds;

/// Number of a text in the dictionary of this evaluation; 0 is the empty text. Not to be kept.
typedef uint32_t pl_sym;

/// In columns of numbers that can be absent: not known. In columns of amounts it is -1.
#define PL_NOT_KNOWN UINT32_MAX

/// A text of a literal: PL("Job").
#define PL(literal) ((pl_text){"" literal, sizeof(literal) - 1})
/// Several: PL_LIST(PL("Job"), PL("CronJob")).
#define PL_LIST(...) \
    ((pl_texts){(const pl_text[]){__VA_ARGS__}, sizeof((const pl_text[]){__VA_ARGS__}) / sizeof(pl_text)})
/// A text as the two values that `%.*s` takes.
#define PL_SHOWN(text) (int)(text).len, (text).data
/// Entries of an array.
#define PL_COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

bool pl_equal(pl_text a, pl_text b);
/// Whether a text is one of several.
bool pl_among(pl_text text, pl_texts texts);
/// What is before and after the first (the last) `at`. False where there is none; then nothing is written.
PL_MUST_LOOK_ bool pl_split(pl_text text, char at, pl_text *before, pl_text *after);
PL_MUST_LOOK_ bool pl_split_last(pl_text text, char at, pl_text *before, pl_text *after);
/// Takes the next line off a text, without its end. False at the end of the text.
PL_MUST_LOOK_ bool pl_next_line(pl_text *rest, pl_text *line);
/// Decimal digits and nothing else. False where it is none or does not fit.
PL_MUST_LOOK_ bool pl_read_whole(pl_text text, uint64_t *value);
/// A number as JSON writes it, to the nearest double. False where it is none, does not fit or has over 400 characters.
PL_MUST_LOOK_ bool pl_read_amount(pl_text text, double *value);

/// A text that grows; begin with {0}. To use it again, set `len` to 0.
typedef struct {
    char *data;
    uint32_t len, room;
} pl_writing;

/// Adds to it. Of printf's conversions there are %s, %.*s, %c, %u, %d, %llu, %lld, %.Nf (N up to 9) and %%; another one
/// traps.
PL_FORMAT_(2, 3) void pl_write(pl_writing *writing, const char *format, ...);
void pl_write_all(pl_writing *writing, const char *format, va_list values);
/// A new text.
PL_FORMAT_(1, 2) pl_text pl_format(const char *format, ...);
static inline pl_text pl_written(const pl_writing *writing) {
    return (pl_text){writing->data, writing->len};
}

/// From texts to numbers; begin with {0}. Keeps the keys where they are: they must not change afterwards.
typedef struct {
    struct pl_map_entry_ *entries;
    uint32_t len, room;
} pl_map;

/// Sets a value; the last one counts.
void pl_map_put(pl_map *map, pl_text key, uint64_t value);
PL_MUST_LOOK_ bool pl_map_get(const pl_map *map, pl_text key, uint64_t *value);

static inline double pl_floor(double value) { return __builtin_floor(value); }
static inline double pl_ceil(double value) { return __builtin_ceil(value); }

// ---- the host -------------------------------------------------------------------------------------------------------

enum pl_level { PL_DEBUG, PL_INFO, PL_WARNING, PL_ERROR };

/// A line for the record of the cycle.
PL_FORMAT_(2, 3) void pl_log(enum pl_level level, const char *format, ...);
/// Words for the answer about one row, beside its reason code. The last one for a row counts.
PL_FORMAT_(3, 4) void pl_explain(uint32_t row, uint16_t code, const char *format, ...);
/// Keeps bytes for the next cycle (`pl_state`): at most 65536, the last call counts, an empty text forgets.
PL_IMPORT_("host", "keep") void pl_keep_(const char *data, uint32_t len);
static inline void pl_keep(pl_text state) { pl_keep_(state.data, state.len); }

// ---- the view -------------------------------------------------------------------------------------------------------
//
// For each line of plimsoll_columns.h there are functions. Of a table, say classes:
//     uint32_t pl_classes(view)                            its rows: for (uint32_t c = 0; c < pl_classes(view); c++)
// Of a column, say class_cpu, by kind:
//     number       uint32_t pl_class_cpu(view, row)        0 beyond the table, here and below
//     known        bool pl_set_cpu_used(view, row, &value)   false where absent; then nothing is written
//     amount       double pl_set_min_price(view, row)
//     perhaps      bool pl_class_ec2_price(view, row, &value)
//     signed       int32_t pl_class_priority(view, row)
//     word         pl_text pl_class_namespace(view, row), pl_sym pl_class_namespace_sym(view, row)
//     …_by         the same with a key at the end: pl_class_label(view, row, PL("tier"))
// And of each the whole column, for loops that must be fast:
//     pl_numbers pl_class_cpu_column(view), pl_numbers pl_class_label_column(view, PL("tier")), …
// A column is fetched when it is first read, once and whole. Absent values never look like a value unless a whole
// column is read: there they are PL_NOT_KNOWN and -1.

/// A column by key that has been fetched.
struct pl_keyed_ {
    struct pl_keyed_ *next;
    pl_text key;
    pl_numbers column;
};

/// Rows of a table once they have been asked for.
struct pl_rows_ {
    uint32_t rows;
    bool asked;
};

/// Texts that have been resolved.
struct pl_words_ {
    struct pl_word_ *entries;
    uint32_t len, room;
};

#define PL_FIELD_number_ pl_numbers
#define PL_FIELD_known_ pl_numbers
#define PL_FIELD_amount_ pl_amounts
#define PL_FIELD_perhaps_ pl_amounts
#define PL_FIELD_signed_ pl_signeds
#define PL_FIELD_word_ pl_numbers
#define PL_FIELD_number_by_ struct pl_keyed_ *
#define PL_FIELD_word_by_ struct pl_keyed_ *

/// The picture: one for each evaluation. Its fields are for the functions below only.
typedef struct {
    int32_t handle_;
    struct pl_words_ words_;
#define TABLE(name, wit) struct pl_rows_ name;
#define COLUMN(kind, name, wit) PL_FIELD_##kind##_ name;
#include "plimsoll_columns.h"
} pl_view;

/// When the picture was taken: milliseconds since the Unix epoch. The only time there is.
uint64_t pl_now_ms(const pl_view *view);
/// Recorded random number of the cycle. The only randomness there is.
uint64_t pl_seed(const pl_view *view);
/// Name of the cluster.
pl_text pl_cluster(pl_view *view);
/// What this policy kept at the same hook (`pl_keep`); empty where nothing was.
pl_text pl_state(const pl_view *view);
/// Text of a sym.
pl_text pl_resolve(pl_view *view, pl_sym sym);
/// Sym of a text, so that columns of text can be compared as numbers.
pl_sym pl_intern(const pl_view *view, pl_text text);
/// First row of a column that never falls (mover_candidate, sample_workload) whose entry is at least `value`.
uint32_t pl_first_row(pl_numbers column, uint32_t value);

// Pieces of the functions below.
#define PL_VIEW_(wit) PL_IMPORT_("view", "[method]view." wit)
#define PL_WHOLE_COLUMN_ 0, UINT32_MAX
typedef void pl_fetch_by_(int32_t view, const char *key, uint32_t len, uint32_t start, uint32_t count,
                          pl_numbers *column);
pl_numbers pl_keyed_(pl_view *view, struct pl_keyed_ **fetched, pl_fetch_by_ *fetch, pl_text key);
pl_text pl_word_at_(pl_view *view, pl_numbers column, uint32_t row);

static inline uint32_t pl_number_at_(pl_numbers column, uint32_t row) {
    return row < column.len ? column.data[row] : 0;
}

#define PL_COLUMN_(type, name, wit) \
    PL_VIEW_(wit) void pl_fetch_##name##_(int32_t view, uint32_t start, uint32_t count, type *column); \
    static inline type pl_##name##_column(pl_view *view) { \
        if (view->name.data == NULL) pl_fetch_##name##_(view->handle_, PL_WHOLE_COLUMN_, &view->name); \
        return view->name; \
    }

#define PL_KEYED_COLUMN_(name, wit) \
    PL_VIEW_(wit) void pl_fetch_##name##_(int32_t view, const char *key, uint32_t len, uint32_t start, uint32_t count, \
                                          pl_numbers *column); \
    static inline pl_numbers pl_##name##_column(pl_view *view, pl_text key) { \
        return pl_keyed_(view, &view->name, pl_fetch_##name##_, key); \
    }

#define PL_DEFINE_number_(name, wit) \
    PL_COLUMN_(pl_numbers, name, wit) \
    static inline uint32_t pl_##name(pl_view *view, uint32_t row) { \
        return pl_number_at_(pl_##name##_column(view), row); \
    }

#define PL_DEFINE_known_(name, wit) \
    PL_COLUMN_(pl_numbers, name, wit) \
    PL_MUST_LOOK_ static inline bool pl_##name(pl_view *view, uint32_t row, uint32_t *value) { \
        pl_numbers column = pl_##name##_column(view); \
        if (row >= column.len || column.data[row] == PL_NOT_KNOWN) return false; \
        *value = column.data[row]; \
        return true; \
    }

#define PL_DEFINE_amount_(name, wit) \
    PL_COLUMN_(pl_amounts, name, wit) \
    static inline double pl_##name(pl_view *view, uint32_t row) { \
        pl_amounts column = pl_##name##_column(view); \
        return row < column.len ? column.data[row] : 0; \
    }

#define PL_DEFINE_perhaps_(name, wit) \
    PL_COLUMN_(pl_amounts, name, wit) \
    PL_MUST_LOOK_ static inline bool pl_##name(pl_view *view, uint32_t row, double *value) { \
        pl_amounts column = pl_##name##_column(view); \
        if (row >= column.len || !(column.data[row] >= 0)) return false; \
        *value = column.data[row]; \
        return true; \
    }

#define PL_DEFINE_signed_(name, wit) \
    PL_COLUMN_(pl_signeds, name, wit) \
    static inline int32_t pl_##name(pl_view *view, uint32_t row) { \
        pl_signeds column = pl_##name##_column(view); \
        return row < column.len ? column.data[row] : 0; \
    }

#define PL_DEFINE_word_(name, wit) \
    PL_COLUMN_(pl_numbers, name, wit) \
    static inline pl_sym pl_##name##_sym(pl_view *view, uint32_t row) { \
        return pl_number_at_(pl_##name##_column(view), row); \
    } \
    static inline pl_text pl_##name(pl_view *view, uint32_t row) { \
        return pl_word_at_(view, pl_##name##_column(view), row); \
    }

#define PL_DEFINE_number_by_(name, wit) \
    PL_KEYED_COLUMN_(name, wit) \
    static inline uint32_t pl_##name(pl_view *view, uint32_t row, pl_text key) { \
        return pl_number_at_(pl_##name##_column(view, key), row); \
    }

#define PL_DEFINE_word_by_(name, wit) \
    PL_KEYED_COLUMN_(name, wit) \
    static inline pl_sym pl_##name##_sym(pl_view *view, uint32_t row, pl_text key) { \
        return pl_number_at_(pl_##name##_column(view, key), row); \
    } \
    static inline pl_text pl_##name(pl_view *view, uint32_t row, pl_text key) { \
        return pl_word_at_(view, pl_##name##_column(view, key), row); \
    }

#define TABLE(name, wit) \
    PL_VIEW_(wit) uint32_t pl_ask_##name##_(int32_t view); \
    static inline uint32_t pl_##name(pl_view *view) { \
        if (!view->name.asked) view->name = (struct pl_rows_){pl_ask_##name##_(view->handle_), true}; \
        return view->name.rows; \
    }
#define COLUMN(kind, name, wit) PL_DEFINE_##kind##_(name, wit)
#include "plimsoll_columns.h"

/// set_kind, group_kind. Later versions may show more; treat what you do not know as EC2.
enum pl_group_kind {
    PL_ASG = 1,
    PL_MANAGED_NODE_GROUP,
    PL_KOPS,
    PL_FLEET,
    PL_FARGATE,
    PL_ECS,
    PL_KWOK,
    PL_SIMULATED
};
/// set_purchase, offer_purchase.
enum pl_purchase { PL_SEVERAL_WAYS, PL_ON_DEMAND, PL_SPOT, PL_RESERVED };
/// candidate_due. Later versions may show more.
enum pl_due { PL_NOT_DUE, PL_EXPIRED, PL_DRIFTED };
/// offer_confidence.
enum pl_confidence { PL_READ = 1, PL_BUILT_IN, PL_ESTIMATED, PL_NOBODY_KNOWS };
/// pod_phase. Later versions may show more.
enum pl_phase { PL_PENDING, PL_RUNNING, PL_TERMINATING, PL_FINISHED };
/// Bits of node_state. Later versions may show more.
enum pl_node_state {
    PL_NODE_READY = 1,
    PL_NODE_CORDONED = 2,
    PL_NODE_BEING_DELETED = 4,
    PL_NODE_OF_FARGATE = 8,
    PL_NODE_KEPT = 16,
    PL_NODE_DRAINED = 32,
    PL_NODE_TAKEN_AWAY = 64
};

/// Whether pods run on Fargate in this set.
static inline bool pl_set_is_fargate(pl_view *view, uint32_t set) { return pl_set_kind(view, set) == PL_FARGATE; }

// ---- answers --------------------------------------------------------------------------------------------------------
//
// Lists that grow; the question's function gets an empty answer and adds to it. What makes an answer nonsense (a row
// twice, a number out of range) is written in sdk/wit/hooks.wit; the host checks it. `…_reserve` makes room for so many
// more at once.

/// Of a scaler.
typedef struct {
    uint32_t len, room;
    uint32_t *workloads, *replicas;
    uint16_t *codes;
} pl_replicas;

void pl_replicas_reserve(pl_replicas *answer, uint32_t more);
/// Answers for workloads 0 to `count` - 1 at once, code 0, for loops that must be fast. Returns where to write their
/// replicas: 0 until then.
uint32_t *pl_replicas_of_first(pl_replicas *answer, uint32_t count);
/// So many replicas for this workload, with a reason code of your own (0: none). Once for each workload.
static inline void pl_replicas_set(pl_replicas *answer, uint32_t workload, uint32_t replicas, uint16_t code) {
    if (answer->len == answer->room) pl_replicas_reserve(answer, 1);
    uint32_t at = answer->len++;
    answer->workloads[at] = workload;
    answer->replicas[at] = replicas;
    answer->codes[at] = code;
}

struct pl_factors_ {
    uint32_t len, room;
    uint32_t *sets;
    double *factors;
};
struct pl_bans_ {
    uint32_t len, room;
    uint32_t *classes, *sets;
    uint16_t *codes;
};
struct pl_addends_ {
    uint32_t len, room;
    uint32_t *classes, *sets;
    double *usd;
    uint16_t *codes;
};

/// Of a placement policy.
typedef struct {
    struct pl_factors_ factors;
    struct pl_bans_ bans;
    struct pl_addends_ addends;
} pl_prices;

/// Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set.
void pl_prices_factor(pl_prices *answer, uint32_t set, double factor);
/// Never this class in this set. Once for each pair.
void pl_prices_forbid(pl_prices *answer, uint32_t class_row, uint32_t set, uint16_t code);
/// Never any of the classes 0 to `count` - 1 in this set: the fast way for thousands. Returns where to write their codes: 0
/// until then. None of them may be forbidden there already.
uint16_t *pl_prices_forbid_first(pl_prices *answer, uint32_t set, uint32_t count);
/// Adds dollars per hour and pod: positive avoids, negative prefers. Once for each pair.
void pl_prices_add(pl_prices *answer, uint32_t class_row, uint32_t set, double usd_per_hour, uint16_t code);

/// Of a headroom policy.
typedef struct {
    uint32_t len, room;
    uint32_t *pods, *cpu_milli, *memory_mib;
    uint16_t *codes;
} pl_room;

/// Keeps room for so many pods of this size.
void pl_room_keep(pl_room *answer, uint32_t pods, uint32_t cpu_milli, uint32_t memory_mib, uint16_t code);

struct pl_denials_ {
    uint32_t len, room;
    uint32_t *candidates;
    uint16_t *codes;
};
struct pl_dearer_ {
    uint32_t len, room;
    uint32_t *candidates;
    double *usd;
    uint16_t *codes;
};

/// Of a disruption policy; a candidate that it does not name may go as it is.
typedef struct {
    struct pl_denials_ denials;
    struct pl_dearer_ addends;
} pl_verdicts;

/// The node stays. Once for each candidate.
void pl_verdicts_deny(pl_verdicts *answer, uint32_t candidate, uint16_t code);
/// Giving the node up must bring so many dollars per hour more; less, where negative. Once for each candidate.
void pl_verdicts_add(pl_verdicts *answer, uint32_t candidate, double usd_per_hour, uint16_t code);

/// Of a review policy; a step that it does not name is begun.
typedef struct {
    uint32_t len, room;
    uint32_t *steps;
    uint16_t *codes;
} pl_holds;

/// The step waits for a later cycle. Once for each step.
void pl_holds_hold(pl_holds *answer, uint32_t step, uint16_t code);

// ---- outcomes and configuration -------------------------------------------------------------------------------------

/// How a function of a policy ended. After a declined question the built-in default answers; a declined configuration
/// refuses the policy.
typedef struct {
    bool declined;
    pl_text why;
} pl_outcome;

#define PL_DONE ((pl_outcome){0})
/// Says no, in words for the operator.
PL_FORMAT_(1, 2) pl_outcome pl_decline(const char *format, ...);

/// A text and an amount for each member of an object.
typedef struct {
    pl_text name;
    double amount;
} pl_named_amount;
typedef struct {
    const pl_named_amount *data;
    uint32_t len;
} pl_named_amounts;

/// A field of the configuration. Made by the macros below, which say what JSON it takes and where the value goes.
typedef struct {
    pl_text name;
    enum {
        PL_WHOLE_FIELD_,
        PL_SIGNED_FIELD_,
        PL_AMOUNT_FIELD_,
        PL_FLAG_FIELD_,
        PL_TEXT_FIELD_,
        PL_TEXTS_FIELD_,
        PL_NAMED_AMOUNTS_FIELD_
    } kind;
    union {
        uint32_t *whole;
        int32_t *negative;
        double *amount;
        bool *flag;
        pl_text *text;
        pl_texts *texts;
        pl_named_amounts *named_amounts;
    } into;
    double least, most;
} pl_field;

/// A whole number, without point or exponent, from `least` to `most`.
#define PL_WHOLE(name, into, least, most) {PL(name), PL_WHOLE_FIELD_, {.whole = (into)}, least, most}
/// The same, where `least` is negative.
#define PL_SIGNED(name, into, least, most) {PL(name), PL_SIGNED_FIELD_, {.negative = (into)}, least, most}
/// Any number from `least` to `most`.
#define PL_AMOUNT(name, into, least, most) {PL(name), PL_AMOUNT_FIELD_, {.amount = (into)}, least, most}
/// `true` or `false`.
#define PL_FLAG(name, into) {PL(name), PL_FLAG_FIELD_, {.flag = (into)}, 0, 0}
/// A text.
#define PL_TEXT(name, into) {PL(name), PL_TEXT_FIELD_, {.text = (into)}, 0, 0}
/// A list of texts.
#define PL_TEXTS(name, into) {PL(name), PL_TEXTS_FIELD_, {.texts = (into)}, 0, 0}
/// An object of numbers from `least` to `most`.
#define PL_NAMED_AMOUNTS(name, into, least, most) \
    {PL(name), PL_NAMED_AMOUNTS_FIELD_, {.named_amounts = (into)}, least, most}

/// Reads a JSON object into these fields. What it does not name stays as it is. A field that is unknown, there twice,
/// of another type or out of range is refused by its name.
PL_MUST_LOOK_ pl_outcome pl_configure(pl_text json, const pl_field *fields, uint32_t count);

// ---- exports --------------------------------------------------------------------------------------------------------
//
// At the end of a policy, one for each hook that it has: PLIMSOLL_EXPORT_PLACEMENT(configure, place). The functions are
//     pl_outcome configure(pl_text json);
//     pl_outcome place(pl_view *view, pl_prices *answer);
// Several hooks may share one `configure`.

const void *pl_configured_(pl_outcome outcome);
const void *pl_scaled_(pl_outcome outcome, const pl_replicas *answer);
const void *pl_placed_(pl_outcome outcome, const pl_prices *answer);
const void *pl_reserved_(pl_outcome outcome, const pl_room *answer);
const void *pl_judged_(pl_outcome outcome, const pl_verdicts *answer);
const void *pl_reviewed_(pl_outcome outcome, const pl_holds *answer);
/// The view of a handle that the host lends.
pl_view *pl_lent_(int32_t handle);
/// Gives the handle back, as must be done before a question is answered.
void pl_give_back_(pl_view *view);

#define PL_EXPORT_HOOK_(hook, question, type, lower, configuring, answering) \
    PL_EXPORT_(#hook, "configure") const void *pl_export_##hook##_configure_(const char *json, uint32_t len); \
    const void *pl_export_##hook##_configure_(const char *json, uint32_t len) { \
        return pl_configured_(configuring((pl_text){json, len})); \
    } \
    PL_EXPORT_(#hook, #question) const void *pl_export_##hook##_##question##_(int32_t picture); \
    const void *pl_export_##hook##_##question##_(int32_t picture) { \
        pl_view *view = pl_lent_(picture); \
        type answer = {0}; \
        pl_outcome outcome = answering(view, &answer); \
        pl_give_back_(view); \
        return lower(outcome, &answer); \
    }

#define PLIMSOLL_EXPORT_SCALER(configuring, answering) \
    PL_EXPORT_HOOK_(scaler, scale, pl_replicas, pl_scaled_, configuring, answering)
#define PLIMSOLL_EXPORT_PLACEMENT(configuring, answering) \
    PL_EXPORT_HOOK_(placement, place, pl_prices, pl_placed_, configuring, answering)
#define PLIMSOLL_EXPORT_HEADROOM(configuring, answering) \
    PL_EXPORT_HOOK_(headroom, reserve, pl_room, pl_reserved_, configuring, answering)
#define PLIMSOLL_EXPORT_DISRUPTION(configuring, answering) \
    PL_EXPORT_HOOK_(disruption, judge, pl_verdicts, pl_judged_, configuring, answering)
#define PLIMSOLL_EXPORT_REVIEW(configuring, answering) \
    PL_EXPORT_HOOK_(review, review, pl_holds, pl_reviewed_, configuring, answering)

#endif
