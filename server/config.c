/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line is words; the first says which setting it is, a table says how many
 * follow and who reads them. Later lines win over earlier ones.
 */
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "server/number.h"

enum { WORDS_MAX = 64, FILE_MAX = 1024 * 1024 };

void srv_config_init(struct srv_config *config)
{
	memset(config, 0, sizeof(*config));
	config->memory = UINT64_C(1) << 30;
	config->cpus = 4;
	config->memory_block = SRV_MEMORY_BLOCK_DEFAULT;
	config->connections = 1024;
	config->drain_ms = 2000;
	srv_limits_clear(&config->limits);
}

void srv_config_fini(struct srv_config *config)
{
	free(config->socket);
	free(config->users);
	free(config->pools);
	memset(config, 0, sizeof(*config));
}

/* --- one setting each: NULL, or why the value is refused ----------------- */

static const char *set_socket(struct srv_config *config, char **words)
{
	char *copy = pager_fail("config.socket") ? NULL : strdup(words[0]);

	if (!copy)
		return "out of memory";
	free(config->socket);
	config->socket = copy;
	return NULL;
}

static const char *set_memory(struct srv_config *config, char **words)
{
	const char *why = srv_number_size(words[0], SRV_MEMORY_MIN,
					  SRV_MEMORY_MAX, &config->memory);

	if (!why && config->memory % PAGER_PAGE_SIZE)
		why = "not a multiple of 4K";
	return why;
}

static const char *set_nodes(struct srv_config *config, char **words)
{
	return srv_number_count(words[0], SRV_NODES_MIN, SRV_NODES_MAX,
				&config->nodes);
}

static const char *set_cpus(struct srv_config *config, char **words)
{
	return srv_number_count(words[0], 1, SRV_CPUS_MAX, &config->cpus);
}

static const char *set_simulate(struct srv_config *config, char **words)
{
	if (strcmp(words[0], "yes") == 0)
		config->simulate = true;
	else if (strcmp(words[0], "no") == 0)
		config->simulate = false;
	else
		return "neither yes nor no";
	return NULL;
}

static const char *set_memory_block(struct srv_config *config, char **words)
{
	uint64_t size = 0;
	const char *why = srv_number_size(words[0], SRV_MEMORY_BLOCK_MIN,
					  SRV_MEMORY_BLOCK_MAX, &size);

	if (!why && size & (size - 1))
		why = "not a power of two";
	if (!why)
		config->memory_block = size;
	return why;
}

static const char *set_pool(struct srv_config *config, char **words)
{
	struct srv_config_pool pool;
	const char *why = srv_pool_parse(&pool, words);

	pool.line = config->line;
	return why ? why : srv_pool_add(config, &pool, false);
}

static const char *set_group(struct srv_config *config, char **words)
{
	const struct group *group = getgrnam(words[0]);
	uint64_t gid;

	if (group) {
		config->group = group->gr_gid;
	} else {
		if (srv_number_count(words[0], 0, UINT32_MAX - 1, &gid))
			return "no such group";
		config->group = (gid_t)gid;
	}
	config->has_group = true;
	return NULL;
}

static const char *set_connections(struct srv_config *config, char **words)
{
	return srv_number_count(words[0], 1, SRV_CONNS_MAX,
				&config->connections);
}

static const char *set_drain(struct srv_config *config, char **words)
{
	return srv_number_count(words[0], 0, SRV_DRAIN_MAX_MS,
				&config->drain_ms);
}

static const char *set_one_limit(struct srv_limits *limits, char **words)
{
	unsigned int i;

	for (i = 0; srv_limits_name(i); i++)
		if (strcmp(words[0], srv_limits_name(i)) == 0)
			return srv_number_limit(
			    words[1], srv_limits_in_bytes(i), &limits->max[i]);
	return "no such limit";
}

static const char *set_limit(struct srv_config *config, char **words)
{
	return set_one_limit(&config->limits, words);
}

static struct srv_config_user *find_user(const struct srv_config *config,
					 uid_t uid)
{
	for (size_t i = 0; i < config->user_count; i++)
		if (config->users[i].uid == uid)
			return config->users + i;
	return NULL;
}

static const char *set_user(struct srv_config *config, char **words)
{
	const struct passwd *passwd = getpwnam(words[0]);
	struct srv_config_user *user, *grown;
	uint64_t uid;

	if (strcmp(words[1], "limit") != 0)
		return "limit is missing after the user";
	if (passwd)
		uid = passwd->pw_uid;
	else if (srv_number_count(words[0], 0, UINT32_MAX - 1, &uid))
		return "no such user";
	user = find_user(config, (uid_t)uid);
	if (!user) {
		if (config->user_count == SRV_CONFIG_USERS_MAX)
			return "too many users";
		grown =
		    pager_fail("config.users")
			? NULL
			: reallocarray(config->users, config->user_count + 1,
				       sizeof(*grown));
		if (!grown)
			return "out of memory";
		config->users = grown;
		user = grown + config->user_count++;
		user->uid = (uid_t)uid;
		srv_limits_clear(&user->limits);
	}
	return set_one_limit(&user->limits, words + 2);
}

