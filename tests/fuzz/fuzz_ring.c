/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client and the memory that it shares with the server: a ring that it may
 * scribble on, and bitmaps. Nothing may crash, the recount after every request
 * stays clean, and nothing is lost:
 *
 *  - exact, a log without a ring, has every page that was written since it was
 *    last cleared, whatever happens to the ring of the other log;
 *  - ringed, as long as its reader keeps to the rules (an honest input), tells
 *    every page after the last write to it: entries may be collected late and
 *    in any order, but a page is read only after the reset that took its entry.
 *
 * The input begins with a byte of options: 1 hostile, 2 exact by hardware, 4
 * ringed by hardware, 8 a ring of 128; then comes a row of steps of three
 * bytes: what, and two arguments.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/dirty_ring.h"
#include "tests/support/serve.h"
#include "tests/support/world.h"

enum { PAGE = 4096, PAGES = 192, WORDS = PAGES / 64, RING_MAX = 128 };
enum { STEPS = 200 };

#define BASE UINT64_C(0x10000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct srv_client *client;
static uint64_t space, exact, ringed;
static int ring_fd, bitmap, odd[4];
static struct dring_entry *ring;
static uint8_t options;
static bool data_there[PAGES]; /* it was written since it was mapped */
static bool written[PAGES];    /* since exact was cleared */
static bool due[PAGES];	       /* since ringed told it */
static uint64_t tail;	       /* of the ring: reset, ever */

enum { HOSTILE = 1, EXACT_HW = 2, RING_HW = 4, LARGE = 8 };

static unsigned int ask(enum pager_opcode op, const void *body, size_t len)
{
	return serve_ask(client, op, body, len);
}

static void ask_ok(enum pager_opcode op, const void *body, size_t len)
{
	const unsigned int error = ask(op, body, len);

	if (error)
		test_die("operation %u: %s", op, pager_error_name(error));
}
#define ASK(op, body)	 ask(op, &(body), sizeof(body))
#define ASK_OK(op, body) ask_ok(op, &(body), sizeof(body))

/* --- both logs --------------------------------------------------------------
 */

static uint64_t log_start(bool hardware, uint64_t pages)
{
	const struct pager_req_dirty_start body = {
	    .space = space,
	    .addr = BASE,
	    .len = pages * PAGE,
	    .method =
		hardware ? PAGER_DIRTY_HARDWARE : PAGER_DIRTY_WRITE_PROTECT};

	ASK_OK(PAGER_OP_DIRTY_START, body);
	return serve_answer.body.handle.handle;
}

static uint32_t entries(void)
{
	return options & LARGE ? 128 : 64;
}

/* ringed anew, with its ring. All that was due for it is forgotten. */
static void ring_start(void)
{
	struct pager_req_dirty_ring body = {.entries = entries()};

	body.log = ringed = log_start(options & RING_HW, PAGES - 64);
	serve_fd = ring_fd;
	ASK_OK(PAGER_OP_DIRTY_RING, body);
	serve_fd = -1;
	memset(due, 0, sizeof(due));
	tail = 0;
}

static void ring_stop(void)
{
	const struct pager_req_handle body = {ringed};

	ASK_OK(PAGER_OP_DIRTY_STOP, body);
}

static void changed(uint64_t page)
{
	written[page] = true;
	due[page] = true;
}

/* --- the reader -------------------------------------------------------------
 */

static struct pager_rep_dirty_info ring_info(void)
{
	const struct pager_req_handle body = {ringed};

	ASK_OK(PAGER_OP_DIRTY_INFO, body);
	if (serve_answer.body.dirty_info.ring_used > entries())
		test_die("more in the ring than it has entries");
	return serve_answer.body.dirty_info;
}

/* Give back n entries from the i-th in the ring on. */
static void collect(uint64_t i, uint64_t n)
{
	for (; n--; i++) {
		struct dring_entry *e = ring + (tail + i) % entries();

		if (e->flags != PAGER_RING_DIRTY)
			return;
		if (e->slot || e->offset >= PAGES - 64)
			test_die("the ring tells page %llu",
				 (unsigned long long)e->offset);
		e->flags = PAGER_RING_RESET;
	}
}

