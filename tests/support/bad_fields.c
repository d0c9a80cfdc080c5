/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function says what is wrong for a kind of field; a table says of which kind
 * each field is.
 */
#include "tests/support/bad_fields.h"

#include <string.h>

#include "tests/support/world.h"

#define HALF  (UINT64_C(1) << 47)
#define UPPER (0 - HALF)
#define SPAN  (UINT64_C(1) << 48)
#define LAST  (0 - UINT64_C(0x1000)) /* the last page there is */

enum { PAGE = PAGER_PAGE_SIZE };

static void bad(struct bads *b, uint64_t value, enum pager_error error,
		const char *blame)
{
	if (b->count == BADS_MAX)
		test_die("more than BADS_MAX values");
	b->list[b->count++] = (struct bad){value, error, blame};
}

/* The value of a field in a request's body. */
static uint64_t value_of(const struct request *r, const char *name)
{
	const struct pager_struct *s = r->op->request;
	uint64_t value = 0;

	for (unsigned int i = 0; i < s->count; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			memcpy(&value,
			       (const uint8_t *)&r->body + s->fields[i].offset,
			       s->fields[i].size);
	return value;
}

/* --- what is wrong for which field ------------------------------------------
 */

typedef void rule_fn(const struct request *r, struct bads *out);

/* Handles nobody has, or not this session, or not any more. */
static void bad_handles(const struct request *r, struct bads *out)
{
	uint64_t valid = value_of(r, r->op->request->fields[0].name);

	(void)r;
	bad(out, 1, PAGER_ENOENT, NULL);
	bad(out, UINT64_MAX, PAGER_ENOENT, NULL);
	/* Another slot, a later use of this one, another type in its bits. */
	bad(out, valid + (UINT64_C(1) << 30), PAGER_ENOENT, NULL);
	bad(out, valid + 4, PAGER_ENOENT, NULL);
	bad(out, valid ^ 3, PAGER_ENOENT, NULL);
	bad(out, valid & ~UINT64_C(3), PAGER_ENOENT, NULL);
	/* Another session, one that may come. */
	bad(out, valid + (UINT64_C(100) << 38), PAGER_ENOENT, NULL);
	bad(out, bed.twins_space, PAGER_ENOENT, NULL);
	bad(out, bed.twins_object, PAGER_ENOENT, NULL);
	bad(out, bed.others_space, PAGER_ENOENT, NULL);
	bad(out, bed.others_object, PAGER_ENOENT, NULL);
	bad(out, bed.dead_space, PAGER_ESTALE, NULL);
	bad(out, bed.dead_object, PAGER_ESTALE, NULL);
}

static void bad_thing(const struct request *r, struct bads *out)
{
	bad(out, 0, PAGER_ENOENT, NULL);
	bad_handles(r, out);
}

static void bad_space(const struct request *r, struct bads *out)
{
	bad_thing(r, out);
	bad(out, bed.object, PAGER_ETYPE, NULL);
}

static void bad_object(const struct request *r, struct bads *out)
{
	bad_thing(r, out);
	bad(out, bed.space, PAGER_ETYPE, NULL);
}

/* MAP's: 0 is anonymous memory. */
static void bad_map_object(const struct request *r, struct bads *out)
{
	struct request like = *r;

	like.body.object.object = bed.object;
	bad_handles(&like, out);
	bad(out, bed.space, PAGER_ETYPE, NULL);
}

/* An address of any byte. */
static void bad_addr(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, HALF, PAGER_ERANGE, NULL);
	bad(out, HALF + 1, PAGER_ERANGE, NULL);
	bad(out, UINT64_C(1) << 63, PAGER_ERANGE, NULL);
	bad(out, UPPER - 1, PAGER_ERANGE, NULL);
	bad(out, UPPER - PAGE, PAGER_ERANGE, NULL);
}

static void bad_lookup_addr(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bad(out, 0, PAGER_ENOENT, NULL);
	bad(out, BED_ANON - 1, PAGER_ENOENT, NULL);
	bad(out, BED_HOLE, PAGER_ENOENT, NULL);
	bad(out, UINT64_MAX, PAGER_ENOENT, NULL);
}

/* The first byte of an access of several bytes. */
static void bad_access_addr(const struct request *r, struct bads *out)
{
	const char *len = r->op->number == PAGER_OP_READ ? "len" : "data_len";

	bad_addr(r, out);
	bad(out, UINT64_MAX, PAGER_EOVERFLOW, len);
	bad(out, HALF - 1, PAGER_ERANGE, len);
}

