/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl pool against a daemon that is none: what is printed, the exit codes,
 * and every way a wish can end.
 *
 * The false daemon has boot memory and the pool dimm0, four memory blocks of
 * 32 MiB; each look at the pool brings it a step nearer to what is requested,
 * unless the test says otherwise.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake_daemon.h"
#include "tests/support/unit.h"
#include "tools/common/options.h"
#include "tools/pagerctl/pool.h"

#define MB	   UINT64_C(1048576)
#define ADDR	   UINT64_C(0x100000000)
#define BLOCK	   (32 * MB)
#define EVENTS_MAX 64

enum way { STEPS, REPLACE, GROW, BREAK, BUSY, STUCK, INTERRUPT };

static struct {
	struct pager_row_pool pools[2];
	struct pager_row_block blocks[4];
	struct pager_row_event events[EVENTS_MAX];
	uint64_t event_count;
	struct pager_row_holder holders[16];
	uint32_t holder_count;
	enum way way;
	unsigned int looks;
	uint16_t refuse; /* what changes something, with this error */
	uint32_t zone;	 /* that was asked for last */
} d;

static void event(uint32_t type, uint64_t addr, uint64_t value)
{
	ck_assert_uint_lt(d.event_count, EVENTS_MAX);
	d.events[d.event_count] = (struct pager_row_event){
	    .number = d.event_count + 1,
	    .time_ms = 1000 + d.event_count,
	    .pool = 1,
	    .type = type,
	    .addr = addr,
	    .value = value,
	};
	d.event_count++;
}

static void set_up(void)
{
	memset(&d, 0, sizeof(d));
	d.pools[0] = (struct pager_row_pool){.name = "boot",
					     .flags = PAGER_POOL_BOOT,
					     .region = 64 * MB,
					     .requested = 64 * MB,
					     .plugged = 64 * MB,
					     .online = 64 * MB,
					     .memory_block = BLOCK};
	d.pools[1] = (struct pager_row_pool){.pool = 1,
					     .name = "dimm0",
					     .addr = ADDR,
					     .region = 4 * BLOCK,
					     .requested = 40 * MB,
					     .plugged = 40 * MB,
					     .online = 34 * MB,
					     .offline = 6 * MB,
					     .used = 20 * MB,
					     .block = 2 * MB,
					     .sub_block = 4 * MB,
					     .memory_block = BLOCK,
					     .wishes = 1};
	for (unsigned int i = 0; i < 4; i++)
		d.blocks[i].addr = ADDR + i * BLOCK;
	d.blocks[0].state = PAGER_BLOCK_ONLINE;
	d.blocks[0].zone = PAGER_ZONE_MOVABLE;
	d.blocks[0].driver = PAGER_SBM_MOVABLE;
	d.blocks[0].plugged = BLOCK;
	d.blocks[0].used = 20 * MB;
	d.blocks[1].state = PAGER_BLOCK_OFFLINE;
	d.blocks[1].driver = PAGER_SBM_OFFLINE_PARTIAL;
	d.blocks[1].plugged = 8 * MB;
	for (unsigned int i = 0; i < 12; i++)
		d.holders[i] =
		    (struct pager_row_holder){.space = i < 11 ? i + 1 : 0,
					      .object = i < 11 ? 0 : 5,
					      .addr = 0x10000 + 4096 * i,
					      .len = 4096,
					      .pinned = i == 7 ? 4096 : 0};
	event(PAGER_POOL_EVENT_RESIZE, 0, 40 * MB);
	event(PAGER_POOL_EVENT_PLUG, ADDR, BLOCK);
}

/* One look at the pool. */
static void step(void)
{
	struct pager_row_pool *p = &d.pools[1];

	d.looks++;
	p->flags |= PAGER_POOL_WORKING;
	if (d.way == BUSY && d.looks < 5) {
		p->next_try_ms = 700;
		if (d.looks == 1)
			event(PAGER_POOL_EVENT_BUSY, ADDR + 4 * MB, 1);
		return;
	}
	if (d.way == STUCK) {
		p->next_try_ms = 50000;
		if (d.looks == 1)
			event(PAGER_POOL_EVENT_BUSY, ADDR + 4 * MB, 1);
		return;
	}
	if (d.looks == 3 && d.way == INTERRUPT)
		kill(getpid(), SIGINT);
	if (d.looks == 2 && (d.way == REPLACE || d.way == GROW)) {
		p->requested = 100 * MB;
		p->wishes++;
		event(d.way == GROW ? PAGER_POOL_EVENT_GROW
				    : PAGER_POOL_EVENT_RESIZE,
		      0, p->requested);
	}
	if (d.looks == 2 && d.way == BREAK) {
		p->flags |= PAGER_POOL_BROKEN;
		p->error = 22;
		event(PAGER_POOL_EVENT_BROKEN, 0, 22);
	}
	p->next_try_ms = 0;
	if (p->plugged < p->requested)
		p->plugged += 4 * MB;
	else if (p->plugged > p->requested)
		p->plugged -= 4 * MB;
	if (p->plugged == p->requested)
		p->flags &= ~PAGER_POOL_WORKING;
}

