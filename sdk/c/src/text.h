// What the files of the SDK know of each other and authors need not: growth of lists, and amounts as text.

#ifndef PLIMSOLL_TEXT_H
#define PLIMSOLL_TEXT_H

#include "plimsoll.h"

/// How much room a list should have that has `room`, holds `len` and gets `more`: at least double, so that adding one
/// by one stays cheap. Traps where that cannot be counted.
uint32_t pl_more_room_(uint32_t room, uint32_t len, uint32_t more);
/// A copy of a list of `len` entries of `size` bytes with room for `room`.
void *pl_grown_(const void *list, uint32_t len, uint32_t room, uint32_t size, uint32_t align);

/// Grows one list of several that share `len` and `room`.
#define PL_GROW_(list, len, room) \
    ((list) = pl_grown_((list), (len), (room), sizeof *(list), _Alignof(__typeof__(*(list)))))

/// Adds bytes.
void pl_write_bytes_(pl_writing *writing, const char *data, uint32_t len);
/// Adds an amount with so many digits behind the point, rounded to the nearest, ties to even.
void pl_write_amount_(pl_writing *writing, double value, uint32_t digits);

#endif
