/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function says what is wrong for a kind of field; a table says of which kind
 * each field is.
 */
#include "tests/support/bad_int.h"

#include <string.h>

#include "tests/support/world.h"

void bads_add(struct bads *b, uint64_t value, enum pager_error error,
	      const char *blame)
{
	if (b->count == BADS_MAX)
		test_die("more than BADS_MAX values");
	b->list[b->count++] = (struct bad){value, error, blame};
}

uint64_t request_value(const struct request *r, const char *name)
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

/* Handles nobody has, or not this session, or not any more. */
static void bad_handles(const struct request *r, struct bads *out)
{
	uint64_t valid = request_value(r, r->op->request->fields[0].name);

	(void)r;
	bads_add(out, 1, PAGER_ENOENT, NULL);
	bads_add(out, UINT64_MAX, PAGER_ENOENT, NULL);
	/* Another slot, a later use of this one, another type in its bits. */
	bads_add(out, valid + (UINT64_C(1) << 30), PAGER_ENOENT, NULL);
	bads_add(out, valid + 4, PAGER_ENOENT, NULL);
	bads_add(out, valid ^ 3, PAGER_ENOENT, NULL);
	bads_add(out, valid & ~UINT64_C(3), PAGER_ENOENT, NULL);
	/* Another session, one that may come. */
	bads_add(out, valid + (UINT64_C(100) << 38), PAGER_ENOENT, NULL);
	bads_add(out, bed.twins_space, PAGER_ENOENT, NULL);
	bads_add(out, bed.twins_object, PAGER_ENOENT, NULL);
	bads_add(out, bed.others_space, PAGER_ENOENT, NULL);
	bads_add(out, bed.others_object, PAGER_ENOENT, NULL);
	bads_add(out, bed.dead_space, PAGER_ESTALE, NULL);
	bads_add(out, bed.dead_object, PAGER_ESTALE, NULL);
	bads_add(out, bed.twins_log, PAGER_ENOENT, NULL);
	bads_add(out, bed.dead_log, PAGER_ESTALE, NULL);
}

void bad_thing(const struct request *r, struct bads *out)
{
	bads_add(out, 0, PAGER_ENOENT, NULL);
	bad_handles(r, out);
}

static void bad_space(const struct request *r, struct bads *out)
{
	bad_thing(r, out);
	bads_add(out, bed.object, PAGER_ETYPE, NULL);
	bads_add(out, bed.log, PAGER_ETYPE, NULL);
}

static void bad_object(const struct request *r, struct bads *out)
{
	bad_thing(r, out);
	bads_add(out, bed.log, PAGER_ETYPE, NULL);
	bads_add(out, bed.space, PAGER_ETYPE, NULL);
}

/* MAP's: 0 is anonymous memory. */
static void bad_map_object(const struct request *r, struct bads *out)
{
	struct request like = *r;

	like.body.object.object = bed.object;
	bad_handles(&like, out);
	bads_add(out, bed.space, PAGER_ETYPE, NULL);
}

/* An address of any byte. */
void bad_addr(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, HALF, PAGER_ERANGE, NULL);
	bads_add(out, HALF + 1, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_C(1) << 63, PAGER_ERANGE, NULL);
	bads_add(out, UPPER - 1, PAGER_ERANGE, NULL);
	bads_add(out, UPPER - PAGE, PAGER_ERANGE, NULL);
}

static void bad_lookup_addr(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bads_add(out, 0, PAGER_ENOENT, NULL);
	bads_add(out, BED_ANON - 1, PAGER_ENOENT, NULL);
	bads_add(out, BED_HOLE, PAGER_ENOENT, NULL);
	bads_add(out, UINT64_MAX, PAGER_ENOENT, NULL);
}

/* The first byte of an access of several bytes. */
static void bad_access_addr(const struct request *r, struct bads *out)
{
	const char *len = r->op->number == PAGER_OP_READ ? "len" : "data_len";

	bad_addr(r, out);
	bads_add(out, UINT64_MAX, PAGER_EOVERFLOW, len);
	bads_add(out, HALF - 1, PAGER_ERANGE, len);
}

/* A place or hint that is a page. */
static void bad_page(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, BED_ANON + 1, PAGER_EALIGN, NULL);
	bads_add(out, BED_ANON + PAGE - 1, PAGER_EALIGN, NULL);
	bads_add(out, HALF - 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
}

