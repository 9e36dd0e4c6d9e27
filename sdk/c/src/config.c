// Configuration: a strict reader of one JSON object into fields that the policy lists.
//
// Flat: numbers, flags, texts, lists of texts, and objects of numbers. No null and no deeper nesting; who needs that
// writes several fields.

#include "text.h"

typedef struct {
    const char *data;
    uint32_t at, len;
} reader;

static const pl_outcome DONE = {0};

static pl_outcome not_json(const reader *from) {
    return pl_decline("the configuration is not JSON as it should be at byte %u", from->at);
}

static void skip_space(reader *from) {
    while (from->at < from->len) {
        char byte = from->data[from->at];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r') return;
        from->at++;
    }
}

static bool is_next(reader *from, char byte) {
    skip_space(from);
    return from->at < from->len && from->data[from->at] == byte;
}

static bool takes(reader *from, char byte) {
    if (!is_next(from, byte)) return false;
    from->at++;
    return true;
}

// ---- values ---------------------------------------------------------------------------------------------------------

static bool read_hex(reader *from, uint32_t *unit) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, from->at++) {
        if (from->at >= from->len) return false;
        char byte = from->data[from->at], low = (char)(byte | 0x20);
        if (byte >= '0' && byte <= '9') {
            value = value * 16 + (uint32_t)(byte - '0');
        } else if (low >= 'a' && low <= 'f') {
            value = value * 16 + (uint32_t)(low - 'a') + 10;
        } else {
            return false;
        }
    }
    *unit = value;
    return true;
}

static void write_utf8(pl_writing *text, uint32_t scalar) {
    if (scalar < 0x80) {
        pl_write(text, "%c", (int)scalar);
    } else if (scalar < 0x800) {
        pl_write(text, "%c%c", (int)(0xc0 | scalar >> 6), (int)(0x80 | (scalar & 0x3f)));
    } else if (scalar < 0x10000) {
        pl_write(text, "%c%c%c", (int)(0xe0 | scalar >> 12), (int)(0x80 | (scalar >> 6 & 0x3f)),
                 (int)(0x80 | (scalar & 0x3f)));
    } else {
        pl_write(text, "%c%c%c%c", (int)(0xf0 | scalar >> 18), (int)(0x80 | (scalar >> 12 & 0x3f)),
                 (int)(0x80 | (scalar >> 6 & 0x3f)), (int)(0x80 | (scalar & 0x3f)));
    }
}

/// What follows a backslash.
static bool read_escape(reader *from, pl_writing *text) {
    static const char LETTERS[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    if (from->at >= from->len) return false;
    char letter = from->data[from->at++];
    for (uint32_t i = 0; LETTERS[i] != 0; i++) {
        if (letter == LETTERS[i]) {
            pl_write_bytes_(text, &MEANT[i], 1);
            return true;
        }
    }
    uint32_t unit, second;
    if (letter != 'u' || !read_hex(from, &unit)) return false;
    if (unit >= 0xdc00 && unit < 0xe000) return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (from->len - from->at < 2 || from->data[from->at] != '\\' || from->data[from->at + 1] != 'u') return false;
        from->at += 2;
        if (!read_hex(from, &second) || second < 0xdc00 || second >= 0xe000) return false;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
    }
    write_utf8(text, unit);
    return true;
}

static bool read_text(reader *from, pl_text *value) {
    if (!takes(from, '"')) return false;
    pl_writing text = {0};
    while (from->at < from->len) {
        uint32_t plain = from->at;
        while (from->at < from->len && from->data[from->at] != '"' && from->data[from->at] != '\\' &&
               (uint8_t)from->data[from->at] >= 0x20) {
            from->at++;
        }
        pl_write_bytes_(&text, from->data + plain, from->at - plain);
        if (from->at == from->len || (uint8_t)from->data[from->at] < 0x20) return false;
        if (from->data[from->at++] == '"') {
            *value = pl_written(&text);
            return true;
        }
        if (!read_escape(from, &text)) return false;
    }
    return false;
}

/// The characters of a number, or of a word such as `true`.
static pl_text read_bare(reader *from) {
    skip_space(from);
    uint32_t begin = from->at;
    for (; from->at < from->len; from->at++) {
        char byte = from->data[from->at], low = (char)(byte | 0x20);
        bool digit = byte >= '0' && byte <= '9', letter = low >= 'a' && low <= 'z';
        if (!digit && !letter && byte != '+' && byte != '-' && byte != '.') break;
    }
    return (pl_text){from->data + begin, from->at - begin};
}

static bool read_amount(reader *from, const pl_field *field, double *value) {
    double amount;
    if (!pl_read_amount(read_bare(from), &amount)) return false;
    if (!(amount >= field->least && amount <= field->most)) return false;
    *value = amount;
    return true;
}

static bool read_whole(reader *from, const pl_field *field, double *value) {
    reader again = *from;
    pl_text text = read_bare(&again);
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.' || text.data[i] == 'e' || text.data[i] == 'E') return false;
    }
    return read_amount(from, field, value);
}

static bool read_flag(reader *from, bool *value) {
    pl_text text = read_bare(from);
    *value = pl_equal(text, PL("true"));
    return *value || pl_equal(text, PL("false"));
}

