/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading scripts: what is accepted and how it is understood, and for each
 * mistake the line and the reason.
 */
#include "tools/common/script.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char why[SCRIPT_WHY];

static struct script *parse(const char *text)
{
	return script_parse("s", text, strlen(text), why);
}

/* Everything the manual says can be said. */
static const char *const good[] = {
    "",
    "# nothing\n\n   \t \n",
    "ping\n",
    "ping 0x10 expect cookie=16\n",
    "stats expect spaces=0\n",
    "check expect ok=1\n",
    "backends expect count=2\nspaces\nobjects\nsessions\n",
    "user\nuser 1000 expect error EACCESS\n",
    "hello expect error EHELLO\n",
    "space a\n",
    "a = space start=0x1000 end=1G backend=sim name=foo max_regions=3\n",
    "space a max_stack=8M max_bytes=1T max_resident=4K flags=1\n",
    "space_create a\nb = space_fork a\nspace_destroy b\n",
    "space a\nb = fork a\nclear b\ndestroy b\ninfo a expect regions=0\n",
    "space a\nsharing a 0 0 expect private_pages=1 shared_pages=2\n",
    "space a\nresident a 0 0 expect anon=1 zero=2 borrowed=3\n",
    "space a\np = map a 0x10000 16K rw- private fixed noreplace populate\n"
    "unmap a p+0x1000 0x1000\nprotect a p 0x4000 none\n",
    "space a\nobject o 0x4000 name=x\n"
    "map a 0 0x4000 r shared object=o offset=0x1000 growsdown noreserve\n",
    "space a\nq = remap a 0 0x1000 0x2000 maymove fixed dontunmap to=0x9000\n",
    "space a\nbrk a 0x5000 start\nx = brk a 0\nbrk a x+4K expect addr=x+4K\n",
    "space a\nadvise a 0 4096 dontneed\nadvise a 0 4096 99\n",
    "space a\npin a 0 1\nunpin a 0 1\n",
    "space a\nc = map a 0 64K rw contig align64k below1m below16m below4g\n",
    "space a\nregions a sharing expect count=0\nregions a cursor=5 max=1\n",
    "space a\nregion a 0x1000 expect start=0x1000 prot=rw- object=0\n",
    "space a\npage a 0 expect type=anon access=rw refs=1\n",
    "space a\nfault a 0 w expect installed copied=1\n",
    "space a\nfault a 0 r expect segv_maperr\nfault a 0 x expect signal\n",
    "space a\nfault a 0 7 expect error EINVAL access\n",
    "space a\npopulate a 0 4096 w expect pages=1\n",
    "space a\nread a 0 2 cpu=1 expect hex:0102 done=2\n",
    "space a\nread a 0 2 expect error ESIGNAL signal=segv_maperr addr=0\n",
    "space a\nread a 0 9 expect fill:0\nread a 0 9 expect count:3:9\n",
    "space a\nwrite a 0 hex:\nwrite a 0 fill:0xff:16M cpu=0\n",
    "space a\nharvest a 0 0 expect accessed=1 dirty=0\n",
    "o = object 4096\nresize o 8192\nobjectinfo o expect size=8192\nclose o\n",
    "o = open name\n",
    "space a\nt = give a\nsession b\nc = take t expect type=space\n"
    "disconnect main\ndisconnect b\nsession b\nping\n",
    "batch\nend\n",
    "batch atomic\nping\nping expect ok\nend expect count=2 failed=0 first=2\n",
    "batch atomic\nend expect error EUNMAPPED\n",
    "echo\nsleep 0\necho a  b\nprint stats\nspace a\nprint maps --smaps a\n"
    "print info a\nprint page a 0\n",
    "info 0x123 expect error ENOENT space\n",
    "ping # a comment\n",
    "session a.b_9\n",
};

