/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's state: pages, frame numbers, objects, whole spaces. See
 * oracle.h for the model.
 */
#include "tests/support/oracle_int.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

static void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		test_die("oracle: no memory");
	return p;
}

/* --- frame numbers -------------------------------------------------------- */

uint32_t oracle_frame_new(struct oracle *o, uint8_t account)
{
	uint32_t at = o->frame_hint;

	for (uint32_t i = 0; i < o->frame_slots; i++, at++) {
		if (at >= o->frame_slots)
			at = 1;
		if (at == 0 || o->frame[at].refs)
			continue;
		o->frame[at] = (struct oracle_number){1, account};
		o->frame_hint = at + 1;
		o->frames[account]++;
		return at;
	}
	test_die("oracle: no number left");
}

static void frame_put(struct oracle *o, uint32_t frame)
{
	if (--o->frame[frame].refs == 0)
		o->frames[o->frame[frame].account]--;
}

bool oracle_exclusive(const struct oracle *o, const struct oracle_page *p)
{
	return p->type == PAGER_PAGE_ANON && o->frame[p->frame].refs == 1;
}

/* --- pages ---------------------------------------------------------------- */

void oracle_release(struct oracle *o, struct oracle_page *p)
{
	if (p->type == PAGER_PAGE_ANON) {
		frame_put(o, p->frame);
		free(p->bytes);
	}
	p->frame = 0;
	p->bytes = NULL;
	p->type = PAGER_PAGE_NONE;
	p->lazy = false;
}

void oracle_drop(struct oracle *o, struct oracle_page *p)
{
	oracle_note_dropped(o, p);
	oracle_release(o, p);
}

void oracle_reclaimed(struct oracle *o, struct oracle_page *p)
{
	oracle_drop(o, p);
}

void oracle_unmap(struct oracle *o, struct oracle_page *p)
{
	oracle_note_unmapped(o, p);
	oracle_drop(o, p);
	memset(p, 0, sizeof(*p));
}

void oracle_copy(struct oracle *o, struct oracle_page *dst,
		 const struct oracle_page *src)
{
	*dst = *src;
	if (src->type != PAGER_PAGE_ANON)
		return;
	dst->bytes = xcalloc(1, PAGER_PAGE_SIZE);
	memcpy(dst->bytes, src->bytes, PAGER_PAGE_SIZE);
	o->frame[src->frame].refs++;
}

struct oracle_page *oracle_page(const struct oracle *o,
				const struct oracle_space *s, uint64_t vpn)
{
	if (vpn < o->config.start || vpn - o->config.start >= o->config.pages)
		return NULL;
	return &s->page[vpn - o->config.start];
}

const uint8_t *oracle_bytes(const struct oracle_page *p)
{
	if (p->type == PAGER_PAGE_ANON)
		return p->bytes;
	if (p->type == PAGER_PAGE_ZERO || !p->object ||
	    p->offset >= p->object->size)
		return NULL;
	return p->object->cell[p->offset].bytes;
}

bool oracle_alike(const struct oracle *o, const struct oracle_space *s,
		  uint64_t vpn)
{
	const struct oracle_page *p = oracle_page(o, s, vpn - 1);
	const struct oracle_page *q = oracle_page(o, s, vpn);

	return p && q && p->mapped && q->mapped && vpn != PAGER_VPN_HALF &&
	       p->prot == q->prot && p->flags == q->flags &&
	       p->object == q->object &&
	       (!p->object || p->offset + 1 == q->offset);
}

uint64_t oracle_run_start(const struct oracle *o, const struct oracle_space *s,
			  uint64_t vpn)
{
	while (oracle_alike(o, s, vpn))
		vpn--;
	return vpn;
}

uint64_t oracle_run_end(const struct oracle *o, const struct oracle_space *s,
			uint64_t vpn)
{
	while (oracle_alike(o, s, vpn + 1))
		vpn++;
	return vpn + 1;
}

bool oracle_inside(const struct oracle *o, uint64_t addr, uint64_t pages,
		   uint32_t *errs)
{
	uint64_t end = o->config.start + o->config.pages;

	*errs = ORACLE_ERR(PAGER_ERANGE) | ORACLE_ERR(PAGER_EOVERFLOW);
	return addr >= o->config.start && addr <= end && pages <= end - addr;
}

bool oracle_free_range(const struct oracle *o, const struct oracle_space *s,
		       uint64_t start, uint64_t end)
{
	for (uint64_t v = start; v < end; v++)
		if (oracle_page(o, s, v)->mapped)
			return false;
	return true;
}