static size_t answer_rows(const struct pager_request *r, const void *rows,
			  uint32_t count, uint32_t size)
{
	struct pager_rep_list head = {.count = count, .row_size = size};

	memcpy(fake_data(r), rows, (size_t)count * size);
	return fake_reply(r, &head, sizeof(head), (size_t)count * size);
}

static size_t answer_cells(const struct pager_request *r)
{
	struct pager_row_cell cells[64] = {0};

	for (unsigned int i = 0; i < 64; i++) {
		cells[i].state = (uint8_t)d.blocks[i / 16].state;
		cells[i].zone = (uint8_t)d.blocks[i / 16].zone;
		cells[i].plugged = i < 20 ? 512 : 0;
		cells[i].used = i < 10 ? 512 : 0;
	}
	return answer_rows(r, cells, 64, sizeof(cells[0]));
}

static size_t answer_events(const struct pager_request *r)
{
	uint64_t from = r->body.cursor.cursor;
	struct pager_rep_pool_events head = {.row_size = sizeof(d.events[0]),
					     .newest = d.event_count,
					     .now_ms = 5000,
					     .next = d.event_count + 1};

	if (from == 0)
		from = 1;
	if (from <= d.event_count)
		head.count = (uint32_t)(d.event_count - from + 1);
	memcpy(fake_data(r), &d.events[from - 1 < EVENTS_MAX ? from - 1 : 0],
	       head.count * sizeof(d.events[0]));
	return fake_reply(r, &head, sizeof(head),
			  head.count * sizeof(d.events[0]));
}

static size_t answer_wish(const struct pager_request *r, uint64_t size)
{
	struct pager_rep_pool_resize rep;

	d.pools[1].requested = size;
	d.pools[1].wishes++;
	event(PAGER_POOL_EVENT_RESIZE, 0, size);
	rep.requested = size;
	rep.wish = d.pools[1].wishes;
	return fake_reply(r, &rep, sizeof(rep), 0);
}

static bool answer(int fd, const struct pager_request *r)
{
	struct pager_rep_pool pool;
	size_t len;

	switch (r->hdr.op) {
	case PAGER_CALL_POOL_LIST:
		len = answer_rows(r, d.pools, 2, sizeof(d.pools[0]));
		break;
	case PAGER_CALL_POOL_INFO:
		step();
		pool.pool = d.pools[r->body.pool.pool & 1];
		len = fake_reply(r, &pool, sizeof(pool), 0);
		break;
	case PAGER_CALL_POOL_BLOCKS:
		len = answer_rows(r, d.blocks, 4, sizeof(d.blocks[0]));
		break;
	case PAGER_CALL_POOL_CELLS:
		len = answer_cells(r);
		break;
	case PAGER_CALL_POOL_HOLDERS:
		len = answer_rows(r, d.holders, d.holder_count,
				  sizeof(d.holders[0]));
		break;
	case PAGER_CALL_POOL_EVENTS:
		len = answer_events(r);
		break;
	default:
		if (d.refuse)
			len = pager_refusal_encode(fake_out, r, d.refuse, 0);
		else if (r->hdr.op == PAGER_CALL_POOL_RESIZE)
			len = answer_wish(r, r->body.pool_size.size);
		else if (r->hdr.op == PAGER_CALL_POOL_UNPLUG_ALL)
			len = answer_wish(r, 0);
		else
			len = fake_reply(r, NULL, 0, 0);
		d.zone = r->body.pool_online.zone;
		break;
	}
	fake_post(fd, len);
	return true;
}

/* --- running -------------------------------------------------------------- */

static struct {
	int ret;
	int exit;
	char out[16384];
	char err[8192];
} got;

