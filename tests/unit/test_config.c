/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration and the command line: what is taken, what is refused and
 * with which words, which limits follow.
 */
#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/number.h"
#include "server/options.h"
#include "tests/support/unit.h"

static struct srv_config config;
static char why[SRV_CONFIG_WHY];

static int parse(const char *text)
{
	return srv_config_parse(&config, "file", text, strlen(text), why);
}

static void valid(const char *text)
{
	ck_assert_msg(parse(text) == 0, "%s", why);
}

static void invalid(const char *text, const char *expected)
{
	ck_assert_int_eq(parse(text), -1);
	ck_assert_str_eq(why, expected);
	/* Nothing is left of it. */
	ck_assert_ptr_null(config.socket);
	ck_assert_ptr_null(config.users);
}

START_TEST(nothing_said_is_the_defaults)
{
	struct srv_limits limits;

	valid("");
	ck_assert_uint_eq(config.memory, UINT64_C(1) << 30);
	ck_assert_uint_eq(srv_config_nodes(&config), 262144 / 16 + 65536);
	ck_assert(!config.simulate && !config.has_group);
	srv_config_limits(&config, 1000, false, &limits);
	ck_assert_uint_eq(limits.max[PAGER_USER_FRAMES], 131072);
	ck_assert_uint_eq(limits.max[PAGER_USER_SESSIONS], 128);
	srv_config_limits(&config, 0, true, &limits);
	ck_assert_uint_eq(limits.max[PAGER_USER_FRAMES], SRV_LIMIT_NONE);
	srv_config_fini(&config);
}
END_TEST

START_TEST(every_setting_is_taken)
{
	valid("# a comment\n"
	      "socket /tmp/s  # another\n"
	      "\tmemory 64M\r\n"
	      "nodes 1000\n"
	      "cpus 2\n"
	      "simulate yes\n"
	      "group 1234\n"
	      "connections 10\n"
	      "\n"
	      "drain 0\n"
	      "memory 128M");
	ck_assert_str_eq(config.socket, "/tmp/s");
	ck_assert_uint_eq(config.memory, UINT64_C(128) << 20);
	ck_assert_uint_eq(config.nodes, 1000);
	ck_assert_uint_eq(config.cpus, 2);
	ck_assert(config.simulate);
	ck_assert(config.has_group && config.group == 1234);
	ck_assert_uint_eq(config.connections, 10);
	ck_assert_uint_eq(config.drain_ms, 0);
	srv_config_fini(&config);
}
END_TEST

START_TEST(a_users_line_wins_over_the_general_one)
{
	struct srv_limits limits;

	valid("limit spaces 10\n"
	      "limit bytes 1G\n"
	      "user 1000 limit spaces 20\n"
	      "user 1000 limit frames none\n"
	      "user root limit queued 128K\n"
	      "limit spaces 11\n");
	srv_config_limits(&config, 1000, false, &limits);
	ck_assert_uint_eq(limits.max[PAGER_USER_SPACES], 20);
	ck_assert_uint_eq(limits.max[PAGER_USER_FRAMES], SRV_LIMIT_NONE);
	ck_assert_uint_eq(limits.max[PAGER_USER_BYTES], 1 << 30);
	srv_config_limits(&config, 1001, false, &limits);
	ck_assert_uint_eq(limits.max[PAGER_USER_SPACES], 11);
	srv_config_limits(&config, 0, true, &limits);
	ck_assert_uint_eq(limits.max[PAGER_USER_QUEUED], 131072);
	srv_config_fini(&config);
}
END_TEST

START_TEST(every_limit_has_a_name_and_reaches_the_model)
{
	uint64_t out[PAGER_RES_COUNT];
	struct srv_limits limits;

	for (unsigned int i = 0; i < PAGER_USER_COUNT; i++) {
		ck_assert_ptr_nonnull(srv_limits_name(i));
		limits.max[i] = (i + 1) * 8192;
	}
	ck_assert_ptr_null(srv_limits_name(PAGER_USER_COUNT));
	srv_limits_to_core(&limits, out);
	ck_assert_uint_eq(out[PAGER_RES_SPACES], 8192);
	ck_assert_uint_eq(out[PAGER_RES_PAGES], 4 * 8192 / 4096);
	ck_assert_uint_eq(out[PAGER_RES_NODES], 6 * 8192);
	limits.max[PAGER_USER_BYTES] = SRV_LIMIT_NONE;
	srv_limits_to_core(&limits, out);
	ck_assert_uint_eq(out[PAGER_RES_PAGES], UINT64_MAX);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_line)
{
	invalid("memory", "file:1: memory: a value is missing");
	invalid("\n\nmemory 1G 2G", "file:3: memory 1G 2G: too many words");
}
END_TEST

