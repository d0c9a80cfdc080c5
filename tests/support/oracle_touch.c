/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's faults, populating, advice, pins, reads and writes.
 */
#include "tests/support/oracle_int.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

enum { STACK_GAP = 256 };

static uint8_t *page_bytes(const uint8_t *from)
{
	uint8_t *bytes = calloc(1, PAGER_PAGE_SIZE);

	if (!bytes)
		test_die("oracle: no memory");
	if (from)
		memcpy(bytes, from, PAGER_PAGE_SIZE);
	return bytes;
}

enum pager_signal oracle_allows(const struct oracle_page *p, uint32_t access)
{
	bool ok;

	if (!p || !p->mapped)
		return PAGER_SEGV_MAPERR;
	if (access == PAGER_ACCESS_READ)
		ok = p->prot != 0; /* x86: what may be more may be read */
	else if (access == PAGER_ACCESS_WRITE)
		ok = p->prot & PAGER_PROT_WRITE;
	else
		ok = p->prot & PAGER_PROT_EXEC;
	if (!ok)
		return PAGER_SEGV_ACCERR;
	if (p->object && p->offset >= p->object->size)
		return PAGER_BUS_ADRERR;
	return PAGER_SIGNAL_NONE;
}

/*
 * The stack above vpn, if there is one: where it begins.
 *
 *	| below |<- gap ->| vpn ....... |### stack ###|
 */
static struct oracle_page *stack_above(const struct oracle *o,
				       const struct oracle_space *s,
				       uint64_t vpn, uint64_t *first)
{
	uint64_t end = o->config.start + o->config.pages;
	struct oracle_page *p;

	*first = vpn > o->config.start ? vpn : o->config.start;
	while (*first < end && !oracle_page(o, s, *first)->mapped)
		++*first;
	if (vpn < PAGER_VPN_HALF && *first >= PAGER_VPN_HALF)
		return NULL;
	p = oracle_page(o, s, *first);
	return p && p->flags & PAGER_REGION_GROWSDOWN ? p : NULL;
}

static bool gap_stays(const struct oracle *o, const struct oracle_space *s,
		      uint64_t vpn)
{
	uint64_t below = vpn;
	const struct oracle_page *p;

	while (below > o->config.start &&
	       !oracle_page(o, s, below - 1)->mapped && vpn - below < STACK_GAP)
		below--;
	if (below == o->config.start || vpn - below >= STACK_GAP)
		return true;
	p = oracle_page(o, s, below - 1);
	return !p->prot || p->flags & PAGER_REGION_GROWSDOWN;
}

/* An access where nothing is mapped: the stack above grows, or the signal. */
static enum pager_signal grow(struct oracle *o, struct oracle_space *s,
			      uint64_t vpn, uint32_t access)
{
	uint64_t first;
	struct oracle_page *stack = stack_above(o, s, vpn, &first);
	enum pager_signal sig;

	if (!stack)
		return PAGER_SEGV_MAPERR;
	if (vpn < o->config.start ||
	    oracle_run_end(o, s, first) - vpn > o->config.stack ||
	    !gap_stays(o, s, vpn))
		return PAGER_SEGV_STACK;
	sig = oracle_allows(stack, access);
	if (sig != PAGER_SIGNAL_NONE)
		return sig;
	for (uint64_t v = vpn; v < first; v++) {
		struct oracle_page *p = oracle_page(o, s, v);

		p->mapped = true;
		p->prot = stack->prot;
		p->flags = stack->flags;
	}
	return PAGER_SIGNAL_NONE;
}

/* A private page gets bytes of its own. */
static void write_private(struct oracle *o, struct oracle_space *s,
			  struct oracle_page *p)
{
	uint8_t *bytes;

	oracle_note_filled(o, p);
	if (oracle_exclusive(o, p)) {
		p->lazy = false;
		return;
	}
	bytes = page_bytes(oracle_bytes(p));
	oracle_release(o, p);
	p->bytes = bytes;
	p->type = PAGER_PAGE_ANON;
	p->frame = oracle_frame_new(o, s->account);
}

enum pager_signal oracle_touch(struct oracle *o, struct oracle_space *s,
			       uint64_t vpn, uint32_t access)
{
	struct oracle_page *p = oracle_page(o, s, vpn);
	enum pager_signal sig;

	if (!p || !p->mapped) {
		sig = grow(o, s, vpn, access);
		if (sig != PAGER_SIGNAL_NONE)
			return sig;
	}
	sig = oracle_allows(p, access);
	if (sig != PAGER_SIGNAL_NONE)
		return sig;
	if (access == PAGER_ACCESS_WRITE && !(p->flags & PAGER_REGION_SHARED)) {
		write_private(o, s, p);
		return PAGER_SIGNAL_NONE;
	}
	if (access == PAGER_ACCESS_WRITE)
		oracle_note_filled(o, p);
	if (p->type == PAGER_PAGE_NONE && p->object) {
		oracle_cell(o, p->object, p->offset);
		p->type = PAGER_PAGE_OBJECT;
	} else if (p->type == PAGER_PAGE_NONE) {
		p->type = PAGER_PAGE_ZERO;
	}
	return PAGER_SIGNAL_NONE;
}