static const struct {
	const char *name;
	unsigned int words; /* after the name; 0: as many as it likes */
	const char *(*set)(struct srv_config *config, char **words);
} settings[] = {
    {"socket", 1, set_socket},
    {"memory", 1, set_memory},
    {"nodes", 1, set_nodes},
    {"cpus", 1, set_cpus},
    {"simulate", 1, set_simulate},
    {"memory-block", 1, set_memory_block},
    {"pool", 0, set_pool},
    {"group", 1, set_group},
    {"connections", 1, set_connections},
    {"drain", 1, set_drain},
    {"limit", 2, set_limit},
    {"user", 4, set_user},
};

/* --- lines and files ----------------------------------------------------- */

static const char *parse_line(struct srv_config *config, char *line)
{
	char *words[WORDS_MAX + 1], *rest = line, *word;
	unsigned int n = 0;

	line[strcspn(line, "#")] = '\0';
	while ((word = strsep(&rest, " \t\r"))) {
		if (!*word)
			continue;
		if (n == WORDS_MAX)
			return "too many words";
		words[n++] = word;
	}
	if (n == 0)
		return NULL;
	words[n] = NULL;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (strcmp(words[0], settings[i].name) != 0)
			continue;
		if (n - 1 < settings[i].words)
			return "a value is missing";
		if (settings[i].words && n - 1 > settings[i].words)
			return "too many words";
		return settings[i].set(config, words + 1);
	}
	return "unknown setting";
}

static int complain(struct srv_config *config, char why[SRV_CONFIG_WHY],
		    const char *name, unsigned int line, const char *text,
		    const char *reason)
{
	char shown[PAGER_LOG_ESCAPE];

	snprintf(why, SRV_CONFIG_WHY, "%s:%u: %s%s%s", name, line,
		 text ? pager_log_escape(shown, text, strlen(text)) : "",
		 text ? ": " : "", reason);
	srv_config_fini(config);
	return -1;
}

int srv_config_parse(struct srv_config *config, const char *name,
		     const char *text, size_t len, char why[SRV_CONFIG_WHY])
{
	char line[SRV_CONFIG_LINE_MAX + 1], shown[SRV_CONFIG_LINE_MAX + 1];
	const char *reason, *end;
	unsigned int number = 0;
	size_t n;

	srv_config_init(config);
	for (; len; text += n, len -= n) {
		number++;
		end = memchr(text, '\n', len);
		n = end ? (size_t)(end - text) : len;
		if (n > SRV_CONFIG_LINE_MAX)
			return complain(config, why, name, number, NULL,
					"line too long");
		if (memchr(text, '\0', n))
			return complain(config, why, name, number, NULL,
					"not a text file");
		memcpy(line, text, n);
		line[n] = '\0';
		memcpy(shown, line, n + 1);
		config->line = number;
		reason = parse_line(config, line);
		if (reason)
			return complain(config, why, name, number, shown,
					reason);
		if (end)
			n++;
	}
	return 0;
}

/* The whole of a regular file; NULL with errno. */
static char *read_file(const char *path, size_t *len)
{
	struct stat st;
	char *text = NULL;
	ssize_t n;
	int fd;

	fd = pager_fail("config.open")
		 ? -1
		 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0)
		goto out;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		goto out;
	}
	if (st.st_size > FILE_MAX) {
		errno = EFBIG;
		goto out;
	}
	text = pager_fail("config.read") ? NULL : malloc(FILE_MAX);
	if (!text)
		goto out;
	*len = 0;
	while ((n = read(fd, text + *len, FILE_MAX - *len)) > 0)
		*len += (size_t)n;
	if (n < 0) {
		free(text);
		text = NULL;
	}
out:
	n = errno;
	close(fd);
	errno = (int)n;
	return text;
}

int srv_config_read(struct srv_config *config, const char *path,
		    char why[SRV_CONFIG_WHY])
{
	size_t len;
	char *text;
	int ret;

	errno = ENOMEM;
	text = read_file(path, &len);
	if (!text) {
		snprintf(why, SRV_CONFIG_WHY, "%s: %s", path, strerror(errno));
		memset(config, 0, sizeof(*config));
		return -1;
	}
	ret = srv_config_parse(config, path, text, len, why);
	free(text);
	return ret;
}

/* --- what follows from it ------------------------------------------------ */

uint64_t srv_config_nodes(const struct srv_config *config)
{
	uint64_t nodes;

	if (config->nodes)
		return config->nodes;
	/* A full node a page of sixteen, and room for small spaces: the arena
	 * costs nothing until it is touched. */
	nodes = srv_pools_total(config) / PAGER_PAGE_SIZE / 16 + 65536;
	return nodes < SRV_NODES_MAX ? nodes : SRV_NODES_MAX;
}

void srv_config_limits(const struct srv_config *config, uid_t uid, bool admin,
		       struct srv_limits *out)
{
	const struct srv_config_user *user = find_user(config, uid);
	struct srv_limits defaults;

	srv_limits_default(&defaults, srv_pools_total(config) / PAGER_PAGE_SIZE,
			   srv_config_nodes(config), admin);
	srv_limits_clear(out);
	if (user)
		srv_limits_fill(out, &user->limits);
	srv_limits_fill(out, &config->limits);
	srv_limits_fill(out, &defaults);
}
