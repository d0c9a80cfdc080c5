/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine of the unit tests, and its picture.
 */
#include "tests/support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/internal.h"

struct test_world unit_world;
struct pager_space *unit_space;

static struct pager_object *objects[64];
static size_t object_count;

void unit_start(const struct test_world_config *config)
{
	test_world_init(&unit_world, config);
	unit_space = test_world_space(&unit_world, 0, PAGER_VPN_END);
	object_count = 0;
}

void unit_end(void)
{
	struct pager_core *core = unit_world.core;

	unit_check();
	while (!LIST_EMPTY(&core->spaces))
		pager_space_free(LIST_FIRST(&core->spaces));
	while (object_count)
		pager_object_put(objects[--object_count]);
	test_world_fini(&unit_world);
}

void unit_check(void)
{
	struct pager_space *s;
	uint64_t vpn;

	test_world_recount(&unit_world);
	LIST_FOREACH (s, &unit_world.core->spaces, all)
		if (!pager_sim_check(unit_world.sim, s, &vpn))
			test_die("space %" PRIu64
				 ": the TLB is stale at page %#" PRIx64,
				 s->id, vpn);
}

int unit_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

void unit_map(struct pager_space *s, uint64_t start, uint64_t pages,
	      uint32_t prot)
{
	unit_map_object(s, start, pages, prot, 0, NULL, 0);
}

void unit_map_flags(struct pager_space *s, uint64_t start, uint64_t pages,
		    uint32_t prot, uint32_t flags)
{
	unit_map_object(s, start, pages, prot, flags, NULL, 0);
}

void unit_map_object(struct pager_space *s, uint64_t start, uint64_t pages,
		     uint32_t prot, uint32_t flags, struct pager_object *object,
		     uint64_t offset)
{
	const struct pager_map_args a = {.addr = start,
					 .pages = pages,
					 .prot = prot,
					 .flags = flags | PAGER_MAP_FIXED,
					 .object = object,
					 .offset = offset};
	uint64_t at = UINT64_MAX;

	unit_ok(pager_space_map(s, &a, &at));
	ck_assert_uint_eq(at, start);
}

struct pager_status unit_place(struct pager_space *s, uint64_t hint,
			       uint64_t pages, uint64_t *out)
{
	const struct pager_map_args a = {
	    .addr = hint, .pages = pages, .prot = UNIT_RW};

	return pager_space_map(s, &a, out);
}

void unit_unmap(struct pager_space *s, uint64_t start, uint64_t pages)
{
	unit_ok(pager_space_unmap(s, pager_range(start, start + pages)));
}

void unit_protect(struct pager_space *s, uint64_t start, uint64_t pages,
		  uint32_t prot)
{
	unit_ok(
	    pager_space_protect(s, pager_range(start, start + pages), prot));
}

void unit_advise(struct pager_space *s, uint64_t start, uint64_t pages,
		 enum pager_advice advice)
{
	unit_ok(
	    pager_space_advise(s, pager_range(start, start + pages), advice));
}

uint64_t unit_remap(struct pager_space *s, uint64_t start, uint64_t pages,
		    uint64_t new_pages, uint32_t flags, uint64_t new_start)
{
	const struct pager_remap_args a = {.addr = start,
					   .pages = pages,
					   .new_pages = new_pages,
					   .flags = flags,
					   .new_addr = new_start};
	uint64_t at = UINT64_MAX;

	unit_ok(pager_space_remap(s, &a, &at));
	return at;
}

struct pager_space *unit_fork(struct pager_space *s)
{
	struct pager_space *child = NULL;

	unit_ok(pager_space_fork(s, unit_world.account, &child));
	return child;
}

struct pager_object *unit_object(uint64_t pages)
{
	struct pager_object *o = NULL;

	ck_assert_uint_lt(object_count, sizeof(objects) / sizeof(objects[0]));
	unit_ok(
	    pager_object_new(unit_world.core, unit_world.account, pages, &o));
	objects[object_count++] = o;
	return o;
}