static bool read_texts(reader *from, pl_texts *value) {
    pl_text *texts = NULL;
    uint32_t len = 0, room = 0;
    if (!takes(from, '[')) return false;
    bool more = !takes(from, ']');
    while (more) {
        if (len == room) {
            room = pl_more_room_(room, len, 1);
            PL_GROW_(texts, len, room);
        }
        if (!read_text(from, &texts[len++])) return false;
        more = takes(from, ',');
        if (!more && !takes(from, ']')) return false;
    }
    *value = (pl_texts){texts, len};
    return true;
}

static bool read_named_amounts(reader *from, const pl_field *field, pl_named_amounts *value) {
    pl_named_amount *amounts = NULL;
    uint32_t len = 0, room = 0;
    if (!takes(from, '{')) return false;
    bool more = !takes(from, '}');
    while (more) {
        if (len == room) {
            room = pl_more_room_(room, len, 1);
            PL_GROW_(amounts, len, room);
        }
        pl_named_amount *amount = &amounts[len];
        if (!read_text(from, &amount->name) || !takes(from, ':')) return false;
        if (!read_amount(from, field, &amount->amount)) return false;
        for (uint32_t i = 0; i < len; i++) {
            if (pl_equal(amounts[i].name, amount->name)) return false;
        }
        len++;
        more = takes(from, ',');
        if (!more && !takes(from, '}')) return false;
    }
    *value = (pl_named_amounts){amounts, len};
    return true;
}

// ---- fields ---------------------------------------------------------------------------------------------------------

static bool read_value(reader *from, const pl_field *field) {
    double number;
    switch (field->kind) {
    case PL_WHOLE_FIELD_:
        if (!read_whole(from, field, &number)) return false;
        *field->into.whole = (uint32_t)number;
        return true;
    case PL_SIGNED_FIELD_:
        if (!read_whole(from, field, &number)) return false;
        *field->into.negative = (int32_t)number;
        return true;
    case PL_AMOUNT_FIELD_: return read_amount(from, field, field->into.amount);
    case PL_FLAG_FIELD_: return read_flag(from, field->into.flag);
    case PL_TEXT_FIELD_: return read_text(from, field->into.text);
    case PL_TEXTS_FIELD_: return read_texts(from, field->into.texts);
    case PL_NAMED_AMOUNTS_FIELD_: return read_named_amounts(from, field, field->into.named_amounts);
    }
    return false;
}

/// A bound as people write it, without zeros at its end.
static pl_text bound(double value) {
    pl_writing text = {0};
    pl_write_amount_(&text, value, 6);
    while (text.data[text.len - 1] == '0') text.len--;
    if (text.data[text.len - 1] == '.') text.len--;
    return pl_written(&text);
}

static pl_outcome wrong(const pl_field *field) {
    static const char *const EXPECTED[] = {
        [PL_WHOLE_FIELD_] = "a whole number",
        [PL_SIGNED_FIELD_] = "a whole number",
        [PL_AMOUNT_FIELD_] = "a number",
        [PL_FLAG_FIELD_] = "true or false",
        [PL_TEXT_FIELD_] = "a text",
        [PL_TEXTS_FIELD_] = "a list of texts",
        [PL_NAMED_AMOUNTS_FIELD_] = "an object, each name once, of numbers",
    };
    if (field->least == field->most) {
        return pl_decline("%.*s must be %s", PL_SHOWN(field->name), EXPECTED[field->kind]);
    }
    pl_text least = bound(field->least), most = bound(field->most);
    return pl_decline("%.*s must be %s from %.*s to %.*s", PL_SHOWN(field->name), EXPECTED[field->kind],
                      PL_SHOWN(least), PL_SHOWN(most));
}

static const pl_field *named(pl_text name, const pl_field *fields, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (pl_equal(name, fields[i].name)) return &fields[i];
    }
    return NULL;
}

/// One member: its name, a colon, its value.
static pl_outcome read_member(reader *from, const pl_field *fields, uint32_t count, bool *seen) {
    pl_text name;
    if (!read_text(from, &name) || !takes(from, ':')) return not_json(from);
    const pl_field *field = named(name, fields, count);
    if (field == NULL) return pl_decline("unknown field `%.*s`", PL_SHOWN(name));
    if (seen[field - fields]) return pl_decline("field `%.*s` is there twice", PL_SHOWN(field->name));
    seen[field - fields] = true;
    return read_value(from, field) ? DONE : wrong(field);
}

pl_outcome pl_configure(pl_text json, const pl_field *fields, uint32_t count) {
    reader from = {json.data, 0, json.len};
    bool *seen = PL_NEW(bool, count);
    if (!takes(&from, '{')) return not_json(&from);
    bool more = !takes(&from, '}');
    while (more) {
        pl_outcome outcome = read_member(&from, fields, count, seen);
        if (outcome.declined) return outcome;
        more = takes(&from, ',');
        if (!more && !takes(&from, '}')) return not_json(&from);
    }
    skip_space(&from);
    return from.at == from.len ? DONE : not_json(&from);
}
