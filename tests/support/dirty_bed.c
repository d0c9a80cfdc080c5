/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of dirty logs, in one process with the server.
 */
#include "tests/support/dirty_bed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/unit.h"

struct dlog_bed dlog;

void dlog_start(enum pager_dirty_method method, uint32_t flags)
{
	serve_start(NULL);
	dlog.me = serve_join(SERVE_ANN);
	dlog.space = serve_space(dlog.me);
	serve_map(dlog.me, dlog.space, DLOG_BASE, DLOG_PAGES * DLOG_PAGE, 0, 0);
	dlog.log = dlog_log(0, DLOG_PAGES, method, flags);
}

void dlog_end(void)
{
	serve_fd = -1;
	serve_end();
}

uint64_t dlog_log(uint64_t first, uint64_t pages,
		  enum pager_dirty_method method, uint32_t flags)
{
	const struct pager_req_dirty_start body = {
	    .space = dlog.space,
	    .addr = DLOG_BASE + first * DLOG_PAGE,
	    .len = pages * DLOG_PAGE,
	    .method = (uint32_t)method,
	    .flags = flags,
	};

	serve_ok(dlog.me, PAGER_OP_DIRTY_START, body);
	return serve_answer.body.handle.handle;
}

void dlog_stop(uint64_t log)
{
	const struct pager_req_handle body = {log};

	serve_ok(dlog.me, PAGER_OP_DIRTY_STOP, body);
}

unsigned int dlog_write(uint64_t page)
{
	const struct pager_req_write body = {
	    .space = dlog.space, .addr = DLOG_BASE + page * DLOG_PAGE};
	unsigned int error = serve_ask_data(dlog.me, PAGER_OP_WRITE, &body,
					    sizeof(body), "x", 1);

	return error ? error : serve_answer.body.access.error;
}

unsigned int dlog_fault(uint64_t page)
{
	const struct pager_req_fault body = {
	    .space = dlog.space,
	    .addr = DLOG_BASE + page * DLOG_PAGE,
	    .access = PAGER_ACCESS_WRITE,
	};

	return serve_ask(dlog.me, PAGER_OP_FAULT, &body, sizeof(body));
}

/* --- bitmaps --------------------------------------------------------------
 */

int dlog_file(uint64_t bytes, int seals)
{
	int fd = memfd_create("client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		test_die("no memory file");
	return fd;
}

unsigned int dlog_get(int fd, uint64_t log, uint64_t first, uint64_t pages,
		      uint32_t flags, uint64_t offset)
{
	const struct pager_req_dirty_get_fd body = {.log = log,
						    .first = first,
						    .pages = pages,
						    .flags = flags,
						    .offset = offset};
	unsigned int error;

	serve_fd = fd;
	error = serve_ask(dlog.me, PAGER_OP_DIRTY_GET_FD, &body, sizeof(body));
	serve_fd = -1;
	return error;
}

uint64_t dlog_word(int fd, uint64_t i)
{
	uint64_t word;

	if (pread(fd, &word, sizeof(word), (off_t)(i * sizeof(word))) !=
	    sizeof(word))
		test_die("no word %llu", (unsigned long long)i);
	return word;
}

/* --- rings ----------------------------------------------------------------
 */

void dlog_ring_make(struct dlog_ring *ring, uint32_t entries)
{
	const size_t size = entries * sizeof(*ring->entry);

	*ring = (struct dlog_ring){.entries = entries,
				   .fd = dlog_file(size, F_SEAL_SHRINK)};
	ring->entry =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->entry == MAP_FAILED)
		test_die("a ring cannot be mapped");
}

void dlog_ring_drop(struct dlog_ring *ring)
{
	munmap(ring->entry, ring->entries * sizeof(*ring->entry));
	close(ring->fd);
}

unsigned int dlog_ring_attach(const struct dlog_ring *ring, uint64_t log)
{
	const struct pager_req_dirty_ring body = {.log = log,
						  .entries = ring->entries};
	unsigned int error;

	serve_fd = ring->fd;
	error = serve_ask(dlog.me, PAGER_OP_DIRTY_RING, &body, sizeof(body));
	serve_fd = -1;
	return error;
}

uint32_t dlog_ring_collect(struct dlog_ring *ring, uint32_t max,
			   void (*told)(uint64_t page))
{
	uint32_t n;

	for (n = 0; n < max; n++, ring->fetch++) {
		struct dring_entry *e =
		    ring->entry + (ring->fetch & (ring->entries - 1));

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) !=
		    PAGER_RING_DIRTY)
			break;
		if (told)
			told(e->offset);
		__atomic_store_n(&e->flags, PAGER_RING_RESET, __ATOMIC_RELEASE);
	}
	return n;
}

uint64_t dlog_ring_reset(uint64_t log)
{
	const struct pager_req_handle body = {log};

	serve_ok(dlog.me, PAGER_OP_DIRTY_RESET, body);
	return serve_answer.body.dirty_reset.reset;
}