/* A place or hint that is a page. */
static void bad_page(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bad(out, 1, PAGER_EALIGN, NULL);
	bad(out, BED_ANON + 1, PAGER_EALIGN, NULL);
	bad(out, BED_ANON + PAGE - 1, PAGER_EALIGN, NULL);
	bad(out, HALF - 1, PAGER_EALIGN, NULL);
	bad(out, UINT64_MAX, PAGER_EALIGN, NULL);
}

/* The first page of a range of a space. */
static void bad_start_of(const struct request *r, struct bads *out,
			 const char *len)
{
	uint64_t pages = value_of(r, len) / PAGE;

	bad_page(r, out);
	bad(out, 0, PAGER_ERANGE, NULL);
	bad(out, BED_START - PAGE, PAGER_ERANGE, NULL);
	bad(out, UPPER, PAGER_ERANGE, NULL);
	bad(out, BED_END, PAGER_ERANGE, pages > 1 ? len : NULL);
	if (pages < 2)
		return;
	bad(out, LAST, PAGER_EOVERFLOW, len);
	bad(out, HALF - PAGE, PAGER_ERANGE, len);
	bad(out, BED_END - PAGE, PAGER_ERANGE, len);
}

static void bad_start(const struct request *r, struct bads *out)
{
	bad_start_of(r, out, "len");
}

/* The same where all of it must be mapped. */
static void bad_mapped_start(const struct request *r, struct bads *out)
{
	bad_start(r, out);
	bad(out, BED_ANON - PAGE, PAGER_EUNMAPPED, NULL);
	bad(out, BED_HOLE, PAGER_EUNMAPPED, NULL);
}

/* A length, wherever it starts. */
static void bad_any_len(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 0, PAGER_EINVAL, NULL);
	bad(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bad(out, LAST + 1, PAGER_EOVERFLOW, NULL);
	bad(out, SPAN + 1, PAGER_ERANGE, NULL);
	bad(out, SPAN + PAGE, PAGER_ERANGE, NULL);
}

/* A length behind an address. */
static void bad_len_behind(struct bads *out, uint64_t addr)
{
	bad(out, 0, PAGER_EINVAL, NULL);
	bad(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bad(out, LAST + 1, PAGER_EOVERFLOW, NULL);
	bad(out, 0 - addr + 1, PAGER_EOVERFLOW, NULL);
	bad(out, SPAN + 1, PAGER_ERANGE, NULL);
	bad(out, SPAN, PAGER_ERANGE, NULL);
	bad(out, HALF - addr + 1, PAGER_ERANGE, NULL);
}

static void bad_len(const struct request *r, struct bads *out)
{
	uint64_t addr = value_of(r, "addr");

	bad_len_behind(out, addr);
	bad(out, HALF - addr, PAGER_ERANGE, NULL);
	bad(out, BED_END - addr + 1, PAGER_ERANGE, NULL);
}

static void bad_mapped_len(const struct request *r, struct bads *out)
{
	bad_len(r, out);
	bad(out, BED_END - value_of(r, "addr"), PAGER_EUNMAPPED, "addr");
}

static void bad_remap_len(const struct request *r, struct bads *out)
{
	uint64_t addr = value_of(r, "addr");

	bad_len_behind(out, addr);
	bad(out, 17 * PAGE, PAGER_EUNMAPPED, NULL);
}

/* DONTUNMAP: both lengths are equal. */
static void bad_equal_len(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bad(out, SPAN + 1, PAGER_ERANGE, NULL);
	bad(out, 0, PAGER_EINVAL, "new_len");
	bad(out, 3 * PAGE, PAGER_EINVAL, "new_len");
}

static void bad_new_len(const struct request *r, struct bads *out)
{
	bad_any_len(r, out);
	bad(out, HALF, PAGER_ENOSPACE, NULL);
	bad(out, SPAN, PAGER_ENOSPACE, NULL);
}

static void bad_fixed_new_len(const struct request *r, struct bads *out)
{
	bad_len_behind(out, value_of(r, "new_addr"));
	/* The field that says where is to blame for where it ends, too. */
	bad(out, HALF - value_of(r, "new_addr"), PAGER_ERANGE, "new_addr");
}

static void bad_new_addr(const struct request *r, struct bads *out)
{
	bad_page(r, out);
	bad(out, 0, PAGER_ERANGE, NULL);
	bad(out, UPPER, PAGER_ERANGE, NULL);
	bad(out, BED_END - value_of(r, "new_len") + PAGE, PAGER_ERANGE, NULL);
	bad(out, LAST, PAGER_EOVERFLOW, "new_len");
	bad(out, HALF - PAGE, PAGER_ERANGE, "new_len");
	bad(out, value_of(r, "addr"), PAGER_EINVAL, NULL);
	bad(out, value_of(r, "addr") + PAGE, PAGER_EINVAL, NULL);
	bad(out, value_of(r, "addr") - PAGE, PAGER_EINVAL, NULL);
}

static void bad_hint_len(const struct request *r, struct bads *out)
{
	bad_any_len(r, out);
	bad(out, HALF, PAGER_ENOSPACE, NULL);
	if (value_of(r, "offset"))
		bad(out, SPAN, PAGER_EOVERFLOW, "offset");
	else
		bad(out, SPAN, PAGER_ENOSPACE, NULL);
}

static void bad_bits(struct bads *out, uint32_t known, enum pager_error error)
{
	bad(out, UINT32_MAX, error, NULL);
	bad(out, UINT32_MAX & ~known, error, NULL);
	bad(out, UINT32_C(1) << 31, error, NULL);
	bad(out, UINT32_C(1) << 16, error, NULL);
	bad(out, known + 1, error, NULL);
}

static void bad_prot(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_PROT_ALL, PAGER_EINVAL);
}

