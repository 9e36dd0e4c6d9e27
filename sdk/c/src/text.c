// Texts: comparing, taking apart, putting together, and a map from texts to numbers.
//
// Bytes only: nothing here knows what a character is.

#include "text.h"

bool pl_equal(pl_text a, pl_text b) { return a.len == b.len && memcmp(a.data, b.data, a.len) == 0; }

bool pl_among(pl_text text, pl_texts texts) {
    for (uint32_t i = 0; i < texts.len; i++) {
        if (pl_equal(text, texts.data[i])) return true;
    }
    return false;
}

static void split_at(pl_text text, uint32_t at, pl_text *before, pl_text *after) {
    *before = (pl_text){text.data, at};
    *after = (pl_text){text.data + at + 1, text.len - at - 1};
}

bool pl_split(pl_text text, char at, pl_text *before, pl_text *after) {
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.data[i] == at) {
            split_at(text, i, before, after);
            return true;
        }
    }
    return false;
}

bool pl_split_last(pl_text text, char at, pl_text *before, pl_text *after) {
    for (uint32_t i = text.len; i-- > 0;) {
        if (text.data[i] == at) {
            split_at(text, i, before, after);
            return true;
        }
    }
    return false;
}

bool pl_next_line(pl_text *rest, pl_text *line) {
    if (rest->len == 0) return false;
    pl_text all = *rest;
    if (!pl_split(all, '\n', line, rest)) {
        *line = all;
        *rest = (pl_text){all.data + all.len, 0};
    }
    return true;
}

bool pl_read_whole(pl_text text, uint64_t *value) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        uint32_t digit = (uint32_t)(text.data[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10) return false;
        sum = sum * 10 + digit;
    }
    if (text.len == 0) return false;
    *value = sum;
    return true;
}

// ---- lists that grow ------------------------------------------------------------------------------------------------

uint32_t pl_more_room_(uint32_t room, uint32_t len, uint32_t more) {
    uint64_t needed = (uint64_t)len + more, twice = (uint64_t)room * 2;
    uint64_t wanted = needed > twice ? needed : twice;
    if (wanted < 16) wanted = 16;
    if (wanted > UINT32_MAX) __builtin_trap();
    return (uint32_t)wanted;
}

void *pl_grown_(const void *list, uint32_t len, uint32_t room, uint32_t size, uint32_t align) {
    void *new = pl_allocate(room, size, align);
    // Fits: the new list is not shorter.
    memcpy(new, list, (size_t)len * size);
    return new;
}

// ---- writing --------------------------------------------------------------------------------------------------------

void pl_write_bytes_(pl_writing *writing, const char *data, uint32_t len) {
    if (writing->room - writing->len < len) {
        writing->room = pl_more_room_(writing->room, writing->len, len);
        PL_GROW_(writing->data, writing->len, writing->room);
    }
    memcpy(writing->data + writing->len, data, len);
    writing->len += len;
}

static void write_whole(pl_writing *writing, uint64_t value) {
    char digits[20];
    uint32_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    pl_write_bytes_(writing, digits + first, sizeof digits - first);
}

static void write_signed(pl_writing *writing, int64_t value) {
    if (value < 0) pl_write_bytes_(writing, "-", 1);
    write_whole(writing, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void write_zero_ended(pl_writing *writing, const char *text) {
    uint32_t len = 0;
    while (text[len] != 0) len++;
    pl_write_bytes_(writing, text, len);
}

/// Whether a conversion begins with this; if so, steps over it.
static bool takes(const char **at, const char *conversion) {
    const char *end = *at;
    for (; *conversion != 0; conversion++, end++) {
        if (*end != *conversion) return false;
    }
    *at = end;
    return true;
}

void pl_write_all(pl_writing *writing, const char *format, va_list values) {
    for (const char *at = format; *at != 0;) {
        const char *plain = at;
        while (*at != 0 && *at != '%') at++;
        pl_write_bytes_(writing, plain, (uint32_t)(at - plain));
        if (*at == 0) break;
        at++;
        if (takes(&at, "%")) {
            pl_write_bytes_(writing, "%", 1);
        } else if (takes(&at, "s")) {
            write_zero_ended(writing, va_arg(values, const char *));
        } else if (takes(&at, ".*s")) {
            uint32_t len = (uint32_t)va_arg(values, int);
            pl_write_bytes_(writing, va_arg(values, const char *), len);
        } else if (takes(&at, "c")) {
            char byte = (char)va_arg(values, int);
            pl_write_bytes_(writing, &byte, 1);
        } else if (takes(&at, "u")) {
            write_whole(writing, va_arg(values, unsigned));
        } else if (takes(&at, "d")) {
            write_signed(writing, va_arg(values, int));
        } else if (takes(&at, "llu")) {
            write_whole(writing, va_arg(values, unsigned long long));
        } else if (takes(&at, "lld")) {
            write_signed(writing, va_arg(values, long long));
        } else if (at[0] == '.' && at[1] >= '0' && at[1] <= '9' && at[2] == 'f') {
            pl_write_amount_(writing, va_arg(values, double), (uint32_t)(at[1] - '0'));
            at += 3;
        } else {
            __builtin_trap();
        }
    }
}

void pl_write(pl_writing *writing, const char *format, ...) {
    va_list values;
    va_start(values, format);
    pl_write_all(writing, format, values);
    va_end(values);
}

pl_text pl_format(const char *format, ...) {
    pl_writing writing = {0};
    va_list values;
    va_start(values, format);
    pl_write_all(&writing, format, values);
    va_end(values);
    return pl_written(&writing);
}

// ---- map ------------------------------------------------------------------------------------------------------------

struct pl_map_entry_ {
    pl_text key; // its data is null where the entry is free
    uint64_t value;
};

/// The entry of a key, or the free one where it would stand. There is always a free one.
static struct pl_map_entry_ *entry_of(const pl_map *map, pl_text key) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < key.len; i++) hash = (hash ^ (uint8_t)key.data[i]) * 16777619u;
    for (uint32_t at = hash;; at++) {
        struct pl_map_entry_ *entry = &map->entries[at & (map->room - 1)];
        if (entry->key.data == NULL || pl_equal(entry->key, key)) return entry;
    }
}

void pl_map_put(pl_map *map, pl_text key, uint64_t value) {
    if (map->len >= map->room / 2) {
        pl_map larger = {0};
        larger.room = map->room == 0 ? 16 : map->room * 2;
        if (larger.room == 0) __builtin_trap();
        larger.entries = PL_NEW(struct pl_map_entry_, larger.room);
        for (uint32_t i = 0; i < map->room; i++) {
            if (map->entries[i].key.data != NULL) *entry_of(&larger, map->entries[i].key) = map->entries[i];
        }
        larger.len = map->len;
        *map = larger;
    }
    if (key.data == NULL) key = PL("");
    struct pl_map_entry_ *entry = entry_of(map, key);
    if (entry->key.data == NULL) {
        entry->key = key;
        map->len++;
    }
    entry->value = value;
}

bool pl_map_get(const pl_map *map, pl_text key, uint64_t *value) {
    if (map->room == 0) return false;
    const struct pl_map_entry_ *entry = entry_of(map, key);
    if (entry->key.data == NULL) return false;
    *value = entry->value;
    return true;
}