static void slurp(FILE *file, char *to, size_t size)
{
	rewind(file);
	to[fread(to, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* Words and options as on a command line: "resize --wait dimm0 +4M". */
static void run(const char *line)
{
	struct pool_options options = {.timeout = UINT64_MAX,
				       .width = UINT64_MAX};
	struct view view = {.out = tmpfile()};
	FILE *err = tmpfile();
	char *words[8], copy[256];
	int count = 0, old = dup(STDERR_FILENO);
	const struct pool_verb *verb;
	struct pager *pager = fake_session(answer);

	ck_assert(view.out && err);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " ")) {
		if (strcmp(w, "--wait") == 0)
			options.wait = true;
		else if (strcmp(w, "--json") == 0)
			view.json = true;
		else if (strcmp(w, "--kernel") == 0)
			options.zone = "kernel";
		else if (strncmp(w, "--timeout=", 10) == 0)
			options.timeout = strtoull(w + 10, NULL, 10);
		else if (strncmp(w, "--width=", 8) == 0)
			options.width = strtoull(w + 8, NULL, 10);
		else
			words[count++] = w;
	}
	fflush(stderr);
	dup2(fileno(err), STDERR_FILENO);
	got.exit = 0;
	verb = pool_parse(count, words, &options);
	got.ret = verb ? pool_run(verb, &view, pager, count, words, &options,
				  &got.exit)
		       : TOOL_USAGE;
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	close(old);
	slurp(view.out, got.out, sizeof(got.out));
	slurp(err, got.err, sizeof(got.err));
	fake_end(pager);
}

static void says(const char *in, const char *text)
{
	ck_assert_msg(strstr(in, text) != NULL, "not said: %s\nbut: %s", text,
		      in);
}

/* It went well, with this exit code. */
static void expect(const char *line, int exit)
{
	run(line);
	ck_assert_msg(got.ret == 0 && got.exit == exit,
		      "%s: returned %d, exit %d\n%s", line, got.ret, got.exit,
		      got.err);
}

/* --- looking -------------------------------------------------------------- */

START_TEST(a_list_has_a_line_a_pool)
{
	set_up();
	expect("list", 0);
	ck_assert_str_eq(
	    got.out,
	    "pool  name   address      room  requested  plugged  online  used  "
	    "pinned  mode        state\n"
	    "   0  boot   0x0           64M        64M      64M     64M     0  "
	    "     0  boot        boot\n"
	    "   1  dimm0  0x100000000  128M        40M      40M     34M   20M  "
	    "     0  sub-blocks  as-requested\n");
	expect("--json list", 0);
	says(got.out, "[{\"pool\":0,\"name\":\"boot\",\"state\":\"boot\",");
	says(got.out, "\"addr\":\"0x100000000\",\"region\":134217728,");
}
END_TEST

START_TEST(one_pool_is_shown_in_words)
{
	set_up();
	expect("show dimm0", 0);
	ck_assert_str_eq(
	    got.out,
	    "dimm0, pool 1\n"
	    "  state         as requested: nothing is to do\n"
	    "  plugged       40M of 40M requested, room for 128M\n"
	    "  in use        34M online, 6M offline\n"
	    "  used          20M, 0 of it pinned\n"
	    "  place         0x100000000 to 0x108000000, node 0\n"
	    "  usable        0\n"
	    "  driver        sub-blocks of 4M, in blocks of 2M; memory blocks "
	    "of 32M\n"
	    "  moved         0 to empty it; 0 times busy\n"
	    "  grows         when it is told to\n"
	    "  wishes        1 so far\n"
	    "  movable       1 memory block, 32M plugged, 20M used, 0 pinned, "
	    "0 "
	    "free runs of 2M\n"
	    "  blocks        2 unused, 1 offline-partial, 1 movable\n");
	expect("--json show 1", 0);
	says(got.out, "\"memory_blocks\":{\"absent\":2,\"offline\":1,"
		      "\"online\":1}");
	says(got.out, "\"movable\":{\"memory_blocks\":1,\"plugged\":33554432");
	says(got.out, "\"driver\":{\"unused\":2,\"plugged\":0,\"offline\":0,"
		      "\"offline-partial\":1");
	expect("show boot", 0);
	says(got.out, "boot memory: all of it is there");
}
END_TEST

START_TEST(a_map_is_drawn_from_the_cells)
{
	set_up();
	expect("map dimm0", 0);
	says(got.out, "0x100000000  #####000  movable  62%\n"
		      "0x102000000  oo------  offline\n"
		      "0x104000000  ........  absent\n"
		      "0x106000000  ........  absent\n");
	expect("map --width=4 dimm0", 0);
	says(got.out, "0x100000000  ##50  movable");
	expect("--json map dimm0", 0);
	says(got.out, "\"cell_bytes\":4194304,\"cells\":[{\"addr\":"
		      "\"0x100000000\",\"state\":\"online\",\"zone\":"
		      "\"movable\",\"plugged\":4194304,");
	ck_assert_ptr_null(strstr(got.out, "absent"));
}
END_TEST

START_TEST(events_are_told_once)
{
	set_up();
	expect("events", 0);
	says(got.out, "  dimm0       resize                 40M requested\n");
	says(got.out, "  dimm0       plug     0x100000000   32M\n");
	expect("events boot", 0);
	ck_assert_str_eq(got.out, "");
	expect("--json events dimm0", 0);
	says(got.out, "[{\"number\":1,\"ago_ms\":4000,\"pool\":1,");
	says(got.out, "\"type\":\"plug\",\"addr\":\"0x100000000\",\"value\":"
		      "33554432}]\n");
}
END_TEST

/* --- arguments ------------------------------------------------------------ */

static const struct {
	const char *line;
	const char *why;
} mistakes[] = {
    {"", "usage: pagerctl pool"},
    {"wurst", "pool wurst: no such command"},
    {"show", "usage: pagerctl [--json] [--socket PATH] pool show POOL"},
    {"show dimm0 1", "usage: "},
    {"show dimm1", "dimm1: no such pool; there are boot, dimm0"},
    {"show 2", "2: no such pool; there are boot, dimm0"},
    {"list --wait", "takes no --wait"},
    {"resize --timeout=1 dimm0 0", "--timeout is for --wait"},
    {"resize dimm0", "usage: "},
    {"resize dimm0 much", "much: not a size"},
    {"resize dimm0 41M", "41M: not a multiple of the block (2M): try 40M or "
			 "42M"},
    {"resize dimm0 -41M", "-41M: only 40M is requested now: try -40M, or 0"},
    {"resize dimm0 +89M", "more than the pool has room for: at most 128M"},
    {"resize dimm0 130M", "more than the pool has room for: at most 128M"},
    {"resize boot 32M", "boot memory cannot be changed"},
    {"unplug-all boot", "boot memory cannot be changed"},
    {"grow dimm0 3M", "3M: not a multiple of the block (2M): try 2M or 4M"},
    {"grow dimm0 on", "on: not a size"},
    {"online boot 0", "boot memory is always online"},
    {"online dimm0 4", "4: no such memory block: the pool has 4, from 0 on"},
    {"online dimm0 one", "one: no memory block"},
    {"offline dimm0 0x0", "outside the pool, which lies from 0x100000000 to "
			  "0x108000000"},
    {"offline dimm0 0x108000000", "outside the pool"},
    {"offline dimm0 0x101000000",
     "not the start of a memory block (32M): try 0x100000000"},
    {"holders dimm0 0x107000000",
     "not the start of a memory block (32M): try 0x106000000"},
    {"map --kernel dimm0", "takes no --zone"},
};

START_TEST(a_mistake_is_told_and_changes_nothing)
{
	set_up();
	run(mistakes[_i].line);
	ck_assert_int_eq(got.ret, TOOL_USAGE);
	says(got.err, mistakes[_i].why);
	ck_assert_str_eq(got.out, "");
	ck_assert_uint_eq(d.pools[1].wishes, 1);
}
END_TEST

START_TEST(a_name_is_looked_for_before_a_number)
{
	set_up();
	snprintf(d.pools[0].name, sizeof(d.pools[0].name), "1");
	expect("show 1", 0);
	says(got.out, "1, pool 0\n");
}
END_TEST

START_TEST(a_refusal_is_returned)
{
	set_up();
	d.refuse = PAGER_EACCESS;
	run("resize dimm0 +4M");
	ck_assert_int_eq(got.ret, PAGER_REFUSED);
	run("grow dimm0 64M");
	ck_assert_int_eq(got.ret, PAGER_REFUSED);
	d.refuse = PAGER_EBUSY;
	d.pools[1].flags = PAGER_POOL_BROKEN;
	run("unplug-all --wait dimm0");
	ck_assert_int_eq(got.ret, PAGER_REFUSED);
	says(got.err, "the pool is broken");
}
END_TEST

/* --- wishes --------------------------------------------------------------- */

START_TEST(without_waiting_a_wish_is_taken)
{
	set_up();
	expect("resize dimm0 +8M", 0);
	ck_assert_str_eq(got.out, "dimm0: 48M requested, 40M plugged so far\n");
	ck_assert_uint_eq(d.looks, 0);
	expect("resize dimm0 -48M", 0);
	ck_assert_uint_eq(d.pools[1].requested, 0);
	expect("--json unplug-all dimm0", 0);
	ck_assert_str_eq(got.out,
			 "{\"name\":\"dimm0\",\"result\":\"taken\","
			 "\"requested\":0,\"wish\":4,\"plugged\":41943040}\n");
}
END_TEST

START_TEST(waiting_ends_when_it_is_there)
{
	set_up();
	expect("resize --wait dimm0 52M", 0);
	ck_assert_uint_eq(d.looks, 3);
	ck_assert_str_eq(got.out, "dimm0: 52M plugged, as requested\n");
	expect("--json resize --wait dimm0 48M", 0);
	ck_assert_str_eq(
	    got.out, "{\"name\":\"dimm0\",\"result\":\"reached\",\"target\":"
		     "50331648,\"requested\":50331648,\"plugged\":50331648,"
		     "\"percent\":100,\"state\":\"as-requested\"}\n");
	/* what is there already */
	expect("resize --wait dimm0 48M", 0);
}
END_TEST

START_TEST(a_newer_wish_ends_the_waiting)
{
	set_up();
	d.way = REPLACE;
	expect("resize --wait dimm0 128M", POOL_EXIT_REPLACED);
	says(got.err, "dimm0: a newer wish replaced this one: 100M is "
		      "requested now instead of 128M\n");
	ck_assert_str_eq(got.out, "");
	set_up();
	d.way = GROW;
	expect("--json unplug-all --wait dimm0", POOL_EXIT_REPLACED);
	says(got.err, "memory was short and the pool grew");
	says(got.out, "\"result\":\"replaced\",\"target\":0,\"requested\":"
		      "104857600,");
}
END_TEST

START_TEST(a_broken_pool_ends_the_waiting)
{
	set_up();
	d.way = BREAK;
	expect("resize --wait dimm0 128M", POOL_EXIT_BROKEN);
	says(got.err, "dimm0: broken: ");
}
END_TEST

START_TEST(busy_is_waited_for)
{
	set_up();
	d.way = BUSY;
	expect("resize --wait dimm0 36M", 0);
	ck_assert_uint_eq(d.looks, 5);
}
END_TEST

START_TEST(a_timeout_says_who_is_in_the_way)
{
	set_up();
	d.way = STUCK;
	d.holder_count = 12;
	expect("resize --wait --timeout=1 dimm0 36M", POOL_EXIT_TIMEOUT);
	says(got.err, "dimm0: 40M of 36M (0%), busy: 0x100400000, memory; next "
		      "try in 50 s\n");
	says(got.err, "in the way at 0x100400000:\n"
		      "  whose       from  length  pinned\n"
		      "  space 8  0x17000      4K      4K\n"
		      "  space 1  0x10000      4K       -\n");
	says(got.err, "  and 4 more\n");
	says(got.err, "not there in time, at 40M; the wish of 36M stands. Take "
		      "it back with pagerctl pool resize dimm0 40M\n");
	set_up();
	d.way = STUCK;
	expect("--json resize --wait --timeout=1 dimm0 36M", POOL_EXIT_TIMEOUT);
	says(got.out, "\"result\":\"waiting\",");
	says(got.out, "\"result\":\"timeout\",");
	says(got.out, "\"busy\":\"0x100400000\",\"next_try_ms\":50000}");
}
END_TEST

START_TEST(an_interrupt_leaves_the_wish_standing)
{
	set_up();
	d.way = INTERRUPT;
	expect("resize --wait dimm0 128M", 128 + SIGINT);
	says(got.err, "stopped waiting at 52M; the wish of 128M stands");
	ck_assert_uint_eq(d.pools[1].requested, 128 * MB);
}
END_TEST

START_TEST(growing_is_told)
{
	set_up();
	expect("grow dimm0 64M", 0);
	ck_assert_str_eq(got.out, "dimm0: grows by itself up to 64M\n");
	expect("grow dimm0 off", 0);
	ck_assert_str_eq(got.out, "dimm0: does not grow by itself\n");
	expect("--json grow dimm0 64M", 0);
	ck_assert_str_eq(got.out,
			 "{\"name\":\"dimm0\",\"grow_max\":67108864}\n");
}
END_TEST

/* --- by hand -------------------------------------------------------------- */

START_TEST(a_block_goes_online_in_a_zone)
{
	set_up();
	expect("online dimm0 1", 0);
	ck_assert_str_eq(got.out, "block 1 at 0x102000000: online, movable\n");
	ck_assert_uint_eq(d.zone, PAGER_ZONE_MOVABLE);
	expect("online --kernel dimm0 0x102000000", 0);
	ck_assert_str_eq(got.out, "block 1 at 0x102000000: online, kernel\n");
	ck_assert_uint_eq(d.zone, PAGER_ZONE_KERNEL);
	expect("--json online dimm0 all", 0);
	ck_assert_str_eq(got.out,
			 "[{\"addr\":\"0x102000000\",\"done\":true}]\n");
}
END_TEST

START_TEST(a_block_in_the_wrong_state_is_told)
{
	set_up();
	expect("online dimm0 0", TOOL_REFUSED);
	says(got.err, "block 0 is online already, in zone movable\n");
	expect("offline dimm0 1", TOOL_REFUSED);
	says(got.err, "block 1 is offline already\n");
	expect("offline dimm0 2", TOOL_REFUSED);
	says(got.err, "block 2 is absent: there is no memory in it; try "
		      "pagerctl pool resize dimm0 +32M\n");
	d.blocks[1].state = PAGER_BLOCK_ABSENT;
	expect("online dimm0 all", 0);
	ck_assert_str_eq(got.out, "no memory block is offline\n");
}
END_TEST

START_TEST(a_busy_block_says_who_holds_it)
{
	set_up();
	d.refuse = PAGER_EBUSY;
	d.holder_count = 12;
	expect("offline dimm0 0", TOOL_REFUSED);
	says(got.err, "block 0 at 0x100000000: refused: pool_offline: ");
	says(got.err, "in the way, what is pinned first:\n"
		      "  whose       from  length  pinned\n"
		      "  space 8  0x17000      4K      4K\n");
	says(got.err, "  and 4 more\n"
		      "all of them: pagerctl pool holders dimm0 0\n");
	expect("--json offline dimm0 all", TOOL_REFUSED);
	says(got.out, "[{\"addr\":\"0x100000000\",\"done\":false,\"error\":"
		      "\"EBUSY\",\"holders\":[{\"space\":8,");
	d.holder_count = 0;
	expect("offline dimm0 0", TOOL_REFUSED);
	says(got.err, "nobody has pages there: a backend or a device");
	d.refuse = PAGER_ENOMEM;
	expect("offline dimm0 0", TOOL_REFUSED);
	says(got.err, "there is nowhere to move its pages to");
}
END_TEST

START_TEST(holders_are_all_listed)
{
	set_up();
	d.holder_count = 12;
	expect("holders dimm0 0", 0);
	says(got.out, "  object 5  0x1b000      4K       -\n");
	says(got.out, "  space 11 ");
	expect("--json holders dimm0", 0);
	says(got.out, "{\"addr\":\"0x100000000\",\"len\":134217728,"
		      "\"holders\":[{\"space\":8,\"addr\":\"0x17000\",\"len\":"
		      "4096,\"pinned\":4096},");
}
END_TEST

#define LOOP(t, test, array) \
	tcase_add_loop_test(t, test, 0, sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("pool call");
	TCase *t = tcase_create("pool call");
	SRunner *runner;
	int failed;

	tcase_add_test(t, a_list_has_a_line_a_pool);
	tcase_add_test(t, one_pool_is_shown_in_words);
	tcase_add_test(t, a_map_is_drawn_from_the_cells);
	tcase_add_test(t, events_are_told_once);
	LOOP(t, a_mistake_is_told_and_changes_nothing, mistakes);
	tcase_add_test(t, a_name_is_looked_for_before_a_number);
	tcase_add_test(t, a_refusal_is_returned);
	tcase_add_test(t, without_waiting_a_wish_is_taken);
	tcase_add_test(t, waiting_ends_when_it_is_there);
	tcase_add_test(t, a_newer_wish_ends_the_waiting);
	tcase_add_test(t, a_broken_pool_ends_the_waiting);
	tcase_add_test(t, busy_is_waited_for);
	tcase_add_test(t, a_timeout_says_who_is_in_the_way);
	tcase_add_test(t, an_interrupt_leaves_the_wish_standing);
	tcase_add_test(t, growing_is_told);
	tcase_add_test(t, a_block_goes_online_in_a_zone);
	tcase_add_test(t, a_block_in_the_wrong_state_is_told);
	tcase_add_test(t, a_busy_block_says_who_holds_it);
	tcase_add_test(t, holders_are_all_listed);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