static void bad_map_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_MAP_ALL, PAGER_EFLAGS);
	bad(out, PAGER_MAP_NOREPLACE, PAGER_EFLAGS, NULL);
	bad(out, PAGER_MAP_GROWSDOWN | PAGER_MAP_SHARED, PAGER_EFLAGS, NULL);
	bad(out, PAGER_MAP_CONTIG | PAGER_MAP_SHARED, PAGER_EFLAGS, NULL);
	bad(out, PAGER_MAP_CONTIG | PAGER_MAP_GROWSDOWN, PAGER_EFLAGS, NULL);
	bad(out, PAGER_MAP_ALIGN_64K, PAGER_EFLAGS, NULL);
	bad(out, PAGER_MAP_BELOW_4G, PAGER_EFLAGS, NULL);
	if (value_of(r, "addr") < BED_HOLE &&
	    value_of(r, "flags") & PAGER_MAP_FIXED)
		bad(out, PAGER_MAP_NOREPLACE | PAGER_MAP_FIXED, PAGER_EEXIST,
		    "addr");
}

static void bad_object_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_MAP_ALL, PAGER_EFLAGS);
	bad(out, PAGER_MAP_GROWSDOWN, PAGER_EFLAGS, NULL);
	bad(out, PAGER_MAP_CONTIG, PAGER_EFLAGS, NULL);
}

static void bad_remap_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_REMAP_ALL, PAGER_EFLAGS);
	bad(out, PAGER_REMAP_FIXED, PAGER_EFLAGS, NULL);
	bad(out, PAGER_REMAP_DONTUNMAP, PAGER_EFLAGS, NULL);
	bad(out, PAGER_REMAP_FIXED | PAGER_REMAP_DONTUNMAP, PAGER_EFLAGS, NULL);
}

static void bad_one_flag(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, 1, PAGER_EFLAGS);
}

static void bad_no_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, 0, PAGER_EFLAGS);
}

static void bad_anonymous_offset(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 1, PAGER_EALIGN, NULL);
	bad(out, PAGE, PAGER_EINVAL, NULL);
	bad(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bad(out, LAST, PAGER_ERANGE, NULL);
}

static void bad_offset(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 1, PAGER_EALIGN, NULL);
	bad(out, PAGE - 1, PAGER_EALIGN, NULL);
	bad(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bad(out, SPAN, PAGER_EOVERFLOW, NULL);
	bad(out, SPAN - PAGE, PAGER_EOVERFLOW, NULL);
	bad(out, SPAN + PAGE, PAGER_ERANGE, NULL);
	bad(out, LAST, PAGER_ERANGE, NULL);
}

static void bad_brk(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bad(out, UINT64_MAX, PAGER_ERANGE, NULL);
	bad(out, UPPER, PAGER_ERANGE, NULL);
	bad(out, 1, PAGER_ERANGE, NULL);
	bad(out, BED_HEAP - 1, PAGER_ERANGE, NULL);
	bad(out, BED_END + 1, PAGER_ERANGE, NULL);
	bad(out, BED_VIEW + 1, PAGER_EEXIST, NULL);
	bad(out, BED_END, PAGER_EEXIST, NULL);
}

static void bad_brk_start(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bad(out, 0, PAGER_ERANGE, NULL);
	bad(out, BED_START - PAGE, PAGER_ERANGE, NULL);
	bad(out, BED_END + 1, PAGER_ERANGE, NULL);
	bad(out, UINT64_MAX, PAGER_ERANGE, NULL);
	bad(out, UPPER, PAGER_ERANGE, NULL);
}