/* The part of the aligned stretch lies in one region, private and anonymous,
 * and the page itself is empty. */
bool oracle_may_fill(const struct oracle *o, const struct oracle_space *s,
		     uint64_t vpn, uint64_t page)
{
	uint64_t n = s->around == PAGER_AROUND_2M ? 512 : 16;
	const struct oracle_page *p = oracle_page(o, s, page);

	return s->around && vpn / n == page / n && p->mapped && !p->object &&
	       !(p->flags & PAGER_REGION_SHARED) &&
	       p->prot & PAGER_PROT_WRITE && p->type == PAGER_PAGE_NONE &&
	       oracle_run_start(o, s, page) == oracle_run_start(o, s, vpn);
}

void oracle_filled(struct oracle *o, struct oracle_space *s, uint64_t page)
{
	write_private(o, s, oracle_page(o, s, page));
	oracle_settle(o);
}

static uint32_t access_of(const struct oracle_page *p, uint32_t access)
{
	if (access)
		return access;
	return p->prot & PAGER_PROT_WRITE && !(p->flags & PAGER_REGION_SHARED)
		   ? PAGER_ACCESS_WRITE
		   : PAGER_ACCESS_READ;
}

bool oracle_may_populate(const struct oracle *o, const struct oracle_space *s,
			 uint64_t start, uint64_t end, uint32_t access)
{
	for (uint64_t v = start; v < end; v++) {
		const struct oracle_page *p = oracle_page(o, s, v);

		if (oracle_allows(p, access_of(p, access)) != PAGER_SIGNAL_NONE)
			return false;
	}
	return true;
}

void oracle_populate(struct oracle *o, struct oracle_space *s, uint64_t start,
		     uint64_t end, uint32_t access)
{
	for (uint64_t v = start; v < end; v++) {
		const struct oracle_page *p = oracle_page(o, s, v);
		uint32_t how = access_of(p, access);

		if (oracle_allows(p, how) == PAGER_SIGNAL_NONE)
			oracle_touch(o, s, v, how);
	}
}

void oracle_fill(struct oracle *o, struct oracle_space *s, uint64_t start,
		 uint64_t end)
{
	for (uint64_t v = start; v < end; v++)
		write_private(o, s, oracle_page(o, s, v));
}

static uint32_t check_range(const struct oracle *o,
			    const struct oracle_space *s,
			    const struct model_op *op)
{
	uint32_t errs;

	if (op->pages == 0)
		return ORACLE_ERR(PAGER_EINVAL);
	if (!oracle_inside(o, op->addr, op->pages, &errs))
		return errs;
	if (!oracle_mapped(o, s, op->addr, op->addr + op->pages))
		return ORACLE_ERR(PAGER_EUNMAPPED);
	return ORACLE_OK;
}

static void advise_page(struct oracle *o, struct oracle_space *s, uint64_t vpn,
			uint32_t advice)
{
	struct oracle_page *p = oracle_page(o, s, vpn);

	switch (advice) {
	case PAGER_ADV_DONTNEED:
		oracle_drop(o, p);
		break;
	case PAGER_ADV_WILLNEED:
		oracle_populate(o, s, vpn, vpn + 1, PAGER_ACCESS_READ);
		break;
	case PAGER_ADV_FREE:
		if (p->type == PAGER_PAGE_ANON)
			p->lazy = true;
		break;
	case PAGER_ADV_DONTFORK:
		p->flags |= PAGER_REGION_DONTFORK;
		break;
	case PAGER_ADV_DOFORK:
		p->flags &= ~PAGER_REGION_DONTFORK;
		break;
	case PAGER_ADV_WIPEONFORK:
		p->flags |= PAGER_REGION_WIPEONFORK;
		break;
	case PAGER_ADV_KEEPONFORK:
		p->flags &= ~PAGER_REGION_WIPEONFORK;
		break;
	}
}

uint32_t oracle_advise(struct oracle *o, struct oracle_space *s,
		       const struct model_op *op)
{
	uint32_t errs;
	uint32_t advice = op->flags;

	if (advice < PAGER_ADV_DONTNEED || advice > PAGER_ADV_KEEPONFORK)
		return ORACLE_ERR(PAGER_EINVAL);
	errs = check_range(o, s, op);
	if (errs != ORACLE_OK)
		return errs;
	for (uint64_t v = op->addr; v < op->addr + op->pages; v++) {
		const struct oracle_page *p = oracle_page(o, s, v);

		if ((advice == PAGER_ADV_DONTNEED ||
		     advice == PAGER_ADV_FREE) &&
		    p->flags & PAGER_REGION_PINNED)
			return ORACLE_ERR(PAGER_EBUSY);
		if ((advice == PAGER_ADV_FREE ||
		     advice == PAGER_ADV_WIPEONFORK) &&
		    p->object)
			return ORACLE_ERR(PAGER_EINVAL);
		if (advice == PAGER_ADV_DOFORK &&
		    p->flags & PAGER_REGION_CONTIG)
			return ORACLE_ERR(PAGER_EINVAL);
	}
	for (uint64_t v = op->addr; v < op->addr + op->pages; v++)
		advise_page(o, s, v, advice);
	return ORACLE_OK;
}