struct pager_fault_info unit_fault(struct pager_space *s, uint64_t vpn,
				   uint32_t access)
{
	struct pager_fault_info info;

	unit_ok(pager_space_fault(s, vpn, access, &info));
	return info;
}

enum pager_signal unit_signal(struct pager_space *s, uint64_t vpn,
			      uint32_t access)
{
	struct pager_fault_info info = unit_fault(s, vpn, access);

	ck_assert((info.result == PAGER_FAULT_SIGNAL) ==
		  (info.signal != PAGER_SIGNAL_NONE));
	return info.signal;
}

void unit_put(struct pager_space *s, uint64_t vpn, uint8_t value)
{
	struct pager_access_stop why;
	uint64_t done;

	unit_ok(pager_space_write(s, 0, pager_vpn_to_va(vpn), &value, 1, &done,
				  &why));
	ck_assert_uint_eq(done, 1);
}

uint8_t unit_get(struct pager_space *s, uint64_t vpn)
{
	struct pager_access_stop why;
	uint64_t done;
	uint8_t value;

	unit_ok(pager_space_read(s, 0, pager_vpn_to_va(vpn), &value, 1, &done,
				 &why));
	ck_assert_uint_eq(done, 1);
	return value;
}

void unit_fill(struct pager_space *s, uint64_t start, uint64_t pages,
	       uint8_t first)
{
	for (uint64_t i = 0; i < pages; i++)
		unit_put(s, start + i, (uint8_t)(first + i));
}

void unit_object_put(struct pager_object *object, uint64_t index, uint8_t value)
{
	struct pager_space *s = test_world_space(&unit_world, 0, 16);

	unit_map_object(s, 1, 1, UNIT_RW, PAGER_MAP_SHARED, object, index);
	unit_put(s, 1, value);
	pager_space_free(s);
}

struct pager_page_info unit_page(const struct pager_space *s, uint64_t vpn)
{
	struct pager_page_info page;

	pager_space_page(s, vpn, &page);
	return page;
}

struct pager_space_info unit_info(const struct pager_space *s)
{
	struct pager_space_info info;

	pager_space_info(s, &info);
	return info;
}

struct pager_stats unit_stats(void)
{
	struct pager_stats stats;

	pager_core_stats(unit_world.core, &stats);
	return stats;
}

struct pager_region_info unit_region(const struct pager_space *s, uint64_t vpn)
{
	struct pager_region_info r;

	ck_assert(pager_space_region(s, vpn, &r));
	ck_assert_uint_le(r.range.start, vpn);
	ck_assert_uint_gt(r.range.end, vpn);
	return r;
}

bool unit_mapped(const struct pager_space *s, uint64_t vpn)
{
	struct pager_region_info r;

	return pager_space_region(s, vpn, &r) && r.range.start <= vpn;
}

uint64_t unit_used(enum pager_resource resource)
{
	return pager_account_used(unit_world.account, resource);
}

void unit_limit(enum pager_resource resource, uint64_t limit)
{
	uint64_t limits[PAGER_RES_COUNT];

	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limits[i] = UINT64_MAX;
	limits[resource] = limit;
	pager_account_set_limits(unit_world.account, limits);
}

void unit_no_limits(void)
{
	unit_limit(PAGER_RES_SPACES, UINT64_MAX);
}

/* Regions of more pages than this are not looked at page by page. */
enum { PICTURE_PAGES = 4096 };

static void draw_region(FILE *f, const struct pager_space *s,
			const struct pager_region_info *r)
{
	uint64_t pages = pager_range_len(r->range);

	fprintf(f,
		" region %#" PRIx64 "-%#" PRIx64 " prot %u flags %#x object"
		" %" PRIu64 " offset %" PRIu64 "\n",
		r->range.start, r->range.end, r->prot, r->flags,
		r->object ? r->object->id : 0, r->offset);
	for (uint64_t i = 0; i < pages && pages <= PICTURE_PAGES; i++) {
		struct pager_page_info p;

		pager_space_page(s, r->range.start + i, &p);
		if (p.entry)
			fprintf(f,
				"  page %#" PRIx64 " entry %#" PRIx64
				" refs %u access %u sharers %u\n",
				r->range.start + i, p.entry, p.refs, p.access,
				p.sharers);
	}
}

