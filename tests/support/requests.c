/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bed and its requests. They are written down by name when the bed is
 * made, since they have its handles in them.
 */
#include "tests/support/requests.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

enum { PAGE = PAGER_PAGE_SIZE, RW = 3 };

struct bed bed;

static struct request all[REQUEST_COUNT];
static unsigned int count;

/* --- the bed ---------------------------------------------------------------
 */

static void map(uint64_t addr, uint64_t pages, uint32_t flags, uint64_t object)
{
	serve_map(bed.me, bed.space, addr, pages * PAGE, flags, object);
}

static void touch(uint64_t space, uint64_t addr, uint32_t access)
{
	struct pager_req_fault in = {
	    .space = space, .addr = addr, .access = access};

	serve_ok(bed.me, PAGER_OP_FAULT, in);
}

static void fill_space(void)
{
	struct pager_req_range pin = {
	    .space = bed.space, .addr = BED_PINNED, .len = 4 * PAGE};
	struct pager_req_brk brk = {
	    .space = bed.space, .brk = BED_HEAP, .flags = PAGER_BRK_START};

	map(BED_ANON, 16, 0, 0);
	map(BED_PINNED, 4, 0, 0);
	map(BED_SHARED, 8, PAGER_MAP_SHARED, 0);
	map(BED_VIEW, 8, 0, bed.object);
	serve_ok(bed.me, PAGER_OP_PIN, pin);
	serve_ok(bed.me, PAGER_OP_BRK, brk);
	brk = (struct pager_req_brk){.space = bed.space,
				     .brk = BED_HEAP + 3 * PAGE};
	serve_ok(bed.me, PAGER_OP_BRK, brk);
	for (unsigned int i = 0; i < 4; i++)
		touch(bed.space, BED_ANON + i * PAGE, PAGER_ACCESS_WRITE);
	touch(bed.space, BED_SHARED, PAGER_ACCESS_WRITE);
	touch(bed.space, BED_HEAP, PAGER_ACCESS_READ);
	touch(bed.space, BED_VIEW, PAGER_ACCESS_READ);
	touch(bed.space, BED_VIEW + PAGE, PAGER_ACCESS_WRITE);
}

static void give(struct srv_client *client, uint64_t handle, uint8_t *token)
{
	serve_ok(client, PAGER_OP_GIVE, handle);
	memcpy(token, serve_answer.body.token.token, PAGER_TOKEN_SIZE);
}

static void make_strangers(void)
{
	bed.twins_space = serve_space(bed.twin);
	bed.twins_object = serve_object(bed.twin, 16, "");
	bed.others_space = serve_space(bed.other);
	bed.others_object = serve_object(bed.other, 16, "thing");
	give(bed.other, bed.others_object, bed.token);
	give(bed.other, serve_object(bed.other, 16, ""), bed.used_token);
	serve_ok(bed.twin, PAGER_OP_TAKE, bed.used_token);
}

static uint64_t start_log(struct srv_client *client, uint64_t space,
			  uint64_t pages, uint32_t method, uint32_t flags)
{
	struct pager_req_dirty_start in = {.space = space,
					   .addr = pages ? BED_ANON : 0,
					   .len = pages * PAGE,
					   .method = method,
					   .flags = flags};

	serve_ok(client, PAGER_OP_DIRTY_START, in);
	return serve_answer.body.handle.handle;
}

static void make_logs(void)
{
	static const unsigned int written[] = {0, 70, BED_LOG_PAGES - 1};
	struct pager_req_dirty_ring ring = {.entries = PAGER_RING_MIN};
	uint64_t gone = serve_space(bed.me);

	bed.logged = serve_space(bed.me);
	serve_map(bed.me, bed.logged, BED_ANON, BED_LOG_PAGES * PAGE, 0, 0);
	bed.log = start_log(bed.me, bed.logged, BED_LOG_PAGES, 0, 0);
	bed.manual = start_log(bed.me, bed.logged, 0, PAGER_DIRTY_WRITE_PROTECT,
			       PAGER_DIRTY_MANUAL);
	bed.ringed = start_log(bed.me, bed.logged, 64, 0, 0);
	bed.dead_log = start_log(bed.me, bed.logged, 2, 0, 0);
	serve_ok(bed.me, PAGER_OP_DIRTY_STOP, bed.dead_log);
	ring.log = bed.ringed;
	serve_ok(bed.me, PAGER_OP_DIRTY_RING, ring);
	for (unsigned int i = 0; i < 3; i++)
		touch(bed.logged, BED_ANON + written[i] * PAGE,
		      PAGER_ACCESS_WRITE);
	bed.orphan = start_log(bed.me, gone, 64, 0, PAGER_DIRTY_ALL_SET);
	serve_ok(bed.me, PAGER_OP_SPACE_DESTROY, gone);
	bed.twins_log = start_log(bed.twin, bed.twins_space, 64, 0, 0);
}

