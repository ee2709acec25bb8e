// SPDX-License-Identifier: Apache-2.0
// What the runtime reads on our standard output, where the agent did not say it (CNI spec, sections 2 and 5).
#ifndef CULVERT_CNI_REPLY_H
#define CULVERT_CNI_REPLY_H

#include "text.h"

// "Well-known error codes" of the spec.
enum cni_code {
	CNI_INVALID_ENVIRONMENT = 4,
	CNI_IO_FAILURE = 5,
	CNI_UNDECODABLE = 6,
	CNI_INVALID_CONFIGURATION = 7,
	CNI_TRY_AGAIN_LATER = 11,
	CNI_NOT_AVAILABLE = 50,
};

// Prints bytes and the end of the line. The exit code, 0.
int reply_with(struct part answer);

// The answer to VERSION.
int reply_versions(struct part configuration);

// One sentence for people. The exit code, 1.
int reply_error(struct part configuration, enum cni_code code, const char *sentence);

// The same with a sentence that is JSON already, quotes and all.
int reply_error_json(struct part configuration, enum cni_code code, struct part sentence);

#endif
