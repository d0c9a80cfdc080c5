/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which operations of a random sequence are not compared with Linux.
 */
#include "tests/support/linux_pair.h"

static const struct oracle_space *space_of(const struct pair *p,
					   const struct model_op *op)
{
	return &p->model.oracle.space[op->space];
}

static bool any_page(const struct pair *p, const struct model_op *op,
		     bool (*is)(const struct oracle_page *page))
{
	for (uint64_t i = 0; i < op->pages; i++) {
		const struct oracle_page *page = oracle_page(
		    &p->model.oracle, space_of(p, op), op->addr + i);

		if (page && is(page))
			return true;
	}
	return false;
}

static bool is_pinned(const struct oracle_page *page)
{
	return page->flags & PAGER_REGION_PINNED;
}

static bool is_unreadable(const struct oracle_page *page)
{
	return page->mapped &&
	       (!(page->prot & PAGER_PROT_READ) ||
		oracle_allows(page, PAGER_ACCESS_READ) != PAGER_SIGNAL_NONE);
}

static bool is_mapped(const struct oracle_page *page)
{
	return page->mapped;
}

static bool is_stack(const struct oracle_page *page)
{
	return page->flags & PAGER_REGION_GROWSDOWN;
}

/* Linux's break stops a page before the next mapping, and the stack gap
 * before a stack; it shrinks only over something. */
static bool unlike_brk(const struct pair *p, const struct model_op *op)
{
	const struct oracle_space *s = space_of(p, op);
	const struct model_config *c = &p->model.config;
	uint64_t from = (s->brk + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT;
	uint64_t to = (op->addr + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT;
	struct model_op part = {.space = op->space};

	if (!p->linux.heap)
		return true;
	if (op->kind == MODEL_BRK_START)
		return false;
	if (to < from) {
		part.addr = to;
		part.pages = from - to;
		return !any_page(p, &part, is_mapped);
	}
	if (to + 1 > c->start + c->pages)
		return true;
	part.addr = to;
	part.pages = 1;
	if (any_page(p, &part, is_mapped))
		return true;
	part.pages = 258;
	return any_page(p, &part, is_stack);
}

/* Is [addr, addr + pages) inside one mapping of Linux? */
static bool is_one_mapping(struct pair *p, const struct model_op *op)
{
	struct linux_shared *sh = p->linux.shared;
	uint64_t lo = BYTES(op->addr), hi = lo + BYTES(op->pages);

	sh->request = (struct linux_request){.call = LINUX_LOOK};
	linux_do(&p->linux, op->space);
	for (uint32_t i = 0; i < sh->vmas; i++)
		if (sh->vma[i].start <= lo && lo < sh->vma[i].end)
			return hi <= sh->vma[i].end;
	return true;
}

/* A signal that comes after the stack has grown. */
static bool unlike_access(const struct pair *p, const struct model_op *op)
{
	const struct model_config *c = &p->model.config;
	uint64_t vpn = op->kind == MODEL_FAULT ? op->addr : op->addr >> 12;
	uint64_t last =
	    op->kind == MODEL_FAULT ? vpn : (op->addr + op->pages - 1) >> 12;
	uint32_t access = op->kind == MODEL_FAULT  ? op->access
			  : op->kind == MODEL_READ ? PAGER_ACCESS_READ
						   : PAGER_ACCESS_WRITE;

	for (; vpn <= last; vpn++) {
		const struct oracle_page *page =
		    oracle_page(&p->model.oracle, space_of(p, op), vpn);
		uint64_t above = vpn;

		if (page && page->mapped)
			continue;
		while (above < c->start + c->pages) {
			page = oracle_page(&p->model.oracle, space_of(p, op),
					   above++);
			if (page && page->mapped)
				break;
		}
		if (page && is_stack(page) &&
		    oracle_allows(page, access) != PAGER_SIGNAL_NONE)
			return true;
	}
	return false;
}

bool linux_pair_unlike(struct pair *p, const struct model_op *op)
{
	const struct model_config *c = &p->model.config;

	switch (op->kind) {
	case MODEL_BRK_START:
	case MODEL_BRK:
		return unlike_brk(p, op);
	case MODEL_REMAP:
		return !is_one_mapping(p, op);
	case MODEL_PROTECT:
		return op->prot & PAGER_PROT_WRITE &&
		       any_page(p, op, is_pinned);
	case MODEL_POPULATE:
		return !p->has_populate || any_page(p, op, is_unreadable);
	case MODEL_ADVISE:
		return op->flags == PAGER_ADV_WILLNEED &&
		       (!p->has_populate || any_page(p, op, is_unreadable));
	case MODEL_FAULT:
		return op->addr < c->start || op->addr >= c->start + c->pages ||
		       unlike_access(p, op);
	case MODEL_READ:
	case MODEL_WRITE:
		return op->addr < BYTES(c->start) ||
		       op->addr + op->pages > BYTES(c->start + c->pages) ||
		       unlike_access(p, op);
	default:
		return false;
	}
}

bool linux_pair_leave_out(const struct pair *p, const struct model_op *op)
{
	uint16_t err = p->model.got.err;

	if (err == PAGER_OK)
		return false;
	if (err == PAGER_ERANGE || err == PAGER_ENOSPACE ||
	    err == PAGER_EBUSY || err == PAGER_EOVERFLOW)
		return true;
	switch (op->kind) {
	case MODEL_PROTECT:
	case MODEL_ADVISE:
	case MODEL_PIN:
	case MODEL_UNPIN:
	case MODEL_POPULATE:
		return true;
	case MODEL_REMAP:
		return op->flags & PAGER_REMAP_FIXED &&
		       (err == PAGER_EUNMAPPED || op->addr == op->new_addr);
	default:
		return false;
	}
}
