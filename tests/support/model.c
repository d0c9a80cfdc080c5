/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doing one operation on both sides.
 */
#include "tests/support/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/frame.h"
#include "lib/core/internal.h"
#include "lib/core/pool_int.h"

void (*model_on_death)(const char *kind, const char *message);

void model_die(const char *kind, const char *format, ...)
{
	char message[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	if (model_on_death)
		model_on_death(kind, message);
	test_die("%s: %s", kind, message);
}

/* --- the MMU alone -------------------------------------------------------- */

/*
 * One access without a fault handler. It must work exactly where the table
 * says so: a translation that outlived its page, or a permission that outlived
 * its grant, works where it must not.
 */
static void probe(struct model *m, const struct model_op *op)
{
	struct pager_space *s = m->space[op->space];
	struct oracle_page *p =
	    oracle_page(&m->oracle, &m->oracle.space[op->space], op->addr);
	unsigned int at = (unsigned int)op->offset % (PAGER_PAGE_SIZE - 8);
	struct pager_mmu_fault fault = {0};
	enum pager_access_result result;
	struct pager_page_info info;
	const uint8_t *now;
	uint8_t buf[8];

	pager_space_page(s, op->addr, &info);
	for (unsigned int i = 0; i < sizeof(buf); i++)
		buf[i] = model_byte(op->seed, i);
	result =
	    m->world.mmu.ops->access(m->world.mmu.mmu, op->cpu, s, op->addr, at,
				     buf, sizeof(buf), op->access, &fault);
	if ((result == PAGER_ACCESS_DONE) != ((info.access & op->access) != 0))
		model_die("tlb",
			  "access %u of page 0x%" PRIx64 " by cpu %u: %s, but "
			  "the table allows %u (entry 0x%" PRIx64 ")",
			  op->access, op->addr, op->cpu,
			  result == PAGER_ACCESS_DONE ? "done" : "a fault",
			  info.access, info.entry);
	if (result != PAGER_ACCESS_DONE)
		return;
	if (op->access == PAGER_ACCESS_WRITE) {
		oracle_note_written(&m->oracle, p);
		if (p->type == PAGER_PAGE_ANON)
			memcpy(p->bytes + at, buf, sizeof(buf));
		else
			memcpy(p->object->cell[p->offset].bytes + at, buf,
			       sizeof(buf));
		return;
	}
	now = oracle_bytes(p);
	for (unsigned int i = 0; i < sizeof(buf); i++)
		if (buf[i] != (now ? now[at + i] : 0))
			model_die("tlb",
				  "page 0x%" PRIx64 " byte %u read by cpu %u: "
				  "%02x, not %02x",
				  op->addr, at + i, op->cpu, buf[i],
				  now ? now[at + i] : 0);
}

/* --- both sides ----------------------------------------------------------- */

static uint32_t populates_with(const struct oracle_page *p)
{
	return p->prot & PAGER_PROT_WRITE && !(p->flags & PAGER_REGION_SHARED)
		   ? PAGER_ACCESS_WRITE
		   : PAGER_ACCESS_READ;
}

enum { WOULD_NOT = 0, WOULD, MAY };

/* The access that the operation makes to a page; 0: none. */
static uint32_t access_to(const struct model_op *op,
			  const struct oracle_page *p)
{
	switch (op->kind) {
	case MODEL_READ:
		return PAGER_ACCESS_READ;
	case MODEL_WRITE:
		return PAGER_ACCESS_WRITE;
	case MODEL_FAULT:
	case MODEL_POPULATE:
		return op->access;
	case MODEL_PIN:
		return p ? populates_with(p) : 0;
	case MODEL_ADVISE:
		return op->flags == PAGER_ADV_WILLNEED &&
			       oracle_allows(p, PAGER_ACCESS_READ) ==
				   PAGER_SIGNAL_NONE
			   ? PAGER_ACCESS_READ
			   : 0;
	default:
		return 0;
	}
}

/* The pages that the operation touches, before it does. */
static struct pager_range touched(const struct model_op *op, uint64_t bytes)
{
	uint64_t vpn = pager_va_to_vpn(op->addr);

	switch (op->kind) {
	case MODEL_READ:
	case MODEL_WRITE:
		if (bytes == 0)
			return pager_range(0, 0);
		bytes += op->addr & (PAGER_PAGE_SIZE - 1);
		return pager_range(vpn,
				   vpn + ((bytes - 1) >> PAGER_PAGE_SHIFT) + 1);
	case MODEL_FAULT:
		return pager_range(op->addr, op->addr + 1);
	case MODEL_POPULATE:
	case MODEL_PIN:
	case MODEL_ADVISE:
		return pager_range(op->addr, op->addr + op->pages);
	default:
		return pager_range(0, 0);
	}
}

/*
 * Which of them the table does not let through: each takes one fault. Only may
 * take one, if the page is there: a fault before it can make the path that
 * both share writable again.
 */
static void note_faults(struct model *m, const struct model_op *op)
{
	struct pager_range r = touched(op, op->pages);
	const struct oracle_space *s = &m->oracle.space[op->space];
	struct pager_page_info info;
	bool first = true;

	for (uint64_t v = r.start; v < r.end; v++) {
		const struct oracle_page *p = oracle_page(&m->oracle, s, v);
		uint32_t access = access_to(op, p);

		if (v - r.start >= MODEL_WOULD || v >= PAGER_VPN_END)
			break;
		pager_space_page(m->space[op->space], v, &info);
		if (!access || info.access & access) {
			m->would[v - r.start] = WOULD_NOT;
			continue;
		}
		m->would[v - r.start] =
		    first || info.type == PAGER_PAGE_NONE ? WOULD : MAY;
		first = false;
	}
}

/* Of those, the ones that it came to: between *least and the answer. */
static uint64_t faults_taken(const struct model *m, const struct model_op *op,
			     uint64_t *least)
{
	const struct oracle_space *s = &m->oracle.space[op->space];
	struct pager_range r = touched(op, op->pages);
	struct oracle_resident now;
	uint64_t n = 0;

	*least = 0;
	if (op->kind == MODEL_READ || op->kind == MODEL_WRITE)
		r = touched(op, m->want.value);
	else if (m->got.err != PAGER_OK || m->want.signal)
		return 0;
	if (op->kind == MODEL_MAP &&
	    op->flags & (PAGER_MAP_POPULATE | PAGER_MAP_CONTIG)) {
		now = oracle_resident(&m->oracle, s, m->want.value,
				      m->want.value + op->pages);
		*least = now.anon + now.zero + now.object;
		return *least;
	}
	for (uint64_t v = r.start; v < r.end; v++) {
		const struct oracle_page *p = oracle_page(&m->oracle, s, v);

		if (p->type == PAGER_PAGE_NONE)
			continue;
		n += m->would[v - r.start] != WOULD_NOT;
		*least += m->would[v - r.start] == WOULD;
	}
	return n;
}

/* The counter of faults is right, as far as it can be known. */
static void compare_faults(struct model *m, const struct model_op *op)
{
	struct oracle_space *s = &m->oracle.space[op->space];
	struct pager_space_info info;
	uint64_t least, most, got;

	if (!s->live || op->kind == MODEL_RESTORE || op->kind == MODEL_CLEAR)
		return;
	most = faults_taken(m, op, &least);
	/* One may have filled what the next pages would have faulted for. */
	if (s->around && least)
		least = 1;
	if (m->reclaimed)
		most = UINT64_MAX;
	pager_space_info(m->space[op->space], &info);
	got = info.minor_faults + info.major_faults - s->faults;
	if (got < least || got > most)
		model_die("faults",
			  "%s: %" PRIu64 " faults, not %" PRIu64 " to %" PRIu64,
			  model_kind_name(op->kind), got, least, most);
	if (op->kind == MODEL_POPULATE && m->got.err == PAGER_OK &&
	    !s->around && m->got.value != got)
		model_die("value", "populated %" PRIu64 ", not %" PRIu64,
			  m->got.value, got);
	s->faults += got;
}

static void compare_results(struct model *m, const struct model_op *op)
{
	const struct model_result *got = &m->got, *want = &m->want;

	if (!(m->errs & ORACLE_ERR(got->err)))
		model_die("error", "%s: answered %s, not one of set 0x%x",
			  model_kind_name(op->kind), model_error_name(got->err),
			  m->errs);
	if (op->kind != MODEL_POPULATE && got->err == PAGER_OK &&
	    got->value != want->value)
		model_die("value", "%s: 0x%" PRIx64 ", not 0x%" PRIx64,
			  model_kind_name(op->kind), got->value, want->value);
	if (got->signal != want->signal || got->stop != want->stop)
		model_die("signal",
			  "%s: signal %u at 0x%" PRIx64
			  ", not %u at 0x%" PRIx64,
			  model_kind_name(op->kind), got->signal, got->stop,
			  want->signal, want->stop);
	if (op->kind == MODEL_FAULT && got->err == PAGER_OK) {
		uint32_t result = want->signal ? (uint32_t)PAGER_FAULT_SIGNAL
				  : m->would[0]
				      ? (uint32_t)PAGER_FAULT_INSTALLED
				      : (uint32_t)PAGER_FAULT_PRESENT;
		if (got->fault != result)
			model_die("fault", "fault result %u, not %u",
				  got->fault, result);
	}
	if (op->kind == MODEL_READ)
		for (uint64_t i = 0; i < got->value; i++)
			if (got->bytes[i] != want->bytes[i])
				model_die("read",
					  "byte %" PRIu64 " of a read at "
					  "0x%" PRIx64 ": %02x, not %02x",
					  i, op->addr, got->bytes[i],
					  want->bytes[i]);
}

/* May the operation have asked for frames that must not move? */
static bool touches_pins(const struct model *m, const struct model_op *op)
{
	const struct oracle_space *s = &m->oracle.space[op->space];
	struct pager_range r = touched(op, op->pages);

	if (op->kind == MODEL_PIN)
		return true;
	for (uint64_t v = r.start; v < r.end; v++) {
		const struct oracle_page *p = oracle_page(&m->oracle, s, v);

		if (p && p->flags & PAGER_REGION_PINNED)
			return true;
	}
	return false;
}

/* The most frames that it may have asked for at a time: a fault one, and one
 * more to move what is pinned to; a range one a page and one a page of an
 * object. */
static uint64_t most_frames(const struct model_op *op, bool pins)
{
	switch (op->kind) {
	case MODEL_FAULT:
	case MODEL_READ:
	case MODEL_WRITE:
		return 1 + pins;
	default:
		return 2 * (op->pages + op->new_pages + 1);
	}
}

/*
 * Out of frames, on a machine that is short of nothing else: then fewer are
 * free, or could be had from a pool that grows, than it asked for; and a single
 * fault has taken back every lazy page first.
 */
static void check_shortage(const struct model *m, const struct model_op *op)
{
	struct pager_page_info info;
	struct pager_stats st;
	bool pins = touches_pins(m, op);
	uint64_t room;

	pager_core_stats(m->world.core, &st);
	room = pins ? frame_free_count(m->world.core, FRAME_UNMOVABLE)
		    : st.frames_free + pools_growable(m->world.core);
	if (room >= most_frames(op, pins))
		model_die("room",
			  "%s: ENOMEM with %" PRIu64 " frames free, and room"
			  " for %" PRIu64,
			  model_kind_name(op->kind), st.frames_free, room);
	if (op->kind != MODEL_FAULT && op->kind != MODEL_WRITE)
		return;
	for (int i = 0; i < MODEL_SPACES; i++) {
		const struct oracle_space *s = &m->oracle.space[i];

		/* What a child inherited it may keep. */
		if (!m->space[i] || !m->space[i]->lazy)
			continue;
		for (uint64_t at = 0; at < m->config.pages; at++) {
			uint64_t vpn = m->config.start + at;

			pager_space_page(m->space[i], vpn, &info);
			if (info.entry & PTE_LAZY && info.sharers == 1 &&
			    !(s->page[at].flags & PAGER_REGION_PINNED))
				model_die("room",
					  "%s: ENOMEM, but page 0x%" PRIx64
					  " of space %d is lazy",
					  model_kind_name(op->kind), vpn, i);
		}
	}
}

/* By the caller of model_step, who armed it. */
static bool failed_on_purpose(void)
{
#ifdef PAGER_FAILPOINTS
	return pager_fail_fired() != NULL;
#else
	return false;
#endif
}

/* Enough frames need not be neighbours. */
static bool contiguous(const struct model_op *op)
{
	return op->kind == MODEL_MAP && op->flags & PAGER_MAP_CONTIG;
}

/* Was the refusal one that this machine may make? Then it changed nothing. */
static bool refused_for_room(const struct model *m, const struct model_op *op)
{
	const struct model_result *got = &m->got;

	if (got->err == PAGER_EDIRTYFULL) {
		model_dirty_full(m, op);
		return true;
	}
	if (got->err != PAGER_ENOMEM && got->err != PAGER_ELIMIT)
		return false;
	if (!m->failed && !model_is_tight(&m->config))
		model_die("room", "%s: %s on a machine with room",
			  model_kind_name(op->kind),
			  model_error_name(got->err));
	if (got->err == PAGER_ENOMEM && m->config.frames && !m->config.nodes &&
	    !m->failed && !failed_on_purpose() && !contiguous(op))
		check_shortage(m, op);
	return true;
}

/* A page that was lazy and is there: has it gone, and come again? Where it was
 * zero before, only who pays for it can tell. */
static bool was_filled_again(const struct model *m, const struct oracle_page *p,
			     const struct pager_page_info *info)
{
	const uint8_t *now = test_world_bytes(&m->world, info->pa);
	uint16_t pays =
	    m->world.core->frames.account[info->pa >> PAGER_PAGE_SHIFT];

	if (memcmp(now, p->bytes, PAGER_PAGE_SIZE))
		return true;
	for (unsigned int i = 0; i < PAGER_PAGE_SIZE; i++)
		if (now[i])
			return false;
	return pays != m->account[m->oracle.frame[p->frame].account]->id;
}

/* Lazy pages that went although nobody asked. */
static void note_reclaimed(struct model *m, const struct model_op *op)
{
	struct pager_page_info info;

	for (int i = 0; i < MODEL_SPACES; i++) {
		struct oracle_space *s = &m->oracle.space[i];

		if (!s->live || !m->space[i])
			continue;
		for (uint64_t at = 0; at < m->config.pages; at++) {
			struct oracle_page *p = &s->page[at];
			uint64_t vpn = m->config.start + at;

			if (!p->lazy)
				continue;
			if (op->kind == MODEL_WRITE && op->space == i &&
			    pager_va_to_vpn(op->addr) == vpn)
				continue;
			pager_space_page(m->space[i], vpn, &info);
			if (info.type != PAGER_PAGE_ANON) {
				oracle_reclaimed(&m->oracle, p);
				continue;
			}
			if (was_filled_again(m, p, &info))
				oracle_reclaimed(&m->oracle, p);
		}
	}
}

/* Pages around those that were written, filled with zeroes by the same fault;
 * whether is the core's choice. */
static void note_filled(struct model *m, const struct model_op *op)
{
	struct oracle_space *s = &m->oracle.space[op->space];
	struct pager_range r = touched(op, op->pages);
	struct pager_page_info info;

	if (!s->live || !s->around ||
	    (op->kind != MODEL_WRITE && op->kind != MODEL_FAULT))
		return;
	for (uint64_t i = 0; i < m->config.pages; i++) {
		uint64_t page = m->config.start + i;
		bool may = false;

		for (uint64_t v = r.start; v < r.end && !may; v++)
			may = oracle_page(&m->oracle, s, v) &&
			      oracle_may_fill(&m->oracle, s, v, page);
		if (!may)
			continue;
		pager_space_page(m->space[op->space], page, &info);
		if (info.type == PAGER_PAGE_ANON)
			oracle_filled(&m->oracle, s, page);
	}
}

/* The oracle's turn. A read or write that ran out of room half-way has done
 * the first part; any other refusal for room has done nothing. */
static void predict(struct model *m, const struct model_op *op)
{
	uint16_t err = m->got.err;

	if (!refused_for_room(m, op)) {
		oracle_apply(&m->oracle, op, &m->got, &m->want, &m->errs);
		return;
	}
	if (op->kind == MODEL_READ || op->kind == MODEL_WRITE) {
		oracle_apply(&m->oracle, op, &m->got, &m->want, &m->errs);
		if (m->errs & ORACLE_ERR(PAGER_OK))
			m->errs |= ORACLE_ERR(err);
		return;
	}
	m->errs = ORACLE_ERR(err);
	m->want.signal = m->got.signal;
	m->want.stop = m->got.stop;
	m->want.value = 0;
}

/* Every fourth operation meets a failure, if it has enough allocations; which
 * ones is part of the operation, so that a shrunk sequence has the same. */
static void arm(const struct model *m, const struct model_op *op)
{
#ifdef PAGER_FAILPOINTS
	if (m->config.failing)
		pager_fail_arm(op->seed % 4 ? 0 : 1 + op->seed / 4 % 4);
#else
	(void)m;
	(void)op;
#endif
}

static void disarm(struct model *m)
{
#ifdef PAGER_FAILPOINTS
	if (!m->config.failing)
		return;
	m->failed = pager_fail_fired() != NULL;
	pager_fail_arm(0);
#else
	(void)m;
#endif
}

void model_step(struct model *m, const struct model_op *op)
{
	struct oracle *o = &m->oracle;

	o->now = ++m->steps;
	m->got.skipped = m->want.skipped = !oracle_applies(o, op);
	if (m->got.skipped)
		return;
	if (op->kind == MODEL_PROBE) {
		probe(m, op);
		model_dirty_after(m);
		return;
	}
	if (op->kind == MODEL_DIRTY) {
		arm(m, op);
		model_dirty(m, op);
		disarm(m);
		model_dirty_after(m);
		model_check(m, true);
		return;
	}
	if (op->kind == MODEL_MIGRATE || op->kind == MODEL_POOL) {
		uint64_t *before = model_marks(m);

		m->reclaimed = false;
		arm(m, op);
		(op->kind == MODEL_POOL ? model_pool : model_migrate)(m, op);
		disarm(m);
		model_same_marks(m, before,
				 op->kind == MODEL_POOL ||
				     op->flags == MODEL_MOVE_TOGETHER);
		model_dirty_after(m);
		model_check(m, true);
		return;
	}
	note_faults(m, op);
	arm(m, op);
	model_call(m, op, &m->got);
	disarm(m);
	m->reclaimed = m->world.core->reclaims != m->reclaims;
	m->reclaims = m->world.core->reclaims;
	if (m->reclaimed)
		note_reclaimed(m, op);
	if (op->kind == MODEL_FREE)
		model_dirty_ends(m, op);
	predict(m, op);
	note_filled(m, op);
	model_dirty_after(m);
	compare_results(m, op);
	compare_faults(m, op);
	model_check(m, m->config.check_every <= 1 ||
			   m->steps % m->config.check_every == 0);
}

void model_init(struct model *m, const struct model_config *config)
{
	const struct test_world_config wc = {
	    .frames = config->frames ? config->frames : 16 * 1024,
	    .nodes = config->nodes ? config->nodes : 1024,
	    .cpus = 2,
	    .memory_block = config->memory_block,
	    .pools = config->pools,
	    .pool_count = config->pool_count,
	};
	const struct oracle_config oc = {
	    .start = config->start,
	    .pages = config->pages,
	    .stack = config->stack ? config->stack : 2048,
	};
	uint64_t limit[PAGER_RES_COUNT];

	memset(m, 0, sizeof(*m));
	m->config = *config;
	test_world_init(&m->world, &wc);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	if (config->account_frames)
		limit[PAGER_RES_FRAMES] = config->account_frames;
	if (config->account_nodes)
		limit[PAGER_RES_NODES] = config->account_nodes;
	m->account[0] = m->world.account;
	m->account[1] = pager_account_new(m->world.core, limit);
	if (!m->account[1])
		test_die("model: no account");
	oracle_init(&m->oracle, &oc);
	m->reclaims = m->world.core->reclaims;
}

void model_fini(struct model *m)
{
	if (m->steps % 2)
		model_dirty_end(m);
	for (int i = 0; i < MODEL_SPACES; i++)
		if (m->space[i])
			pager_space_free(m->space[i]);
	model_dirty_end(m);
	for (int i = 0; i < MODEL_OBJECTS; i++)
		if (m->object[i])
			pager_object_put(m->object[i]);
	oracle_fini(&m->oracle);
	model_migrate_end(m);
	model_pool_end(m);
	pager_account_put(m->account[1]);
	test_world_fini(&m->world);
}
