// SPDX-License-Identifier: Apache-2.0
// A CNI plugin that asks Culvert's agent: environment and standard input go to its control socket as one line, and what
// it answers is printed. The agent reads the configuration, does the work and words the result; here is only what holds
// without one.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent.h"
#include "json.h"
#include "place.h"
#include "reply.h"

// "culvert cni uninstall" knows by this that a file is this program, of whichever version.
__attribute__((used)) static const char MARK[] = "culvert-cni: the CNI plugin of Culvert";

extern char **environ;

// How long an agent may think that listens. It gives up an attachment itself after 30 s, and takes it back then; who
// deletes is not kept waiting by an agent that is stuck.
static const struct verb {
	const char *name;
	int patience_ms;
	enum cni_code without_agent;
} VERBS[] = {
	{ "ADD", 40000, CNI_TRY_AGAIN_LATER },   { "DEL", 10000, CNI_TRY_AGAIN_LATER },
	{ "CHECK", 10000, CNI_TRY_AGAIN_LATER }, { "GC", 60000, CNI_TRY_AGAIN_LATER },
	{ "STATUS", 2000, CNI_NOT_AVAILABLE },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++) {
		if (strcmp(VERBS[i].name, name) == 0)
			return &VERBS[i];
	}
	return NULL;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

static struct part whole(const struct text *text)
{
	return (struct part){ text->bytes, text->length };
}

// {"request":"cni","environment":{"CNI_COMMAND":"ADD",...},"config":"what was on standard input"}
static void write_request(struct text *line, struct part configuration)
{
	const char *separator = "";
	text_add_string(line, "{\"request\":\"cni\",\"environment\":{");
	for (char **entry = environ; *entry; entry++) {
		const char *equals = strchr(*entry, '=');
		if (!equals || strncmp(*entry, "CNI_", 4) != 0)
			continue;
		text_add_string(line, separator);
		text_add_quoted(line, *entry, (size_t)(equals - *entry));
		text_add_string(line, ":");
		text_add_quoted(line, equals + 1, strlen(equals + 1));
		separator = ",";
	}
	text_add_string(line, "},\"config\":");
	text_add_quoted(line, configuration.bytes, configuration.length);
	text_add_string(line, "}\n");
}

// {"ok":true,"result":{...}}, where no result means that nothing is to be printed; a refusal's result is CNI's error.
static int print_answer(struct part configuration, struct part answer)
{
	struct part ok, value;
	bool well = json_member(answer, "ok", &ok) && part_is(ok, "true");
	if (json_member(answer, "result", &value))
		return reply_with(value) || !well;
	if (well)
		return 0;
	if (json_member(answer, "error", &value) && value.bytes[0] == '"')
		return reply_error_json(configuration, CNI_IO_FAILURE, value);
	return reply_error(configuration, CNI_IO_FAILURE,
	                   "The agent's answer makes no sense; are agent and plugin of the same version?");
}

// Names that CNI allows (spec, section 1), which are safe in paths too.
static bool is_name(struct part name)
{
	for (size_t i = 0; i < name.length; i++) {
		unsigned char c = (unsigned char)name.bytes[i];
		if (!isalnum(c) && (i == 0 || !strchr("_.-", c)))
			return false;
	}
	return name.length > 0;
}

