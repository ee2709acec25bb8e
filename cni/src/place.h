// SPDX-License-Identifier: Apache-2.0
// Where one agent's things lie in its run directory:
//
//   HOST.sock                                         its control socket
//   HOST.cni/attachments/NETWORK@CONTAINERID@IFNAME   what it attached for a container runtime
//   HOST.cni/deleted/NETWORK@CONTAINERID@IFNAME       the same, deleted while no agent lived: it will see to that
//
// The agent makes both folders before its first attachment; here files are only moved from one to the other.
#ifndef CULVERT_CNI_PLACE_H
#define CULVERT_CNI_PLACE_H

#include <limits.h>

#include "text.h"

#define DEFAULT_RUN_DIRECTORY "/run/culvert"

enum place_found { PLACE_FOUND, PLACE_NONE, PLACE_SEVERAL, PLACE_INVALID };

// The socket that the configuration's key "socket" names, else that of the one agent of the default run directory,
// alive or dead.
enum place_found place_find(struct part configuration, char socket[PATH_MAX]);

// One attachment, as its file is called.
struct attachment {
	struct part network;
	const char *container;
	const char *interface;
};

// Notes durably that it is to be deleted. One that the agent does not know is none.
void place_note_deleted(const char *socket, const struct attachment *attachment);

#endif