static void bad_advice(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 0, PAGER_EINVAL, NULL);
	bad(out, PAGER_ADV_KEEPONFORK + 1, PAGER_EINVAL, NULL);
	bad(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_access(const struct request *r, struct bads *out)
{
	(void)r;
	for (uint32_t i = 0; i < 8; i++)
		if (i != PAGER_ACCESS_READ && i != PAGER_ACCESS_WRITE &&
		    i != PAGER_ACCESS_EXEC)
			bad(out, i, PAGER_EINVAL, NULL);
	bad(out, 8, PAGER_EINVAL, NULL);
	bad(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_read_len(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 0, PAGER_EINVAL, NULL);
	bad(out, PAGER_DATA_MAX + 1, PAGER_ETOOBIG, NULL);
	bad(out, PAGER_MSG_MAX, PAGER_ETOOBIG, NULL);
	bad(out, UINT32_MAX, PAGER_ETOOBIG, NULL);
}

static void bad_cpu(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, serve_srv.config.cpus, PAGER_ERANGE, NULL);
	bad(out, UINT32_MAX, PAGER_ERANGE, NULL);
}

static void bad_size(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 1, PAGER_EALIGN, NULL);
	bad(out, PAGE + 1, PAGER_EALIGN, NULL);
	bad(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bad(out, SPAN + PAGE, PAGER_ERANGE, NULL);
	bad(out, LAST, PAGER_ERANGE, NULL);
}

static void bad_backend(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, PAGER_BACKEND_KVM, PAGER_ENOBACKEND, NULL);
	bad(out, PAGER_BACKEND_KVM + 1, PAGER_EINVAL, NULL);
	bad(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_range_start(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bad(out, 1, PAGER_EALIGN, NULL);
	bad(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bad(out, value_of(r, "end"), PAGER_EINVAL, "end");
	bad(out, value_of(r, "end") + PAGE, PAGER_EINVAL, "end");
	bad(out, LAST, PAGER_EINVAL, "end");
}

static void bad_range_end(const struct request *r, struct bads *out)
{
	uint64_t start = value_of(r, "start");

	bad(out, start, PAGER_EINVAL, NULL);
	bad(out, start - PAGE, PAGER_EINVAL, NULL);
	bad(out, start + 1, PAGER_EALIGN, NULL);
	bad(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bad(out, HALF + PAGE, PAGER_ERANGE, NULL);
	bad(out, UPPER, PAGER_ERANGE, NULL);
}

static void bad_uid(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 0, PAGER_EACCESS, NULL);
	bad(out, SERVE_BEN, PAGER_EACCESS, NULL);
	bad(out, UINT32_MAX - 1, PAGER_EACCESS, NULL);
}

static void bad_magic(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 0, PAGER_EINVAL, NULL);
	bad(out, PAGER_MAGIC + 1, PAGER_EINVAL, NULL);
	bad(out, __builtin_bswap32(PAGER_MAGIC), PAGER_EINVAL, NULL);
}

static void bad_major(const struct request *r, struct bads *out)
{
	(void)r;
	bad(out, 0, PAGER_EVERSION, NULL);
	bad(out, PAGER_VERSION_MAJOR + 1, PAGER_EVERSION, NULL);
	bad(out, UINT16_MAX, PAGER_EVERSION, NULL);
}

static void bad_batch_count(const struct request *r, struct bads *out)
{
	uint64_t count = value_of(r, "count");

	bad(out, 0, PAGER_EINVAL, NULL);
	bad(out, count - 1, PAGER_EINVAL, NULL);
	bad(out, count + 1, PAGER_EINVAL, NULL);
	bad(out, PAGER_BATCH_MAX, PAGER_EINVAL, NULL);
	bad(out, PAGER_BATCH_MAX + 1, PAGER_ETOOBIG, NULL);
	bad(out, UINT32_MAX, PAGER_ETOOBIG, NULL);
}

/* Text and tokens are no numbers; and some fields may be anything. */
static void texts(const struct request *r, struct bads *out)
{
	(void)r;
	(void)out;
}

static void anything(const struct request *r, struct bads *out)
{
	(void)r;
	(void)out;
}

/* The first row that matches decides: request is one as requests.c names it,
 * or an operation; NULL matches all. */
static const struct rule {
	const char *request;
	const char *field;
	rule_fn *fn;
} rules[] = {
    {NULL, "space", bad_space},
    {"map fixed", "addr", bad_start},
    {"map fixed", "len", bad_len},
    {"map stack", "addr", bad_start},
    {"map stack", "len", bad_len},
    {"map populate", "addr", bad_start},
    {"map populate", "len", bad_len},
    {"map object shared", "addr", bad_start},
    {"map object shared", "len", bad_len},
    {"map object", "flags", bad_object_flags},
    {"map object shared", "flags", bad_object_flags},
    {"map object", "offset", bad_offset},
    {"map object shared", "offset", bad_offset},
    {"map", "addr", bad_page},
    {"map", "len", bad_hint_len},
    {"map", "prot", bad_prot},
    {"map", "flags", bad_map_flags},
    {"map", "object", bad_map_object},
    {"map", "offset", bad_anonymous_offset},
    {"unmap", "addr", bad_start},
    {"unmap", "len", bad_len},
    {"space_sharing", "addr", bad_start},
    {"space_sharing", "len", bad_len},
    {"space_resident", "addr", bad_start},
    {"space_resident", "len", bad_len},
    {"harvest", "addr", bad_start},
    {"harvest", "len", bad_len},
    {"protect", "addr", bad_mapped_start},
    {"protect", "len", bad_mapped_len},
    {"protect", "prot", bad_prot},
    {"remap", "addr", bad_mapped_start},
    {"remap second view", "len", anything},
    {"remap second view", "new_len", bad_any_len},
    {"remap fixed", "new_len", bad_fixed_new_len},
    {"remap fixed", "new_addr", bad_new_addr},
    {"remap dontunmap", "len", bad_equal_len},
    {"remap dontunmap", "new_len", bad_any_len},
    {"remap shrink", "new_len", bad_new_len},
    {"remap", "len", bad_remap_len},
    {"remap", "new_len", bad_new_len},
    {"remap", "new_addr", anything},
    {"remap", "flags", bad_remap_flags},
    {"brk start", "brk", bad_brk_start},
    {"brk", "brk", bad_brk},
    {"brk", "flags", bad_one_flag},
    {"advise", "addr", bad_mapped_start},
    {"advise", "len", bad_mapped_len},
    {"advise", "advice", bad_advice},
    {"pin", "addr", bad_mapped_start},
    {"pin", "len", bad_mapped_len},
    {"unpin", "addr", bad_mapped_start},
    {"unpin", "len", bad_mapped_len},
    {"populate", "addr", bad_mapped_start},
    {"populate", "len", bad_mapped_len},
    {"populate", "access", bad_access},
    {"fault", "addr", bad_addr},
    {"fault", "access", bad_access},
    {"page", "addr", bad_addr},
    {"region_lookup", "addr", bad_lookup_addr},
    {"region_list", "flags", bad_one_flag},
    {"region_list", "max", anything},
    {"read", "addr", bad_access_addr},
    {"read", "len", bad_read_len},
    {"write", "addr", bad_access_addr},
    {NULL, "cpu", bad_cpu},
    {"space_create range", "start", bad_range_start},
    {"space_create range", "end", bad_range_end},
    {"space_create", "start", anything},
    {"space_create", "end", anything},
    {"space_create", "backend", bad_backend},
    {"space_create", "flags", bad_no_flags},
    {"space_create", "max_regions", anything},
    {"space_create", "max_bytes", anything},
    {"space_create", "max_resident", anything},
    {"space_create", "max_stack", anything},
    {"object_create", "size", bad_size},
    {"object_create", "flags", bad_no_flags},
    {"object_resize", "size", bad_size},
    {NULL, "object", bad_object},
    {NULL, "handle", bad_thing},
    {NULL, "name", texts},
    {NULL, "token", texts},
    {NULL, "cursor", anything},
    {"ping", "cookie", anything},
    {"user_info", "uid", bad_uid},
    {"hello", "magic", bad_magic},
    {"hello", "major", bad_major},
    {"hello", "minor", anything},
    {"hello", "features", anything},
    {"batch", "flags", bad_one_flag},
    {"batch", "count", bad_batch_count},
};

static rule_fn *rule_of(const struct request *r, const struct pager_field *f)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *rule = rules + i;

		if (strcmp(rule->field, f->name) == 0 &&
		    (!rule->request || strcmp(rule->request, r->name) == 0 ||
		     strcmp(rule->request, r->op->name) == 0))
			return rule->fn;
	}
	test_die("%s: nobody says what is wrong for %s", r->name, f->name);
}

enum bad_kind bad_fields(const struct request *r, const struct pager_field *f,
			 struct bads *out)
{
	rule_fn *rule = rule_of(r, f);

	out->count = 0;
	rule(r, out);
	if (rule == texts)
		return BAD_TEXT;
	return rule == anything ? BAD_NONE : BAD_VALUES;
}