START_TEST(wrong_values_are_refused)
{
	static const struct {
		const char *line, *reason;
	} rows[] = {
	    {"memory 1", "too small"},
	    {"memory 4097K", "not a multiple of 4K"},
	    {"memory 4100K", NULL},
	    {"memory 32769", "not a multiple of 4K"},
	    {"memory 16T", "too large"},
	    {"memory 99999999999999999999", "too large"},
	    {"memory 1X", "not a size"},
	    {"memory 1KK", "not a size"},
	    {"memory K", "not a number"},
	    {"memory -1", "not a number"},
	    {"memory +1", "not a number"},
	    {"memory 0x1000", "not a size"},
	    {"nodes 15", "too small"},
	    {"nodes 8388607", "too large"},
	    {"nodes 1K", "not a number"},
	    {"cpus 0", "too small"},
	    {"cpus 65", "too large"},
	    {"simulate maybe", "neither yes nor no"},
	    {"group no-such-group-here", "no such group"},
	    {"connections 0", "too small"},
	    {"drain 60001", "too large"},
	    {"limit spaces", "a value is missing"},
	    {"limit trees 5", "no such limit"},
	    {"limit spaces 1K", "not a number"},
	    {"limit bytes 1K", NULL},
	    {"limit spaces nine", "not a number"},
	    {"user no-such-user-here limit spaces 1", "no such user"},
	    {"user 0 spaces 1", "a value is missing"},
	    {"user 0 bound spaces 1", "limit is missing after the user"},
	    {"user 0 limit spaces 1 2", "too many words"},
	    {"tree 5", "unknown setting"},
	    {"Memory 1G", "unknown setting"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int ret = parse(rows[i].line);
		size_t n = strlen(why), m;

		if (!rows[i].reason) {
			ck_assert_msg(ret == 0, "%s: %s", rows[i].line, why);
			srv_config_fini(&config);
			continue;
		}
		m = strlen(rows[i].reason);
		ck_assert_msg(ret == -1, "%s was taken", rows[i].line);
		ck_assert_msg(n > m && strcmp(why + n - m, rows[i].reason) == 0,
			      "%s: %s", rows[i].line, why);
		ck_assert_ptr_eq(strstr(why, "file:1: "), why);
	}
}
END_TEST

START_TEST(files_that_are_no_text_are_refused)
{
	static char line[SRV_CONFIG_LINE_MAX + 3];

	ck_assert_int_eq(
	    srv_config_parse(&config, "file", "cpus 1\ncpu\0s 2", 14, why), -1);
	ck_assert_str_eq(why, "file:2: not a text file");
	memset(line, '#', SRV_CONFIG_LINE_MAX);
	valid(line);
	srv_config_fini(&config);
	line[SRV_CONFIG_LINE_MAX] = '#';
	invalid(line, "file:1: line too long");
	invalid("\x1b[31m 1", "file:1: \\^[[31m 1: unknown setting");
}
END_TEST

START_TEST(too_many_users_are_refused)
{
	size_t size = 64 * (SRV_CONFIG_USERS_MAX + 1), at = 0;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	for (unsigned int i = 0; i <= SRV_CONFIG_USERS_MAX; i++)
		at += (size_t)snprintf(text + at, size - at,
				       "user %u limit spaces %u\n", 100000 + i,
				       i);
	ck_assert_int_eq(parse(text), -1);
	ck_assert_ptr_nonnull(strstr(why, "file:257: "));
	ck_assert_ptr_nonnull(strstr(why, "too many users"));
	free(text);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_refused)
{
	ck_assert_int_eq(srv_config_read(&config, "/no/such/file", why), -1);
	ck_assert_str_eq(why, "/no/such/file: No such file or directory");
	ck_assert_int_eq(srv_config_read(&config, "/", why), -1);
	ck_assert_str_eq(why, "/: Is a directory");
	ck_assert_int_eq(srv_config_read(&config, "/dev/zero", why), -1);
	ck_assert_str_eq(why, "/dev/zero: Invalid argument");
}
END_TEST

START_TEST(without_memory_nothing_is_left_of_it)
{
#ifdef PAGER_FAILPOINTS
	static const char *const text = "socket /a\nsocket /b\n"
					"user 5 limit spaces 1\n"
					"user 6 limit spaces 1\n"
					"pool a region 8M\n"
					"pool b region 8M\n";
	unsigned int failed = 0;

	for (unsigned long n = 1;; n++) {
		int ret;

		pager_fail_arm(n);
		ret = parse(text);
		if (!pager_fail_fired())
			break;
		failed++;
		ck_assert_int_eq(ret, -1);
		ck_assert_ptr_nonnull(strstr(why, "out of memory"));
		ck_assert_ptr_null(config.socket);
	}
	pager_fail_arm(0);
	ck_assert_uint_eq(failed, 6);
	srv_config_fini(&config);
#endif
}
END_TEST

static int options_of(struct srv_options *options, const char *a, const char *b,
		      const char *c)
{
	char *argv[5] = {"pagerd"};
	int argc = 1;
	const char *all[] = {a, b, c};

	for (int i = 0; i < 3; i++)
		if (all[i])
			argv[argc++] = (char *)all[i];
	return srv_options_parse(options, argc, argv, why, sizeof(why));
}

START_TEST(options_win_over_the_configuration)
{
	struct srv_options options;

	valid("memory 1G\nnodes 100\n");
	ck_assert_int_eq(
	    options_of(&options, "--memory=64M", "--simulate", "-vv"), 0);
	ck_assert_uint_eq(options.verbose, 2);
	ck_assert_int_eq(options.ready_fd, -1);
	ck_assert_int_eq(srv_options_apply(&options, &config, why), 0);
	ck_assert_uint_eq(config.memory, 64 << 20);
	ck_assert_uint_eq(config.nodes, 100);
	ck_assert(config.simulate);
	srv_config_fini(&config);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	static const struct {
		const char *a, *b, *reason;
	} rows[] = {
	    {"--memory", NULL, "--memory: an argument is missing"},
	    {"--memory", "1X", "--memory 1X: not a size"},
	    {"--memory", "1", "--memory 1: too small"},
	    {"--nodes", "1", "--nodes 1: too small"},
	    {"--ready-fd", "x", "--ready-fd x: not a number"},
	    {"--tree", NULL, "--tree: unknown option"},
	    {"--memory-block", "5M", "--memory-block 5M: not a power of two"},
	    {"--pool", "a", "--pool a: region is missing"},
	    {"--pool", "", "--pool : a pool needs a name"},
	    {"--pool=a,region=8M", "--pool=a region 8M",
	     "--pool a region 8M: another pool has this name"},
	    {"-x", NULL, "-x: unknown option"},
	    {"here", NULL, "here: unexpected argument"},
	    {"--check-config", NULL, "--check-config needs --config FILE"},
	    {"--socket", "", "--socket: the path is empty"},
	};
	struct srv_options options;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ck_assert_int_eq(
		    options_of(&options, rows[i].a, rows[i].b, NULL), -1);
		ck_assert_str_eq(why, rows[i].reason);
	}
}
END_TEST