/* The first page of a range of a space. */
static void bad_start_of(const struct request *r, struct bads *out,
			 const char *len)
{
	uint64_t pages = request_value(r, len) / PAGE;

	bad_page(r, out);
	bads_add(out, 0, PAGER_ERANGE, NULL);
	bads_add(out, BED_START - PAGE, PAGER_ERANGE, NULL);
	bads_add(out, UPPER, PAGER_ERANGE, NULL);
	bads_add(out, BED_END, PAGER_ERANGE, pages > 1 ? len : NULL);
	if (pages < 2)
		return;
	bads_add(out, LAST, PAGER_EOVERFLOW, len);
	bads_add(out, HALF - PAGE, PAGER_ERANGE, len);
	bads_add(out, BED_END - PAGE, PAGER_ERANGE, len);
}

static void bad_start(const struct request *r, struct bads *out)
{
	bad_start_of(r, out, "len");
}

/* The same where all of it must be mapped. */
static void bad_mapped_start(const struct request *r, struct bads *out)
{
	bad_start(r, out);
	bads_add(out, BED_ANON - PAGE, PAGER_EUNMAPPED, NULL);
	bads_add(out, BED_HOLE, PAGER_EUNMAPPED, NULL);
}

/* A length, wherever it starts. */
static void bad_any_len(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bads_add(out, LAST + 1, PAGER_EOVERFLOW, NULL);
	bads_add(out, SPAN + 1, PAGER_ERANGE, NULL);
	bads_add(out, SPAN + PAGE, PAGER_ERANGE, NULL);
}

/* A length behind an address. */
static void bad_len_behind(struct bads *out, uint64_t addr)
{
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bads_add(out, LAST + 1, PAGER_EOVERFLOW, NULL);
	bads_add(out, 0 - addr + 1, PAGER_EOVERFLOW, NULL);
	bads_add(out, SPAN + 1, PAGER_ERANGE, NULL);
	bads_add(out, SPAN, PAGER_ERANGE, NULL);
	bads_add(out, HALF - addr + 1, PAGER_ERANGE, NULL);
}

static void bad_len(const struct request *r, struct bads *out)
{
	uint64_t addr = request_value(r, "addr");

	bad_len_behind(out, addr);
	bads_add(out, HALF - addr, PAGER_ERANGE, NULL);
	bads_add(out, BED_END - addr + 1, PAGER_ERANGE, NULL);
}

static void bad_mapped_len(const struct request *r, struct bads *out)
{
	bad_len(r, out);
	bads_add(out, BED_END - request_value(r, "addr"), PAGER_EUNMAPPED,
		 "addr");
}

static void bad_remap_len(const struct request *r, struct bads *out)
{
	uint64_t addr = request_value(r, "addr");

	bad_len_behind(out, addr);
	bads_add(out, 17 * PAGE, PAGER_EUNMAPPED, NULL);
}

/* DONTUNMAP: both lengths are equal. */
static void bad_equal_len(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bads_add(out, SPAN + 1, PAGER_ERANGE, NULL);
	bads_add(out, 0, PAGER_EINVAL, "new_len");
	bads_add(out, 3 * PAGE, PAGER_EINVAL, "new_len");
}

static void bad_new_len(const struct request *r, struct bads *out)
{
	bad_any_len(r, out);
	bads_add(out, HALF, PAGER_ENOSPACE, NULL);
	bads_add(out, SPAN, PAGER_ENOSPACE, NULL);
}

static void bad_fixed_new_len(const struct request *r, struct bads *out)
{
	bad_len_behind(out, request_value(r, "new_addr"));
	/* The field that says where is to blame for where it ends, too. */
	bads_add(out, HALF - request_value(r, "new_addr"), PAGER_ERANGE,
		 "new_addr");
}

static void bad_new_addr(const struct request *r, struct bads *out)
{
	bad_page(r, out);
	bads_add(out, 0, PAGER_ERANGE, NULL);
	bads_add(out, UPPER, PAGER_ERANGE, NULL);
	bads_add(out, BED_END - request_value(r, "new_len") + PAGE,
		 PAGER_ERANGE, NULL);
	bads_add(out, LAST, PAGER_EOVERFLOW, "new_len");
	bads_add(out, HALF - PAGE, PAGER_ERANGE, "new_len");
	bads_add(out, request_value(r, "addr"), PAGER_EINVAL, NULL);
	bads_add(out, request_value(r, "addr") + PAGE, PAGER_EINVAL, NULL);
	bads_add(out, request_value(r, "addr") - PAGE, PAGER_EINVAL, NULL);
}

