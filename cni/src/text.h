// SPDX-License-Identifier: Apache-2.0
// A text that grows up to a bound, and a look at a part of one.
#ifndef CULVERT_CNI_TEXT_H
#define CULVERT_CNI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// GC names every living attachment, about 100 bytes each; a configuration alone is below a kilobyte.
#define TEXT_MOST_BYTES (4u << 20)

struct text {
	char *bytes;
	size_t length;
	size_t capacity;
	bool too_long; // or no memory: what was added is not all there
};

// Bytes of somebody else's text; no zero behind them.
struct part {
	const char *bytes;
	size_t length;
};

void text_add(struct text *text, const char *bytes, size_t length);
void text_add_string(struct text *text, const char *string);
void text_add_part(struct text *text, struct part part);

// As a JSON string with its quotes (RFC 8259 section 7); bytes above 0x7f are left as they are.
void text_add_quoted(struct text *text, const char *bytes, size_t length);

// Adds all that the descriptor gives until its end, and reads on where that is too much, for the writer's sake; false
// with errno when it cannot be read.
bool text_read_all(struct text *text, int descriptor);

bool part_is(struct part part, const char *string);

#endif
