/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing a core with the oracle: regions, pages, bytes, sums, counters,
 * charges, and the core with itself (the recount).
 */
#include <inttypes.h>
#include <string.h>

#include "tests/support/model.h"
#include "tests/support/rmap_scan.h"

static void same(const char *kind, int slot, const char *what, uint64_t got,
		 uint64_t want)
{
	if (got != want)
		model_die(kind,
			  "space %d: %s: %" PRIu64 " (0x%" PRIx64
			  "), not %" PRIu64 " (0x%" PRIx64 ")",
			  slot, what, got, got, want, want);
}

static const struct oracle_object *object_of(const struct model *m,
					     const struct pager_object *object)
{
	for (int i = 0; i < MODEL_OBJECTS; i++)
		if (m->object[i] && m->object[i] == object)
			return m->oracle.object[i];
	return NULL;
}

/* Regions, read one after the other, give each page its policy. */
static void check_regions(const struct model *m, int slot)
{
	const struct oracle_space *s = &m->oracle.space[slot];
	uint64_t end = m->config.start + m->config.pages;
	uint64_t vpn = m->config.start, runs = 0, count = 0;
	struct pager_region_info info;
	struct pager_space_info si;

	while (vpn < end) {
		const struct oracle_page *p = oracle_page(&m->oracle, s, vpn);
		bool there = pager_space_region(m->space[slot], vpn, &info);

		if (!there || info.range.start > vpn) {
			if (p->mapped)
				model_die("region",
					  "space %d: page 0x%" PRIx64
					  " is not mapped",
					  slot, vpn);
			vpn++;
			continue;
		}
		count++;
		/* Only where the frames continue, too, are they one. */
		runs += info.flags & PAGER_REGION_CONTIG &&
			oracle_alike(&m->oracle, s, vpn);
		if (info.range.start != vpn || info.range.end > end)
			model_die("region",
				  "space %d: region 0x%" PRIx64 "-0x%" PRIx64
				  " found at 0x%" PRIx64,
				  slot, info.range.start, info.range.end, vpn);
		for (uint64_t v = vpn; v < info.range.end; v++) {
			p = oracle_page(&m->oracle, s, v);
			runs += v == m->config.start ||
				!oracle_alike(&m->oracle, s, v);
			if (!p->mapped || p->prot != info.prot ||
			    p->flags != info.flags ||
			    (p->object && p->offset != info.offset + v - vpn))
				model_die("region",
					  "space %d: page 0x%" PRIx64
					  ": prot %u flags 0x%x offset %" PRIu64
					  ", not %s prot %u flags 0x%x offset "
					  "%" PRIu64,
					  slot, v, info.prot, info.flags,
					  info.offset + v - vpn,
					  p->mapped ? "mapped" : "unmapped",
					  p->prot, p->flags, p->offset);
			if (object_of(m, info.object) &&
			    object_of(m, info.object) != p->object)
				model_die("region",
					  "space %d: page 0x%" PRIx64
					  ": another object",
					  slot, v);
		}
		vpn = info.range.end;
	}
	pager_space_info(m->space[slot], &si);
	same("region", slot, "regions", si.regions, count);
	if (count > runs)
		model_die("merge",
			  "space %d: %" PRIu64 " regions, %" PRIu64 " would do",
			  slot, count, runs);
}

/* May the table let this access through without a fault? Only what the
 * policy allows, and a private write only to a page of its own. */
static void check_access(const struct model *m, int slot, uint64_t vpn,
			 const struct oracle_page *p,
			 const struct pager_page_info *info)
{
	uint32_t may = 0;

	if (p->type != PAGER_PAGE_NONE) {
		may |= p->prot ? PAGER_ACCESS_READ : 0;
		may |= p->prot & PAGER_PROT_EXEC ? PAGER_ACCESS_EXEC : 0;
		if (p->prot & PAGER_PROT_WRITE &&
		    (p->flags & PAGER_REGION_SHARED ||
		     oracle_exclusive(&m->oracle, p)))
			may |= PAGER_ACCESS_WRITE;
	}
	if (info->access & ~may)
		model_die("access",
			  "space %d: page 0x%" PRIx64
			  ": the table allows %u, at most %u is right",
			  slot, vpn, info->access, may);
	if ((may & ~PAGER_ACCESS_WRITE) & ~info->access)
		model_die("access",
			  "space %d: page 0x%" PRIx64
			  " is present, %u is allowed, the table allows %u",
			  slot, vpn, may, info->access);
}

