/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What entries say beside the frame: while memory moves below the spaces, no
 * page becomes less accessed, less dirty, less protected or more than it was.
 * Where pages are put together under a large entry, they share what each of
 * them had, and write permission may go until the next write.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/core/pte.h"
#include "tests/support/model.h"

/* Not observed: the frame, and whether it is one entry of many. */
static const uint64_t unseen = PTE_ADDR | PTE_PS;
static const uint64_t may_come = PTE_A | PTE_D | PTE_CHANGED | PTE_TAKEN;

uint64_t *model_marks(const struct model *m)
{
	uint64_t *marks =
	    calloc(MODEL_SPACES * m->config.pages, sizeof(*marks));
	struct pager_page_info info;

	if (!marks)
		test_die("model: no memory");
	for (uint64_t i = 0; i < MODEL_SPACES * m->config.pages; i++) {
		const struct pager_space *s = m->space[i / m->config.pages];

		if (!s)
			continue;
		pager_space_page(s, m->config.start + i % m->config.pages,
				 &info);
		marks[i] = info.entry & ~unseen;
	}
	return marks;
}

void model_same_marks(const struct model *m, uint64_t *before, bool together)
{
	uint64_t *now = model_marks(m);

	for (uint64_t i = 0; i < MODEL_SPACES * m->config.pages; i++) {
		uint64_t came = now[i] & ~before[i];
		uint64_t went = before[i] & ~now[i];

		if (together) {
			came &= ~may_come;
			went &= ~PTE_W;
		}
		if (came || went)
			model_die("marks",
				  "space %d: page 0x%" PRIx64 ": 0x%" PRIx64
				  " is now 0x%" PRIx64,
				  (int)(i / m->config.pages),
				  m->config.start + i % m->config.pages,
				  before[i], now[i]);
	}
	free(now);
	free(before);
}