/* --- the requests ----------------------------------------------------------
 */

static struct request *add(const char *name, unsigned int op, const void *body,
			   size_t len)
{
	struct request *r = all + count;

	if (count++ == REQUEST_COUNT)
		test_die("there are more than REQUEST_COUNT requests");
	memset(r, 0, sizeof(*r));
	r->name = name;
	r->client = bed.me;
	r->op = pager_op_find(op);
	if (len > r->op->request->size)
		test_die("%s: a body that is too long", name);
	if (len)
		memcpy(&r->body, body, len);
	return r;
}

#define ADD(name, NUMBER, type, ...)                                          \
	add(name, PAGER_OP_##NUMBER, &(struct pager_req_##type){__VA_ARGS__}, \
	    sizeof(struct pager_req_##type))

#define IN_SPACE .space = bed.space

static struct request *as_admin(struct request *r)
{
	r->client = bed.admin;
	return r;
}

static void add_server(void)
{
	ADD("hello", HELLO, hello, .magic = PAGER_MAGIC,
	    .major = PAGER_VERSION_MAJOR, .minor = PAGER_VERSION_MINOR,
	    .features = PAGER_FEATURES)
	    ->client = bed.fresh;
	ADD("ping", PING, ping, .cookie = 42);
	add("stats", PAGER_OP_STATS, NULL, 0);
	add("check", PAGER_OP_CHECK, NULL, 0)->client = bed.admin;
	add("backends", PAGER_OP_BACKENDS, NULL, 0);
	ADD("user_info", USER_INFO, user, .uid = UINT32_MAX);
	add("session_list", PAGER_OP_SESSION_LIST, NULL, 0)->client = bed.admin;
}

static void add_spaces(void)
{
	ADD("space_create", SPACE_CREATE, space_create, .name = "new");
	ADD("space_create range", SPACE_CREATE, space_create, .start = 0x100000,
	    .end = 0x200000, .max_regions = 4, .max_bytes = 1);
	ADD("space_fork", SPACE_FORK, space, IN_SPACE);
	ADD("space_clear", SPACE_CLEAR, space, IN_SPACE);
	ADD("space_destroy", SPACE_DESTROY, space, IN_SPACE);
	add("space_list", PAGER_OP_SPACE_LIST, NULL, 0);
	ADD("space_info", SPACE_INFO, space, IN_SPACE);
	ADD("space_sharing", SPACE_SHARING, range, IN_SPACE, .addr = BED_ANON,
	    .len = 16 * PAGE);
	ADD("space_resident", SPACE_RESIDENT, range, IN_SPACE, .addr = BED_ANON,
	    .len = 16 * PAGE);
	ADD("space_policy", SPACE_POLICY, space_policy, IN_SPACE,
	    .around = PAGER_AROUND_64K);
	as_admin(ADD("space_pause", SPACE_PAUSE, space_pause, IN_SPACE,
		     .max_ms = 1000));
}

static void add_maps(void)
{
	ADD("map fixed", MAP, map, IN_SPACE, .addr = BED_ANON + 2 * PAGE,
	    .len = 4 * PAGE, .prot = RW, .flags = PAGER_MAP_FIXED);
	ADD("map hint", MAP, map, IN_SPACE, .addr = BED_HOLE, .len = 4 * PAGE,
	    .prot = RW);
	ADD("map anywhere", MAP, map, IN_SPACE, .len = 1, .prot = 0);
	ADD("map shared", MAP, map, IN_SPACE, .len = 4 * PAGE, .prot = RW,
	    .flags = PAGER_MAP_SHARED | PAGER_MAP_POPULATE);
	ADD("map object", MAP, map, IN_SPACE, .len = 4 * PAGE, .prot = RW,
	    .flags = PAGER_MAP_POPULATE, .object = bed.object, .offset = PAGE);
	ADD("map object shared", MAP, map, IN_SPACE, .addr = BED_VIEW,
	    .len = 4 * PAGE, .prot = RW,
	    .flags = PAGER_MAP_SHARED | PAGER_MAP_FIXED | PAGER_MAP_POPULATE,
	    .object = bed.object);
	ADD("map populate", MAP, map, IN_SPACE, .addr = BED_ANON - PAGE,
	    .len = 4 * PAGE, .prot = RW,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_POPULATE);
	ADD("map stack", MAP, map, IN_SPACE, .addr = BED_HOLE, .len = PAGE,
	    .prot = RW,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE |
		     PAGER_MAP_GROWSDOWN | PAGER_MAP_NORESERVE);
	ADD("map contig", MAP, map, IN_SPACE, .addr = BED_HOLE, .len = PAGE,
	    .prot = RW,
	    .flags =
		PAGER_MAP_CONTIG | PAGER_MAP_ALIGN_64K | PAGER_MAP_BELOW_4G);
	ADD("unmap", UNMAP, range, IN_SPACE, .addr = BED_ANON + PAGE,
	    .len = 2 * PAGE);
	ADD("unmap all", UNMAP, range, IN_SPACE, .addr = BED_ANON,
	    .len = BED_HOLE - BED_ANON);
	ADD("protect", PROTECT, protect, IN_SPACE, .addr = BED_ANON + PAGE,
	    .len = 2 * PAGE, .prot = PAGER_PROT_READ);
	ADD("protect none", PROTECT, protect, IN_SPACE, .addr = BED_VIEW,
	    .len = PAGE);
}

static void add_remaps(void)
{
	ADD("remap", REMAP, remap, IN_SPACE, .addr = BED_ANON, .len = 16 * PAGE,
	    .new_len = 20 * PAGE, .flags = PAGER_REMAP_MAYMOVE);
	ADD("remap shrink", REMAP, remap, IN_SPACE, .addr = BED_ANON,
	    .len = 16 * PAGE, .new_len = PAGE);
	ADD("remap fixed", REMAP, remap, IN_SPACE, .addr = BED_ANON + PAGE,
	    .len = 4 * PAGE, .new_len = 8 * PAGE, .new_addr = BED_SHARED - PAGE,
	    .flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED);
	ADD("remap dontunmap", REMAP, remap, IN_SPACE, .addr = BED_ANON,
	    .len = 2 * PAGE, .new_len = 2 * PAGE,
	    .flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_DONTUNMAP);
	ADD("remap second view", REMAP, remap, IN_SPACE, .addr = BED_SHARED,
	    .len = 0, .new_len = 8 * PAGE, .flags = PAGER_REMAP_MAYMOVE);
	ADD("brk", BRK, brk, IN_SPACE, .brk = BED_HEAP + 5 * PAGE + 7);
	ADD("brk down", BRK, brk, IN_SPACE, .brk = BED_HEAP);
	ADD("brk ask", BRK, brk, IN_SPACE);
	ADD("brk start", BRK, brk, .space = bed.empty, .brk = BED_HEAP + 1,
	    .flags = PAGER_BRK_START);
}

static void add_advice(void)
{
	static const char *const names[] = {NULL,
					    "advise dontneed",
					    "advise willneed",
					    "advise free",
					    "advise dontfork",
					    "advise dofork",
					    "advise wipeonfork",
					    "advise keeponfork"};

	for (uint32_t i = PAGER_ADV_DONTNEED; i <= PAGER_ADV_KEEPONFORK; i++)
		ADD(names[i], ADVISE, advise, IN_SPACE,
		    .addr = BED_ANON + 2 * PAGE, .len = 4 * PAGE, .advice = i);
	ADD("pin", PIN, range, IN_SPACE, .addr = BED_ANON + 2 * PAGE,
	    .len = 4 * PAGE);
	ADD("unpin", UNPIN, range, IN_SPACE, .addr = BED_PINNED + PAGE,
	    .len = PAGE);
	ADD("region_list", REGION_LIST, region_list, IN_SPACE);
	ADD("region_list sharing", REGION_LIST, region_list, IN_SPACE,
	    .cursor = BED_PINNED, .flags = PAGER_LIST_SHARING, .max = 2);
	ADD("region_lookup", REGION_LOOKUP, addr, IN_SPACE,
	    .addr = BED_ANON + 77);
	ADD("page", PAGE, addr, IN_SPACE, .addr = BED_ANON + 77);
}

static void add_pages(void)
{
	struct request *r;

	ADD("fault", FAULT, fault, IN_SPACE, .addr = BED_ANON + 8 * PAGE + 1,
	    .access = PAGER_ACCESS_WRITE);
	ADD("fault copy", FAULT, fault, IN_SPACE, .addr = BED_ANON,
	    .access = PAGER_ACCESS_WRITE);
	ADD("fault object", FAULT, fault, IN_SPACE, .addr = BED_VIEW + 5 * PAGE,
	    .access = PAGER_ACCESS_READ);
	ADD("populate", POPULATE, populate, IN_SPACE, .addr = BED_ANON,
	    .len = 16 * PAGE, .access = PAGER_ACCESS_WRITE);
	ADD("read", READ, read, IN_SPACE, .addr = BED_ANON + PAGE - 5,
	    .len = 300, .cpu = 1);
	r = ADD("write", WRITE, write, IN_SPACE, .addr = BED_ANON + PAGE - 5,
		.cpu = 1);
	r->data_len = 300;
	memset(r->data, 'x', r->data_len);
	ADD("harvest", HARVEST, range, IN_SPACE, .addr = BED_ANON,
	    .len = 16 * PAGE);
	ADD("peek", PEEK, peek, IN_SPACE, .addr = BED_ANON, .len = 16 * PAGE);
}

static void add_objects(void)
{
	struct request *r;

	ADD("object_create", OBJECT_CREATE, object_create, .size = 3 * PAGE);
	ADD("object_create named", OBJECT_CREATE, object_create,
	    .size = UINT64_C(1) << 48, .name = "another");
	ADD("object_open", OBJECT_OPEN, object_open, .name = "thing");
	ADD("object_resize", OBJECT_RESIZE, object_resize, .object = bed.object,
	    .size = 64 * PAGE);
	ADD("object_resize down", OBJECT_RESIZE, object_resize,
	    .object = bed.object, .size = PAGE);
	ADD("object_info", OBJECT_INFO, object, .object = bed.object);
	add("object_list", PAGER_OP_OBJECT_LIST, NULL, 0);
	ADD("object_close", OBJECT_CLOSE, object, .object = bed.object);
	ADD("give", GIVE, handle, .handle = bed.space);
	ADD("give object", GIVE, handle, .handle = bed.object);
	r = add("take", PAGER_OP_TAKE, NULL, 0);
	memcpy(r->body.token.token, bed.token, sizeof(bed.token));
}

static void add_pools(void)
{
	add("pool_list", PAGER_OP_POOL_LIST, NULL, 0);
	ADD("pool_info", POOL_INFO, pool, .pool = 1);
	as_admin(ADD("pool_resize", POOL_RESIZE, pool_size, .pool = 1,
		     .size = 8 * BED_BLOCK));
	as_admin(ADD("pool_resize down", POOL_RESIZE, pool_size, .pool = 1,
		     .size = BED_BLOCK));
	as_admin(ADD("pool_online", POOL_ONLINE, pool_online, .pool = 1,
		     .zone = PAGER_ZONE_MOVABLE,
		     .addr = BED_POOL + 2 * BED_BLOCK));
	as_admin(ADD("pool_offline", POOL_OFFLINE, pool_addr, .pool = 1,
		     .addr = BED_POOL + 3 * BED_BLOCK));
	as_admin(ADD("pool_unplug_all", POOL_UNPLUG_ALL, pool, .pool = 1));
	ADD("pool_blocks", POOL_BLOCKS, pool_cursor, .pool = 1);
	ADD("pool_cells", POOL_CELLS, pool_cursor, .pool = 1,
	    .cursor = BED_POOL + BED_BLOCK);
	as_admin(ADD("pool_holders", POOL_HOLDERS, pool_range, .pool = 0,
		     .addr = PAGE, .len = BED_BLOCK));
	add("pool_events", PAGER_OP_POOL_EVENTS, NULL, 0);
	as_admin(ADD("pool_grow", POOL_GROW, pool_size, .pool = 1,
		     .size = BED_POND));
	as_admin(ADD("pool_grow off", POOL_GROW, pool_size, .pool = 1));
}

#define STRETCH(handle) .log = (handle), .first = 64, .pages = 128

static void add_dirty_gets(void)
{
	ADD("dirty_get", DIRTY_GET, dirty_get, STRETCH(bed.log));
	ADD("dirty_get clear", DIRTY_GET, dirty_get, STRETCH(bed.log),
	    .flags = PAGER_DIRTY_GET_CLEAR);
	ADD("dirty_get manual", DIRTY_GET, dirty_get, .log = bed.manual,
	    .pages = UINT64_C(1) << 34);
	ADD("dirty_get orphan", DIRTY_GET, dirty_get, .log = bed.orphan,
	    .pages = 64, .flags = PAGER_DIRTY_GET_CLEAR);
	ADD("dirty_get_fd", DIRTY_GET_FD, dirty_get_fd, STRETCH(bed.log),
	    .offset = 8, .flags = PAGER_DIRTY_GET_CLEAR);
}

static void add_dirty(void)
{
	struct request *r;

	ADD("dirty_start", DIRTY_START, dirty_start, IN_SPACE, .addr = BED_ANON,
	    .len = 16 * PAGE, .method = PAGER_DIRTY_WRITE_PROTECT,
	    .flags = PAGER_DIRTY_MANUAL);
	ADD("dirty_start all", DIRTY_START, dirty_start, IN_SPACE,
	    .flags = PAGER_DIRTY_ALL_SET);
	ADD("dirty_stop", DIRTY_STOP, handle, .handle = bed.log);
	ADD("dirty_stop ring", DIRTY_STOP, handle, .handle = bed.ringed);
	add_dirty_gets();
	ADD("dirty_clear", DIRTY_CLEAR, dirty_clear, STRETCH(bed.manual));
	r = ADD("dirty_clear words", DIRTY_CLEAR, dirty_clear,
		STRETCH(bed.log));
	r->data_len = 16;
	memset(r->data, 0x5a, r->data_len);
	ADD("dirty_writeback", DIRTY_WRITEBACK, dirty_writeback,
	    STRETCH(bed.log), .step = PAGER_WRITEBACK_BEGIN);
	ADD("dirty_writeback end", DIRTY_WRITEBACK, dirty_writeback,
	    STRETCH(bed.log), .step = PAGER_WRITEBACK_END);
	ADD("dirty_ring", DIRTY_RING, dirty_ring, .log = bed.log,
	    .entries = 1024);
	ADD("dirty_reset", DIRTY_RESET, handle, .handle = bed.ringed);
	ADD("dirty_info", DIRTY_INFO, handle, .handle = bed.ringed);
	ADD("dirty_info orphan", DIRTY_INFO, handle, .handle = bed.orphan);
	add("dirty_list", PAGER_OP_DIRTY_LIST, NULL, 0);
}

/* A batch of other requests, which must be there already. */
static void add_batch(const char *name, uint32_t flags,
		      const char *const *members)
{
	struct request *r = ADD(name, BATCH, batch, .flags = flags, .count = 0);
	struct request member;

	for (; *members; members++) {
		request_find(*members, &member);
		r->data_len =
		    request_put(&member, r->data, r->data_len, sizeof(r->data),
				r->body.batch.count++);
	}
}

static void add_batches(void)
{
	static const char *const some[] = {"ping", "unmap", "space_fork", NULL};
	static const char *const more[] = {"unmap", "fault copy", "brk",
					   "map hint", NULL};

	add_batch("batch", 0, some);
	add_batch("batch atomic", PAGER_BATCH_ATOMIC, more);
}

static void fill_pool(void)
{
	const struct pager_req_pool_addr third = {
	    .pool = 1, .addr = BED_POOL + 2 * BED_BLOCK};

	serve_settle();
	serve_ok(bed.admin, PAGER_OP_POOL_OFFLINE, third);
	serve_settle();
}

void bed_start(const char *config)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "memory-block 2M\n"
		 "pool pond region 32M requested 8M online movable\n%s",
		 config ? config : "");
	serve_start(text);
	bed.admin = serve_join(SERVE_ROOT);
	fill_pool();
	bed.me = serve_join(SERVE_ANN);
	bed.twin = serve_join(SERVE_ANN);
	bed.other = serve_join(SERVE_BEN);
	bed.fresh = serve_connect(SERVE_ANN);
	bed.space = serve_space(bed.me);
	bed.dead_space = serve_space(bed.me);
	bed.dead_object = serve_object(bed.me, 1, "");
	bed.empty = serve_space(bed.me);
	bed.object = serve_object(bed.me, 16, "thing");
	serve_ok(bed.me, PAGER_OP_SPACE_DESTROY, bed.dead_space);
	serve_ok(bed.me, PAGER_OP_OBJECT_CLOSE, bed.dead_object);
	fill_space();
	bed.child = serve_fork(bed.me, bed.space);
	touch(bed.child, BED_ANON + PAGE, PAGER_ACCESS_WRITE);
	make_strangers();
	make_logs();
	count = 0;
	add_server();
	add_spaces();
	add_maps();
	add_remaps();
	add_advice();
	add_pages();
	add_objects();
	add_pools();
	add_dirty();
	add_batches();
	if (count != REQUEST_COUNT)
		test_die("REQUEST_COUNT is %u", count);
}

