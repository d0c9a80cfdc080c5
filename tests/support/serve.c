/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests are encoded by the codec and answers decoded by it, as a client
 * would; only the socket is missing.
 */
#include "tests/support/serve.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/pause.h"
#include "server/pools.h"
#include "server/recount.h"
#include "tests/support/unit.h"

struct srv serve_srv;
struct pager_answer serve_answer;
_Alignas(8) uint8_t serve_out[PAGER_MSG_MAX];
void (*serve_tap)(const struct srv_client *client, const void *packet,
		  size_t len);

int serve_fd = -1;

static _Alignas(8) uint8_t packet_buf[PAGER_MSG_MAX];
static uint64_t last_seq;

/* Not check's: fuzzers come through here, who are no tests. */
#define must(holds) ((holds) ? (void)0 : test_die("%s: %s", __func__, #holds))

void serve_start(const char *text)
{
	char why[SRV_CONFIG_WHY], all[4096];
	struct srv_config config;

	snprintf(all, sizeof(all), "memory 4M\nnodes 1024\n%s",
		 text ? text : "");
	if (srv_config_parse(&config, "test", all, strlen(all), why))
		test_die("%s", why);
	if (srv_pools_place(&config, why, sizeof(why)) ||
	    srv_init(&serve_srv, &config, why))
		test_die("%s", why);
	/* The daemon's own user is nobody in these tests. */
	serve_srv.uid = 4242;
	/* What is wanted of the model's picture is this machine's. */
	unit_world.core = serve_srv.core;
}

void serve_end(void)
{
	struct srv_session *session;
	struct pager_stats stats;

	while ((session = TAILQ_FIRST(&serve_srv.sessions)))
		serve_leave(session->client);
	pager_core_stats(serve_srv.core, &stats);
	if (stats.frames_used != 1 || stats.nodes_used || stats.objects ||
	    serve_srv.handles || !RB_EMPTY(&serve_srv.named))
		test_die("sessions have left something behind");
	srv_fini(&serve_srv);
}

void serve_settle(void)
{
	unsigned int steps = 0;

	/* Time that stands still: no second try is due. */
	while (srv_pools_work(&serve_srv, 1) == 0)
		if (++steps > 100000)
			test_die("the work does not end");
}

static void recount(void)
{
	char why[256];

	/* ENOMEM: a fail point that is armed met the recount. */
	if (srv_recount(&serve_srv, why, sizeof(why)).err == PAGER_ECORRUPT)
		test_die("recount: %s", why);
}

struct srv_client *serve_connect(uid_t uid)
{
	struct srv_client *client = calloc(1, sizeof(*client));

	must(client);
	client->user = srv_user_join(&serve_srv, uid);
	must(client->user);
	client->pid = 1;
	return client;
}

struct srv_client *serve_join(uid_t uid)
{
	struct srv_client *client = serve_connect(uid);
	const struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					      PAGER_VERSION_MINOR,
					      PAGER_FEATURES};

	must(serve_ask(client, PAGER_OP_HELLO, &hello, sizeof(hello)) == 0);
	return client;
}

void serve_leave(struct srv_client *client)
{
	if (client->session)
		srv_session_free(&serve_srv, client->session);
	srv_user_leave(&serve_srv, client->user);
	free(client);
	recount();
}

static int new_memfd(void)
{
	int fd = memfd_create("serve", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0);
	must(ftruncate(fd, (off_t)SERVE_MEMFD) == 0);
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	return fd;
}

/* As many descriptors as the packet says and its operation takes; how many. */
static unsigned int bring_fds(const void *packet, size_t len,
			      int fds[PAGER_FDS_MAX])
{
	const struct pager_op *op;
	struct pager_hdr hdr;

	if (len < sizeof(hdr))
		return 0;
	memcpy(&hdr, packet, sizeof(hdr));
	op = pager_op_find(hdr.op);
	if (!op || op->fds != hdr.nfds)
		return 0;
	for (unsigned int i = 0; i < op->fds; i++) {
		fds[i] = serve_fd < 0 ? new_memfd() : dup(serve_fd);
		must(fds[i] >= 0);
	}
	return op->fds;
}

