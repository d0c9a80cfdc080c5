/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The blocking functions of operations on dirty logs, and of PEEK and
 * SPACE_PAUSE, which go with them. The list of logs is in lists.c.
 */
#include "lib/client/internal.h"

#include <errno.h>
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

int pager_call_dirty_start(struct pager *pager,
			   const struct pager_req_dirty_start *request,
			   uint64_t *log)
{
	return simple(pager, PAGER_CALL_DIRTY_START, request, sizeof(*request),
		      log, sizeof(*log));
}

int pager_call_dirty_stop(struct pager *pager, uint64_t log)
{
	struct pager_req_handle r = {.handle = log};

	return simple(pager, PAGER_CALL_DIRTY_STOP, &r, sizeof(r), NULL, 0);
}

/* An answer that leads somewhere: its words lie in the stretch, and the next
 * one begins behind them. */
static bool got_makes_sense(const struct pager_rep_dirty_got *got,
			    uint64_t first, uint64_t pages)
{
	uint64_t end = first + pages;

	if (got->next > end || (got->next <= first && pages > 0))
		return false;
	if (got->pages == 0)
		return true;
	return got->first % 64 == 0 && got->first >= first &&
	       got->first < end && got->pages <= end - got->first &&
	       got->next >= got->first;
}

int pager_call_dirty_get(struct pager *pager, uint64_t log, uint64_t first,
			 uint64_t pages, uint32_t flags, uint64_t *words,
			 size_t n, struct pager_rep_dirty_got *out)
{
	struct pager_req_dirty_get r = {
	    .log = log, .first = first, .pages = pages, .flags = flags};
	struct pager_rep_dirty_got got;
	struct pager_reply reply;
	size_t count;
	int ret;

	if (n == 0 || (flags & PAGER_DIRTY_GET_CLEAR && n < PAGER_MSG_MAX / 8))
		return client_misuse(pager, EINVAL, "room for a bitmap");
	ret = pager_call(pager, PAGER_CALL_DIRTY_GET, &r, sizeof(r), NULL, 0,
			 &reply);
	if (ret < 0)
		return ret;
	memcpy(&got, reply.body, sizeof(got));
	count = (size_t)((got.pages + 63) / 64);
	if (got.pages > PAGER_MSG_MAX * 8 || count * 8 != reply.data_len ||
	    !got_makes_sense(&got, first, pages))
		return client_broken(pager, "a bitmap that makes no sense");
	if (count > n) {
		count = n;
		got.pages = (uint64_t)n * 64;
		got.next = got.first + got.pages;
		got.dirty = 0;
		for (size_t i = 0; i < n; i++) {
			uint64_t word;

			memcpy(&word, (const uint8_t *)reply.data + i * 8, 8);
			got.dirty += (unsigned int)__builtin_popcountll(word);
		}
	}
	if (count > 0)
		memcpy(words, reply.data, count * 8);
	if (out)
		*out = got;
	return 0;
}

int pager_call_dirty_get_fd(struct pager *pager,
			    const struct pager_req_dirty_get_fd *request,
			    int memfd, struct pager_rep_dirty_got *out)
{
	struct pager_rep_dirty_got got;
	struct pager_reply reply;
	int ret = client_call_fd(pager, PAGER_CALL_DIRTY_GET_FD, request,
				 sizeof(*request), memfd, &reply);

	if (ret < 0)
		return ret;
	memcpy(&got, reply.body, sizeof(got));
	if (!got_makes_sense(&got, request->first, request->pages))
		return client_broken(pager, "a bitmap that makes no sense");
	if (out)
		*out = got;
	return 0;
}

int pager_call_dirty_clear(struct pager *pager, uint64_t log, uint64_t first,
			   uint64_t pages, const uint64_t *words,
			   uint64_t *cleared)
{
	struct pager_req_dirty_clear r = {
	    .log = log, .first = first, .pages = pages};
	struct pager_reply reply;
	size_t len = words ? (size_t)((pages + 63) / 64 * 8) : 0;
	int ret = pager_call(pager, PAGER_CALL_DIRTY_CLEAR, &r, sizeof(r),
			     words, len, &reply);

	if (ret == 0 && cleared)
		memcpy(cleared, reply.body, sizeof(*cleared));
	return ret;
}

int pager_call_dirty_writeback(struct pager *pager, uint64_t log,
			       uint64_t first, uint64_t pages, uint32_t step,
			       uint64_t *count)
{
	struct pager_req_dirty_writeback r = {
	    .log = log, .first = first, .pages = pages, .step = step};

	return simple(pager, PAGER_CALL_DIRTY_WRITEBACK, &r, sizeof(r), count,
		      sizeof(*count));
}

int pager_call_dirty_ring(struct pager *pager, uint64_t log, uint32_t entries,
			  int memfd)
{
	struct pager_req_dirty_ring r = {.log = log, .entries = entries};

	return client_call_fd(pager, PAGER_CALL_DIRTY_RING, &r, sizeof(r),
			      memfd, NULL);
}

int pager_call_dirty_reset(struct pager *pager, uint64_t log,
			   struct pager_rep_dirty_reset *out)
{
	struct pager_req_handle r = {.handle = log};

	return simple(pager, PAGER_CALL_DIRTY_RESET, &r, sizeof(r), out,
		      sizeof(*out));
}

int pager_call_dirty_info(struct pager *pager, uint64_t log,
			  struct pager_rep_dirty_info *out)
{
	struct pager_req_handle r = {.handle = log};

	return simple(pager, PAGER_CALL_DIRTY_INFO, &r, sizeof(r), out,
		      sizeof(*out));
}

int pager_call_space_pause(struct pager *pager, uint64_t space, uint32_t max_ms)
{
	struct pager_req_space_pause r = {.space = space, .max_ms = max_ms};

	return simple(pager, PAGER_CALL_SPACE_PAUSE, &r, sizeof(r), NULL, 0);
}

int pager_call_peek(struct pager *pager, uint64_t space, uint64_t addr,
		    uint64_t len, uint32_t what, void *buf, size_t size,
		    struct pager_rep_peek *out)
{
	struct pager_req_peek r = {
	    .space = space, .addr = addr, .len = len, .what = what};
	struct pager_rep_peek got;
	struct pager_reply reply;
	int ret;

	if (size < PAGER_PAGE_SIZE)
		return client_misuse(pager, EINVAL, "room for a page");
	ret =
	    pager_call(pager, PAGER_CALL_PEEK, &r, sizeof(r), NULL, 0, &reply);
	if (ret < 0)
		return ret;
	memcpy(&got, reply.body, sizeof(got));
	if (got.len != reply.data_len || got.len % PAGER_PAGE_SIZE != 0)
		return client_broken(pager, "a peek that makes no sense");
	if (got.len > size) {
		got.len = size - size % PAGER_PAGE_SIZE;
		got.next = got.addr + got.len;
	}
	if (got.len > 0)
		memcpy(buf, reply.data, got.len);
	if (out)
		*out = got;
	return 0;
}