bool oracle_mapped(const struct oracle *o, const struct oracle_space *s,
		   uint64_t start, uint64_t end)
{
	for (uint64_t v = start; v < end; v++)
		if (!oracle_page(o, s, v)->mapped)
			return false;
	return true;
}

struct oracle_resident oracle_resident(const struct oracle *o,
				       const struct oracle_space *s,
				       uint64_t start, uint64_t end)
{
	struct oracle_resident r = {0};

	for (uint64_t v = start; v < end; v++) {
		const struct oracle_page *p = oracle_page(o, s, v);

		r.anon += p && p->type == PAGER_PAGE_ANON;
		r.zero += p && p->type == PAGER_PAGE_ZERO;
		r.object += p && p->type == PAGER_PAGE_OBJECT;
	}
	return r;
}

uint64_t oracle_virtual(const struct oracle *o, const struct oracle_space *s)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < o->config.pages; i++)
		n += s->page[i].mapped;
	return n;
}

/* --- objects -------------------------------------------------------------- */

static void object_new(struct oracle *o, const struct model_op *op)
{
	struct oracle_object *object = xcalloc(1, sizeof(*object));

	object->size = op->pages;
	object->handle = true;
	object->account = op->account;
	object->cell = xcalloc(ORACLE_OBJECT_PAGES, sizeof(*object->cell));
	object->next = o->objects;
	o->objects = object;
	o->object[op->object - 1] = object;
}

struct oracle_cell *oracle_cell(struct oracle *o, struct oracle_object *object,
				uint64_t at)
{
	struct oracle_cell *cell = &object->cell[at];

	if (!cell->frame) {
		cell->frame = oracle_frame_new(o, object->account);
		cell->bytes = xcalloc(1, PAGER_PAGE_SIZE);
	}
	return cell;
}

static void cell_drop(struct oracle *o, struct oracle_cell *cell)
{
	if (cell->frame)
		frame_put(o, cell->frame);
	free(cell->bytes);
	*cell = (struct oracle_cell){0};
}

uint64_t oracle_object_resident(const struct oracle_object *object)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < ORACLE_OBJECT_PAGES; i++)
		n += object->cell[i].frame != 0;
	return n;
}

uint64_t oracle_objects(const struct oracle *o)
{
	uint64_t n = 0;

	for (const struct oracle_object *b = o->objects; b; b = b->next)
		n++;
	return n;
}

/* Pages from the old end or the new one on: what was there goes, from every
 * space and every snapshot. */
static void resize_space(struct oracle *o, struct oracle_space *s,
			 const struct oracle_object *object, uint64_t first)
{
	for (uint64_t i = 0; i < o->config.pages; i++)
		if (s->page[i].object == object && s->page[i].offset >= first) {
			oracle_note_resized(o, &s->page[i]);
			oracle_drop(o, &s->page[i]);
		}
	if (s->snapshot)
		resize_space(o, s->snapshot, object, first);
}

static void object_resize(struct oracle *o, struct oracle_object *object,
			  uint64_t size)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		if (o->space[i].live)
			resize_space(o, &o->space[i], object,
				     size < object->size ? size : object->size);
	for (uint64_t at = size; at < ORACLE_OBJECT_PAGES; at++)
		cell_drop(o, &object->cell[at]);
	object->size = size;
}

static bool space_maps(const struct oracle *o, const struct oracle_space *s,
		       const struct oracle_object *object)
{
	for (uint64_t i = 0; i < o->config.pages; i++)
		if (s->page[i].object == object)
			return true;
	return s->snapshot && space_maps(o, s->snapshot, object);
}

static bool object_is_held(const struct oracle *o,
			   const struct oracle_object *object)
{
	if (object->handle)
		return true;
	for (int i = 0; i < MODEL_SPACES; i++)
		if (o->space[i].live && space_maps(o, &o->space[i], object))
			return true;
	return false;
}

void oracle_settle(struct oracle *o)
{
	struct oracle_object **at = &o->objects;

	while (*at) {
		struct oracle_object *object = *at;

		if (object_is_held(o, object)) {
			at = &object->next;
			continue;
		}
		*at = object->next;
		for (uint64_t i = 0; i < ORACLE_OBJECT_PAGES; i++)
			cell_drop(o, &object->cell[i]);
		free(object->cell);
		free(object);
	}
	for (int i = 0; i < MODEL_SPACES; i++) {
		struct oracle_space *s = &o->space[i];
		struct oracle_resident r;
		uint64_t n;

		if (!s->live)
			continue;
		r = oracle_resident(o, s, o->config.start,
				    o->config.start + o->config.pages);
		n = r.anon + r.zero + r.object;
		if (n > s->peak)
			s->peak = n;
	}
}

