// SPDX-License-Identifier: Apache-2.0
// As much of JSON as it takes to find the members of one object: the agent reads the rest.
#ifndef CULVERT_CNI_JSON_H
#define CULVERT_CNI_JSON_H

#include "text.h"

// Whether the text is one object, as far as brackets and strings tell.
bool json_is_object(struct part text);

// The value behind a key of the outermost object, as it is written there. The last one counts where a key comes twice.
bool json_member(struct part text, const char *key, struct part *value);

// The same of a string without its quotes; false for other values, and for one that needs a backslash.
bool json_plain_string(struct part text, const char *key, struct part *string);

#endif
