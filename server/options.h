/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line, as values. What it says wins over the configuration.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "server/config.h"

enum srv_options_action {
	SRV_ACTION_RUN,
	SRV_ACTION_CHECK, /* look at the configuration and leave */
	SRV_ACTION_HELP,
	SRV_ACTION_VERSION,
};

struct srv_options {
	enum srv_options_action action;
	const char *socket; /* or NULL; all strings are argv's */
	const char *config;
	unsigned int verbose;
	uint64_t memory; /* 0: not said */
	uint64_t nodes;
	bool simulate;
	uint64_t memory_block;
	struct srv_config_pool pools[SRV_POOL_MAX];
	size_t pool_count;
	int ready_fd; /* or -1 */
};

/* 0; or -1 with the reason in why. */
int srv_options_parse(struct srv_options *options, int argc, char **argv,
		      char *why, size_t size);
void srv_options_usage(FILE *out);
/* Put what was said over a configuration, and its pools in their places. 0; or
 * -1 with one line in why, and the configuration is as srv_config_fini leaves
 * it. */
int srv_options_apply(const struct srv_options *options,
		      struct srv_config *config, char why[SRV_CONFIG_WHY]);

#endif