static void reset(void)
{
	const struct pager_req_handle body = {ringed};
	struct dring_entry before[RING_MAX];
	uint64_t n;

	memcpy(before, ring, entries() * sizeof(*ring));
	ASK_OK(PAGER_OP_DIRTY_RESET, body);
	n = serve_answer.body.dirty_reset.reset;
	if (n > entries() || serve_answer.body.dirty_reset.used > entries())
		test_die("a reset of %llu", (unsigned long long)n);
	if (options & HOSTILE)
		return;
	for (; n--; tail++) {
		const struct dring_entry *e = before + tail % entries();

		if (e->flags != PAGER_RING_RESET)
			test_die("an entry was reset that is not given back");
		due[e->offset] = false;
	}
}

static void scribble(uint8_t a, uint8_t b)
{
	uint8_t *bytes = (uint8_t *)ring;
	const size_t size = entries() * sizeof(*ring);

	if (b & 1)
		memset(bytes + a * 8u % size, b, 1 + a % 8u);
	else if (b & 2)
		memset(bytes, a, size);
	else
		for (uint32_t i = 0; i < a % entries(); i++)
			ring[(b / 4u + i) % entries()].flags = b / 4u;
}

/* --- steps ------------------------------------------------------------------
 */

/* From the first byte of one page to that of another: as many as it takes
 * until a full ring stops it. */
static void write_pages(uint64_t first, uint64_t pages)
{
	static const uint8_t bytes[15 * PAGE];
	const struct pager_req_write body = {.space = space,
					     .addr = BASE + first * PAGE};
	uint64_t done;

	if (pages > PAGES - first)
		pages = PAGES - first;
	if (serve_ask_data(client, PAGER_OP_WRITE, &body, sizeof(body), bytes,
			   (pages - 1) * PAGE + 1))
		test_die("a write is refused");
	done = serve_answer.body.access.done;
	if (serve_answer.body.access.error) {
		if (serve_answer.body.access.error != PAGER_EDIRTYFULL)
			test_die(
			    "a write is stopped: %s",
			    pager_error_name(serve_answer.body.access.error));
		if (done % PAGE || done / PAGE >= pages)
			test_die("a write is stopped within a page");
		pages = done / PAGE;
	}
	for (uint64_t p = first; p < first + pages; p++) {
		data_there[p] = true;
		changed(p);
	}
}

static void fault_page(uint64_t page)
{
	const struct pager_req_fault body = {.space = space,
					     .addr = BASE + page * PAGE,
					     .access = PAGER_ACCESS_WRITE};

	/* A page that is announced is written. */
	if (ASK(PAGER_OP_FAULT, body) == 0)
		write_pages(page, 1);
}

static void map(uint64_t first, uint64_t pages)
{
	const struct pager_req_map body = {.space = space,
					   .addr = BASE + first * PAGE,
					   .len = pages * PAGE,
					   .prot = PAGER_PROT_READ |
						   PAGER_PROT_WRITE,
					   .flags = PAGER_MAP_FIXED};

	ASK_OK(PAGER_OP_MAP, body);
	for (uint64_t p = first; p < first + pages; p++) {
		if (data_there[p])
			changed(p);
		data_there[p] = false;
	}
}

static void fork_and_forget(void)
{
	const struct pager_req_space parent = {space};
	struct pager_req_space child;

	if (ASK(PAGER_OP_SPACE_FORK, parent))
		return;
	child.space = serve_answer.body.handle.handle;
	ASK_OK(PAGER_OP_SPACE_DESTROY, child);
}

/* Ask for the bitmap, in a file without bits; all that was written is there. */
static void look(bool clear)
{
	const struct pager_req_dirty_get_fd body = {
	    .log = exact,
	    .pages = PAGES,
	    .flags = clear ? PAGER_DIRTY_GET_CLEAR : 0};
	uint64_t words[WORDS], dirty = 0;

	if (fallocate(bitmap, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      PAGE))
		test_die("no hole");
	serve_fd = bitmap;
	ASK_OK(PAGER_OP_DIRTY_GET_FD, body);
	serve_fd = -1;
	if (pread(bitmap, words, sizeof(words), 0) != sizeof(words))
		test_die("no bitmap");
	for (uint64_t p = 0; p < PAGES; p++) {
		if (written[p] && !(words[p / 64] >> p % 64 & 1))
			test_die("page %llu is lost", (unsigned long long)p);
		dirty += words[p / 64] >> p % 64 & 1;
		written[p] &= !clear;
	}
	if (dirty != serve_answer.body.dirty_got.dirty)
		test_die("the answer counts other pages");
}