/* --- pools ---------------------------------------------------------------- */

/* Valid, and everything has its place. */
static void placed(const char *text)
{
	valid(text);
	ck_assert_msg(srv_pools_place(&config, why, sizeof(why)) == 0, "%s",
		      why);
}

START_TEST(a_pool_has_defaults_and_every_key)
{
	const struct srv_config_pool *p;

	placed("memory 1G\nmemory-block 4M\n"
	       "pool small region 8M\n"
	       "pool large addr 16G region 64G block 4M requested 8G mode bbm "
	       "big-block 1G node 3 online movable ratio 200 threshold 2G "
	       "retry 10 retry-max 20 grow 32G offline-only yes reserve yes "
	       "in-order yes\n");
	ck_assert_uint_eq(config.memory_block, 4 << 20);
	ck_assert_uint_eq(config.pool_count, 2);
	p = config.pools;
	ck_assert_str_eq(p->name, "small");
	ck_assert(p->placed && p->addr == UINT64_C(1) << 30);
	ck_assert(p->region == 8 << 20 && p->block == 2 << 20);
	ck_assert(!p->requested && !p->grow && !p->offline_only && !p->reserve);
	ck_assert(p->mode == PAGER_POOL_MODE_AUTO &&
		  p->online == SRV_ONLINE_AUTO && p->line == 3);
	p = config.pools + 1;
	ck_assert(!p->placed && p->addr == UINT64_C(16) << 30);
	ck_assert(p->region == UINT64_C(64) << 30 && p->block == 4 << 20);
	ck_assert(p->requested == UINT64_C(8) << 30 && p->node == 3);
	ck_assert(p->mode == PAGER_POOL_MODE_BBM && p->big_block == 1 << 30);
	ck_assert(p->online == SRV_ONLINE_MOVABLE && p->ratio == 200);
	ck_assert(p->threshold == UINT64_C(2) << 30 && p->retry_ms == 10);
	ck_assert(p->retry_max_ms == 20 && p->grow == UINT64_C(32) << 30);
	ck_assert(p->offline_only && p->reserve && p->in_order);
	ck_assert_uint_eq(p->line, 4);
	ck_assert_uint_eq(srv_pools_end(&config), UINT64_C(80) << 30);
	srv_config_fini(&config);
}
END_TEST

