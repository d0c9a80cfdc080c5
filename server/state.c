/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The served state begins and ends.
 */
#include "server/state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/mmu/sim.h"
#include "server/memory.h"
#include "server/user.h"

int srv_init(struct srv *srv, const struct srv_config *config)
{
	struct pager_host host = srv_memory_host();
	struct pager_core_config core = {.host = host};
	struct timespec now;

	memset(srv, 0, sizeof(*srv));
	srv->config = *config;
	srv->uid = geteuid();
	LIST_INIT(&srv->users);
	TAILQ_INIT(&srv->sessions);
	RB_INIT(&srv->named);
	TAILQ_INIT(&srv->grants);
	clock_gettime(CLOCK_MONOTONIC, &now);
	srv->started_ms =
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	core.frames = config->memory / PAGER_PAGE_SIZE;
	core.nodes = srv_config_nodes(config);
	if (srv_memory_init(&srv->memory, core.frames, core.span, core.nodes,
			    config->simulate))
		return -1;
	core.memory = srv->memory.physical;
	core.tables = srv->memory.tables;
	srv->batch = pager_fail("state.batch")
			 ? NULL
			 : calloc(PAGER_BATCH_MAX, sizeof(*srv->batch));
	srv->core = srv->batch ? pager_core_new(&core) : NULL;
	srv->sim =
	    srv->core ? pager_sim_new(&host, (unsigned int)config->cpus) : NULL;
	if (srv->sim)
		return 0;
	if (srv->core)
		pager_core_free(srv->core);
	free(srv->batch);
	srv_memory_fini(&srv->memory);
	errno = ENOMEM;
	return -1;
}

void srv_fini(struct srv *srv)
{
	assert(TAILQ_EMPTY(&srv->sessions) && TAILQ_EMPTY(&srv->grants) &&
	       RB_EMPTY(&srv->named));
	srv_users_free(srv);
	pager_core_free(srv->core);
	pager_sim_free(srv->sim);
	free(srv->batch);
	srv_memory_fini(&srv->memory);
	srv_config_fini(&srv->config);
}
