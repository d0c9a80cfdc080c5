/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 12: a live copy of a space of 1 GiB that another process writes, through
 * a real pagerd: for how long the writer stands still, and how long it all
 * takes. Beside it what is done without a dirty log: the writer stands still
 * while all is copied. The limit is a copy of as many bytes in memory.
 *
 * The writer wants to write so many bytes a second, to pages at random in an
 * eighth of the space; how many it wrote while it was copied is a figure of its
 * own, since all of this runs on one CPU.
 */
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pager/pager.h>

#include "tools/bench/bench.h"
#include "tools/bench/machine.h"
#include "tools/common/spawn.h"

#define MIB	    (UINT64_C(1) << 20)
#define ADDR	    UINT64_C(0x100000000)
#define BURST_PAGES 8u
#define BURST_US    1000u /* 8 pages a millisecond: 31 MiB/s */

struct shared {
	_Atomic uint64_t space;
	_Atomic uint64_t written; /* bytes */
	_Atomic int still;	  /* write nothing */
};

struct contest {
	struct pager_spawn spawn;
	struct pager *pager;
	struct shared *shared;
	pid_t writer;
	uint64_t bytes;
	uint8_t *from, *to; /* of the limit */
};

struct figures {
	struct bench_series pause, total, rate, rounds;
	struct bench_series still; /* all is copied in the pause */
	struct bench_series copy;
};

static _Noreturn void write_forever(struct contest *c)
{
	static uint8_t page[PAGER_PAGE_SIZE];
	const struct timespec wait = {.tv_nsec = BURST_US * 1000};
	struct pager *own = pager_connect(c->spawn.socket);
	struct pager_req_map map = {.addr = ADDR,
				    .len = c->bytes,
				    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
				    .flags = PAGER_MAP_FIXED};
	uint64_t random = 7, hot = c->bytes / 8 / PAGER_PAGE_SIZE, stamp = 1;

	if (!own || pager_call_space_create(own, NULL, &map.space) < 0 ||
	    pager_call_map(own, &map, NULL) < 0)
		_exit(1);
	for (uint64_t at = 0; at < c->bytes; at += sizeof(page)) {
		memcpy(page, &at, sizeof(at));
		if (pager_call_write(own, map.space, 0, ADDR + at, page,
				     sizeof(page), NULL) < 0)
			_exit(1);
	}
	c->shared->space = map.space;
	for (;;) {
		for (unsigned int i = 0; i < BURST_PAGES && !c->shared->still;
		     i++) {
			uint64_t at = bench_random(&random) % hot;

			memcpy(page, &stamp, sizeof(stamp));
			stamp++;
			if (pager_call_write(own, map.space, 0,
					     ADDR + at * PAGER_PAGE_SIZE, page,
					     sizeof(page), NULL) < 0)
				_exit(1);
			c->shared->written += sizeof(page);
		}
		nanosleep(&wait, NULL);
	}
}

static void contest_init(struct contest *c, const struct bench *b)
{
	char memory[32], why[PAGER_SPAWN_WHY];
	const char *const args[] = {"--memory", memory, NULL};

	memset(c, 0, sizeof(*c));
	c->bytes = (b->quick ? 128 : 1024) * MIB;
	snprintf(memory, sizeof(memory), "%uM",
		 (unsigned int)(c->bytes / MIB * 2 + 64));
	c->shared = mmap(NULL, sizeof(*c->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->shared == MAP_FAILED)
		bench_die("no memory: %m");
	if (pager_spawn(&c->spawn, args, why) < 0)
		bench_die("pagerd: %s", why);
	if (b->cpu >= 0 && machine_pin(c->spawn.pid, b->cpu) < 0)
		bench_die("pagerd cannot be pinned to CPU %d", b->cpu);
	fflush(stdout);
	c->writer = fork();
	if (c->writer == 0)
		write_forever(c);
	c->pager = pager_connect(c->spawn.socket);
	if (c->writer < 0 || !c->pager)
		bench_die("no writer, or pagerd does not answer: %m");
	while (!c->shared->space) {
		if (waitpid(c->writer, NULL, WNOHANG) != 0)
			bench_die("the writer came to an end");
		usleep(10000);
	}
	c->from = bench_pages_new(c->bytes, true);
	c->to = bench_pages_new(c->bytes, true);
}

static void contest_fini(struct contest *c)
{
	kill(c->writer, SIGKILL);
	waitpid(c->writer, NULL, 0);
	pager_close(c->pager);
	pager_spawn_stop(&c->spawn);
	munmap(c->shared, sizeof(*c->shared));
	bench_pages_free(c->from, c->bytes);
	bench_pages_free(c->to, c->bytes);
}

static void clone_once(struct contest *c, struct pager_precopy_result *r)
{
	if (pager_precopy(c->pager, c->shared->space, NULL, r) < 0)
		bench_die("the live copy: %s", r->why);
	if (r->pages < c->bytes / PAGER_PAGE_SIZE)
		bench_die("the live copy left something out");
	if (pager_call_space_destroy(c->pager, r->space) < 0)
		bench_die("%s", pager_errstr(c->pager));
}

static void take(struct contest *c, struct figures *f)
{
	struct pager_precopy_result r;
	uint64_t before = c->shared->written;
	double start;

	clone_once(c, &r);
	bench_add(&f->pause, (double)r.pause_us / 1000);
	bench_add(&f->total, (double)r.total_us / 1000);
	bench_add(&f->rounds, (double)r.rounds);
	bench_add(&f->rate, (double)(c->shared->written - before) / MIB * 1e6 /
				(double)r.total_us);

	c->shared->still = 1;
	usleep(20000);
	clone_once(c, &r);
	c->shared->still = 0;
	bench_add(&f->still, (double)r.total_us / 1000);

	start = bench_now();
	memcpy(c->to, c->from, c->bytes);
	bench_add(&f->copy, (bench_now() - start) / 1e6);
	if (memcmp(c->to, c->from, PAGER_PAGE_SIZE) != 0)
		bench_die("memcpy does not copy");
}

static void report(struct bench *b, const struct contest *c, const char *what,
		   const char *unit, const struct bench_series *ours,
		   const struct figures *f, double part, const char *goal)
{
	char name[64];
	struct bench_result r = {
	    .row = 12,
	    .name = name,
	    .unit = unit,
	    .ours = bench_median(ours),
	    .linux_peer = NAN,
	    .baseline = part > 0 ? bench_median(&f->still) : NAN,
	    .limit = part > 1 ? bench_median(&f->copy) : NAN,
	    .goal = goal,
	    .rounds = ours->count,
	};

	snprintf(name, sizeof(name), "live-clone/%s/%u MiB", what,
		 (unsigned int)(c->bytes / MIB));
	r.met = part <= 0 || r.ours <= part * r.baseline;
	bench_report(b, &r);
}

void bench_row_clone(struct bench *b)
{
	struct figures f = {0};
	struct contest c;

	contest_init(&c, b);
	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		take(&c, &f);
	}
	report(b, &c, "pause", "ms", &f.pause, &f, 0.05,
	       "at most 5% of a copy that stops the writer");
	report(b, &c, "total", "ms", &f.total, &f, 2,
	       "at most 2x a copy that stops the writer");
	report(b, &c, "rounds", "rounds", &f.rounds, &f, 0,
	       "as many as it takes");
	report(b, &c, "writer", "MiB/s", &f.rate, &f, 0,
	       "no goal: it asks for 31");
	contest_fini(&c);
}