static void bad_hint_len(const struct request *r, struct bads *out)
{
	bad_any_len(r, out);
	bads_add(out, HALF, PAGER_ENOSPACE, NULL);
	if (request_value(r, "offset"))
		bads_add(out, SPAN, PAGER_EOVERFLOW, "offset");
	else
		bads_add(out, SPAN, PAGER_ENOSPACE, NULL);
}

void bad_bits(struct bads *out, uint32_t known, enum pager_error error)
{
	bads_add(out, UINT32_MAX, error, NULL);
	bads_add(out, UINT32_MAX & ~known, error, NULL);
	bads_add(out, UINT32_C(1) << 31, error, NULL);
	bads_add(out, UINT32_C(1) << 16, error, NULL);
	bads_add(out, known + 1, error, NULL);
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
	bads_add(out, PAGER_MAP_NOREPLACE, PAGER_EFLAGS, NULL);
	bads_add(out, PAGER_MAP_GROWSDOWN | PAGER_MAP_SHARED, PAGER_EFLAGS,
		 NULL);
	bads_add(out, PAGER_MAP_CONTIG | PAGER_MAP_SHARED, PAGER_EFLAGS, NULL);
	bads_add(out, PAGER_MAP_CONTIG | PAGER_MAP_GROWSDOWN, PAGER_EFLAGS,
		 NULL);
	bads_add(out, PAGER_MAP_ALIGN_64K, PAGER_EFLAGS, NULL);
	bads_add(out, PAGER_MAP_BELOW_4G, PAGER_EFLAGS, NULL);
	if (request_value(r, "addr") < BED_HOLE &&
	    request_value(r, "flags") & PAGER_MAP_FIXED)
		bads_add(out, PAGER_MAP_NOREPLACE | PAGER_MAP_FIXED,
			 PAGER_EEXIST, "addr");
}

static void bad_object_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_MAP_ALL, PAGER_EFLAGS);
	bads_add(out, PAGER_MAP_GROWSDOWN, PAGER_EFLAGS, NULL);
	bads_add(out, PAGER_MAP_CONTIG, PAGER_EFLAGS, NULL);
}

static void bad_remap_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_REMAP_ALL, PAGER_EFLAGS);
	bads_add(out, PAGER_REMAP_FIXED, PAGER_EFLAGS, NULL);
	bads_add(out, PAGER_REMAP_DONTUNMAP, PAGER_EFLAGS, NULL);
	bads_add(out, PAGER_REMAP_FIXED | PAGER_REMAP_DONTUNMAP, PAGER_EFLAGS,
		 NULL);
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
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, PAGE, PAGER_EINVAL, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
}

static void bad_offset(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, PAGE - 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, SPAN, PAGER_EOVERFLOW, NULL);
	bads_add(out, SPAN - PAGE, PAGER_EOVERFLOW, NULL);
	bads_add(out, SPAN + PAGE, PAGER_ERANGE, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
}

static void bad_brk(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bads_add(out, UINT64_MAX, PAGER_ERANGE, NULL);
	bads_add(out, UPPER, PAGER_ERANGE, NULL);
	bads_add(out, 1, PAGER_ERANGE, NULL);
	bads_add(out, BED_HEAP - 1, PAGER_ERANGE, NULL);
	bads_add(out, BED_END + 1, PAGER_ERANGE, NULL);
	bads_add(out, BED_VIEW + 1, PAGER_EEXIST, NULL);
	bads_add(out, BED_END, PAGER_EEXIST, NULL);
}

static void bad_brk_start(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bads_add(out, 0, PAGER_ERANGE, NULL);
	bads_add(out, BED_START - PAGE, PAGER_ERANGE, NULL);
	bads_add(out, BED_END + 1, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_MAX, PAGER_ERANGE, NULL);
	bads_add(out, UPPER, PAGER_ERANGE, NULL);
}

