/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of addresses as sorted, disjoint, half-open ranges.
 *
 * Used for what Linux keeps in a process's page table and pagerd has no word
 * for: guard markers (MADV_GUARD_INSTALL). Sets are small; a change costs
 * their length. Knows nothing of pagerd.
 */
#ifndef TOOLS_REPLAY_RANGES_H
#define TOOLS_REPLAY_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	uint64_t start;
	uint64_t end;
};

struct ranges {
	struct span *at;
	size_t count;
	size_t room;
};

/* Memory that is missing ends the program, as everywhere in the tools. */
void ranges_add(struct ranges *set, uint64_t start, uint64_t end);
void ranges_remove(struct ranges *set, uint64_t start, uint64_t end);
/* What lies in [start, end) goes to where to is, replacing what is there. */
void ranges_move(struct ranges *set, uint64_t start, uint64_t end, uint64_t to);
void ranges_copy(struct ranges *to, const struct ranges *from);
bool ranges_has(const struct ranges *set, uint64_t addr);
void ranges_clear(struct ranges *set);

#endif
