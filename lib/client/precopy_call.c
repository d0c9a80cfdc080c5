/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager_precopy: which source and which target, then the algorithm.
 */
#include "lib/client/internal.h"
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdlib.h>

static int run(struct pc *pc, struct pager *pager, uint64_t space)
{
	const struct pager_precopy_options *o = &pc->options;
	bool file = o->flags & PAGER_PRECOPY_FILE;
	struct pc_source_space *source = pc_source_space_new(
	    pager, space, o->max_pause_ms ? o->max_pause_ms : PC_PAUSE_MS);
	struct pc_target_space *target = NULL;
	struct pc_target_file *to_file = NULL;
	int ret;

	if (file)
		to_file = pc_target_file_new(o->fd);
	else
		target = pc_target_space_new(o->target ? o->target : pager);
	if (source && (target || to_file)) {
		pc->source = &pc_source_space_ops;
		pc->src = source;
		pc->target = file ? &pc_target_file_ops : &pc_target_space_ops;
		pc->dst = file ? (void *)to_file : (void *)target;
		ret = pc_run(pc);
	} else {
		ret = pc_fail(pc, ENOMEM, "out of memory");
	}
	pc_source_space_free(source);
	pc_target_space_free(target);
	pc_target_file_free(to_file);
	return ret;
}

int pager_precopy(struct pager *pager, uint64_t space,
		  const struct pager_precopy_options *options,
		  struct pager_precopy_result *result)
{
	struct pager_precopy_result own;
	struct pc *pc = calloc(1, sizeof(*pc));
	int ret;

	if (!result)
		result = &own;
	*result = (struct pager_precopy_result){0};
	if (!pc)
		return client_misuse(pager, ENOMEM, "a live copy");
	pc->result = result;
	if (options)
		pc->options = *options;
	if (pc->options.flags & ~PAGER_PRECOPY_FLAGS)
		ret = pc_fail(pc, EINVAL, "an unknown flag");
	else if ((pc->options.flags & PAGER_PRECOPY_FILE) &&
		 (pc->options.flags & PAGER_PRECOPY_VERIFY))
		ret = pc_fail(pc, EINVAL, "a file is verified by loading it");
	else
		ret = run(pc, pager, space);
	free(pc);
	return ret;
}