START_TEST(pools_without_a_place_fill_the_gaps)
{
	placed("memory 5M\nmemory-block 2M\n"
	       "pool a region 4M\n"
	       "pool b addr 6M region 2M\n"
	       "pool c region 2M\n"
	       "pool d region 480G\n"
	       "pool e region 8M block 8M\n");
	ck_assert_uint_eq(config.pools[0].addr, 8 << 20);
	ck_assert_uint_eq(config.pools[2].addr, 12 << 20);
	/* Not where the table nodes are. */
	ck_assert_uint_eq(config.pools[3].addr, UINT64_C(512) << 30);
	ck_assert_uint_eq(config.pools[4].addr, 16 << 20);
	srv_config_fini(&config);
}
END_TEST

START_TEST(wrong_pools_are_refused_with_their_line)
{
	static const struct {
		const char *line, *reason;
	} rows[] = {
	    {"pool", "a pool needs a name"},
	    {"pool a", "region is missing"},
	    {"pool a region", "a value is missing"},
	    {"pool a region 8M region 8M", "a key is there twice"},
	    {"pool a size 8M", "no such key of a pool"},
	    {"pool 12 region 8M", "a pool's name is no number"},
	    {"pool boot region 8M", "boot is the boot pool's name"},
	    {"pool abcdefghijklmnopqrstuvwxyz123456 region 8M",
	     "a pool's name has 1 to 31 bytes"},
	    {"pool \xc3\xa4 region 8M", "a pool's name is printable ASCII"},
	    {"pool a region -1", "not a number"},
	    {"pool a region 5000", "not a multiple of 4K"},
	    {"pool a region 17T", "too large"},
	    {"pool a region 99999999999999999999", "too large"},
	    {"pool a region 7M", "region is not a multiple of block"},
	    {"pool a region 8M block 3M", "not a power of two"},
	    {"pool a region 8M block 0", "not a power of two"},
	    {"pool a region 8M block 16M", "region is not a multiple of block"},
	    {"pool a region 8M requested 3M",
	     "requested is not a multiple of block"},
	    {"pool a region 8M requested 10M", "requested is more than region"},
	    {"pool a region 8M grow 3M", "grow is not a multiple of block"},
	    {"pool a region 8M grow 10M", "grow is more than region"},
	    {"pool a region 8M addr 1M", "addr is not a multiple of block"},
	    {"pool a region 8M mode big", "no such value"},
	    {"pool a region 8M online maybe", "no such value"},
	    {"pool a region 8M reserve maybe", "neither yes nor no"},
	    {"pool a region 8M ratio 0", "too small"},
	    {"pool a region 8M retry 9 retry-max 8",
	     "retry-max is less than retry"},
	    {"pool a region 8M node 70000", "too large"},
	    {"memory-block 1M", "too small"},
	    {"memory-block 8G", "too large"},
	    {"memory-block 3M", "not a power of two"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n, m = strlen(rows[i].reason);

		ck_assert_msg(parse(rows[i].line) == -1, "%s was taken",
			      rows[i].line);
		n = strlen(why);
		ck_assert_msg(n > m && strcmp(why + n - m, rows[i].reason) == 0,
			      "%s: %s", rows[i].line, why);
		ck_assert_ptr_eq(strstr(why, "file:1: "), why);
	}
	invalid("pool a region 8M\npool a region 8M\n",
		"file:2: pool a region 8M: another pool has this name");
	ck_assert_ptr_null(config.pools);
}
END_TEST

START_TEST(pools_that_do_not_fit_are_told_with_their_line)
{
	static const struct {
		const char *text, *reason;
	} rows[] = {
	    {"pool a region 6M\n",
	     "f:2: pool a: region is not a multiple of the memory block"},
	    {"pool a region 8M addr 18M\n",
	     "f:2: pool a: addr is not a multiple of the memory block"},
	    {"pool a region 8M addr 4M\n", "f:2: pool a: over boot memory"},
	    {"pool a region 8M addr 12M\npool b region 8M addr 16M\n",
	     "f:3: pool b: over the pool a"},
	    {"pool a region 8M addr 479G\npool b region 8G addr 478G\n",
	     "f:3: pool b: over the table nodes, from 480G to 512G"},
	    {"pool a region 8M addr 500G\n",
	     "f:2: pool a: over the table nodes, from 480G to 512G"},
	    {"pool a region 15T addr 2T\n", "f:2: pool a: beyond 16T"},
	    {"pool a region 15T\npool b region 2T\n",
	     "f:3: pool b: beyond 16T"},
	    {"pool a region 8M mode bbm big-block 2M\n",
	     "f:2: pool a: big-block is less than a block"},
	    {"pool a region 8M mode bbm big-block 16M\n",
	     "f:2: pool a: big-block is more than region"},
	    {"pool a region 8M mode sbm block 8M\n",
	     "f:2: pool a: mode sbm needs a block of at most a memory block"},
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "memory 8M\n%smemory-block 4M\n",
			 rows[i].text);
		valid(text);
		config.file = "f";
		ck_assert_msg(srv_pools_place(&config, why, sizeof(why)) == -1,
			      "%s was taken", rows[i].text);
		ck_assert_str_eq(why, rows[i].reason);
		srv_config_fini(&config);
	}
}
END_TEST

