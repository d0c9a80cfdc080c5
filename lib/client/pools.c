/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The blocking functions of operations on pools. Lists of pools, blocks, cells
 * and holders are in lists.c.
 */
#include "lib/client/internal.h"

#include <string.h>

/* Make a call without data; copy size bytes of the reply's struct to out. */
static int simple(struct pager *pager, enum pager_call call, const void *body,
		  size_t body_len, void *out, size_t size)
{
	struct pager_reply reply;
	int ret = pager_call(pager, call, body, body_len, NULL, 0, &reply);

	if (ret == 0 && out)
		memcpy(out, reply.body, size);
	return ret;
}

int pager_call_pool_info(struct pager *pager, uint32_t pool,
			 struct pager_row_pool *out)
{
	struct pager_req_pool r = {.pool = pool};
	int ret = simple(pager, PAGER_CALL_POOL_INFO, &r, sizeof(r), out,
			 sizeof(*out));

	if (ret == 0 && out)
		out->name[PAGER_POOL_NAME_MAX - 1] = '\0';
	return ret;
}

int pager_call_pool_resize(struct pager *pager, uint32_t pool, uint64_t size,
			   struct pager_rep_pool_resize *out)
{
	struct pager_req_pool_size r = {.pool = pool, .size = size};

	return simple(pager, PAGER_CALL_POOL_RESIZE, &r, sizeof(r), out,
		      sizeof(*out));
}

int pager_call_pool_unplug_all(struct pager *pager, uint32_t pool,
			       struct pager_rep_pool_resize *out)
{
	struct pager_req_pool r = {.pool = pool};

	return simple(pager, PAGER_CALL_POOL_UNPLUG_ALL, &r, sizeof(r), out,
		      sizeof(*out));
}

int pager_call_pool_grow(struct pager *pager, uint32_t pool, uint64_t size)
{
	struct pager_req_pool_size r = {.pool = pool, .size = size};

	return simple(pager, PAGER_CALL_POOL_GROW, &r, sizeof(r), NULL, 0);
}

int pager_call_pool_online(struct pager *pager, uint32_t pool, uint64_t addr,
			   uint32_t zone)
{
	struct pager_req_pool_online r = {
	    .pool = pool, .zone = zone, .addr = addr};

	return simple(pager, PAGER_CALL_POOL_ONLINE, &r, sizeof(r), NULL, 0);
}

int pager_call_pool_offline(struct pager *pager, uint32_t pool, uint64_t addr)
{
	struct pager_req_pool_addr r = {.pool = pool, .addr = addr};

	return simple(pager, PAGER_CALL_POOL_OFFLINE, &r, sizeof(r), NULL, 0);
}

/* The rows of a reply, whatever their size is there. */
static int take_events(struct pager *pager, const struct pager_reply *reply,
		       struct pager_row_event *rows, size_t n,
		       struct pager_rep_pool_events *head)
{
	const uint8_t *data = reply->data;
	size_t size = head->row_size, known = sizeof(*rows);

	if (head->count > 0 &&
	    (size < 8 || size % 8 != 0 || head->count > reply->data_len / size))
		return client_broken(pager, "events that do not fit in it");
	if (size < known)
		known = size;
	if (head->count > n) {
		/* The first that is left out is the next to ask for. */
		memcpy(&head->next, data + n * size, sizeof(head->next));
		head->count = (uint32_t)n;
	}
	for (uint32_t i = 0; i < head->count; i++) {
		memset(rows + i, 0, sizeof(*rows));
		memcpy(rows + i, data + i * size, known);
	}
	return 0;
}

int pager_call_pool_events(struct pager *pager, uint64_t cursor,
			   struct pager_row_event *rows, size_t n,
			   struct pager_rep_pool_events *out)
{
	struct pager_req_cursor r = {.cursor = cursor};
	struct pager_rep_pool_events head;
	struct pager_reply reply;
	int ret = pager_call(pager, PAGER_CALL_POOL_EVENTS, &r, sizeof(r), NULL,
			     0, &reply);

	if (ret < 0)
		return ret;
	memcpy(&head, reply.body, sizeof(head));
	ret = take_events(pager, &reply, rows, n, &head);
	if (ret == 0 && out)
		*out = head;
	return ret;
}
