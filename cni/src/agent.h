// SPDX-License-Identifier: Apache-2.0
// One question to the agent over its control socket: a line of JSON each way.
#ifndef CULVERT_CNI_AGENT_H
#define CULVERT_CNI_AGENT_H

#include "text.h"

enum asked {
	ANSWERED,
	NOBODY, // no agent listens, or it died before its answer
	SILENT, // it listens and says nothing
};

// The answer is one line, without its end.
enum asked agent_ask(const char *socket_path, const struct text *line, int patience_ms, struct text *answer);

#endif