START_TEST(a_pool_of_the_command_line_wins)
{
	struct srv_options options;

	valid("memory-block 2M\npool a region 8M\npool b region 8M\n");
	ck_assert_int_eq(options_of(&options, "--pool=a,region=16M,node=2",
				    "--pool", "c region 4M requested 2M"),
			 0);
	ck_assert_int_eq(srv_options_apply(&options, &config, why), 0);
	ck_assert_uint_eq(config.pool_count, 3);
	ck_assert_uint_eq(config.pools[0].region, 16 << 20);
	ck_assert(config.pools[0].node == 2 && config.pools[0].line == 0);
	ck_assert_str_eq(config.pools[2].name, "c");
	ck_assert_uint_eq(config.pools[2].requested, 2 << 20);
	srv_config_fini(&config);
	valid("memory-block 2M\n");
	ck_assert_int_eq(
	    options_of(&options, "--pool=a,region=16M,addr=0", NULL, NULL), 0);
	ck_assert_int_eq(srv_options_apply(&options, &config, why), -1);
	ck_assert_str_eq(why, "--pool: pool a: over boot memory");
}
END_TEST

START_TEST(pools_count_in_what_there_is)
{
	struct srv_limits limits;

	placed("memory 1G\npool a region 3G\n");
	ck_assert_uint_eq(srv_config_nodes(&config), 1048576 / 16 + 65536);
	srv_config_limits(&config, 1000, false, &limits);
	ck_assert_uint_eq(limits.max[PAGER_USER_FRAMES], 524288);
	srv_config_fini(&config);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    nothing_said_is_the_defaults,
	    every_setting_is_taken,
	    a_users_line_wins_over_the_general_one,
	    every_limit_has_a_name_and_reaches_the_model,
	    what_is_wrong_is_said_with_its_line,
	    wrong_values_are_refused,
	    files_that_are_no_text_are_refused,
	    too_many_users_are_refused,
	    files_that_cannot_be_read_are_refused,
	    without_memory_nothing_is_left_of_it,
	    options_win_over_the_configuration,
	    wrong_options_are_refused,
	    a_pool_has_defaults_and_every_key,
	    pools_without_a_place_fill_the_gaps,
	    wrong_pools_are_refused_with_their_line,
	    pools_that_do_not_fit_are_told_with_their_line,
	    a_pool_of_the_command_line_wins,
	    pools_count_in_what_there_is,
	};

	return UNIT_RUN("config", tests);
}
