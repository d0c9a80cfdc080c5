/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's dirty bitmap as oracle of our logs: a guest writes pages in a random
 * order, and so does a CPU of the software MMU, in three spaces: one is logged
 * by the hardware's dirty bits, one by write protection, one by both. After
 * each get, clear, and get-and-clear all four logs are KVM's bitmap, bit for
 * bit: with and without manual clearing, initially all set or not, started
 * where pages were written before, over any number of pages.
 *
 * KVM_GET_DIRTY_LOG is a get-and-clear of all pages, or with manual clearing a
 * get; KVM_CLEAR_DIRTY_LOG a clear of whole words.
 *
 * Environment: PAGER_SEED, PAGER_SEEDS (then as long as they take; else at most
 * some seconds), PAGER_STEPS.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/hunt.h"
#include "tests/support/kvm_guest.h"
#include "tests/support/rng.h"
#include "tests/support/world.h"

enum { PAGES = 2048, WORDS = PAGES / 64, SPACES = 3, LOGS = 4, SECONDS = 5 };

/* Not at the beginning of a table node. */
#define START ((UINT64_C(1) << 30) + 77)

static const struct {
	unsigned int space;
	enum pager_dirty_method method;
} kinds[LOGS] = {
    {0, PAGER_DIRTY_HARDWARE},
    {1, PAGER_DIRTY_WRITE_PROTECT},
    {2, PAGER_DIRTY_HARDWARE},
    {2, PAGER_DIRTY_WRITE_PROTECT},
};

static struct kvm_guest kvm;
static struct test_world world;
static struct pager_space *space[SPACES];
static struct pager_dirty_log *logs[LOGS];
static struct rng rng;
static uint64_t pages; /* of the guest's slot, and of the logs */
static uint32_t flags;
static uint64_t stores, gets, clears, dirty;
static uint64_t now; /* the seed */

/* --- writing -------------------------------------------------------------- */

static void store(uint64_t page)
{
	uint64_t value = ++stores, done;
	struct pager_access_stop why;

	if (!kvm_guest_store(&kvm, page, value))
		test_die("the guest was stopped");
	for (int i = 0; i < SPACES; i++)
		if (pager_space_write(space[i], (unsigned int)(stores % 2),
				      (START + page) * 4096 +
					  rng_below(&rng, 512) * 8,
				      &value, sizeof(value), &done, &why)
			.err)
			test_die("a write to page %" PRIu64 " is refused",
				 page);
}

/* Runs, neighbours, the same again, the ends of words. */
static void store_some(void)
{
	uint64_t n = 1 + rng_below(&rng, 24);
	uint64_t page = rng_below(&rng, pages);
	unsigned int how = (unsigned int)rng_below(&rng, 4);

	while (n--) {
		store(page);
		if (how == 0)
			page = (page + 1) % pages;
		else if (how == 1)
			page = rng_below(&rng, pages);
		else if (how == 2)
			page = (page + rng_below(&rng, 3) + pages - 1) % pages;
		else
			page = (page | 63) - 1 + rng_below(&rng, 3);
		if (page >= pages)
			page = pages - 1;
	}
}

/* Reading dirties nothing; but the page is known to a CPU from now on. */
static void load_some(void)
{
	struct pager_access_stop why;
	uint64_t done, value;

	for (uint64_t n = 1 + rng_below(&rng, 12); n; n--) {
		uint64_t page = rng_below(&rng, pages);

		for (int i = 0; i < SPACES; i++)
			if (pager_space_read(space[i], (unsigned int)(n % 2),
					     (START + page) * 4096, &value,
					     sizeof(value), &done, &why)
				.err)
				test_die("a read of page %" PRIu64
					 " is refused",
					 page);
	}
}

/* No CPU may write by what it remembers. */
static void check_cpus(void)
{
	uint64_t vpn;

	for (int i = 0; i < SPACES; i++)
		if (!pager_sim_check(world.sim, space[i], &vpn))
			test_die(
			    "space %d: a stale translation of page %" PRIu64, i,
			    vpn - START);
}