/* --- spaces --------------------------------------------------------------- */

static void space_new(struct oracle *o, struct oracle_space *s, uint8_t account,
		      uint8_t around)
{
	memset(s, 0, sizeof(*s));
	s->live = true;
	s->account = account;
	s->around = around;
	s->page = xcalloc(o->config.pages, sizeof(*s->page));
	s->when = xcalloc(o->config.pages, sizeof(*s->when));
}

static void space_clear(struct oracle *o, struct oracle_space *s)
{
	for (uint64_t i = 0; i < o->config.pages; i++)
		oracle_unmap(o, &s->page[i]);
	s->faults = 0;
	s->peak = 0;
	s->brk_start = 0;
	s->brk = 0;
}

static void snapshot_drop(struct oracle *o, struct oracle_space *s);

static void space_free(struct oracle *o, struct oracle_space *s)
{
	snapshot_drop(o, s);
	space_clear(o, s);
	free(s->page);
	free(s->when);
	memset(s, 0, sizeof(*s));
}

static void snapshot_drop(struct oracle *o, struct oracle_space *s)
{
	if (!s->snapshot)
		return;
	space_free(o, s->snapshot);
	free(s->snapshot);
	s->snapshot = NULL;
}

static void space_fork(struct oracle *o, const struct model_op *op)
{
	const struct oracle_space *parent = &o->space[op->space];
	struct oracle_space *child = &o->space[op->other];

	space_new(o, child, op->account, parent->around);
	for (uint64_t i = 0; i < o->config.pages; i++) {
		struct oracle_page *p = &child->page[i];

		if (!parent->page[i].mapped ||
		    parent->page[i].flags & PAGER_REGION_DONTFORK)
			continue;
		oracle_copy(o, p, &parent->page[i]);
		p->flags &= ~PAGER_REGION_PINNED;
		if (p->flags & PAGER_REGION_WIPEONFORK)
			oracle_drop(o, p);
	}
	child->brk_start = parent->brk_start;
	child->brk = parent->brk;
}

static void snapshot_take(struct oracle *o, struct oracle_space *s)
{
	struct oracle_space *copy = xcalloc(1, sizeof(*copy));

	*copy = *s;
	copy->snapshot = NULL;
	copy->page = xcalloc(o->config.pages, sizeof(*copy->page));
	copy->when = xcalloc(o->config.pages, sizeof(*copy->when));
	memcpy(copy->when, s->when, o->config.pages * sizeof(*copy->when));
	for (uint64_t i = 0; i < o->config.pages; i++)
		oracle_copy(o, &copy->page[i], &s->page[i]);
	s->snapshot = copy;
}

static void snapshot_restore(struct oracle *o, struct oracle_space *s)
{
	struct oracle_space *copy = s->snapshot;
	uint8_t account = s->account;

	s->snapshot = NULL;
	oracle_note_restored(o, copy, s);
	space_free(o, s);
	*s = *copy;
	s->account = account;
	free(copy);
}

/* --- the whole ------------------------------------------------------------ */

void oracle_init(struct oracle *o, const struct oracle_config *config)
{
	memset(o, 0, sizeof(*o));
	o->config = *config;
	o->frame_slots = (uint32_t)(config->pages * MODEL_SPACES * 2 +
				    ORACLE_OBJECT_PAGES * 16 + 2);
	o->frame = xcalloc(o->frame_slots, sizeof(*o->frame));
	o->frame_hint = 1;
}

void oracle_fini(struct oracle *o)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		if (o->space[i].live)
			space_free(o, &o->space[i]);
	for (struct oracle_object *b = o->objects; b; b = b->next)
		b->handle = false;
	oracle_settle(o);
	for (int i = 0; i < MODEL_ACCOUNTS; i++)
		if (o->frames[i])
			test_die("oracle: %llu frames left over",
				 (unsigned long long)o->frames[i]);
	for (int i = 0; i < MODEL_LOGS; i++)
		oracle_log_stop(&o->log[i]);
	free(o->frame);
}

static bool any_snapshot(const struct oracle *o)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		if (o->space[i].snapshot)
			return true;
	return false;
}