static void check_bytes(const struct model *m, int slot, uint64_t vpn,
			const struct oracle_page *p,
			const struct pager_page_info *info)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];
	const uint8_t *got = test_world_bytes(&m->world, info->pa);
	const uint8_t *want = oracle_bytes(p);

	if (!got)
		model_die("bytes",
			  "space %d: page 0x%" PRIx64
			  " has no memory at 0x%" PRIx64,
			  slot, vpn, info->pa);
	if (!want)
		want = zeros;
	if (memcmp(got, want, PAGER_PAGE_SIZE) == 0)
		return;
	for (unsigned int i = 0; i < PAGER_PAGE_SIZE; i++)
		if (got[i] != want[i])
			model_die("bytes",
				  "space %d: page 0x%" PRIx64
				  " byte %u: %02x, not %02x",
				  slot, vpn, i, got[i], want[i]);
}

static void check_pages(const struct model *m, int slot)
{
	const struct oracle_space *s = &m->oracle.space[slot];
	struct pager_page_info info;

	for (uint64_t i = 0; i < m->config.pages; i++) {
		uint64_t vpn = m->config.start + i;
		const struct oracle_page *p = &s->page[i];

		pager_space_page(m->space[slot], vpn, &info);
		if (info.type != p->type)
			model_die("type",
				  "space %d: page 0x%" PRIx64
				  " is of type %u, not %u",
				  slot, vpn, info.type, p->type);
		check_access(m, slot, vpn, p, &info);
		if (info.type != PAGER_PAGE_NONE)
			check_bytes(m, slot, vpn, p, &info);
	}
}

static void check_sums(struct model *m, int slot)
{
	struct oracle_space *s = &m->oracle.space[slot];
	uint64_t start = m->config.start, end = start + m->config.pages;
	uint64_t mid = start + m->steps * 7 % m->config.pages;
	struct oracle_resident r = oracle_resident(&m->oracle, s, start, end);
	struct pager_resident part;
	struct pager_space_info si;

	pager_space_info(m->space[slot], &si);
	same("sum", slot, "virtual", si.virtual_pages,
	     oracle_virtual(&m->oracle, s));
	same("sum", slot, "anon", si.anon, r.anon);
	same("sum", slot, "zero", si.zero, r.zero);
	same("sum", slot, "object", si.object, r.object);
	same("sum", slot, "resident", si.resident, r.anon + r.zero + r.object);
	if (m->config.max_resident && si.resident > m->config.max_resident)
		same("limit", slot, "resident", si.resident,
		     m->config.max_resident);
	if (m->config.max_pages && si.virtual_pages > m->config.max_pages)
		same("limit", slot, "virtual", si.virtual_pages,
		     m->config.max_pages);
	if (m->config.max_regions && si.regions > m->config.max_regions)
		same("limit", slot, "regions", si.regions,
		     m->config.max_regions);
	if (m->reclaimed)
		s->peak = si.peak;
	same("peak", slot, "peak", si.peak, s->peak);
	same("faults", slot, "faults", si.minor_faults + si.major_faults,
	     s->faults);
	same("brk", slot, "brk start", si.brk_start, s->brk_start);
	same("brk", slot, "brk", si.brk, s->brk);
	if (mid == start)
		return;
	r = oracle_resident(&m->oracle, s, start, mid);
	pager_space_resident(m->space[slot], pager_range(start, mid), &part);
	same("sum", slot, "anon in part", part.anon, r.anon);
	same("sum", slot, "zero in part", part.zero, r.zero);
	same("sum", slot, "object in part", part.object, r.object);
}

/* How many leaf entries anywhere borrow each page of each object. */
static void count_holders(struct oracle *o)
{
	for (struct oracle_object *b = o->objects; b; b = b->next)
		for (uint64_t i = 0; i < ORACLE_OBJECT_PAGES; i++)
			b->cell[i].holders = 0;
	for (int i = 0; i < MODEL_SPACES; i++) {
		const struct oracle_space *s = &o->space[i];

		for (; s && s->live; s = s->snapshot)
			for (uint64_t at = 0; at < o->config.pages; at++) {
				const struct oracle_page *p = &s->page[at];

				if (p->type == PAGER_PAGE_OBJECT)
					p->object->cell[p->offset].holders++;
			}
	}
}

/* A page is private if nobody else, and no other place, can reach its frame;
 * an object's own reference does not count. Zero pages are shared. */