static bool is_interface(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

// A DEL that no agent answers is noted for the next one. It may have begun to listen meanwhile: then it is asked again,
// since it looked for notes before this one. Whatever comes, the runtime has its success: it could do nothing about a
// failure but try again.
static int delete_later(struct part configuration, const char *socket, const struct text *line, bool silent)
{
	const char *container = environment("CNI_CONTAINERID"), *interface = environment("CNI_IFNAME");
	struct attachment attachment = { .container = container, .interface = interface };
	if (!is_name((struct part){ container, strlen(container) }))
		return reply_error(configuration, CNI_INVALID_ENVIRONMENT,
		                   "CNI_CONTAINERID is missing or no identifier of a container.");
	if (!is_interface(interface))
		return reply_error(configuration, CNI_INVALID_ENVIRONMENT,
		                   "CNI_IFNAME is missing or no name of an interface.");
	if (!json_plain_string(configuration, "name", &attachment.network) || !is_name(attachment.network))
		return reply_error(configuration, CNI_INVALID_CONFIGURATION,
		                   "The configuration's \"name\" is missing or no name of a network.");
	place_note_deleted(socket, &attachment);
	struct text answer = { 0 };
	if (!silent && agent_ask(socket, line, find_verb("DEL")->patience_ms, &answer) == ANSWERED)
		return print_answer(configuration, whole(&answer));
	return 0;
}

static int without_answer(const struct verb *verb, struct part configuration, const char *socket, bool silent)
{
	struct text sentence = { 0 };
	text_add_string(&sentence,
	                silent ? "Culvert's agent runs but did not answer at " : "No agent of Culvert answers at ");
	text_add_string(&sentence, socket);
	text_add_string(&sentence,
	                silent ? "; look at its log." : "; start it (systemctl start culvert), or look at its log.");
	text_add(&sentence, "", 1);
	return reply_error(configuration, verb->without_agent, sentence.bytes);
}

static int not_found(const struct verb *verb, struct part configuration, enum place_found found)
{
	if (found == PLACE_INVALID)
		return reply_error(configuration, CNI_INVALID_CONFIGURATION,
		                   "The configuration's \"socket\" is no absolute path that ends in .sock.");
	if (found == PLACE_SEVERAL)
		return reply_error(configuration, CNI_INVALID_CONFIGURATION,
		                   "Several agents use " DEFAULT_RUN_DIRECTORY
		                   ": name one by the configuration's \"socket\", such as \"" DEFAULT_RUN_DIRECTORY
		                   "/host-01.sock\".");
	// Where no agent ever ran since the machine started, nothing is to be deleted either.
	if (strcmp(verb->name, "DEL") == 0)
		return 0;
	return without_answer(verb, configuration, DEFAULT_RUN_DIRECTORY, false);
}

static int ask(const struct verb *verb, struct part configuration)
{
	char socket[PATH_MAX];
	enum place_found found = place_find(configuration, socket);
	if (found != PLACE_FOUND)
		return not_found(verb, configuration, found);
	struct text line = { 0 }, answer = { 0 };
	write_request(&line, configuration);
	if (line.too_long)
		return reply_error(configuration, CNI_IO_FAILURE,
		                   "The configuration on standard input and the environment are too long together.");
	enum asked asked = agent_ask(socket, &line, verb->patience_ms, &answer);
	if (asked == ANSWERED)
		return print_answer(configuration, whole(&answer));
	if (strcmp(verb->name, "DEL") == 0)
		return delete_later(configuration, socket, &line, asked == SILENT);
	return without_answer(verb, configuration, socket, asked == SILENT);
}

int main(void)
{
	struct text input = { 0 };
	bool read = text_read_all(&input, STDIN_FILENO);
	struct part configuration = whole(&input);
	const char *command = environment("CNI_COMMAND");
	if (!read)
		return reply_error(configuration, CNI_IO_FAILURE,
		                   "The configuration on standard input cannot be read.");
	if (input.too_long)
		return reply_error((struct part){ "", 0 }, CNI_IO_FAILURE,
		                   "The configuration on standard input is longer than 4 MB.");
	if (strcmp(command, "VERSION") == 0)
		return reply_versions(configuration);
	const struct verb *verb = find_verb(command);
	if (!verb)
		return reply_error(
			configuration, CNI_INVALID_ENVIRONMENT,
			"CNI_COMMAND is none of ADD, DEL, CHECK, GC, STATUS and VERSION; container runtimes set it.");
	if (!json_is_object(configuration))
		return reply_error(configuration, CNI_UNDECODABLE,
		                   "The configuration on standard input is no JSON object.");
	return ask(verb, configuration);
}
