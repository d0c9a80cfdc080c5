/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a field is filled with follows from its name.
 */
#include "tests/support/noise.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/world.h"

enum { PAGE = PAGER_PAGE_SIZE, PAGES = 256, MEMBERS = 8, DATA_MAX = 2048 };

#define BASE UINT64_C(0x400000)

void noise_init(struct noise *noise, uint64_t seed, unsigned int nonsense)
{
	memset(noise, 0, sizeof(*noise));
	noise->rng = rng_new(seed);
	noise->nonsense = nonsense;
}

static uint64_t below(struct noise *noise, uint64_t n)
{
	return rng_below(&noise->rng, n);
}

static uint64_t extreme(struct noise *noise)
{
	static const uint64_t values[] = {
	    0,
	    1,
	    7,
	    0xfff,
	    0x1000,
	    0x1001,
	    UINT32_MAX,
	    UINT64_C(1) << 32,
	    (UINT64_C(1) << 47) - 0x1000,
	    UINT64_C(1) << 47,
	    UINT64_C(1) << 48,
	    (UINT64_C(1) << 48) + 0x1000,
	    UINT64_C(1) << 63,
	    0 - (UINT64_C(1) << 47),
	    0 - UINT64_C(0x1000),
	    UINT64_MAX,
	};

	if (rng_percent(&noise->rng, 20))
		return rng_next(&noise->rng);
	return values[below(noise, sizeof(values) / sizeof(*values))];
}

static uint64_t handle_of(struct noise *noise, const uint64_t *handles,
			  unsigned int count)
{
	if (noise->foreign_count && rng_percent(&noise->rng, 10))
		return noise->foreign[below(noise, noise->foreign_count)];
	return count ? handles[below(noise, count)] : 0;
}

static uint64_t flags_of(struct noise *noise, const struct pager_op *op)
{
	switch (op->number) {
	case PAGER_OP_MAP:
		/* Mostly where others are, seldom a stack. */
		return (below(noise, 8) ? PAGER_MAP_FIXED : 0) |
		       (below(noise, 4) ? 0 : PAGER_MAP_SHARED) |
		       (below(noise, 4) ? 0 : PAGER_MAP_POPULATE) |
		       (below(noise, 16) ? 0 : PAGER_MAP_GROWSDOWN) |
		       (below(noise, 16) ? 0 : PAGER_MAP_CONTIG);
	case PAGER_OP_REMAP:
		return PAGER_REMAP_MAYMOVE | below(noise, 8);
	case PAGER_OP_BRK:
		return below(noise, 4) == 0;
	case PAGER_OP_REGION_LIST:
	case PAGER_OP_BATCH:
		return below(noise, 2);
	default:
		return 0;
	}
}

/* The same for an operation on a pool: blocks of 2 MiB, in pool 1 mostly. */
static uint64_t pool_sense(struct noise *noise, const char *name)
{
	if (strcmp(name, "pool") == 0)
		return below(noise, 8) != 0;
	if (strcmp(name, "zone") == 0)
		return below(noise, 2);
	return below(noise, 20) << 21;
}

static uint64_t dirty_sense(struct noise *noise, const char *name)
{
	if (strcmp(name, "log") == 0 || strcmp(name, "handle") == 0)
		return handle_of(noise, noise->logs, noise->log_count);
	if (strcmp(name, "space") == 0)
		return handle_of(noise, noise->spaces, noise->space_count);
	if (strcmp(name, "addr") == 0)
		return BASE + below(noise, PAGES / 2) * PAGE;
	if (strcmp(name, "len") == 0)
		return (1 + below(noise, 200)) * PAGE;
	if (strcmp(name, "first") == 0)
		return below(noise, 2) * 64;
	if (strcmp(name, "pages") == 0)
		return (1 + below(noise, 2)) * 64;
	if (strcmp(name, "step") == 0)
		return 1 + below(noise, 2);
	if (strcmp(name, "entries") == 0)
		return 64;
	if (strcmp(name, "method") == 0)
		return below(noise, 3);
	return strcmp(name, "flags") == 0 ? below(noise, 4) & below(noise, 4)
					  : 0;
}

/* A sensible value, if the field is a number. */
static uint64_t sense(struct noise *noise, const struct pager_op *op,
		      const char *name)
{
#define IS(text) (strcmp(name, text) == 0)
	if (op->number >= PAGER_OP_DIRTY_START)
		return dirty_sense(noise, name);
	if (op->number >= PAGER_OP_POOL_LIST)
		return pool_sense(noise, name);
	if (IS("around"))
		return below(noise, 3);
	if (IS("space"))
		return handle_of(noise, noise->spaces, noise->space_count);
	if (IS("object"))
		return op->number == PAGER_OP_MAP && below(noise, 3)
			   ? 0
			   : handle_of(noise, noise->objects,
				       noise->object_count);
	if (IS("handle"))
		return below(noise, 2)
			   ? handle_of(noise, noise->spaces, noise->space_count)
			   : handle_of(noise, noise->objects,
				       noise->object_count);
	if (IS("addr") || IS("new_addr"))
		return BASE + below(noise, PAGES) * PAGE;
	if (IS("brk"))
		return BASE + PAGES * PAGE + below(noise, PAGES) * PAGE / 2;
	if (IS("len") && op->number == PAGER_OP_READ)
		return 1 + below(noise, 3 * PAGE);
	if (IS("len") || IS("new_len"))
		return (1 + below(noise, 24)) * PAGE;
	if (IS("size") || IS("offset"))
		return below(noise, 16) * PAGE;
	if (IS("prot"))
		return below(noise, 4) ? 3 : below(noise, 8);
	if (IS("access"))
		return UINT64_C(1) << below(noise, 3);
	if (IS("advice"))
		return 1 + below(noise, 7);
	if (IS("flags"))
		return flags_of(noise, op);
	if (IS("cpu"))
		return below(noise, 4);
	if (IS("uid"))
		return UINT32_MAX;
	return 0;
#undef IS
}