static void check_sharing(struct model *m, int slot)
{
	const struct oracle_space *s = &m->oracle.space[slot];
	uint64_t start = m->config.start, end = start + m->config.pages;
	uint64_t alone = 0, resident = 0;
	struct pager_sharing sh;

	for (uint64_t i = 0; i < m->config.pages; i++) {
		const struct oracle_page *p = &s->page[i];

		resident += p->type != PAGER_PAGE_NONE;
		alone += oracle_exclusive(&m->oracle, p);
		if (p->type == PAGER_PAGE_OBJECT)
			alone += p->object->cell[p->offset].holders == 1;
	}
	pager_space_sharing(m->space[slot], pager_range(start, end), &sh);
	same("sharing", slot, "private", sh.private_pages, alone);
	same("sharing", slot, "shared", sh.shared_pages, resident - alone);
	if (sh.proportional < alone * PAGER_PAGE_SIZE ||
	    sh.proportional > resident * PAGER_PAGE_SIZE)
		same("sharing", slot, "proportional", sh.proportional,
		     alone * PAGER_PAGE_SIZE);
}

/* No CPU remembers what the table no longer says. */
static void check_tlb(const struct model *m, int slot)
{
	uint64_t vpn = 0;

	if (!pager_sim_check(m->world.sim, m->space[slot], &vpn))
		model_die("tlb",
			  "space %d: a stale translation of page 0x%" PRIx64,
			  slot, vpn);
}

static void check_objects(const struct model *m)
{
	struct pager_object_info info;

	for (int i = 0; i < MODEL_OBJECTS; i++) {
		const struct oracle_object *o = m->oracle.object[i];

		if (!m->object[i])
			continue;
		pager_object_info(m->object[i], &info);
		if (info.size != o->size)
			model_die("object",
				  "object %d: size %" PRIu64 ", not %" PRIu64,
				  i, info.size, o->size);
		if (info.resident != oracle_object_resident(o))
			model_die("object",
				  "object %d: resident %" PRIu64
				  ", not %" PRIu64,
				  i, info.resident, oracle_object_resident(o));
	}
}

static void check_account(const struct model *m, int slot,
			  enum pager_resource what, const char *name,
			  uint64_t want)
{
	uint64_t got = pager_account_used(m->account[slot], what);

	if (got != want)
		model_die("account",
			  "account %d: %s: %" PRIu64 ", not %" PRIu64, slot,
			  name, got, want);
}

static void check_machine(const struct model *m)
{
	uint64_t frames = 0, spaces = 0;
	struct pager_stats st;

	pager_core_stats(m->world.core, &st);
	for (int a = 0; a < MODEL_ACCOUNTS; a++) {
		uint64_t n = 0, pages = 0, objects = 0;

		for (int i = 0; i < MODEL_SPACES; i++) {
			const struct oracle_space *s = &m->oracle.space[i];

			if (!s->live || s->account != a)
				continue;
			n++;
			pages += oracle_virtual(&m->oracle, s);
		}
		for (const struct oracle_object *o = m->oracle.objects; o;
		     o = o->next) {
			objects += o->account == a;
			pages += o->account == a ? o->size : 0;
		}
		check_account(m, a, PAGER_RES_SPACES, "spaces", n);
		check_account(m, a, PAGER_RES_OBJECTS, "objects", objects);
		check_account(m, a, PAGER_RES_PAGES, "pages", pages);
		check_account(m, a, PAGER_RES_FRAMES, "frames",
			      m->oracle.frames[a]);
		frames += m->oracle.frames[a];
		spaces += n;
	}
	if (m->config.account_frames &&
	    m->oracle.frames[1] > m->config.account_frames)
		model_die("limit", "%" PRIu64 " frames charged, limit %" PRIu64,
			  m->oracle.frames[1], m->config.account_frames);
	if (st.frames_used != frames + 1)
		model_die("frames", "%" PRIu64 " frames used, not %" PRIu64,
			  st.frames_used, frames + 1);
	if (st.spaces != spaces || st.objects != oracle_objects(&m->oracle))
		model_die("stats",
			  "%" PRIu64 " spaces and %" PRIu64
			  " objects, not %" PRIu64 " and %" PRIu64,
			  st.spaces, st.objects, spaces,
			  oracle_objects(&m->oracle));
}

void model_check(struct model *m, bool everything)
{
	char why[256] = "";
	struct pager_status st;

	st = pager_core_recount(m->world.core, why, sizeof(why));
	if (st.err != PAGER_OK)
		model_die("recount", "%s: %s", model_error_name(st.err), why);
	if (everything) {
		const char *differs = rmap_scan_differs(m->world.core);

		if (differs)
			model_die("reverse map", "%s", differs);
		count_holders(&m->oracle);
	}
	for (int i = 0; i < MODEL_SPACES; i++) {
		if (m->oracle.space[i].live != (m->space[i] != NULL))
			model_die("slots", "space %d", i);
		if (!m->space[i])
			continue;
		check_sums(m, i);
		check_tlb(m, i);
		if (!everything)
			continue;
		check_regions(m, i);
		check_pages(m, i);
		check_sharing(m, i);
	}
	check_objects(m);
	check_machine(m);
}
