/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libpager makes of a daemon's replies. The input is a row of replies,
 * each after two bytes: its length in units of 8, and how much of its header
 * is put right (bit 0 length and flags, bit 1 sequence number, bit 2
 * operation). They lie in the socket before the calls are made; when they run
 * out, the daemon is gone.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pager/pager.h>

#define SYNC (UINT64_C(1) << 63)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The calls after HELLO, in the order calls() makes them. */
static const struct {
	uint64_t seq;
	uint16_t op;
} script[] = {
    {SYNC + 1, PAGER_CALL_CHECK},	{SYNC + 2, PAGER_CALL_SPACE_INFO},
    {SYNC + 3, PAGER_CALL_READ},	{SYNC + 4, PAGER_CALL_REGION_LIST},
    {SYNC + 5, PAGER_CALL_REGION_LIST}, {1, PAGER_CALL_BATCH},
};

#define CALLS (sizeof(script) / sizeof(script[0]))

static void post_hello(int fd)
{
	struct {
		struct pager_hdr hdr;
		struct pager_rep_hello body;
	} m = {
	    .hdr = {.length = sizeof(m),
		    .op = PAGER_CALL_HELLO,
		    .flags = PAGER_HDR_REPLY,
		    .seq = SYNC},
	    .body = {.major = PAGER_VERSION_MAJOR,
		     .max_message = PAGER_MSG_MAX,
		     .page_size = PAGER_PAGE_SIZE},
	};

	assert(send(fd, &m, sizeof(m), 0) == sizeof(m));
}

static void post_replies(int fd, const uint8_t *data, size_t size)
{
	static uint8_t m[256 * 8];

	for (size_t i = 0; i < CALLS && size >= 2; i++) {
		size_t len = data[0] * 8u;
		uint8_t right = data[1];
		struct pager_hdr hdr;

		data += 2;
		size -= 2;
		memset(m, 0, sizeof(m));
		memcpy(m, data, len < size ? len : size);
		data += len < size ? len : size;
		size -= len < size ? len : size;
		memcpy(&hdr, m, sizeof(hdr));
		if (right & 1) {
			hdr.length = (uint32_t)len;
			hdr.flags = PAGER_HDR_REPLY;
			hdr.reserved = hdr.nfds = 0;
		}
		if (right & 2)
			hdr.seq = script[i].seq;
		if (right & 4)
			hdr.op = script[i].op;
		memcpy(m, &hdr, sizeof(hdr));
		assert(send(fd, m, len, 0) == (ssize_t)len);
	}
}

static void calls(struct pager *pager)
{
	static uint8_t buf[256];
	struct pager_rep_check check;
	struct pager_rep_space_info info;
	struct pager_rep_access access;
	struct pager_row_region row;
	struct pager_list *list = pager_list_regions(pager, 1, 0);
	struct pager_batch *batch = pager_batch_new(pager, 0);
	struct pager_reply reply;
	volatile uint8_t sum = 0;
	char why[16];

	if (pager_call_check(pager, &check, why, sizeof(why)) == 0)
		assert(memchr(why, '\0', sizeof(why)));
	if (pager_call_space_info(pager, 1, &info) == 0)
		assert(memchr(info.name, '\0', sizeof(info.name)));
	pager_call_read(pager, 1, 0, 0, buf, sizeof(buf), &access);
	assert(access.done <= sizeof(buf));
	for (int i = 0; i < 100; i++)
		if (pager_list_next(list, &row, sizeof(row)) <= 0)
			break;
	pager_batch_add(batch, PAGER_CALL_PING, NULL, 0, NULL, 0);
	pager_batch_add(batch, PAGER_CALL_READ, NULL, 0, NULL, 0);
	if (pager_batch_run(batch) == 0) {
		for (unsigned int i = 0; i < 2; i++) {
			pager_batch_reply(batch, i, &reply);
			assert(reply.data_len <= PAGER_MSG_MAX);
			for (size_t k = 0; k < reply.data_len; k++)
				sum =
				    (uint8_t)(sum +
					      ((const uint8_t *)reply.data)[k]);
		}
	}
	assert(strlen(pager_errstr(pager)) < 256);
	pager_batch_free(batch);
	pager_list_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pager *pager;
	int fds[2];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	post_hello(fds[0]);
	post_replies(fds[0], data, size);
	shutdown(fds[0], SHUT_WR);
	pager = pager_connect_fd(fds[1]);
	assert(pager);
	calls(pager);
	pager_close(pager);
	close(fds[0]);
	return 0;
}
