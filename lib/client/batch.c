/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches. The requests are written one behind the other as they are added;
 * the replies are looked at like messages of their own, all of them before
 * the first is handed out.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum batch_state { FILLING, SENT, DONE };

struct item {
	uint16_t call;
	uint16_t error;
	uint32_t field;
	uint32_t data; /* offset in the data */
	uint32_t data_len;
	union pager_reply_body body;
};

struct pager_batch {
	struct pager *pager;
	uint32_t flags;
	enum batch_state state;
	uint64_t seq;
	uint32_t count;
	uint32_t failed;
	uint32_t first;
	size_t used; /* bytes of data: requests, later replies */
	struct item items[PAGER_BATCH_MAX];
	uint64_t data[PAGER_MSG_MAX / 8];
};

struct pager_batch *pager_batch_new(struct pager *pager, uint32_t flags)
{
	struct pager_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->pager = pager;
	batch->flags = flags;
	return batch;
}

void pager_batch_free(struct pager_batch *batch)
{
	free(batch);
}

int pager_batch_add(struct pager_batch *batch, enum pager_call call,
		    const void *body, size_t body_len, const void *data,
		    size_t data_len)
{
	size_t room, length;

	if (!batch) {
		errno = ENOMEM;
		return PAGER_MISUSE;
	}
	if (batch->state != FILLING)
		return client_misuse(batch->pager, EINVAL,
				     "a batch that was not reset");
	if (batch->count == PAGER_BATCH_MAX)
		return PAGER_FULL;
	room = batch->pager->max_message - sizeof(struct pager_hdr) -
	       sizeof(struct pager_req_batch) - batch->used;
	length = client_request_write((uint8_t *)batch->data + batch->used,
				      room, call, batch->count, body, body_len,
				      data, data_len, 0);
	if (length == 0)
		return errno == EMSGSIZE && batch->count > 0
			   ? PAGER_FULL
			   : client_misuse(batch->pager, errno, "a request");
	batch->items[batch->count].call = (uint16_t)call;
	batch->used += length;
	return (int)batch->count++;
}

unsigned int pager_batch_count(const struct pager_batch *batch)
{
	return batch->count;
}

int pager_batch_submit(struct pager_batch *batch)
{
	struct pager_req_batch r = {.flags = batch->flags,
				    .count = batch->count};
	int ret;

	if (batch->state != FILLING)
		return client_misuse(batch->pager, EINVAL,
				     "a batch that was not reset");
	if (batch->count > 0) {
		ret =
		    pager_submit(batch->pager, PAGER_CALL_BATCH, &r, sizeof(r),
				 batch->data, batch->used, &batch->seq);
		if (ret < 0)
			return ret;
	}
	batch->state = SENT;
	return 0;
}

/* Look at all replies; NULL, or what is wrong. */
static const char *replies_check(struct pager_batch *batch)
{
	const uint8_t *data = (const uint8_t *)batch->data;
	struct client_message message;
	uint32_t failed = 0, first = batch->count;
	const uint8_t *p;
	size_t at = 0, len;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct item *item = &batch->items[i];
		const char *wrong;

		if (pager_batch_cut(data, batch->used, &at, &p, &len) != 1)
			return "a batch with too few replies";
		wrong = client_message_check(p, len, &message);
		if (wrong)
			return wrong;
		if (message.hdr.seq != i || message.hdr.op != item->call)
			return "a batch with a reply to no request";
		item->error = message.hdr.error;
		item->field = message.hdr.field;
		item->data_len = message.hdr.data_len;
		item->data = (uint32_t)(message.data - data);
		client_body_copy(&item->body, &message);
		if (item->error && failed++ == 0)
			first = i;
	}
	if (at != batch->used)
		return "a batch with too many replies";
	batch->failed = failed;
	batch->first = first;
	return NULL;
}

/* In an atomic batch the request that is to blame is the one that was not
 * merely undone. */
static uint32_t culprit(const struct pager_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		if (batch->items[i].error &&
		    batch->items[i].error != PAGER_EABORTED)
			return i;
	return batch->first;
}

int pager_batch_wait(struct pager_batch *batch)
{
	struct pager_rep_batch head;
	struct pager_reply reply;
	const char *wrong;
	int ret;

	if (batch->state != SENT)
		return client_misuse(batch->pager, EINVAL,
				     "a batch that is not under way");
	batch->state = DONE;
	batch->first = batch->failed = 0;
	if (batch->count == 0)
		return 0;
	ret = pager_wait(batch->pager, batch->seq, &reply);
	if (ret < 0) {
		batch->count = 0;
		return ret;
	}
	memcpy(&head, reply.body, sizeof(head));
	if (reply.data_len > 0)
		memcpy(batch->data, reply.data, reply.data_len);
	batch->used = reply.data_len;
	wrong = head.count == batch->count ? replies_check(batch)
					   : "a batch of another length";
	if (!wrong && !(batch->flags & PAGER_BATCH_ATOMIC) &&
	    head.failed != batch->failed)
		wrong = "a batch that miscounts its refusals";
	if (wrong) {
		batch->count = 0;
		return client_broken(batch->pager, wrong);
	}
	if (batch->failed > 0 && (batch->flags & PAGER_BATCH_ATOMIC)) {
		const struct item *item;

		batch->first = culprit(batch);
		item = &batch->items[batch->first];
		return client_refused(batch->pager, item->call, item->error,
				      item->field);
	}
	return 0;
}

int pager_batch_run(struct pager_batch *batch)
{
	int ret;

	if (!batch) {
		errno = ENOMEM;
		return PAGER_MISUSE;
	}
	ret = pager_batch_submit(batch);
	return ret < 0 ? ret : pager_batch_wait(batch);
}

unsigned int pager_batch_failed(const struct pager_batch *batch)
{
	return batch->failed;
}

unsigned int pager_batch_first(const struct pager_batch *batch)
{
	return batch->first;
}

int pager_batch_reply(const struct pager_batch *batch, unsigned int index,
		      struct pager_reply *reply)
{
	const struct item *item;

	if (batch->state != DONE || index >= batch->count)
		return client_misuse(batch->pager, EINVAL,
				     "a reply that is not there");
	item = &batch->items[index];
	if (reply) {
		reply->seq = index;
		reply->call = item->call;
		reply->error = item->error;
		reply->field = item->field;
		reply->body = &item->body;
		reply->data = (const uint8_t *)batch->data + item->data;
		reply->data_len = item->data_len;
	}
	return item->error ? PAGER_REFUSED : 0;
}

void pager_batch_reset(struct pager_batch *batch)
{
	batch->state = FILLING;
	batch->count = batch->failed = batch->first = 0;
	batch->used = 0;
}