START_TEST(good_is_read)
{
	struct script *script = parse(good[_i]);

	ck_assert_msg(script != NULL, "%s", why);
	script_free(script);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad[] = {
    {"ping", "s:1: no newline at the end: the script is cut short"},
    {"ping\npi", "s:2: no newline at the end: the script is cut short"},
    {"pong\n", "s:1: pong: no such operation"},
    {"\n\nping 1 2\n", "s:3: 2: this is not understood"},
    {"ping x\n", "s:1: x: nothing has this name so far"},
    {"ping -1\n", "s:1: -1: not a value"},
    {"ping 0x\n", "s:1: 0x: not a value"},
    {"ping 18446744073709551616\n", "s:1: 18446744073709551616: not a value"},
    {"ping 16777216T\n", "s:1: 16777216T: not a value"},
    {"user 4294967296\n", "s:1: 4294967296: does not fit in its field"},
    {"a = \n", "s:1: an operation is missing"},
    {"a = ping\n", "s:1: ping: makes nothing that can have a name"},
    {"a = echo x\n", "s:1: echo: makes nothing that can have a name"},
    {"1a = space\n", "s:1: 1a: not a name"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = space\n",
     "s:1: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: not a name"},
    {"fork\n", "s:1: space: an argument is missing"},
    {"fork expect ok\n", "s:1: space: an argument is missing"},
    {"space a\nmap a 0 1\n", "s:2: prot: an argument is missing"},
    {"space a\nmap a 0 1 rwq\n", "s:2: rwq: nothing has this name so far"},
    {"space a\nmap a 0 1 rw sharred\n", "s:2: sharred: this is not understood"},
    {"space a\nmap a 0 1 rw addr=1\n", "s:2: addr: given twice"},
    {"space a\nmap a 0 1 rw wurst=1\n", "s:2: wurst: no such field"},
    {"space a\nprotect a 0 1 rw reserved=1\n", "s:2: reserved: no such field"},
    {"space a\nfault a 0 w expect\n", "s:2: expect: what?"},
    {"space a\nfault a 0 w expect instaled\n",
     "s:2: instaled: this cannot be expected"},
    {"ping expect error\n", "s:1: error: which?"},
    {"ping expect error EWURST\n", "s:1: EWURST: no such error"},
    {"ping expect error OK\n", "s:1: OK: no such error"},
    {"ping expect bytes=1\n", "s:1: bytes: the reply has no such field"},
    {"ping expect hex:00\n", "s:1: hex:00: only a read has bytes"},
    {"spaces expect next=0\n", "s:1: next: a list has only a count"},
    {"user expect used=0\n", "s:1: used: this field has no single value"},
    {"space a\nwrite a 0\n", "s:2: data: an argument is missing"},
    {"space a\nwrite a 0 hex:012\n", "s:2: half a byte at the end"},
    {"space a\nwrite a 0 hex:0g\n", "s:2: 0g: not hexadecimal digits"},
    {"space a\nwrite a 0 fill:1\n", "s:2: fill:1: needs a length"},
    {"space a\nwrite a 0 fill:256:1\n", "s:2: 256: not a byte"},
    {"space a\nwrite a 0 fill:1:x\n", "s:2: x: not a length"},
    {"space a\nwrite a 0 fill:1:17M\n", "s:2: 17M: more than 16 MiB"},
    {"space name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
     "s:1: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...: longer than the "
     "field"},
    {"batch\n", "s:1: a batch without an end: the script is cut short"},
    {"ping\nbatch\nping\n",
     "s:2: a batch without an end: the script is cut short"},
    {"end\n", "s:1: an end without a batch"},
    {"batch\nbatch\n", "s:2: a batch in a batch"},
    {"batch\necho\nend\n", "s:2: echo: cannot stand in a batch"},
    {"sleep\n", "s:1: seconds, up to 86400, are missing"},
    {"sleep 86401\n", "s:1: seconds, up to 86400, are missing"},
    {"sleep -1\n", "s:1: seconds, up to 86400, are missing"},
    {"batch\na = space\ninfo a\nend\n", "s:3: a: nothing has this name so far"},
    {"batch wurst\n", "s:1: wurst: this is too much"},
    {"disconnect x\n", "s:1: x: no such session"},
    {"disconnect main\nping\n", "s:2: the session was ended"},
    {"disconnect main\ndisconnect main\n", "s:2: the session was ended"},
    {"space a\nt = give a\ninfo t\n", "s:3: t: this is a token"},
    {"space a\nb = take a\n", "s:2: a: not a token"},
    {"b = take 0x00\n", "s:1: 0x00: not a token"},
    {"print\n", "s:1: print: what?"},
    {"print read\n", "s:1: read: cannot be printed"},
    {"print fork 1\n", "s:1: fork: cannot be printed"},
    {"print unmap 1 1 1\n", "s:1: unmap: cannot be printed"},
    {"print stats expect spaces=0\n", "s:1: a print expects nothing"},
    {"maps 1\n", "s:1: say print maps, or regions"},
    {"ping\x01\n", "s:1: not text: byte 0x01"},
    {"ping\r\n", "s:1: not text: byte 0x0d"},
    {"\xff\xfe\n", "s:1: ??: no such operation"},
    {"ping expect ok ok ok ok ok ok ok ok ok ok ok ok ok\n",
     "s:1: ok: too many expectations"},
};

START_TEST(bad_is_told)
{
	ck_assert_ptr_null(parse(bad[_i].text));
	ck_assert_str_eq(why, bad[_i].why);
}
END_TEST

START_TEST(words_become_fields)
{
	struct script *s = parse("space a\n"
				 "p = map a 0x10000 16K rwx shared populate "
				 "flags=0x100 offset=1M\n"
				 "write a p-1 hex:00ff10\n");
	const struct script_op *op;

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(s->count, 3);
	op = &s->ops[1];
	ck_assert_uint_eq(op->line, 2);
	ck_assert_uint_eq(op->verb->call, PAGER_CALL_MAP);
	ck_assert_str_eq(s->names[op->into], "p");
	ck_assert_uint_eq(op->nargs, 6);
	ck_assert_int_eq(op->args[0].value.kind, SCRIPT_NAMED);
	ck_assert_uint_eq(op->args[2].value.number, 16384);
	ck_assert_uint_eq(op->args[3].value.number, PAGER_PROT_ALL);
	ck_assert_uint_eq(op->flags, PAGER_MAP_SHARED | PAGER_MAP_POPULATE);
	ck_assert_uint_eq(op->args[4].value.number, 0x100);
	ck_assert_str_eq(op->args[5].field->name, "offset");
	ck_assert_uint_eq(op->args[5].value.number, 1 << 20);
	op = &s->ops[2];
	ck_assert_uint_eq(op->args[1].value.number, UINT64_MAX);
	ck_assert_uint_eq(op->data.len, 3);
	ck_assert_int_eq(memcmp(op->data.hex, "\x00\xff\x10", 3), 0);
	script_free(s);
}
END_TEST

/* The bits of flag words stand in the order of the contract. */
START_TEST(flag_words_are_the_bits)
{
	struct script *s =
	    parse("map 1 0 1 0 shared\nmap 1 0 1 0 fixed\n"
		  "map 1 0 1 0 noreplace\nmap 1 0 1 0 populate\n"
		  "map 1 0 1 0 noreserve\nmap 1 0 1 0 growsdown\n"
		  "map 1 0 1 0 contig\nmap 1 0 1 0 align64k\n"
		  "map 1 0 1 0 below1m\nmap 1 0 1 0 below16m\n"
		  "map 1 0 1 0 below4g\n"
		  "remap 1 0 1 0 maymove\nremap 1 0 1 0 fixed\n"
		  "remap 1 0 1 0 dontunmap\nbrk 1 0 start\n"
		  "regions 1 sharing\n");
	const uint32_t want[] = {
	    PAGER_MAP_SHARED,	 PAGER_MAP_FIXED,	PAGER_MAP_NOREPLACE,
	    PAGER_MAP_POPULATE,	 PAGER_MAP_NORESERVE,	PAGER_MAP_GROWSDOWN,
	    PAGER_MAP_CONTIG,	 PAGER_MAP_ALIGN_64K,	PAGER_MAP_BELOW_1M,
	    PAGER_MAP_BELOW_16M, PAGER_MAP_BELOW_4G,	PAGER_REMAP_MAYMOVE,
	    PAGER_REMAP_FIXED,	 PAGER_REMAP_DONTUNMAP, PAGER_BRK_START,
	    PAGER_LIST_SHARING,
	};

	ck_assert_ptr_nonnull(s);
	for (size_t i = 0; i < s->count; i++)
		ck_assert_uint_eq(s->ops[i].flags, want[i]);
	script_free(s);
}
END_TEST

START_TEST(every_operation_has_a_verb)
{
	const struct pager_op *op = NULL;

	while ((op = pager_op_next(op))) {
		const struct script_verb *verb = script_verb_find(op->name);

		ck_assert_msg(verb != NULL, "%s", op->name);
		ck_assert_uint_eq(verb->call, op->number);
	}
}
END_TEST

START_TEST(long_lines)
{
	size_t len = 1u << 20;
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\n';
	ck_assert_ptr_null(script_parse("s", text, len + 1, why));
	ck_assert_str_eq(why, "s:1: a line of more than 262144 bytes");
	ck_assert_ptr_null(script_parse("s", text + len - 262144, 262145, why));
	ck_assert_str_eq(why, "s:1: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
			      ": no such operation");
	memset(text, ' ', len);
	text[len - 1] = 'x';
	ck_assert_ptr_null(script_parse("s", text, len + 1, why));
	ck_assert_str_eq(why, "s:1: a line of more than 262144 bytes");
	free(text);
}
END_TEST

START_TEST(files)
{
	ck_assert_ptr_null(script_read("/nonexistent/script", why));
	ck_assert_str_eq(why, "/nonexistent/script: No such file or directory");
	ck_assert_ptr_null(script_read("/", why));
	ck_assert_str_eq(why, "/: Is a directory");
}
END_TEST

START_TEST(zeros_are_not_text)
{
	ck_assert_ptr_null(script_parse("s", "ping\n\0\n", 7, why));
	ck_assert_str_eq(why, "s:2: not text: byte 0x00");
}
END_TEST

/* Bytes changed here and there in scripts that are good: never a crash, and a
 * reason whenever it is not read. */
START_TEST(noise_is_no_harm)
{
	unsigned int seed = (unsigned int)_i;

	for (int round = 0; round < 3000; round++) {
		const char *from =
		    good[(size_t)rand_r(&seed) % (sizeof(good) / 8)];
		size_t len = strlen(from);
		char *text = malloc(len + 1);
		struct script *script;

		memcpy(text, from, len + 1);
		for (int k = rand_r(&seed) % 4; k > 0 && len > 0; k--)
			text[(size_t)rand_r(&seed) % len] =
			    " =\n#:+-0xqz.\xe2"[rand_r(&seed) % 13];
		why[0] = '\0';
		script = script_parse("s", text, len, why);
		if (!script)
			ck_assert_ptr_nonnull(strchr(why, ':'));
		script_free(script);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("script");
	TCase *t = tcase_create("script");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, good_is_read, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, bad_is_told, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, words_become_fields);
	tcase_add_test(t, flag_words_are_the_bits);
	tcase_add_test(t, every_operation_has_a_verb);
	tcase_add_test(t, long_lines);
	tcase_add_test(t, files);
	tcase_add_test(t, zeros_are_not_text);
	tcase_add_loop_test(t, noise_is_no_harm, 0, 4);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
