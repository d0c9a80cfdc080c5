/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The corpus of fuzz_session: every operation of the table stands in it, in a
 * request that was carried out when it was written.
 *
 *	test_corpus --write FOLDER
 *
 * writes it anew: what the clients of requests.h have sent to make their bed,
 * and behind that all requests of one kind, in a file for each kind; and by
 *hand what is no request.
 */
#include <check.h>
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/requests.h"
#include "tests/support/session_script.h"
#include "tests/support/unit.h"

enum { FILE_MAX = 1 << 20 };

/* --- writing ----------------------------------------------------------------
 */

static FILE *out;
static const struct srv_client *seen[SESSION_CLIENTS];
static unsigned int seen_count;

static void step(enum session_what what, unsigned int who,
		 unsigned int argument, const void *bytes, size_t len)
{
	const uint8_t head[SESSION_HEAD] = {(uint8_t)(what | who << 4),
					    (uint8_t)argument, (uint8_t)len,
					    (uint8_t)(len >> 8)};

	if (fwrite(head, sizeof(head), 1, out) != 1 ||
	    (len && fwrite(bytes, len, 1, out) != 1))
		err(1, "writing");
}

/* Which user SESSION_JOIN is to make. */
static unsigned int user_of(const struct srv_client *client)
{
	if (client->user->uid == SERVE_ANN)
		return 0;
	return client->user->uid == SERVE_BEN ? 1 : 2;
}

/* Each packet that goes to the server, by whom, comes by here. */
static void write_packet(const struct srv_client *client, const void *packet,
			 size_t len)
{
	uint8_t copy[PAGER_MSG_MAX];
	struct pager_hdr hdr;
	unsigned int who = 0;

	while (who < seen_count && seen[who] != client)
		who++;
	if (who == SESSION_CLIENTS)
		errx(1, "too many clients");
	if (who == seen_count) {
		seen[seen_count++] = client;
		step(SESSION_JOIN, who, user_of(client), NULL, 0);
	}
	memcpy(&hdr, packet, sizeof(hdr));
	memcpy(copy, packet, len);
	/* Tokens are others each time. */
	if (hdr.op == PAGER_OP_TAKE)
		memset(copy + PAGER_HDR_SIZE, 0xff, PAGER_TOKEN_SIZE);
	step(SESSION_REQUEST, who, hdr.nfds, copy, len);
	step(SESSION_READ, who, 1, NULL, 0);
}

static void open_file(const char *where, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", where, name);
	out = fopen(path, "we");
	if (!out)
		err(1, "%s", path);
}

static void close_file(void)
{
	if (fclose(out))
		err(1, "writing");
}

/* All requests of the operations from first to last, one after the other. */
static void write_requests(const char *where, const char *name,
			   unsigned int first, unsigned int last)
{
	struct request r;

	open_file(where, name);
	seen_count = 0;
	serve_tap = write_packet;
	bed_start(NULL);
	for (unsigned int i = 0; i < REQUEST_COUNT; i++) {
		request_get(i, &r);
		if (r.op->number >= first && r.op->number <= last)
			request_send(&r);
	}
	serve_tap = NULL;
	bed_end();
	close_file();
}

static void hello(unsigned int who, unsigned int user)
{
	const struct pager_req_hello body = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					     0, PAGER_FEATURES};
	uint8_t packet[64];
	size_t len = pager_request_encode(packet, sizeof(packet),
					  pager_op_find(PAGER_OP_HELLO), 1,
					  &body, sizeof(body), NULL, 0);

	step(SESSION_JOIN, who, user, NULL, 0);
	step(SESSION_REQUEST, who, 0, packet, len);
}

/* What is no request: broken packets, descriptors, ends of all kinds, replies
 * that nobody reads. */