bool serve_packet(struct srv_client *client, const void *packet, size_t len,
		  enum pager_violation *why)
{
	int fds[PAGER_FDS_MAX];
	unsigned int nfds = bring_fds(packet, len, fds);
	size_t n;

	if (serve_tap)
		serve_tap(client, packet, len);
	memcpy(packet_buf, packet, len);
	n = srv_dispatch(&serve_srv, client, packet_buf, len, fds, nfds,
			 serve_out, why);
	for (unsigned int i = 0; i < nfds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	recount();
	if (n && !pager_answer_decode(serve_out, n, &serve_answer))
		test_die("the answer is none");
	return n != 0;
}

unsigned int serve_ask_data(struct srv_client *client, enum pager_opcode op,
			    const void *body, size_t body_len, const void *data,
			    size_t data_len)
{
	static _Alignas(8) uint8_t packet[PAGER_MSG_MAX];
	enum pager_violation why;
	size_t len;

	len = pager_request_encode(packet, sizeof(packet), pager_op_find(op),
				   ++last_seq, body, body_len, data, data_len);
	must(len);
	pager_request_set_fds(packet, pager_op_find(op)->fds);
	must(serve_packet(client, packet, len, &why));
	must(serve_answer.hdr.seq == last_seq);
	must(serve_answer.hdr.op == op);
	return serve_answer.hdr.error;
}

unsigned int serve_ask(struct srv_client *client, enum pager_opcode op,
		       const void *body, size_t body_len)
{
	return serve_ask_data(client, op, body, body_len, NULL, 0);
}

void serve_check_refusal(struct srv_client *client, enum pager_opcode op,
			 const void *body, size_t len, unsigned int error,
			 const char *field, int line)
{
	char *before = serve_picture();
	unsigned int got = serve_ask(client, op, body, len);
	const char *blamed =
	    pager_op_field_name(pager_op_find(op), serve_answer.hdr.field);

	ck_assert_msg(got == error, "line %d: %s, not %s", line,
		      pager_error_name(got), pager_error_name(error));
	if (!field)
		ck_assert_msg(serve_answer.hdr.field == 0, "line %d: %s", line,
			      blamed);
	else
		ck_assert_msg(blamed && strcmp(blamed, field) == 0,
			      "line %d: %s is to blame, not %s", line,
			      blamed ? blamed : "nothing", field);
	serve_unchanged(before, pager_op_find(op)->name);
}

uint64_t serve_space(struct srv_client *client)
{
	const struct pager_req_space_create body = {0};

	serve_ok(client, PAGER_OP_SPACE_CREATE, body);
	return serve_answer.body.handle.handle;
}

uint64_t serve_fork(struct srv_client *client, uint64_t space)
{
	serve_ok(client, PAGER_OP_SPACE_FORK, space);
	return serve_answer.body.handle.handle;
}

uint64_t serve_object(struct srv_client *client, uint64_t pages,
		      const char *name)
{
	struct pager_req_object_create body = {.size = pages * PAGER_PAGE_SIZE};

	snprintf(body.name, sizeof(body.name), "%s", name);
	serve_ok(client, PAGER_OP_OBJECT_CREATE, body);
	return serve_answer.body.handle.handle;
}

void serve_map(struct srv_client *client, uint64_t space, uint64_t addr,
	       uint64_t len, uint32_t flags, uint64_t object)
{
	const struct pager_req_map body = {.space = space,
					   .addr = addr,
					   .len = len,
					   .prot = PAGER_PROT_READ |
						   PAGER_PROT_WRITE,
					   .flags = flags | PAGER_MAP_FIXED,
					   .object = object};

	serve_ok(client, PAGER_OP_MAP, body);
	ck_assert_uint_eq(serve_answer.body.addr.addr, addr);
}

void serve_write(struct srv_client *client, uint64_t space, uint64_t addr,
		 const char *text)
{
	const struct pager_req_write body = {.space = space, .addr = addr};

	ck_assert_uint_eq(serve_ask_data(client, PAGER_OP_WRITE, &body,
					 sizeof(body), text, strlen(text)),
			  0);
	ck_assert_uint_eq(serve_answer.body.access.error, 0);
	ck_assert_uint_eq(serve_answer.body.access.done, strlen(text));
}

void serve_reads(struct srv_client *client, uint64_t space, uint64_t addr,
		 const char *text)
{
	const struct pager_req_read body = {
	    .space = space, .addr = addr, .len = (uint32_t)strlen(text)};

	serve_ok(client, PAGER_OP_READ, body);
	ck_assert_uint_eq(serve_answer.data_len, body.len);
	ck_assert_mem_eq(serve_answer.data, text, body.len);
}

/* --- pictures ------------------------------------------------------------ */

static void draw_session(FILE *f, const struct srv_session *session)
{
	fprintf(f,
		"session %" PRIu64 " user %u spaces %" PRIu64
		" objects %" PRIu64 " logs %" PRIu64
		" grants %u handles %u paused %d\n",
		session->number, (unsigned int)session->user->uid,
		session->spaces, session->objects, session->logs,
		session->grants, session->handles.live, srv_is_paused(session));
}

static void draw_pool(FILE *f, uint32_t number)
{
	struct pager_pool *pool = pager_pool_get(serve_srv.core, number);
	struct pager_pool_info info;
	struct pager_block_info b;

	if (!pool)
		return;
	pager_pool_info(pool, 1, &info);
	fprintf(f,
		"pool %u requested %" PRIu64 " plugged %" PRIu64
		" grow %" PRIu64 " wishes %" PRIu64 " working %d\n",
		number, info.requested, info.plugged, info.grow_max,
		info.resizes, info.working);
	for (uint64_t pfn = info.addr; pager_pool_block(pool, pfn, &b);
	     pfn += info.memory_block)
		fprintf(f,
			"  block %#" PRIx64 " state %u zone %u plugged %" PRIu64
			"\n",
			pfn, b.state, b.zone, b.plugged);
}

char *serve_picture(void)
{
	const struct srv_session *session;
	const struct srv_user *user;
	char *model = unit_picture(), *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	fprintf(f, "%shandles %" PRIu64 "\n", model, serve_srv.handles);
	TAILQ_FOREACH (session, &serve_srv.sessions, link)
		draw_session(f, session);
	LIST_FOREACH (user, &serve_srv.users, link)
		fprintf(f, "user %u sessions %" PRIu64 " handles %" PRIu64 "\n",
			(unsigned int)user->uid, user->sessions,
			user->object_handles);
	for (uint32_t i = 1; i < PAGER_POOLS_MAX; i++)
		draw_pool(f, i);
	fprintf(f, "events %" PRIu64 "\n", srv_pools_newest_event(&serve_srv));
	fclose(f);
	free(model);
	return text;
}

void serve_unchanged(char *before, const char *what)
{
	char *now = serve_picture();

	if (strcmp(before, now) != 0)
		test_die("%s changed the server\nfrom\n%sto\n%s", what, before,
			 now);
	free(before);
	free(now);
}

/* --- batches ------------------------------------------------------------- */

void serve_batch_add(struct serve_batch *batch, enum pager_opcode op,
		     const void *body, size_t body_len, const void *data,
		     size_t data_len)
{
	size_t len = pager_request_encode(batch->data + batch->len,
					  sizeof(batch->data) - batch->len,
					  pager_op_find(op), batch->body.count,
					  body, body_len, data, data_len);

	ck_assert_uint_ne(len, 0);
	batch->len += len;
	batch->body.count++;
}

unsigned int serve_batch_run(struct srv_client *client,
			     struct serve_batch *batch)
{
	return serve_ask_data(client, PAGER_OP_BATCH, &batch->body,
			      sizeof(batch->body), batch->data, batch->len);
}

void serve_batch_answer(unsigned int i, struct pager_answer *out)
{
	const uint8_t *data = serve_answer.data, *message = NULL;
	size_t at = 0, len = 0;

	for (unsigned int n = 0; n <= i; n++)
		ck_assert_int_eq(pager_batch_cut(data, serve_answer.data_len,
						 &at, &message, &len),
				 1);
	ck_assert(pager_answer_decode(message, len, out));
	ck_assert_uint_eq(out->hdr.seq, i);
}
