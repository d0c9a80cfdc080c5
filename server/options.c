/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getopt_long(3) and a switch.
 */
#include "server/options.h"

#include <getopt.h>
#include <string.h>

#include "server/number.h"

enum {
	OPT_CHECK = 256,
	OPT_MEMORY,
	OPT_NODES,
	OPT_SIMULATE,
	OPT_MEMORY_BLOCK,
	OPT_POOL,
	OPT_READY,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
    {"socket", required_argument, NULL, 's'},
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, OPT_CHECK},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"nodes", required_argument, NULL, OPT_NODES},
    {"simulate", no_argument, NULL, OPT_SIMULATE},
    {"memory-block", required_argument, NULL, OPT_MEMORY_BLOCK},
    {"pool", required_argument, NULL, OPT_POOL},
    {"ready-fd", required_argument, NULL, OPT_READY},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

void srv_options_usage(FILE *out)
{
	fputs(
	    "usage: pagerd [-v] [--socket PATH] [--config FILE]\n"
	    "              [--memory SIZE] [--nodes N] [--simulate]\n"
	    "              [--memory-block SIZE] [--pool NAME,KEY=VALUE,...]\n"
	    "              [--ready-fd N]\n"
	    "       pagerd --check-config --config FILE\n"
	    "       pagerd --help | --version\n"
	    "\n"
	    "Serves address spaces over a Unix socket, in the foreground,\n"
	    "until SIGTERM or SIGINT. See pagerd(8).\n"
	    "\n"
	    "  -s, --socket PATH   where to listen (/run/pagerd.sock for\n"
	    "                      root, else $XDG_RUNTIME_DIR/pagerd.sock)\n"
	    "  -c, --config FILE   read settings from FILE, again on SIGHUP\n"
	    "      --check-config  say whether FILE is valid, and leave\n"
	    "      --memory SIZE   size of boot memory: 64M, 1G (from 32K)\n"
	    "      --nodes N       page-table nodes\n"
	    "      --simulate      no memory behind the frames\n"
	    "      --memory-block SIZE\n"
	    "                      what goes on- and offline at once (128M)\n"
	    "      --pool NAME,region=SIZE,...\n"
	    "                      a pool of memory that comes and goes, with\n"
	    "                      the keys of pagerd.conf(5); may be "
	    "repeated\n"
	    "      --ready-fd N    write a line to descriptor N when ready\n"
	    "  -v, --verbose       say more; twice: each refusal and request\n"
	    "  -h, --help          this text\n"
	    "      --version       the version\n",
	    out);
}

static int refuse(char *why, size_t size, const char *option, const char *value,
		  const char *reason)
{
	snprintf(why, size, "%s %s: %s", option, value, reason);
	return -1;
}

static int parse_number(int opt, const char *value, struct srv_options *options,
			char *why, size_t size)
{
	const char *reason;
	uint64_t fd = 0;

	switch (opt) {
	case OPT_MEMORY:
		reason = srv_number_size(value, SRV_MEMORY_MIN, SRV_MEMORY_MAX,
					 &options->memory);
		if (!reason && options->memory % PAGER_PAGE_SIZE)
			reason = "not a multiple of 4K";
		return reason ? refuse(why, size, "--memory", value, reason)
			      : 0;
	case OPT_NODES:
		reason = srv_number_count(value, SRV_NODES_MIN, SRV_NODES_MAX,
					  &options->nodes);
		return reason ? refuse(why, size, "--nodes", value, reason) : 0;
	default:
		reason = srv_number_count(value, 0, 1 << 20, &fd);
		options->ready_fd = (int)fd;
		return reason ? refuse(why, size, "--ready-fd", value, reason)
			      : 0;
	}
}

static int parse_memory_block(const char *value, struct srv_options *options,
			      char *why, size_t size)
{
	const char *reason =
	    srv_number_size(value, SRV_MEMORY_BLOCK_MIN, SRV_MEMORY_BLOCK_MAX,
			    &options->memory_block);

	if (!reason && options->memory_block & (options->memory_block - 1))
		reason = "not a power of two";
	return reason ? refuse(why, size, "--memory-block", value, reason) : 0;
}

static int parse_pool(const char *value, struct srv_options *options, char *why,
		      size_t size)
{
	struct srv_config_pool *pool = options->pools + options->pool_count;
	const char *reason = NULL;

	if (options->pool_count == SRV_POOL_MAX)
		return refuse(why, size, "--pool", value, "too many pools");
	reason = srv_pool_parse_text(pool, value);
	for (size_t i = 0; !reason && i < options->pool_count; i++)
		if (strcmp(options->pools[i].name, pool->name) == 0)
			reason = "another pool has this name";
	options->pool_count++;
	return reason ? refuse(why, size, "--pool", value, reason) : 0;
}

int srv_options_parse(struct srv_options *options, int argc, char **argv,
		      char *why, size_t size)
{
	int opt;

	memset(options, 0, sizeof(*options));
	options->ready_fd = -1;
	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "+:s:c:vh", long_options,
				  NULL)) != -1) {
		switch (opt) {
		case 's':
			options->socket = optarg;
			break;
		case 'c':
			options->config = optarg;
			break;
		case 'v':
			options->verbose++;
			break;
		case OPT_CHECK:
			options->action = SRV_ACTION_CHECK;
			break;
		case OPT_SIMULATE:
			options->simulate = true;
			break;
		case OPT_MEMORY_BLOCK:
			if (parse_memory_block(optarg, options, why, size))
				return -1;
			break;
		case OPT_POOL:
			if (parse_pool(optarg, options, why, size))
				return -1;
			break;
		case 'h':
		case OPT_HELP:
			options->action = SRV_ACTION_HELP;
			return 0;
		case OPT_VERSION:
			options->action = SRV_ACTION_VERSION;
			return 0;
		case ':':
			snprintf(why, size, "%s: an argument is missing",
				 argv[optind - 1]);
			return -1;
		case '?':
			snprintf(why, size, "%s: unknown option",
				 argv[optind - 1]);
			return -1;
		default:
			if (parse_number(opt, optarg, options, why, size))
				return -1;
		}
	}
	if (optind < argc) {
		snprintf(why, size, "%s: unexpected argument", argv[optind]);
		return -1;
	}
	if (options->action == SRV_ACTION_CHECK && !options->config) {
		snprintf(why, size, "--check-config needs --config FILE");
		return -1;
	}
	if (options->socket && !*options->socket) {
		snprintf(why, size, "--socket: the path is empty");
		return -1;
	}
	return 0;
}

int srv_options_apply(const struct srv_options *options,
		      struct srv_config *config, char why[SRV_CONFIG_WHY])
{
	const char *reason = NULL;
	int ret = 0;

	config->file = options->config;
	if (options->memory)
		config->memory = options->memory;
	if (options->nodes)
		config->nodes = options->nodes;
	if (options->simulate)
		config->simulate = true;
	if (options->memory_block)
		config->memory_block = options->memory_block;
	for (size_t i = 0; !reason && i < options->pool_count; i++)
		reason = srv_pool_add(config, options->pools + i, true);
	if (reason) {
		snprintf(why, SRV_CONFIG_WHY, "--pool: %s", reason);
		ret = -1;
	} else {
		ret = srv_pools_place(config, why, SRV_CONFIG_WHY);
	}
	if (ret)
		srv_config_fini(config);
	return ret;
}
