/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists, a page of rows at a time. A page is copied out of the connection's
 * buffer, so that other calls may be made between two rows.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pager_list {
	struct pager *pager;
	enum pager_call call;
	uint64_t space; /* regions: of what */
	uint32_t flags;
	uint32_t pool; /* blocks, cells, holders: likewise */
	uint64_t addr;
	uint64_t len;
	bool last; /* no page after this one */
	uint64_t cursor;
	uint32_t row_size;
	uint32_t count;
	uint32_t index; /* of the next row in the page */
	uint64_t rows[PAGER_MSG_MAX / 8];
};

static struct pager_list *list_new(struct pager *pager, enum pager_call call,
				   uint64_t space, uint32_t flags)
{
	struct pager_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->pager = pager;
	list->call = call;
	list->space = space;
	list->flags = flags;
	return list;
}

struct pager_list *pager_list_backends(struct pager *pager)
{
	return list_new(pager, PAGER_CALL_BACKENDS, 0, 0);
}

struct pager_list *pager_list_sessions(struct pager *pager)
{
	return list_new(pager, PAGER_CALL_SESSION_LIST, 0, 0);
}

struct pager_list *pager_list_spaces(struct pager *pager)
{
	return list_new(pager, PAGER_CALL_SPACE_LIST, 0, 0);
}

struct pager_list *pager_list_objects(struct pager *pager)
{
	return list_new(pager, PAGER_CALL_OBJECT_LIST, 0, 0);
}

struct pager_list *pager_list_regions(struct pager *pager, uint64_t space,
				      uint32_t flags)
{
	return list_new(pager, PAGER_CALL_REGION_LIST, space, flags);
}

struct pager_list *pager_list_pools(struct pager *pager)
{
	return list_new(pager, PAGER_CALL_POOL_LIST, 0, 0);
}

struct pager_list *pager_list_dirty(struct pager *pager)
{
	return list_new(pager, PAGER_CALL_DIRTY_LIST, 0, 0);
}

static struct pager_list *pool_list_new(struct pager *pager,
					enum pager_call call, uint32_t pool)
{
	struct pager_list *list = list_new(pager, call, 0, 0);

	if (list)
		list->pool = pool;
	return list;
}

struct pager_list *pager_list_pool_blocks(struct pager *pager, uint32_t pool)
{
	return pool_list_new(pager, PAGER_CALL_POOL_BLOCKS, pool);
}

struct pager_list *pager_list_pool_cells(struct pager *pager, uint32_t pool)
{
	return pool_list_new(pager, PAGER_CALL_POOL_CELLS, pool);
}

struct pager_list *pager_list_pool_holders(struct pager *pager, uint32_t pool,
					   uint64_t addr, uint64_t len)
{
	struct pager_list *list =
	    pool_list_new(pager, PAGER_CALL_POOL_HOLDERS, pool);

	if (list) {
		list->addr = addr;
		list->len = len;
	}
	return list;
}

void pager_list_free(struct pager_list *list)
{
	free(list);
}

static int ask(struct pager_list *list, struct pager_reply *reply)
{
	struct pager_req_region_list regions = {
	    .space = list->space, .cursor = list->cursor, .flags = list->flags};
	struct pager_req_pool_cursor pool = {.pool = list->pool,
					     .cursor = list->cursor};
	struct pager_req_pool_range range = {.pool = list->pool,
					     .addr = list->addr,
					     .len = list->len,
					     .cursor = list->cursor};
	struct pager_req_cursor cursor = {.cursor = list->cursor};

	switch (list->call) {
	case PAGER_CALL_BACKENDS:
		return pager_call(list->pager, list->call, NULL, 0, NULL, 0,
				  reply);
	case PAGER_CALL_REGION_LIST:
		return pager_call(list->pager, list->call, &regions,
				  sizeof(regions), NULL, 0, reply);
	case PAGER_CALL_POOL_BLOCKS:
	case PAGER_CALL_POOL_CELLS:
		return pager_call(list->pager, list->call, &pool, sizeof(pool),
				  NULL, 0, reply);
	case PAGER_CALL_POOL_HOLDERS:
		return pager_call(list->pager, list->call, &range,
				  sizeof(range), NULL, 0, reply);
	default:
		return pager_call(list->pager, list->call, &cursor,
				  sizeof(cursor), NULL, 0, reply);
	}
}

static int next_page(struct pager_list *list)
{
	struct pager_rep_list head;
	struct pager_reply reply;
	int ret = ask(list, &reply);

	if (ret < 0)
		return ret;
	memcpy(&head, reply.body, sizeof(head));
	if (head.count > 0 && (head.row_size < 8 || head.row_size % 8 != 0 ||
			       head.row_size > reply.data_len ||
			       head.count > reply.data_len / head.row_size))
		return client_broken(list->pager,
				     "a list whose rows do not fit in it");
	if (head.next != 0 && (head.count == 0 || head.next == list->cursor))
		return client_broken(list->pager, "a list that does not end");
	if (head.count > 0)
		memcpy(list->rows, reply.data,
		       (size_t)head.count * head.row_size);
	list->count = head.count;
	list->row_size = head.row_size;
	list->index = 0;
	list->cursor = head.next;
	list->last = head.next == 0 || list->call == PAGER_CALL_BACKENDS;
	return 0;
}

/* Names end in the row, whatever the daemon wrote. */
static void row_terminate(enum pager_call call, uint8_t *row, size_t size)
{
	size_t end = 0;

	switch (call) {
	case PAGER_CALL_BACKENDS:
		end = offsetof(struct pager_row_backend, name) +
		      sizeof(((struct pager_row_backend *)0)->name);
		if (size >= end)
			row[end - 1] = '\0';
		end = sizeof(struct pager_row_backend);
		break;
	case PAGER_CALL_POOL_LIST:
		end =
		    offsetof(struct pager_row_pool, name) + PAGER_POOL_NAME_MAX;
		break;
	case PAGER_CALL_SPACE_LIST:
		end = sizeof(struct pager_row_space);
		break;
	case PAGER_CALL_OBJECT_LIST:
		end = sizeof(struct pager_row_object);
		break;
	default:
		break;
	}
	if (end > 0 && size >= end)
		row[end - 1] = '\0';
}

int pager_list_next(struct pager_list *list, void *row, size_t size)
{
	const uint8_t *from;
	size_t n;

	if (!list) {
		errno = ENOMEM;
		return PAGER_MISUSE;
	}
	while (list->index == list->count) {
		int ret;

		if (list->last)
			return 0;
		ret = next_page(list);
		if (ret < 0)
			return ret;
	}
	from =
	    (const uint8_t *)list->rows + (size_t)list->index * list->row_size;
	n = size < list->row_size ? size : list->row_size;
	memcpy(row, from, n);
	memset((uint8_t *)row + n, 0, size - n);
	row_terminate(list->call, row, size);
	list->index++;
	return 1;
}