/* Any request with any descriptor: what is refused clears nothing. */
static void ask_oddly(uint8_t a, uint8_t b)
{
	const struct pager_req_dirty_get_fd get = {
	    .log = exact,
	    .first = a % 4u * 64u,
	    .pages = b % 8u * 32u,
	    .flags = PAGER_DIRTY_GET_CLEAR * (b >> 7),
	    .offset = a / 4u % 8u * 4u - (a >> 7) * UINT64_C(64)};
	const struct pager_req_dirty_ring again = {
	    .log = b & 64 ? ringed : exact, .entries = 1u << b % 32u};

	serve_fd = odd[a % 4];
	if (b & 32) {
		if (ASK(PAGER_OP_DIRTY_RING, again) == 0) {
			/* It got one: then it is another's to read. */
			const struct pager_req_handle stop = {exact};

			ASK_OK(PAGER_OP_DIRTY_STOP, stop);
			exact = log_start(options & EXACT_HW, PAGES);
			memset(written, 0, sizeof(written));
		}
	} else if (ASK(PAGER_OP_DIRTY_GET_FD, get) == 0 && get.flags) {
		for (uint64_t p = get.first; p < get.first + get.pages; p++)
			written[p] = false;
	}
	serve_fd = -1;
}

static void step(uint8_t what, uint8_t a, uint8_t b)
{
	switch (what % 12) {
	case 0:
	case 1:
	case 2:
		write_pages(a % PAGES, 1 + b % 15u);
		break;
	case 3:
		fault_page(a % PAGES);
		break;
	case 4:
		if (options & HOSTILE)
			scribble(a, b);
		else
			collect(0, a);
		break;
	case 5:
		if (options & HOSTILE)
			scribble(a, b);
		else
			collect(a % entries(), b % 8u);
		break;
	case 6:
		reset();
		break;
	case 7:
		look(a & 1);
		break;
	case 8:
		map(a % PAGES, 1 + b % (PAGES - a % PAGES));
		break;
	case 9:
		fork_and_forget();
		break;
	case 10:
		ask_oddly(a, b);
		break;
	case 11:
		if (options & HOSTILE)
			fallocate(ring_fd,
				  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				  PAGE);
		if (a & 1) {
			ring_stop();
			ring_start();
		}
		break;
	}
}

/* --- begin and end ----------------------------------------------------------
 */

static int file(uint64_t bytes, int seals)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) ||
	    fcntl(fd, F_ADD_SEALS, seals))
		test_die("no memory file");
	return fd;
}

static void make_files(void)
{
	const size_t size = RING_MAX * sizeof(*ring);

	ring_fd = file(size, F_SEAL_SHRINK);
	bitmap = file(PAGE, F_SEAL_SHRINK);
	odd[0] = file(20, F_SEAL_SHRINK);
	odd[1] = file(PAGE, F_SEAL_SHRINK | F_SEAL_WRITE);
	odd[2] = file(PAGE, F_SEAL_SHRINK);
	odd[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
	if (ring == MAP_FAILED || odd[3] < 0)
		test_die("no ring");
}

static void begin(void)
{
	const struct pager_req_space_create create = {0};

	if (!ring) {
		make_files();
		serve_start("memory 2M\nnodes 256\n");
	}
	client = serve_join(SERVE_ANN);
	ASK_OK(PAGER_OP_SPACE_CREATE, create);
	space = serve_answer.body.handle.handle;
	memset(data_there, 0, sizeof(data_there));
	memset(written, 0, sizeof(written));
	map(0, PAGES);
	exact = log_start(options & EXACT_HW, PAGES);
	ring_start();
}

/* An honest reader gets all that is due to it. */
static void drain(void)
{
	struct pager_rep_dirty_info info;

	for (int i = 0; i < 2 * PAGES; i++) {
		collect(0, entries());
		reset();
		info = ring_info();
		if (info.ring_used == 0 && info.dirty == 0)
			break;
	}
	for (uint64_t p = 0; p < PAGES - 64; p++)
		if (due[p])
			test_die("page %llu is not told",
				 (unsigned long long)p);
}

static void end(void)
{
	ring_info();
	if (!(options & HOSTILE))
		drain();
	look(true);
	serve_leave(client);
	if (serve_srv.handles || !LIST_EMPTY(&serve_srv.users))
		test_die("something is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	options = size ? data[0] : 0;
	begin();
	for (size_t at = 1; at + 3 <= size && at < 3 * STEPS; at += 3)
		step(data[at], data[at + 1], data[at + 2]);
	end();
	return 0;
}