/* --- both sides ----------------------------------------------------------- */

static int note(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	memcpy((uint64_t *)ctx + first / 64, words, count * sizeof(*words));
	return 0;
}

static void get_ours(int i, uint64_t *words)
{
	struct pager_dirty_got got;

	memset(words, 0, WORDS * sizeof(*words));
	if (pager_dirty_get(logs[i], 0, pages, note, words, &got).err)
		test_die("log %d: a get is refused", i);
}

/* Of a last word that is not whole. */
static uint64_t valid(uint64_t w)
{
	return pages - w * 64 < 64 ? (UINT64_C(1) << (pages - w * 64)) - 1
				   : UINT64_MAX;
}

static void compare(const uint64_t *theirs, const char *after)
{
	uint64_t ours[WORDS];

	for (int i = 0; i < LOGS; i++) {
		get_ours(i, ours);
		for (uint64_t w = 0; w < (pages + 63) / 64; w++)
			if (ours[w] != (theirs[w] & valid(w)))
				test_die("after %s, flags %u: pages %" PRIu64
					 " on of log %d are %016" PRIx64
					 ", in KVM %016" PRIx64,
					 after, flags, w * 64, i, ours[w],
					 theirs[w] & valid(w));
	}
}

static uint64_t count(const uint64_t *words, const uint64_t *named,
		      uint64_t first, uint64_t n)
{
	uint64_t sum = 0;

	for (uint64_t w = first / 64; w * 64 < first + n; w++)
		sum += (uint64_t)__builtin_popcountll(
		    words[w] & valid(w) & (named ? named[w] : UINT64_MAX));
	return sum;
}

/* Without manual clearing that is a get-and-clear. */
static void get(uint64_t *words)
{
	memset(words, 0, WORDS * sizeof(*words));
	kvm_guest_get(&kvm, words);
	compare(words, "a get");
	gets++;
	dirty += count(words, NULL, 0, pages);
	if (flags & PAGER_DIRTY_MANUAL)
		return;
	for (int i = 0; i < LOGS; i++)
		pager_dirty_got_clear(logs[i], 0, pages);
	check_cpus();
}

/* A stretch; bits that are dirty, bits at random, or all. Often nobody has
 * looked before. */
static void clear(void)
{
	uint64_t all = (pages + 63) / 64;
	uint64_t w = rng_below(&rng, all), n = 1 + rng_below(&rng, all - w);
	uint64_t first = w * 64, len = n * 64, want = 0, cleared;
	uint64_t words[WORDS], named[WORDS];
	unsigned int how = (unsigned int)rng_below(&rng, 4);
	bool look = how < 2 || rng_percent(&rng, 30);

	if (first + len > pages)
		len = pages - first;
	if (look)
		get(words);
	for (uint64_t i = 0; i < all; i++) {
		named[i] = how == 0   ? words[i]
			   : how == 1 ? words[i] & rng_next(&rng)
			   : how == 2 ? rng_next(&rng)
				      : UINT64_MAX;
		named[i] &= valid(i);
	}
	if (look)
		want = count(words, named, first, len);
	kvm_guest_clear(&kvm, first, len, named + w);
	for (int i = 0; i < LOGS; i++) {
		bool whole = how == 3 && rng_percent(&rng, 50);

		if (pager_dirty_clear(logs[i], first, len,
				      whole ? NULL : named + w, &cleared)
			.err)
			test_die("log %d: a clear is refused", i);
		if (look && cleared != want)
			test_die("log %d: cleared %" PRIu64 ", not %" PRIu64, i,
				 cleared, want);
	}
	clears++;
	check_cpus();
	if (rng_percent(&rng, 50)) {
		memset(words, 0, sizeof(words));
		kvm_guest_get(&kvm, words);
		compare(words, "a clear");
	}
}

/* --- logs, machines ------------------------------------------------------- */

