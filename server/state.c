/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The served state begins and ends.
 */
#include "server/state.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/mmu/sim.h"
#include "server/memory.h"
#include "server/pools.h"
#include "server/user.h"

uint64_t srv_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Memory, model, backend, pools. -1: some of them are there, and unmake()
 * takes them down; errno or *why says what is missing. */
static int make(struct srv *srv, char *why)
{
	const struct srv_config *config = &srv->config;
	struct pager_host host = srv_memory_host();
	struct pager_core_config core = {
	    .host = host,
	    .frames = config->memory / PAGER_PAGE_SIZE,
	    .span = srv_pools_end(config) / PAGER_PAGE_SIZE,
	    .memory_block = config->memory_block / PAGER_PAGE_SIZE,
	    .nodes = srv_config_nodes(config),
	};

	if (srv_memory_init(&srv->memory, core.frames, core.span, core.nodes,
			    config->simulate))
		return -1;
	core.memory = srv->memory.physical;
	core.tables = srv->memory.tables;
	errno = ENOMEM;
	srv->batch = pager_fail("state.batch")
			 ? NULL
			 : calloc(PAGER_BATCH_MAX, sizeof(*srv->batch));
	srv->core = srv->batch ? pager_core_new(&core) : NULL;
	srv->sim =
	    srv->core ? pager_sim_new(&host, (unsigned int)config->cpus) : NULL;
	return srv->sim ? srv_pools_start(srv, why) : -1;
}

static void unmake(struct srv *srv)
{
	if (srv->core)
		pager_core_free(srv->core);
	if (srv->sim)
		pager_sim_free(srv->sim);
	free(srv->batch);
	srv_memory_fini(&srv->memory);
}

int srv_init(struct srv *srv, const struct srv_config *config,
	     char why[SRV_CONFIG_WHY])
{
	memset(srv, 0, sizeof(*srv));
	srv->config = *config;
	srv->uid = geteuid();
	srv->work_due_ms = UINT64_MAX;
	LIST_INIT(&srv->users);
	TAILQ_INIT(&srv->sessions);
	LIST_INIT(&srv->paused);
	RB_INIT(&srv->named);
	TAILQ_INIT(&srv->grants);
	srv->started_ms = srv_now_ms();
	*why = '\0';
	if (make(srv, why) == 0)
		return 0;
	if (!*why)
		snprintf(why, SRV_CONFIG_WHY, "cannot make the machine: %s",
			 strerror(errno));
	unmake(srv);
	return -1;
}

void srv_fini(struct srv *srv)
{
	assert(TAILQ_EMPTY(&srv->sessions) && TAILQ_EMPTY(&srv->grants) &&
	       RB_EMPTY(&srv->named) && LIST_EMPTY(&srv->paused) &&
	       srv->dirty_logs == 0);
	srv_users_free(srv);
	unmake(srv);
	srv_config_fini(&srv->config);
}