static bool any_contiguous(const struct oracle *o, const struct oracle_space *s)
{
	for (uint64_t i = 0; i < o->config.pages; i++)
		if (s->page[i].flags & PAGER_REGION_CONTIG)
			return true;
	return false;
}

bool oracle_applies(const struct oracle *o, const struct model_op *op)
{
	const struct oracle_space *s = &o->space[op->space];

	switch (op->kind) {
	case MODEL_SPACE:
		return !s->live;
	case MODEL_OBJECT:
		return op->object && !o->object[op->object - 1];
	case MODEL_RESIZE:
		/* A snapshot does not keep objects; nothing but the batch it
		 * was taken for runs while it exists. */
		return op->object && o->object[op->object - 1] &&
		       !any_snapshot(o);
	case MODEL_PUT:
		return op->object && o->object[op->object - 1];
	case MODEL_FORK:
		return s->live && !s->snapshot && !o->space[op->other].live;
	case MODEL_CLEAR:
	case MODEL_RECHARGE:
		return s->live && !s->snapshot;
	case MODEL_SNAPSHOT:
		/* Contiguous pages stay where they are, and what is written to
		 * them stays written: not modelled. */
		return s->live && !any_contiguous(o, s);
	case MODEL_MAP:
		return s->live && (!op->object || o->object[op->object - 1]);
	case MODEL_RESTORE:
	case MODEL_DROP:
		return s->live && s->snapshot;
	case MODEL_MIGRATE:
	case MODEL_POOL:
		return true;
	case MODEL_DIRTY:
		/* No batch that has a snapshot reads logs. */
		return oracle_log_applies(o, op) && !any_snapshot(o);
	default:
		return s->live;
	}
}

static uint32_t apply(struct oracle *o, const struct model_op *op,
		      const struct model_result *got, struct model_result *want)
{
	struct oracle_space *s = &o->space[op->space];
	switch (op->kind) {
	case MODEL_SPACE:
		space_new(o, s, op->account, (uint8_t)op->flags);
		return ORACLE_OK;
	case MODEL_FORK:
		space_fork(o, op);
		return ORACLE_OK;
	case MODEL_CLEAR:
		space_clear(o, s);
		return ORACLE_OK;
	case MODEL_FREE:
		space_free(o, s);
		return ORACLE_OK;
	case MODEL_OBJECT:
		object_new(o, op);
		return ORACLE_OK;
	case MODEL_RESIZE:
		object_resize(o, o->object[op->object - 1], op->pages);
		return ORACLE_OK;
	case MODEL_PUT:
		o->object[op->object - 1]->handle = false;
		o->object[op->object - 1] = NULL;
		return ORACLE_OK;
	case MODEL_MAP:
		return oracle_map(o, s, op, got, want);
	case MODEL_UNMAP:
		return oracle_do_unmap(o, s, op);
	case MODEL_PROTECT:
		return oracle_protect(o, s, op);
	case MODEL_REMAP:
		return oracle_remap(o, s, op, got, want);
	case MODEL_BRK_START:
		return oracle_brk_start(o, s, op);
	case MODEL_BRK:
		return oracle_brk(o, s, op);
	case MODEL_ADVISE:
		return oracle_advise(o, s, op);
	case MODEL_PIN:
	case MODEL_UNPIN:
		return oracle_pin(o, s, op);
	case MODEL_POPULATE:
		return oracle_prefault(o, s, op);
	case MODEL_FAULT:
	case MODEL_READ:
	case MODEL_WRITE:
		return oracle_access(o, s, op, got, want);
	case MODEL_SNAPSHOT:
		if (s->snapshot)
			return ORACLE_ERR(PAGER_EBUSY);
		snapshot_take(o, s);
		return ORACLE_OK;
	case MODEL_RESTORE:
		snapshot_restore(o, s);
		return ORACLE_OK;
	case MODEL_DROP:
		snapshot_drop(o, s);
		return ORACLE_OK;
	case MODEL_RECHARGE:
		s->account = op->other;
		return ORACLE_OK;
	default:
		return ORACLE_OK;
	}
}

void oracle_apply(struct oracle *o, const struct model_op *op,
		  const struct model_result *got, struct model_result *want,
		  uint32_t *errs)
{
	want->value = 0;
	want->signal = PAGER_SIGNAL_NONE;
	want->fault = 0;
	want->stop = 0;
	*errs = apply(o, op, got, want);
	oracle_settle(o);
}
