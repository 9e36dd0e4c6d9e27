// The view: the functions that are no plain column, texts of syms, and what a policy says to the host.
//
// Columns are fetched by the functions of plimsoll.h, each with its own import, so that a component imports only what
// its policy reads.

#include "text.h"

PL_VIEW_("now-ms") uint64_t ask_now_ms(int32_t view);
PL_VIEW_("seed") uint64_t ask_seed(int32_t view);
PL_VIEW_("cluster") pl_sym ask_cluster(int32_t view);
PL_VIEW_("state") void ask_state(int32_t view, pl_text *state);
PL_VIEW_("resolve") void ask_resolve(int32_t view, const pl_sym *syms, uint32_t len, pl_texts *texts);
PL_VIEW_("intern") pl_sym ask_intern(int32_t view, const char *text, uint32_t len);
PL_IMPORT_("view", "[resource-drop]view") void drop_view(int32_t view);
PL_IMPORT_("host", "log") void host_log(uint32_t level, const char *message, uint32_t len);
PL_IMPORT_("host", "explain") void host_explain(uint32_t row, uint32_t code, const char *text, uint32_t len);

uint64_t pl_now_ms(const pl_view *view) { return ask_now_ms(view->handle_); }

uint64_t pl_seed(const pl_view *view) { return ask_seed(view->handle_); }

pl_text pl_cluster(pl_view *view) { return pl_resolve(view, ask_cluster(view->handle_)); }

pl_text pl_state(const pl_view *view) {
    pl_text state;
    ask_state(view->handle_, &state);
    return state;
}

pl_sym pl_intern(const pl_view *view, pl_text text) { return ask_intern(view->handle_, text.data, text.len); }

uint32_t pl_first_row(pl_numbers column, uint32_t value) {
    uint32_t first = 0, end = column.len;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (column.data[middle] < value) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

// ---- texts of syms --------------------------------------------------------------------------------------------------

/// A sym and its text.
struct pl_word_ {
    pl_sym sym; // 0 where the entry is free: the empty text needs none
    pl_text text;
};

/// Syms that are resolved in one call.
enum { BATCH = 4096 };

/// The entry of a sym, or the free one where it would stand. There is always a free one.
static struct pl_word_ *entry_of(const struct pl_words_ *words, pl_sym sym) {
    for (uint32_t at = sym * 2654435769u >> 7;; at++) {
        struct pl_word_ *entry = &words->entries[at & (words->room - 1)];
        if (entry->sym == sym || entry->sym == 0) return entry;
    }
}

static void make_room(struct pl_words_ *words, uint32_t more) {
    uint64_t room = words->room == 0 ? 64 : words->room;
    while (room / 4 * 3 < (uint64_t)words->len + more) room *= 2;
    if (room > UINT32_MAX) __builtin_trap();
    if (room == words->room) return;
    struct pl_words_ larger = {PL_NEW(struct pl_word_, (uint32_t)room), words->len, (uint32_t)room};
    for (uint32_t i = 0; i < words->room; i++) {
        if (words->entries[i].sym != 0) *entry_of(&larger, words->entries[i].sym) = words->entries[i];
    }
    *words = larger;
}

static void resolve_batch(pl_view *view, const pl_sym *syms, uint32_t len) {
    if (len == 0) return;
    pl_texts texts;
    ask_resolve(view->handle_, syms, len, &texts);
    for (uint32_t i = 0; i < len && i < texts.len; i++) entry_of(&view->words_, syms[i])->text = texts.data[i];
}

/// Resolves all syms of a column that have not been met.
static void resolve_all(pl_view *view, const pl_sym *syms, uint32_t len) {
    static pl_sym missing[BATCH];
    uint32_t count = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (syms[i] == 0) continue;
        if (count == BATCH) {
            resolve_batch(view, missing, count);
            count = 0;
        }
        make_room(&view->words_, 1);
        struct pl_word_ *entry = entry_of(&view->words_, syms[i]);
        if (entry->sym != 0) continue;
        *entry = (struct pl_word_){syms[i], PL("")};
        view->words_.len++;
        missing[count++] = syms[i];
    }
    resolve_batch(view, missing, count);
}

/// The text of a sym, fetched together with those of a column that it stands in.
static pl_text text_of(pl_view *view, pl_sym sym, const pl_sym *column, uint32_t len) {
    if (sym == 0) return PL("");
    if (view->words_.room == 0 || entry_of(&view->words_, sym)->sym == 0) resolve_all(view, column, len);
    return entry_of(&view->words_, sym)->text;
}

pl_text pl_resolve(pl_view *view, pl_sym sym) { return text_of(view, sym, &sym, 1); }

pl_text pl_word_at_(pl_view *view, pl_numbers column, uint32_t row) {
    return text_of(view, pl_number_at_(column, row), column.data, column.len);
}

pl_numbers pl_keyed_(pl_view *view, struct pl_keyed_ **fetched, pl_fetch_by_ *fetch, pl_text key) {
    for (struct pl_keyed_ *known = *fetched; known != NULL; known = known->next) {
        if (pl_equal(known->key, key)) return known->column;
    }
    struct pl_keyed_ *new = PL_NEW(struct pl_keyed_, 1);
    // A copy: the author may write the next key into the same memory.
    *new = (struct pl_keyed_){*fetched, pl_format("%.*s", PL_SHOWN(key)), {0}};
    fetch(view->handle_, key.data, key.len, PL_WHOLE_COLUMN_, &new->column);
    *fetched = new;
    return new->column;
}

// ---- the handle -----------------------------------------------------------------------------------------------------

pl_view *pl_lent_(int32_t handle) {
    // Zero at first, and used once: the instance answers one question.
    static pl_view view;
    view.handle_ = handle;
    return &view;
}

void pl_give_back_(pl_view *view) { drop_view(view->handle_); }

// ---- what is said ---------------------------------------------------------------------------------------------------

/// Written anew for each line: a policy may say many.
static pl_writing line;

void pl_log(enum pl_level level, const char *format, ...) {
    va_list values;
    va_start(values, format);
    line.len = 0;
    pl_write_all(&line, format, values);
    va_end(values);
    host_log(level, line.data, line.len);
}

void pl_explain(uint32_t row, uint16_t code, const char *format, ...) {
    va_list values;
    va_start(values, format);
    line.len = 0;
    pl_write_all(&line, format, values);
    va_end(values);
    host_explain(row, code, line.data, line.len);
}
