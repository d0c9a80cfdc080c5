/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One sequence on two sides, and what is left out of it: where pagerd means to
 * differ from Linux. tests/model/test_linux.c has the list.
 */
#ifndef TESTS_SUPPORT_LINUX_PAIR_H
#define TESTS_SUPPORT_LINUX_PAIR_H

#include "tests/support/linux_side.h"
#include "tests/support/model.h"

#define BYTES(pages) ((uint64_t)(pages) << PAGER_PAGE_SHIFT)

struct pair {
	struct model model;
	struct linux_side linux;
	bool forked[MODEL_SPACES];
	bool has_populate; /* this kernel has MADV_POPULATE_* */
};

/* Would the two differ where pagerd means to? Asked before anything is done. */
bool linux_pair_unlike(struct pair *p, const struct model_op *op);
/* pagerd refused: would Linux have done a part, or something elsewhere? */
bool linux_pair_leave_out(const struct pair *p, const struct model_op *op);
/* The same on Linux, after pagerd. False: nothing is asked of a process (it
 * may have been done here). */
bool linux_pair_request(struct pair *p, const struct model_op *op,
			struct linux_request *r);
/* Dies if Linux's answer is not pagerd's. */
void linux_pair_compare(const struct pair *p, const struct model_op *op,
			const struct linux_answer *a);

#endif