uint32_t oracle_pin(struct oracle *o, struct oracle_space *s,
		    const struct model_op *op)
{
	uint64_t end = op->addr + op->pages;
	uint32_t errs = check_range(o, s, op);

	if (errs != ORACLE_OK)
		return errs;
	if (op->kind == MODEL_PIN &&
	    !oracle_may_populate(o, s, op->addr, end, 0))
		return ORACLE_ERR(PAGER_ESIGNAL);
	for (uint64_t v = op->addr; v < end && op->kind == MODEL_UNPIN; v++)
		if (oracle_page(o, s, v)->flags & PAGER_REGION_CONTIG)
			return ORACLE_ERR(PAGER_EBUSY);
	for (uint64_t v = op->addr; v < end; v++) {
		struct oracle_page *p = oracle_page(o, s, v);

		if (op->kind == MODEL_PIN)
			p->flags |= PAGER_REGION_PINNED;
		else
			p->flags &= ~PAGER_REGION_PINNED;
	}
	if (op->kind == MODEL_PIN)
		oracle_populate(o, s, op->addr, end, 0);
	return ORACLE_OK;
}

uint32_t oracle_prefault(struct oracle *o, struct oracle_space *s,
			 const struct model_op *op)
{
	uint64_t end = op->addr + op->pages;
	uint32_t errs;

	if (op->access != PAGER_ACCESS_READ &&
	    op->access != PAGER_ACCESS_WRITE && op->access != PAGER_ACCESS_EXEC)
		return ORACLE_ERR(PAGER_EINVAL);
	errs = check_range(o, s, op);
	if (errs != ORACLE_OK)
		return errs;
	if (!oracle_may_populate(o, s, op->addr, end, op->access))
		return ORACLE_ERR(PAGER_ESIGNAL);
	oracle_populate(o, s, op->addr, end, op->access);
	return ORACLE_OK;
}

/* --- reads and writes ----------------------------------------------------- */

static uint32_t fault(struct oracle *o, struct oracle_space *s,
		      const struct model_op *op, struct model_result *want)
{
	if (op->access != PAGER_ACCESS_READ &&
	    op->access != PAGER_ACCESS_WRITE && op->access != PAGER_ACCESS_EXEC)
		return ORACLE_ERR(PAGER_EINVAL);
	want->signal = oracle_touch(o, s, op->addr, op->access);
	if (!want->signal && op->access == PAGER_ACCESS_WRITE)
		oracle_note_written(o, oracle_page(o, s, op->addr));
	return ORACLE_OK;
}

/* One page's part of a transfer. */
static void transfer(struct oracle_page *p, const struct model_op *op,
		     uint64_t done, uint64_t in_page, uint64_t part,
		     struct model_result *want)
{
	uint8_t *bytes =
	    p->type == PAGER_PAGE_ANON
		? p->bytes
		: (p->object ? p->object->cell[p->offset].bytes : NULL);

	for (uint64_t i = 0; i < part; i++) {
		if (op->kind == MODEL_WRITE)
			bytes[in_page + i] = model_byte(op->seed, done + i);
		else
			want->bytes[done + i] = bytes ? bytes[in_page + i] : 0;
	}
}

uint32_t oracle_access(struct oracle *o, struct oracle_space *s,
		       const struct model_op *op,
		       const struct model_result *got,
		       struct model_result *want)
{
	uint32_t access =
	    op->kind == MODEL_WRITE ? PAGER_ACCESS_WRITE : PAGER_ACCESS_READ;
	uint64_t done = 0;

	if (op->kind == MODEL_FAULT)
		return fault(o, s, op, want);
	while (done < op->pages) {
		uint64_t va = op->addr + done;
		uint64_t in_page = va & (PAGER_PAGE_SIZE - 1);
		uint64_t part = PAGER_PAGE_SIZE - in_page;
		uint64_t vpn = pager_va_to_vpn(va);

		/* Memory ran out there: what was done is the answer. */
		if (got->err == PAGER_ENOMEM || got->err == PAGER_ELIMIT ||
		    got->err == PAGER_EDIRTYFULL)
			if (done >= got->value)
				break;
		if (part > op->pages - done)
			part = op->pages - done;
		want->signal = oracle_touch(o, s, vpn, access);
		if (want->signal != PAGER_SIGNAL_NONE) {
			want->stop = va;
			want->value = done;
			return ORACLE_ERR(PAGER_ESIGNAL);
		}
		transfer(oracle_page(o, s, vpn), op, done, in_page, part, want);
		if (access == PAGER_ACCESS_WRITE)
			oracle_note_written(o, oracle_page(o, s, vpn));
		done += part;
	}
	want->value = done;
	return ORACLE_OK;
}