static void bad_advice(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_ADV_KEEPONFORK + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_access(const struct request *r, struct bads *out)
{
	(void)r;
	for (uint32_t i = 0; i < 8; i++)
		if (i != PAGER_ACCESS_READ && i != PAGER_ACCESS_WRITE &&
		    i != PAGER_ACCESS_EXEC)
			bads_add(out, i, PAGER_EINVAL, NULL);
	bads_add(out, 8, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_read_len(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_DATA_MAX + 1, PAGER_ETOOBIG, NULL);
	bads_add(out, PAGER_MSG_MAX, PAGER_ETOOBIG, NULL);
	bads_add(out, UINT32_MAX, PAGER_ETOOBIG, NULL);
}

static void bad_cpu(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, serve_srv.config.cpus, PAGER_ERANGE, NULL);
	bads_add(out, UINT32_MAX, PAGER_ERANGE, NULL);
}

static void bad_size(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, PAGE + 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, SPAN + PAGE, PAGER_ERANGE, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
}

static void bad_backend(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, PAGER_BACKEND_KVM, PAGER_ENOBACKEND, NULL);
	bads_add(out, PAGER_BACKEND_KVM + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_range_start(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, request_value(r, "end"), PAGER_EINVAL, "end");
	bads_add(out, request_value(r, "end") + PAGE, PAGER_EINVAL, "end");
	bads_add(out, LAST, PAGER_EINVAL, "end");
}

static void bad_range_end(const struct request *r, struct bads *out)
{
	uint64_t start = request_value(r, "start");

	bads_add(out, start, PAGER_EINVAL, NULL);
	bads_add(out, start - PAGE, PAGER_EINVAL, NULL);
	bads_add(out, start + 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, HALF + PAGE, PAGER_ERANGE, NULL);
	bads_add(out, UPPER, PAGER_ERANGE, NULL);
}

static void bad_uid(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EACCESS, NULL);
	bads_add(out, SERVE_BEN, PAGER_EACCESS, NULL);
	bads_add(out, UINT32_MAX - 1, PAGER_EACCESS, NULL);
}

static void bad_magic(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_MAGIC + 1, PAGER_EINVAL, NULL);
	bads_add(out, __builtin_bswap32(PAGER_MAGIC), PAGER_EINVAL, NULL);
}

static void bad_major(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EVERSION, NULL);
	bads_add(out, PAGER_VERSION_MAJOR + 1, PAGER_EVERSION, NULL);
	bads_add(out, UINT16_MAX, PAGER_EVERSION, NULL);
}

static void bad_batch_count(const struct request *r, struct bads *out)
{
	uint64_t count = request_value(r, "count");

	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, count - 1, PAGER_EINVAL, NULL);
	bads_add(out, count + 1, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_BATCH_MAX, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_BATCH_MAX + 1, PAGER_ETOOBIG, NULL);
	bads_add(out, UINT32_MAX, PAGER_ETOOBIG, NULL);
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
    {"space_pause", "space", bad_paused},
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
    {"peek", "addr", bad_start},
    {"peek", "len", bad_len},
    {"peek", "what", bad_what},
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
    {"give", "handle", bad_given},
    {"dirty_reset", "handle", bad_reset_log},
    {NULL, "handle", bad_log},
    {"dirty_ring", "log", bad_log},
    {NULL, "log", bad_read_log},
    {"dirty_start all", "addr", bad_all_addr},
    {"dirty_start all", "len", bad_all_len},
    {"dirty_start", "addr", bad_start},
    {"dirty_start", "len", bad_len},
    {"dirty_start", "method", bad_method},
    {"dirty_start", "flags", bad_log_flags},
    {"dirty_get manual", "flags", bad_manual_flags},
    {"dirty_get manual", "first", bad_manual_first},
    {"dirty_get manual", "pages", bad_manual_pages},
    {"dirty_get orphan", "first", bad_orphan_first},
    {"dirty_get orphan", "pages", bad_orphan_pages},
    {"dirty_clear words", "first", bad_first},
    {"dirty_clear words", "pages", bad_words_pages},
    {"dirty_clear", "first", bad_manual_first},
    {"dirty_clear", "pages", bad_manual_pages},
    {NULL, "first", bad_first},
    {NULL, "pages", bad_pages},
    {"dirty_get", "flags", bad_get_flags},
    {"dirty_get_fd", "flags", bad_get_flags},
    {"dirty_get_fd", "offset", bad_word_offset},
    {"dirty_writeback", "step", bad_step},
    {"dirty_ring", "entries", bad_entries},
    {NULL, "name", texts},
    {NULL, "token", texts},
    {NULL, "cursor", anything},
    {"space_policy", "around", bad_around},
    {"space_pause", "max_ms", bad_pause},
    {"pool_info", "pool", bad_pool},
    {"pool_blocks", "pool", bad_pool},
    {"pool_cells", "pool", bad_pool},
    {"pool_holders", "pool", bad_pool},
    {NULL, "pool", bad_own_pool},
    {"pool_resize", "size", bad_pool_size},
    {"pool_grow", "size", bad_pool_size},
    {"pool_online", "zone", bad_zone},
    {"pool_online", "addr", bad_block_on},
    {"pool_offline", "addr", bad_block_off},
    {"pool_holders", "addr", bad_phys},
    {"pool_holders", "len", bad_phys_len},
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
