// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <string.h>

struct cursor {
	const char *next;
	const char *end;
};

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->next < cursor->end && memchr(" \t\r\n", *cursor->next, 4))
		cursor->next++;
}

static bool accept(struct cursor *cursor, char wanted)
{
	skip_blanks(cursor);
	if (cursor->next == cursor->end || *cursor->next != wanted)
		return false;
	cursor->next++;
	return true;
}

// From behind the opening quote to behind the closing one.
static bool skip_string(struct cursor *cursor)
{
	while (cursor->next < cursor->end) {
		char c = *cursor->next++;
		if (c == '"')
			return true;
		if (c == '\\') {
			if (cursor->next == cursor->end)
				return false;
			cursor->next++;
		}
	}
	return false;
}

// An object, a list, a string, or anything else up to the comma or bracket behind it.
static bool skip_value(struct cursor *cursor, struct part *value)
{
	skip_blanks(cursor);
	const char *start = cursor->next;
	size_t depth = 0;
	while (cursor->next < cursor->end) {
		char c = *cursor->next;
		if (c == '"') {
			cursor->next++;
			if (!skip_string(cursor))
				return false;
		} else if (c == '{' || c == '[') {
			depth++;
			cursor->next++;
		} else if (depth && (c == '}' || c == ']')) {
			depth--;
			cursor->next++;
		} else if (!depth && (c == ',' || c == '}' || c == ']')) {
			break;
		} else {
			cursor->next++;
		}
	}
	const char *last = cursor->next;
	while (last > start && memchr(" \t\r\n", last[-1], 4))
		last--;
	*value = (struct part){ start, (size_t)(last - start) };
	return !depth && value->length;
}

// Walks over the members; with a key, notes the value of the last that has it.
static bool walk(struct part text, const char *key, struct part *found)
{
	struct cursor cursor = { text.bytes, text.bytes + text.length };
	if (!accept(&cursor, '{'))
		return false;
	bool more = !accept(&cursor, '}');
	while (more) {
		if (!accept(&cursor, '"'))
			return false;
		const char *start = cursor.next;
		if (!skip_string(&cursor))
			return false;
		struct part name = { start, (size_t)(cursor.next - start - 1) };
		struct part value;
		if (!accept(&cursor, ':') || !skip_value(&cursor, &value))
			return false;
		if (key && part_is(name, key))
			*found = value;
		more = accept(&cursor, ',');
		if (!more && !accept(&cursor, '}'))
			return false;
	}
	skip_blanks(&cursor);
	return cursor.next == cursor.end;
}

bool json_is_object(struct part text)
{
	return walk(text, NULL, NULL);
}

bool json_member(struct part text, const char *key, struct part *value)
{
	*value = (struct part){ NULL, 0 };
	return walk(text, key, value) && value->bytes;
}

bool json_plain_string(struct part text, const char *key, struct part *string)
{
	struct part value;
	if (!json_member(text, key, &value) || value.length < 2 || value.bytes[0] != '"' ||
	    value.bytes[value.length - 1] != '"')
		return false;
	*string = (struct part){ value.bytes + 1, value.length - 2 };
	return !memchr(string->bytes, '\\', string->length) && !memchr(string->bytes, '"', string->length);
}