static void write_others(const char *where)
{
	struct pager_hdr hdr = {.length = PAGER_HDR_SIZE, .op = PAGER_OP_STATS};
	struct pager_hdr bent;

	open_file(where, "broken");
	for (unsigned int who = 0; who < SESSION_CLIENTS; who++) {
		hello(who, who);
		bent = hdr;
		bent.length += who == 0;
		bent.flags = who == 1;
		bent.data_len = who == 2;
		bent.nfds = who == 3;
		bent.op = who == 4 ? 999 : hdr.op;
		step(SESSION_RAW, who, 0, &bent,
		     sizeof(bent) - (who == 5 ? 1 : 0));
		step(SESSION_READ, who, 2, NULL, 0);
	}
	close_file();
	open_file(where, "descriptors");
	for (unsigned int who = 0; who < 4; who++) {
		hello(who, 0);
		bent = hdr;
		bent.op = 999;
		bent.nfds = (uint16_t)(1 + who * 3);
		step(SESSION_RAW, who, bent.nfds, &bent, sizeof(bent));
		step(SESSION_RAW, who, 0, &hdr, sizeof(hdr));
		step(SESSION_READ, who, 3, NULL, 0);
	}
	close_file();
	open_file(where, "ends");
	for (unsigned int who = 0; who < SESSION_CLIENTS; who++) {
		hello(who, SESSION_ACCEPT);
		step(SESSION_RAW, who, 0, &hdr, sizeof(hdr));
		if (who < 3)
			step(SESSION_SHUT, who, who, NULL, 0);
		if (who == 3)
			step(SESSION_RAW, who, 0, &hdr, 0);
		if (who == 4)
			step(SESSION_LEAVE, who, 0, NULL, 0);
		step(SESSION_TURN, 0, 0, NULL, 0);
	}
	close_file();
	open_file(where, "unread");
	hdr.op = PAGER_OP_BACKENDS;
	for (unsigned int who = 0; who < 3; who++)
		hello(who, 0);
	for (unsigned int i = 0; i < 100; i++) {
		step(SESSION_RAW, i % 3, 0, &hdr, sizeof(hdr));
		if (i % 8 == 7)
			step(SESSION_TURN, 0, 0, NULL, 0);
	}
	step(SESSION_READ, 1, 5, NULL, 0);
	step(SESSION_LEAVE, 0, 0, NULL, 0);
	close_file();
}

static const char *folder;

START_TEST(writing)
{
	write_requests(folder, "server", PAGER_OP_PING, PAGER_OP_SESSION_LIST);
	write_requests(folder, "spaces", PAGER_OP_SPACE_CREATE,
		       PAGER_OP_SPACE_PAUSE);
	write_requests(folder, "maps", PAGER_OP_MAP, PAGER_OP_PROTECT);
	write_requests(folder, "moves", PAGER_OP_REMAP, PAGER_OP_BRK);
	write_requests(folder, "advice", PAGER_OP_ADVISE, PAGER_OP_PAGE);
	write_requests(folder, "pages", PAGER_OP_FAULT, PAGER_OP_HARVEST);
	write_requests(folder, "peeks", PAGER_OP_PEEK, PAGER_OP_PEEK);
	write_requests(folder, "objects", PAGER_OP_OBJECT_CREATE,
		       PAGER_OP_OBJECT_CLOSE);
	write_requests(folder, "gifts", PAGER_OP_GIVE, PAGER_OP_TAKE);
	write_requests(folder, "pools", PAGER_OP_POOL_LIST, PAGER_OP_POOL_GROW);
	write_requests(folder, "dirty", PAGER_OP_DIRTY_START,
		       PAGER_OP_DIRTY_LIST);
	write_others(folder);
}
END_TEST

/* --- the test ---------------------------------------------------------------
 */

static void note_ops(const char *path, bool found[PAGER_OP_END])
{
	static uint8_t buf[FILE_MAX];
	struct session_step s;
	const uint8_t *data = buf;
	struct pager_hdr hdr;
	FILE *file = fopen(path, "re");
	size_t size;

	ck_assert_msg(file != NULL, "%s", path);
	size = fread(buf, 1, sizeof(buf), file);
	fclose(file);
	while (session_next(&data, &size, &s)) {
		if (s.what != SESSION_REQUEST || s.len < sizeof(hdr))
			continue;
		memcpy(&hdr, s.bytes, sizeof(hdr));
		if (hdr.op < PAGER_OP_END)
			found[hdr.op] = true;
	}
}

START_TEST(every_operation_is_in_the_corpus)
{
	const char *root = getenv("PAGER_SRC");
	bool found[PAGER_OP_END] = {false};
	const struct pager_op *op = NULL;
	char corpus[2048], path[4096];
	struct dirent *entry;
	DIR *dir;

	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/session",
		 root ? root : ".");
	dir = opendir(corpus);
	ck_assert_msg(dir != NULL, "%s", corpus);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", corpus, entry->d_name);
		note_ops(path, found);
	}
	closedir(dir);
	while ((op = pager_op_next(op)))
		ck_assert_msg(found[op->number], "%s is not in the corpus",
			      op->name);
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *tests[] = {every_operation_is_in_the_corpus};
	const TTest *write[] = {writing};

	if (argc == 3 && strcmp(argv[1], "--write") == 0) {
		folder = argv[2];
		return UNIT_RUN("corpus", write);
	}
	return UNIT_RUN("corpus", tests);
}