/* NULL, or why this KVM cannot. */
static const char *start_logs(void)
{
	const char *why = kvm_guest_log(&kvm, flags);

	if (why)
		return why;
	for (int i = 0; i < LOGS; i++) {
		struct pager_status st =
		    pager_dirty_start(space[kinds[i].space], world.account,
				      pager_range(START, START + pages),
				      kinds[i].method, flags, &logs[i]);

		if (st.err == PAGER_ENOSYS)
			return "this core has no dirty logs";
		if (st.err)
			test_die("log %d: error %u, argument %u", i, st.err,
				 st.arg);
	}
	return NULL;
}

static void stop_logs(void)
{
	kvm_guest_unlog(&kvm);
	for (int i = 0; i < LOGS; i++)
		pager_dirty_stop(logs[i]);
}

static const char *session(uint64_t steps)
{
	static const uint32_t all[] = {
	    0, PAGER_DIRTY_MANUAL, PAGER_DIRTY_MANUAL | PAGER_DIRTY_ALL_SET};
	uint64_t words[WORDS];
	const char *why;

	flags = all[rng_below(&rng, 3)];
	why = start_logs();
	if (why)
		return why;
	for (uint64_t i = 0; i < steps; i++) {
		if (rng_percent(&rng, 15))
			load_some();
		else if (rng_percent(&rng, 60))
			store_some();
		else if (!(flags & PAGER_DIRTY_MANUAL) || rng_percent(&rng, 30))
			get(words);
		else
			clear();
	}
	get(words);
	stop_logs();
	return NULL;
}

static void start_world(void)
{
	struct pager_map_args map = {
	    .addr = START - 3,
	    .pages = PAGES + 9,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = PAGER_MAP_FIXED,
	};
	uint64_t at;

	test_world_init(&world,
			&(struct test_world_config){.frames = 16 * 1024});
	for (int i = 0; i < SPACES; i++) {
		space[i] = test_world_space(&world, 0, PAGER_VPN_HALF);
		if (pager_space_map(space[i], &map, &at).err)
			test_die("no region");
	}
}

static const char *run(uint64_t seed, uint64_t steps)
{
	static const uint64_t sizes[] = {64, 100, 511, 1025, PAGES};
	const char *why;

	rng = rng_new(seed);
	pages = sizes[rng_below(&rng, sizeof(sizes) / sizeof(sizes[0]))];
	if (rng_percent(&rng, 50))
		pages = 1 + rng_below(&rng, PAGES);
	why = kvm_guest_start(&kvm, pages, 0);
	if (why)
		return why;
	start_world();
	for (int i = 0; i < 3 && !why; i++) {
		why = session(steps);
		for (uint64_t n = rng_below(&rng, 4); n && !why; n--)
			store_some();
	}
	for (int i = 0; i < SPACES; i++)
		pager_space_free(space[i]);
	test_world_fini(&world);
	kvm_guest_stop(&kvm);
	return why;
}

static void on_abort(int sig)
{
	(void)sig;
	fprintf(stderr, "seed %" PRIu64 "\n", now);
}

int main(void)
{
	uint64_t first = hunt_number("PAGER_SEED", 1);
	uint64_t seeds = hunt_number("PAGER_SEEDS", 0);
	uint64_t steps = hunt_number("PAGER_STEPS", 40);
	time_t end = time(NULL) + SECONDS;
	uint64_t done;

	signal(SIGABRT, on_abort);
	for (done = 0; done < (seeds ? seeds : 24); done++) {
		const char *why;

		if (!seeds && time(NULL) > end)
			break;
		now = first + done;
		why = run(first + done, steps);
		if (why) {
			printf("skipped: %s\n", why);
			return 77;
		}
	}
	printf("%" PRIu64 " machines: %" PRIu64 " stores, %" PRIu64
	       " gets (%" PRIu64 " dirty pages), %" PRIu64
	       " clears, all as KVM has it\n",
	       done, stores, gets, dirty, clears);
	return 0;
}
