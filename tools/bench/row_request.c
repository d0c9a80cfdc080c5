/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 8: one request through a real pagerd, by libpager, over the socket; alone
 * and in batches of 64. Client and daemon are on one CPU, as the two sides of
 * the bare echo are, and the packets have the same sizes.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <pager/pager.h>

#include "tools/bench/bench.h"
#include "tools/bench/echo_peer.h"
#include "tools/bench/machine.h"
#include "tools/common/spawn.h"

enum { BATCH = 64, RUNS = 31 };

#define SIZE(body) ((uint32_t)(sizeof(struct pager_hdr) + sizeof(body)))

struct contest {
	struct pager_spawn spawn;
	struct pager *pager;
	struct pager_batch *batch;
	struct echo_peer *echo;
	uint64_t space;
	uint64_t addr; /* of a page that is there */
};

struct kind {
	const char *name;
	enum pager_call call;
	uint32_t request; /* bytes of one message */
	uint32_t reply;
	struct bench_series ours, echo, ours_batch, echo_batch;
};

static void contest_init(struct contest *c, const struct bench *b)
{
	struct pager_req_map map = {
	    .len = PAGER_PAGE_SIZE,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = PAGER_MAP_POPULATE,
	};
	char why[PAGER_SPAWN_WHY];

	memset(c, 0, sizeof(*c));
	c->echo = echo_peer_new();
	if (pager_spawn(&c->spawn, NULL, why) < 0)
		bench_die("pagerd: %s", why);
	if (b->cpu >= 0 && machine_pin(c->spawn.pid, b->cpu) < 0)
		bench_die("pagerd cannot be pinned to CPU %d", b->cpu);
	c->pager = pager_connect(c->spawn.socket);
	if (!c->pager)
		bench_die("pagerd does not answer: %m");
	c->batch = pager_batch_new(c->pager, 0);
	if (!c->batch || pager_call_space_create(c->pager, NULL, &c->space) < 0)
		bench_die("%s", pager_errstr(c->pager));
	map.space = c->space;
	if (pager_call_map(c->pager, &map, &c->addr) < 0)
		bench_die("%s", pager_errstr(c->pager));
}

static void contest_fini(struct contest *c)
{
	pager_batch_free(c->batch);
	pager_close(c->pager);
	pager_spawn_stop(&c->spawn);
	echo_peer_free(c->echo);
}

static void request_once(struct contest *c, enum pager_call call)
{
	struct pager_rep_fault fault = {.result = PAGER_FAULT_PRESENT};
	int ret = call == PAGER_CALL_PING
		      ? pager_call_ping(c->pager, 1)
		      : pager_call_fault(c->pager, c->space, c->addr,
					 PAGER_ACCESS_READ, &fault);

	if (ret < 0 || fault.result != PAGER_FAULT_PRESENT)
		bench_die("%s", pager_errstr(c->pager));
}

static void request_batch(struct contest *c, enum pager_call call)
{
	const struct pager_req_ping ping = {.cookie = 1};
	const struct pager_req_fault fault = {
	    .space = c->space, .addr = c->addr, .access = PAGER_ACCESS_READ};
	struct pager_reply reply;

	pager_batch_reset(c->batch);
	for (int i = 0; i < BATCH; i++) {
		int ret = call == PAGER_CALL_PING
			      ? pager_batch_add(c->batch, call, &ping,
						sizeof(ping), NULL, 0)
			      : pager_batch_add(c->batch, call, &fault,
						sizeof(fault), NULL, 0);

		if (ret != i)
			bench_die("%s", pager_errstr(c->pager));
	}
	if (pager_batch_run(c->batch) < 0 || pager_batch_failed(c->batch))
		bench_die("%s", pager_errstr(c->pager));
	for (unsigned int i = 0; i < BATCH; i++)
		if (pager_batch_reply(c->batch, i, &reply) < 0)
			bench_die("%s", pager_errstr(c->pager));
}

/* A round's figures: medians of short runs, so that one in which somebody else
 * got the CPU does not count. Each contestant in turn. */
static void take(struct contest *c, struct kind *k, unsigned int times)
{
	const uint32_t request =
	    SIZE(struct pager_req_batch) + BATCH * k->request;
	const uint32_t reply = SIZE(struct pager_rep_batch) + BATCH * k->reply;
	const unsigned int batches = times / 16;
	struct bench_series ours = {0}, echo = {0};
	struct bench_series ours_batch = {0}, echo_batch = {0};

	for (int run = 0; run <= RUNS; run++) {
		double start = bench_now();

		for (unsigned int i = 0; i < times; i++)
			request_once(c, k->call);
		bench_add(&ours, (bench_now() - start) / times);

		start = bench_now();
		for (unsigned int i = 0; i < times; i++)
			echo_peer_call(c->echo, k->request, k->reply, 1);
		bench_add(&echo, (bench_now() - start) / times);

		start = bench_now();
		for (unsigned int i = 0; i < batches; i++)
			request_batch(c, k->call);
		bench_add(&ours_batch, (bench_now() - start) / batches / BATCH);

		start = bench_now();
		for (unsigned int i = 0; i < batches; i++)
			echo_peer_call(c->echo, request, reply, BATCH);
		bench_add(&echo_batch, (bench_now() - start) / batches / BATCH);
	}
	bench_add(&k->ours, bench_median(&ours));
	bench_add(&k->echo, bench_median(&echo));
	bench_add(&k->ours_batch, bench_median(&ours_batch));
	bench_add(&k->echo_batch, bench_median(&echo_batch));
}

static void report(struct bench *b, const char *form, const char *kind,
		   const struct bench_series *ours,
		   const struct bench_series *echo)
{
	char name[64];
	struct bench_result r = {
	    .row = 8,
	    .name = name,
	    .unit = "ns",
	    .ours = bench_median(ours),
	    .linux_peer = NAN,
	    .baseline = bench_median(echo),
	    .limit = NAN,
	    .goal = "at most 1.2x the bare echo",
	    .rounds = ours->count,
	};

	snprintf(name, sizeof(name), "%s/%s", form, kind);
	r.met = r.ours <= 1.2 * r.baseline;
	bench_report(b, &r);
}

void bench_row_request(struct bench *b)
{
	struct kind kinds[] = {
	    {.name = "ping",
	     .call = PAGER_CALL_PING,
	     .request = SIZE(struct pager_req_ping),
	     .reply = SIZE(struct pager_rep_ping)},
	    {.name = "fault",
	     .call = PAGER_CALL_FAULT,
	     .request = SIZE(struct pager_req_fault),
	     .reply = SIZE(struct pager_rep_fault)},
	};
	struct contest c;

	contest_init(&c, b);
	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		for (int i = 0; i < 2; i++)
			take(&c, &kinds[i], b->quick ? 128 : 512);
	}
	for (int i = 0; i < 2; i++) {
		report(b, "socket", kinds[i].name, &kinds[i].ours,
		       &kinds[i].echo);
		report(b, "batch-64", kinds[i].name, &kinds[i].ours_batch,
		       &kinds[i].echo_batch);
	}
	contest_fini(&c);
}