static void draw_space(FILE *f, const struct pager_space *s)
{
	struct pager_space_info i = unit_info(s);
	struct pager_region_info r;

	fprintf(f,
		"space %" PRIu64 " parent %" PRIu64 " regions %" PRIu64
		" virtual %" PRIu64 " anon %" PRIu64 " zero %" PRIu64
		" object %" PRIu64 " peak %" PRIu64 " minor %" PRIu64
		" major %" PRIu64 " brk %#" PRIx64 " %#" PRIx64
		" snapshot %d\n",
		i.id, i.parent, i.regions, i.virtual_pages, i.anon, i.zero,
		i.object, i.peak, i.minor_faults, i.major_faults, i.brk_start,
		i.brk, s->snapshot != NULL);
	for (uint64_t at = 0; pager_space_region(s, at, &r); at = r.range.end)
		draw_region(f, s, &r);
}

static void draw_pool(FILE *f, const struct pager_pool *p)
{
	struct pager_block_info b;
	struct pager_pool_info i;

	pager_pool_info(p, 0, &i);
	fprintf(f,
		"pool %u %s at %#" PRIx64 " region %" PRIu64 " usable %" PRIu64
		" requested %" PRIu64 " plugged %" PRIu64 " online %" PRIu64
		" used %" PRIu64 " pinned %" PRIu64 " grow %" PRIu64
		" resizes %" PRIu64 "%s\n",
		i.number, i.name, i.addr, i.region, i.usable, i.requested,
		i.plugged, i.online, i.used, i.pinned, i.grow_max, i.resizes,
		i.broken ? " broken" : "");
	for (uint64_t at = i.addr; pager_pool_block(p, at, &b);
	     at += i.memory_block)
		fprintf(f,
			" block %#" PRIx64 " state %u zone %u driver %u"
			" plugged %" PRIu64 "\n",
			b.pfn, b.state, b.zone, b.sbm, b.plugged);
}

char *unit_picture(void)
{
	struct pager_core *core = unit_world.core;
	struct pager_stats st = unit_stats();
	const struct pager_space *s;
	const struct pager_object *o;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	fprintf(f,
		"frames %" PRIu64 " nodes %" PRIu64 " spaces %" PRIu64
		" objects %" PRIu64 " regions %" PRIu64 " forks %" PRIu64
		" minor %" PRIu64 " major %" PRIu64 " copies %" PRIu64
		" reuses %" PRIu64 " fills %" PRIu64 " nodes copied %" PRIu64
		"\n",
		st.frames_used, st.nodes_used, st.spaces, st.objects,
		st.regions, st.forks, st.minor_faults, st.major_faults,
		st.cow_copies, st.cow_reuses, st.zero_fills, st.node_copies);
	for (uint32_t id = 0; id < core->account_top; id++)
		for (int r = 0; r < PAGER_RES_COUNT && core->accounts[id]; r++)
			fprintf(f, "account %u resource %d used %" PRIu64 "\n",
				id, r, core->accounts[id]->used[r]);
	LIST_FOREACH (o, &core->objects, all) {
		struct pager_object_info i;

		pager_object_info(o, &i);
		fprintf(f,
			"object %" PRIu64 " size %" PRIu64 " resident %" PRIu64
			" mappings %" PRIu64 " refs %" PRIu64 "\n",
			i.id, i.size, i.resident, i.mappings, o->refs);
	}
	LIST_FOREACH (s, &core->spaces, all)
		draw_space(f, s);
	for (uint32_t i = 0; i < core->pools.count; i++)
		draw_pool(f, core->pools.pool[i]);
	fclose(f);
	return text;
}

void unit_unchanged(char *before, const char *what)
{
	char *now = unit_picture();

	if (strcmp(before, now) != 0)
		test_die("%s changed the machine\nfrom\n%sto\n%s", what, before,
			 now);
	free(before);
	free(now);
}
