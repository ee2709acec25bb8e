// SPDX-License-Identifier: Apache-2.0
#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

// Those that dev.culvert.agent.cni.CniVersion names: a test compares.
#define VERSIONS "\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\""
#define NEWEST   "1.1.0"

int reply_with(struct part answer)
{
	struct text text = { 0 };
	text_add_part(&text, answer);
	text_add_string(&text, "\n");
	for (size_t written = 0; written < text.length;) {
		ssize_t count = write(STDOUT_FILENO, text.bytes + written, text.length - written);
		if (count >= 0)
			written += (size_t)count;
		else if (errno != EINTR)
			return 1; // nobody reads, so nobody learns of it either
	}
	return 0;
}

// The version of the configuration, since the answer has the same.
static void begin(struct text *text, struct part configuration)
{
	struct part version;
	text_add_string(text, "{\"cniVersion\":\"");
	if (json_plain_string(configuration, "cniVersion", &version))
		text_add_part(text, version);
	else
		text_add_string(text, NEWEST);
	text_add_string(text, "\",");
}

int reply_versions(struct part configuration)
{
	struct text text = { 0 };
	begin(&text, configuration);
	text_add_string(&text, "\"supportedVersions\":[" VERSIONS "]}");
	return reply_with((struct part){ text.bytes, text.length });
}

int reply_error(struct part configuration, enum cni_code code, const char *sentence)
{
	struct text quoted = { 0 };
	text_add_quoted(&quoted, sentence, strlen(sentence));
	return reply_error_json(configuration, code, (struct part){ quoted.bytes, quoted.length });
}

int reply_error_json(struct part configuration, enum cni_code code, struct part sentence)
{
	struct text text = { 0 };
	char number[sizeof "\"code\":" + 12];
	begin(&text, configuration);
	snprintf(number, sizeof number, "\"code\":%d", code);
	text_add_string(&text, number);
	text_add_string(&text, ",\"msg\":");
	text_add_part(&text, sentence);
	text_add_string(&text, "}");
	(void)reply_with((struct part){ text.bytes, text.length });
	return 1;
}
