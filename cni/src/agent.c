// SPDX-License-Identifier: Apache-2.0
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

// Waits until the socket can be read or written. False at the deadline.
static bool await(int connection, short events, long long deadline_ms)
{
	struct pollfd wanted = { .fd = connection, .events = events };
	for (;;) {
		long long left_ms = deadline_ms - now_ms();
		if (left_ms <= 0)
			return false;
		int ready = poll(&wanted, 1, (int)left_ms);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

// A Unix socket connects at once, or waits while its backlog is full (unix(7)): for no longer than its send timeout.
static int open_connection(const char *path, int patience_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection < 0)
		return -1;
	struct timeval patience = { patience_ms / 1000, patience_ms % 1000 * 1000 };
	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0)
		return connection;
	int reason = errno;
	close(connection);
	errno = reason;
	return -1;
}

static enum asked send_line(int connection, const struct text *line, long long deadline_ms)
{
	for (size_t sent = 0; sent < line->length;) {
		if (!await(connection, POLLOUT, deadline_ms))
			return SILENT;
		ssize_t count = send(connection, line->bytes + sent, line->length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count > 0)
			sent += (size_t)count;
		else if (errno != EINTR && errno != EAGAIN)
			return NOBODY;
	}
	return ANSWERED;
}

static enum asked receive_line(int connection, struct text *line, long long deadline_ms)
{
	char chunk[16384];
	while (!line->too_long) {
		if (!await(connection, POLLIN, deadline_ms))
			return SILENT;
		ssize_t count = recv(connection, chunk, sizeof chunk, 0);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return NOBODY;
		const char *end = memchr(chunk, '\n', (size_t)count);
		text_add(line, chunk, end ? (size_t)(end - chunk) : (size_t)count);
		if (end)
			return ANSWERED;
	}
	return NOBODY;
}

enum asked agent_ask(const char *socket_path, const struct text *line, int patience_ms, struct text *answer)
{
	long long deadline_ms = now_ms() + patience_ms;
	int connection = open_connection(socket_path, patience_ms);
	if (connection < 0)
		return errno == EAGAIN ? SILENT : NOBODY;
	enum asked outcome = send_line(connection, line, deadline_ms);
	if (outcome == ANSWERED)
		outcome = receive_line(connection, answer, deadline_ms);
	close(connection);
	return outcome;
}