void bed_end(void)
{
	serve_leave(bed.fresh);
	serve_end();
}

/* They end the first line. */
static void cut_counters(char *picture)
{
	char *at = strstr(picture, " forks");
	char *end = strchr(at, '\n');

	memmove(at, end, strlen(end) + 1);
}

/* Lines of the same page, which could be written before and has to be asked for
 * now: a level of its path has lost that permission. */
static bool is_permission_lost(const char *before, const char *now)
{
	static const char format[] =
	    "  page %llx entry %llx refs %u access %u sharers %u";
	unsigned long long page[2], entry[2];
	unsigned int refs[2], access[2], sharers[2];

	return sscanf(before, format, page, entry, refs, access, sharers) ==
		   5 &&
	       sscanf(now, format, page + 1, entry + 1, refs + 1, access + 1,
		      sharers + 1) == 5 &&
	       page[0] == page[1] && refs[0] == refs[1] &&
	       sharers[0] == sharers[1] && (entry[0] | 2) == (entry[1] | 2) &&
	       entry[0] >= entry[1] &&
	       access[1] == (access[0] & ~PAGER_ACCESS_WRITE);
}

static bool is_line_undone(const char *before, const char *now)
{
	size_t len = strcspn(now, "\n");

	return (len == strcspn(before, "\n") &&
		strncmp(before, now, len) == 0) ||
	       is_permission_lost(before, now);
}

