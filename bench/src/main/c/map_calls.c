// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The map calls of dev.culvert.bench.MapCalls in C, for comparison: reads lines "TYPE CALL", makes the call on each of
 * ENTRIES entries, and answers with the ns that all took together. "./dev bench jmh" compiles and runs it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ENTRIES 1000
#define VALUE_BYTES 136 /* struct subnet */
#define MAX_CPUS 1024

struct type {
	const char *name;
	enum bpf_map_type number;
	uint32_t key_bytes, value_bytes, flags;
	int fd;
	unsigned char *keys, *values;
};

static struct type types[] = {
	{ "hash", BPF_MAP_TYPE_HASH, 8, VALUE_BYTES, BPF_F_NO_PREALLOC, -1, NULL, NULL },
	{ "lpm_trie", BPF_MAP_TYPE_LPM_TRIE, 12, VALUE_BYTES, BPF_F_NO_PREALLOC, -1, NULL, NULL },
	{ "array", BPF_MAP_TYPE_ARRAY, 4, VALUE_BYTES, 0, -1, NULL, NULL },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 0, -1, NULL, NULL },
};

static void fail(const char *what)
{
	fprintf(stderr, "map_calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static uint32_t slot_bytes(const struct type *type)
{
	return type->number == BPF_MAP_TYPE_PERCPU_ARRAY ? type->value_bytes * MAX_CPUS : type->value_bytes;
}

static void fill_key(const struct type *type, uint32_t number)
{
	uint32_t *key = (uint32_t *)(type->keys + number * type->key_bytes);

	if (type->key_bytes == 4) {
		key[0] = number;
		return;
	}
	if (type->key_bytes == 12)
		*key++ = 32 + 24;
	key[0] = htonl(1);
	key[1] = htonl(10u << 24 | number << 8);
}

static void one(const struct type *type, enum bpf_cmd command, uint32_t number)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = type->fd;
	attr.key = (uintptr_t)(type->keys + number * type->key_bytes);
	if (command != BPF_MAP_DELETE_ELEM)
		attr.value = (uintptr_t)(type->values + (size_t)number * slot_bytes(type));
	if (bpf(command, &attr))
		fail("a call on one entry");
}

static void batch(const struct type *type)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.batch.map_fd = type->fd;
	attr.batch.keys = (uintptr_t)type->keys;
	attr.batch.values = (uintptr_t)type->values;
	attr.batch.count = ENTRIES;
	if (bpf(BPF_MAP_UPDATE_BATCH, &attr))
		fail("BPF_MAP_UPDATE_BATCH");
}

static void create(struct type *type)
{
	union bpf_attr attr;
	uint32_t i;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type->number;
	attr.key_size = type->key_bytes;
	attr.value_size = type->value_bytes;
	attr.max_entries = ENTRIES;
	attr.map_flags = type->flags;
	type->fd = bpf(BPF_MAP_CREATE, &attr);
	type->keys = calloc(ENTRIES, type->key_bytes);
	type->values = calloc(ENTRIES, slot_bytes(type));
	if (type->fd < 0 || !type->keys || !type->values)
		fail("making a map");
	for (i = 0; i < ENTRIES; i++)
		fill_key(type, i);
	batch(type);
}

static struct type *find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, name))
			continue;
		if (types[i].fd < 0)
			create(&types[i]);
		return &types[i];
	}
	errno = EINVAL;
	fail(name);
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void call(const struct type *type, const char *name)
{
	enum bpf_cmd command = !strcmp(name, "lookup") ? BPF_MAP_LOOKUP_ELEM :
			       !strcmp(name, "delete") ? BPF_MAP_DELETE_ELEM :
							 BPF_MAP_UPDATE_ELEM;
	uint32_t i;

	if (!strcmp(name, "batch")) {
		batch(type);
		return;
	}
	for (i = 0; i < ENTRIES; i++)
		one(type, command, i);
}

int main(void)
{
	char type_name[32], name[32];

	while (scanf("%31s %31s", type_name, name) == 2) {
		struct type *type = find(type_name);
		uint64_t started = now_ns();

		call(type, name);
		printf("%llu\n", (unsigned long long)(now_ns() - started));
		fflush(stdout);
		if (!strcmp(name, "delete"))
			batch(type); /* so that there is something to delete next time */
	}
	return 0;
}
