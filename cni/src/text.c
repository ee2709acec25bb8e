// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool make_room(struct text *text, size_t length)
{
	if (length > TEXT_MOST_BYTES - text->length)
		return false;
	size_t needed = text->length + length;
	if (needed <= text->capacity)
		return true;
	size_t capacity = text->capacity ? text->capacity : 4096;
	while (capacity < needed)
		capacity *= 2;
	char *bytes = realloc(text->bytes, capacity);
	if (!bytes)
		return false;
	text->bytes = bytes;
	text->capacity = capacity;
	return true;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
	if (!length)
		return;
	if (!make_room(text, length)) {
		text->too_long = true;
		return;
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_add_part(struct text *text, struct part part)
{
	text_add(text, part.bytes, part.length);
}

void text_add_quoted(struct text *text, const char *bytes, size_t length)
{
	text_add_string(text, "\"");
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		if (byte < ' ') {
			char escaped[sizeof "\\u0000"];
			snprintf(escaped, sizeof escaped, "\\u%04x", byte);
			text_add_string(text, escaped);
			continue;
		}
		if (byte == '"' || byte == '\\')
			text_add_string(text, "\\");
		text_add(text, bytes + i, 1);
	}
	text_add_string(text, "\"");
}

bool text_read_all(struct text *text, int descriptor)
{
	char chunk[16384];
	for (;;) {
		ssize_t count = read(descriptor, chunk, sizeof chunk);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count == 0;
		text_add(text, chunk, (size_t)count);
	}
}

bool part_is(struct part part, const char *string)
{
	return part.length == strlen(string) && memcmp(part.bytes, string, part.length) == 0;
}