void bed_undone(char *before, const char *what)
{
	char *now = serve_picture();
	const char *a = before, *b = now;

	cut_counters(before);
	cut_counters(now);
	while (*a && *b) {
		ck_assert_msg(
		    is_line_undone(a, b), "%s changed\n%.*s\nto\n%.*s", what,
		    (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
		a += strcspn(a, "\n") + 1;
		b += strcspn(b, "\n") + 1;
	}
	ck_assert_int_eq(*a, *b);
	free(before);
	free(now);
}

void request_get(unsigned int i, struct request *out)
{
	if (i >= count)
		test_die("no request %u", i);
	*out = all[i];
}

void request_find(const char *name, struct request *out)
{
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(all[i].name, name) == 0) {
			*out = all[i];
			return;
		}
	}
	test_die("no request %s", name);
}

unsigned int request_send(const struct request *r)
{
	return serve_ask_data(r->client, r->op->number, &r->body,
			      r->op->request->size, r->data, r->data_len);
}

size_t request_put(const struct request *r, uint8_t *data, size_t at,
		   size_t cap, uint64_t seq)
{
	size_t len =
	    pager_request_encode(data + at, cap - at, r->op, seq, &r->body,
				 r->op->request->size, r->data, r->data_len);

	if (len == 0)
		test_die("%s does not fit into the batch", r->name);
	return at + len;
}
