// SPDX-License-Identifier: Apache-2.0
#include "place.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

#define SOCKET_SUFFIX ".sock"
#define LOCK_SUFFIX   ".lock"

// The length of the name without the suffix; 0 for names that have another, and for those that are hidden.
static size_t stem(const char *name, const char *suffix)
{
	size_t length = strlen(name), cut = strlen(suffix);
	return name[0] != '.' && length > cut && strcmp(name + length - cut, suffix) == 0 ? length - cut : 0;
}

// A lock outlives its agent, a socket may not.
static enum place_found find_only_agent(char socket[PATH_MAX])
{
	DIR *folder = opendir(DEFAULT_RUN_DIRECTORY);
	if (!folder)
		return PLACE_NONE;
	enum place_found found = PLACE_NONE;
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		size_t length = stem(entry->d_name, LOCK_SUFFIX);
		if (!length)
			continue;
		if (found == PLACE_FOUND) {
			found = PLACE_SEVERAL;
			break;
		}
		snprintf(socket, PATH_MAX, "%s/%.*s%s", DEFAULT_RUN_DIRECTORY, (int)length, entry->d_name,
		         SOCKET_SUFFIX);
		found = PLACE_FOUND;
	}
	closedir(folder);
	return found;
}

enum place_found place_find(struct part configuration, char socket[PATH_MAX])
{
	struct part value, path;
	if (!json_member(configuration, "socket", &value))
		return find_only_agent(socket);
	if (!json_plain_string(configuration, "socket", &path) || path.length >= PATH_MAX || path.bytes[0] != '/')
		return PLACE_INVALID;
	memcpy(socket, path.bytes, path.length);
	socket[path.length] = 0;
	return stem(strrchr(socket, '/') + 1, SOCKET_SUFFIX) ? PLACE_FOUND : PLACE_INVALID;
}

static bool path_of(char path[PATH_MAX], const char *socket, const char *folder, const struct attachment *attachment)
{
	int length = snprintf(path, PATH_MAX, "%.*s.cni/%s/%.*s@%s@%s", (int)(strlen(socket) - strlen(SOCKET_SUFFIX)),
	                      socket, folder, (int)attachment->network.length, attachment->network.bytes,
	                      attachment->container, attachment->interface);
	return length > 0 && length < PATH_MAX;
}

void place_note_deleted(const char *socket, const struct attachment *attachment)
{
	char from[PATH_MAX], to[PATH_MAX];
	if (path_of(from, socket, "attachments", attachment) && path_of(to, socket, "deleted", attachment))
		(void)rename(from, to); // there is none, or it is noted already
}
