/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read aside, compare, then exchange.
 */
#include "server/reload.h"

#include <string.h>

#include "server/pools.h"
#include "server/user.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void note_fixed(bool same, const char *what)
{
	if (!same)
		pager_log(PAGER_LOG_NOTICE,
			  "the new %s is taken at the next start", what);
}

void srv_reload(struct srv_loop *loop)
{
	struct srv_config *old = &loop->srv->config, new;
	char why[SRV_CONFIG_WHY];

	if (!loop->options->config) {
		pager_log(PAGER_LOG_NOTICE,
			  "SIGHUP: there is no configuration file");
		return;
	}
	if (srv_config_read(&new, loop->options->config, why)) {
		pager_log(PAGER_LOG_ERROR, "%s (the old configuration stays)",
			  why);
		return;
	}
	if (srv_options_apply(loop->options, &new, why)) {
		pager_log(PAGER_LOG_ERROR, "%s (the old configuration stays)",
			  why);
		return;
	}
	note_fixed(same_text(old->socket, new.socket), "socket");
	note_fixed(old->memory == new.memory, "memory");
	note_fixed(srv_config_nodes(old) == srv_config_nodes(&new), "nodes");
	note_fixed(old->cpus == new.cpus, "cpus");
	note_fixed(old->simulate == new.simulate, "simulate");
	note_fixed(old->memory_block == new.memory_block, "memory-block");
	new.memory = old->memory;
	new.nodes = srv_config_nodes(old);
	new.cpus = old->cpus;
	new.simulate = old->simulate;
	new.memory_block = old->memory_block;
	srv_pools_reload(loop->srv, &new);
	srv_config_fini(old);
	*old = new;
	srv_users_reload(loop->srv);
	if (srv_listener_mode(&loop->listener, old, why))
		pager_log(PAGER_LOG_ERROR, "%s", why);
	pager_log(PAGER_LOG_NOTICE, "took the configuration %s",
		  loop->options->config);
}
