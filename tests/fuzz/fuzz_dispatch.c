/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the server behind its sockets: a hostile user, another user and an
 * admin send packets in any order. Nothing may crash, the recount after every
 * operation must stay clean, and when all have gone nothing is left.
 *
 * The input is a row of packets:
 *
 *	| who | kind | length, 16 bits | bytes ... |
 *
 * who chooses the client. kind 0 is a packet as it is; any other chooses an
 * operation, and the bytes are its body and data behind a header that fits.
 * In a body, handles below 256 stand for the client's own first, second ...,
 * and sizes and addresses of pools below 256 for so many blocks of 2 MiB.
 * Behind each packet the model does a step of its own work.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/pools.h"
#include "tests/support/serve.h"
#include "tests/support/world.h"

enum { CLIENTS = 3, HEAD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct srv_client *clients[CLIENTS];
static uint64_t now_ms;
static uint64_t events; /* of pools, at the beginning */
static bool started;

static uint64_t nth_handle(const struct srv_client *client, uint64_t n)
{
	const struct srv_handles *handles = &client->session->handles;
	uint32_t index = 0;
	struct srv_thing *thing;

	for (unsigned int type = 1; type <= 3; type++)
		for (index = 0;
		     (thing = srv_handles_next(handles, &index, type)); index++)
			if (n-- == 0)
				return thing->handle;
	return n;
}

/* Small numbers where handles stand become the client's handles. */
static void name_handles(const struct srv_client *client,
			 const struct pager_op *op, uint8_t *body)
{
	static const char *const names[] = {"space", "object", "handle", "log"};

	for (unsigned int i = 0; i < op->request->count; i++) {
		const struct pager_field *f = op->request->fields + i;
		uint64_t value;

		if (f->size != 8)
			continue;
		for (unsigned int n = 0; n < 4; n++) {
			if (strcmp(f->name, names[n]) != 0)
				continue;
			memcpy(&value, body + f->offset, 8);
			if (value < 256 && (value || f->offset == 0))
				value = nth_handle(client, value);
			memcpy(body + f->offset, &value, 8);
		}
	}
}

/* Numbers of blocks become bytes. */
static void name_blocks(const struct pager_op *op, uint8_t *body)
{
	if (op->number < PAGER_OP_POOL_LIST ||
	    op->number > PAGER_OP_POOL_GROW || op->request->size == 8)
		return;
	for (unsigned int i = 0; i < op->request->count; i++) {
		const struct pager_field *f = op->request->fields + i;
		uint64_t value;

		if (f->size != 8)
			continue;
		memcpy(&value, body + f->offset, 8);
		if (value < 256)
			value <<= 21;
		memcpy(body + f->offset, &value, 8);
	}
}

static const struct pager_op *choose(unsigned int kind)
{
	const struct pager_op *op = pager_op_next(NULL);

	while (--kind) {
		op = pager_op_next(op);
		if (!op)
			op = pager_op_next(NULL);
	}
	return op;
}

/* Build the packet; its length. */
static size_t build(const struct srv_client *client, unsigned int kind,
		    const uint8_t *bytes, size_t len, uint8_t *packet)
{
	_Alignas(8) uint8_t body[256] = {0};
	const struct pager_op *op;
	size_t known, size;

	if (kind == 0) {
		memcpy(packet, bytes, len);
		return len;
	}
	op = choose(kind);
	known = len < op->request->size ? len : op->request->size;
	memcpy(body, bytes, known);
	name_handles(client, op, body);
	name_blocks(op, body);
	size = pager_request_encode(
	    packet, PAGER_MSG_MAX, op, 1, body, op->request->size,
	    bytes + known, op->data & PAGER_OP_DATA_IN ? len - known : 0);
	if (size)
		pager_request_set_fds(packet, op->fds);
	return size;
}

static void begin(void)
{
	static const uid_t uids[CLIENTS] = {SERVE_ANN, SERVE_BEN, SERVE_ROOT};

	if (!started)
		serve_start("memory 1M\nnodes 256\nlimit spaces 64\n"
			    "memory-block 4M\n"
			    "pool a region 16M requested 4M\n"
			    "pool b region 16M block 4M mode bbm retry 1\n");
	if (!started)
		serve_settle();
	started = true;
	events = srv_pools_newest_event(&serve_srv);
	now_ms = 1;
	for (unsigned int i = 0; i < CLIENTS; i++)
		clients[i] = serve_join(uids[i]);
}

static void end(void)
{
	struct pager_stats stats;

	for (unsigned int i = 0; i < CLIENTS; i++)
		serve_leave(clients[i]);
	pager_core_stats(serve_srv.core, &stats);
	if (stats.spaces || stats.objects || stats.nodes_used ||
	    stats.frames_used != 1 || serve_srv.handles ||
	    !LIST_EMPTY(&serve_srv.users))
		test_die("something is left");
	/* What an input does to pools must not be there for the next. */
	if (srv_pools_newest_event(&serve_srv) != events) {
		serve_end();
		started = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[PAGER_MSG_MAX];
	enum pager_violation why;

	begin();
	while (size > HEAD) {
		struct srv_client *client = clients[data[0] % CLIENTS];
		unsigned int kind = data[1];
		size_t len = (size_t)data[2] | (size_t)data[3] << 8;

		data += HEAD;
		size -= HEAD;
		if (len > size)
			len = size;
		serve_packet(client, packet,
			     build(client, kind, data, len, packet), &why);
		srv_pools_work(&serve_srv, now_ms += 10);
		data += len;
		size -= len;
	}
	end();
	return 0;
}