static void fill(struct noise *noise, const struct pager_op *op,
		 union pager_request_body *body)
{
	memset(body, 0, sizeof(*body));
	for (unsigned int i = 0; i < op->request->count; i++) {
		const struct pager_field *f = op->request->fields + i;
		uint8_t *at = (uint8_t *)body + f->offset;
		uint64_t value;

		if (f->size > 8) {
			if (strcmp(f->name, "token") == 0)
				memcpy(at, noise->token, f->size);
			else
				snprintf((char *)at, f->size, "n%u",
					 (unsigned int)below(noise, 4));
			if (rng_percent(&noise->rng, noise->nonsense))
				at[below(noise, f->size)] ^= 0x55;
			continue;
		}
		value = rng_percent(&noise->rng, noise->nonsense)
			    ? extreme(noise)
			: f->reserved ? 0
				      : sense(noise, op, f->name);
		memcpy(at, &value, f->size);
	}
}

/* An operation: those that make things come up as often as all others. */
static const struct pager_op *choose(struct noise *noise, bool inner)
{
	static const uint8_t makers[] = {
	    PAGER_OP_SPACE_CREATE, PAGER_OP_SPACE_FORK, PAGER_OP_MAP,
	    PAGER_OP_FAULT,	   PAGER_OP_WRITE,	PAGER_OP_OBJECT_CREATE};
	const struct pager_op *op;

	if (noise->space_count == 0 && !inner)
		return pager_op_find(PAGER_OP_SPACE_CREATE);
	if (below(noise, 2))
		return pager_op_find(makers[below(noise, sizeof(makers))]);
	do
		op = pager_op_find((unsigned int)below(noise, PAGER_OP_END));
	while (!op || op->fds || op->number == PAGER_OP_HELLO ||
	       (inner && op->number == PAGER_OP_BATCH));
	return op;
}

static size_t put(struct noise *noise, const struct pager_op *op,
		  uint8_t *packet, size_t cap, uint64_t seq,
		  const uint8_t *data, size_t data_len, uint32_t count)
{
	union pager_request_body body;

	fill(noise, op, &body);
	if (count && !rng_percent(&noise->rng, noise->nonsense))
		body.batch.count = count;
	return pager_request_encode(packet, cap, op, seq, &body,
				    op->request->size, data, data_len);
}

size_t noise_request(struct noise *noise, void *packet, uint64_t seq)
{
	static uint8_t data[MEMBERS * (PAGER_HDR_SIZE + 256 + DATA_MAX)];
	const struct pager_op *op = choose(noise, false);
	size_t at = 0, len;
	uint32_t members;

	if (op->number == PAGER_OP_BATCH) {
		members = (uint32_t)(1 + below(noise, MEMBERS));
		for (uint32_t i = 0; i < members; i++)
			at += put(noise, choose(noise, true), data + at,
				  sizeof(data) - at, i, NULL, 0, 0);
		return put(noise, op, packet, PAGER_MSG_MAX, seq, data, at,
			   members);
	}
	if (op->number == PAGER_OP_WRITE) {
		len = 1 + below(noise, DATA_MAX);
		memset(data, (int)below(noise, 256), len);
		return put(noise, op, packet, PAGER_MSG_MAX, seq, data, len, 0);
	}
	return put(noise, op, packet, PAGER_MSG_MAX, seq, NULL, 0, 0);
}

size_t noise_member(struct noise *noise, unsigned int op, void *packet,
		    uint64_t seq)
{
	return put(noise, pager_op_find(op), packet, PAGER_MSG_MAX, seq, NULL,
		   0, 0);
}

static void remember(struct noise *noise, uint64_t *handles,
		     unsigned int *count, uint64_t handle)
{
	if (*count < NOISE_HANDLES)
		handles[(*count)++] = handle;
	else
		handles[below(noise, NOISE_HANDLES)] = handle;
}

void noise_answer(struct noise *noise, const struct pager_answer *answer)
{
	if (answer->hdr.error)
		return;
	switch (answer->hdr.op) {
	case PAGER_OP_SPACE_CREATE:
	case PAGER_OP_SPACE_FORK:
		remember(noise, noise->spaces, &noise->space_count,
			 answer->body.handle.handle);
		break;
	case PAGER_OP_DIRTY_START:
		remember(noise, noise->logs, &noise->log_count,
			 answer->body.handle.handle);
		break;
	case PAGER_OP_OBJECT_CREATE:
	case PAGER_OP_OBJECT_OPEN:
		remember(noise, noise->objects, &noise->object_count,
			 answer->body.handle.handle);
		break;
	case PAGER_OP_GIVE:
		memcpy(noise->token, answer->body.token.token,
		       sizeof(noise->token));
		break;
	case PAGER_OP_TAKE:
		if (answer->body.take.type == PAGER_HANDLE_SPACE)
			remember(noise, noise->spaces, &noise->space_count,
				 answer->body.take.handle);
		else
			remember(noise, noise->objects, &noise->object_count,
				 answer->body.take.handle);
		break;
	default:
		break;
	}
}
