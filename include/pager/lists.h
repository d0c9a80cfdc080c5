/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of any length, fetched as they are walked. Include <pager/pager.h>.
 *
 *	struct pager_row_region row;
 *	struct pager_list *list = pager_list_regions(pager, space, 0);
 *	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0)
 *		...
 *	pager_list_free(list);
 *
 * What changes meanwhile may be seen or missed; nothing is seen twice as long
 * as it stays where it is. Other calls may be made between two rows.
 */
#ifndef PAGER_LISTS_H
#define PAGER_LISTS_H

#include <stddef.h>
#include <stdint.h>

#include <pager/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pager_list;

/* NULL: out of memory. A refusal is told by the first pager_list_next(). */
struct pager_list *pager_list_backends(struct pager *pager);
struct pager_list *pager_list_sessions(struct pager *pager);
struct pager_list *pager_list_spaces(struct pager *pager);
struct pager_list *pager_list_objects(struct pager *pager);
/* flags: PAGER_LIST_SHARING. */
struct pager_list *pager_list_regions(struct pager *pager, uint64_t space,
				      uint32_t flags);
/* struct pager_row_pool; row_block; row_cell: from the pool's first cell on,
 * without a gap; row_holder: who holds pages of [addr, addr + len). */
struct pager_list *pager_list_pools(struct pager *pager);
struct pager_list *pager_list_pool_blocks(struct pager *pager, uint32_t pool);
struct pager_list *pager_list_pool_cells(struct pager *pager, uint32_t pool);
struct pager_list *pager_list_pool_holders(struct pager *pager, uint32_t pool,
					   uint64_t addr, uint64_t len);
/* struct pager_row_dirty: the session's dirty logs; an admin's: all. */
struct pager_list *pager_list_dirty(struct pager *pager);
void pager_list_free(struct pager_list *list);

/* The next row into *row, which is the list's struct pager_row_* and size bytes
 * long: 1, or 0 at the end, or as in <pager/pager.h>. list NULL is the end with
 * PAGER_MISUSE and ENOMEM, so that making one needs no check of its own. */
int pager_list_next(struct pager_list *list, void *row, size_t size);

#ifdef __cplusplus
}
#endif

#endif
