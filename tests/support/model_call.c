/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An operation as calls of core.h. Nothing is checked here.
 */
#include "tests/support/model.h"

static void take(struct model_result *got, struct pager_status st)
{
	got->err = st.err;
}

static void call_space(struct model *m, const struct model_op *op,
		       struct model_result *got)
{
	const struct pager_limits limits = {
	    .regions = m->config.max_regions,
	    .pages = m->config.max_pages,
	    .resident = m->config.max_resident,
	    .stack = m->config.stack,
	};
	struct pager_range range = {m->config.start,
				    m->config.start + m->config.pages};

	take(got, pager_space_new(m->world.core, m->account[op->account],
				  m->world.mmu, range, &limits,
				  &m->space[op->space]));
	if (got->err == PAGER_OK)
		take(got, pager_space_set_around(m->space[op->space],
						 (enum pager_around)op->flags));
}

static void call_map(struct model *m, const struct model_op *op,
		     struct model_result *got)
{
	const struct pager_map_args args = {
	    .addr = op->addr,
	    .pages = op->pages,
	    .prot = op->prot,
	    .flags = op->flags,
	    .object = op->object ? m->object[op->object - 1] : NULL,
	    .offset = op->offset,
	};

	take(got, pager_space_map(m->space[op->space], &args, &got->value));
}

static void call_remap(struct model *m, const struct model_op *op,
		       struct model_result *got)
{
	const struct pager_remap_args args = {
	    .addr = op->addr,
	    .pages = op->pages,
	    .new_pages = op->new_pages,
	    .flags = op->flags,
	    .new_addr = op->new_addr,
	};

	take(got, pager_space_remap(m->space[op->space], &args, &got->value));
}

static void call_access(struct model *m, const struct model_op *op,
			struct model_result *got)
{
	struct pager_space *s = m->space[op->space];
	struct pager_access_stop why = {0};
	struct pager_fault_info info = {0};
	uint8_t bytes[MODEL_IO];

	if (op->kind == MODEL_FAULT) {
		take(got, pager_space_fault(s, op->addr, op->access, &info));
		got->signal = info.signal;
		got->fault = info.result;
		return;
	}
	if (op->kind == MODEL_READ) {
		take(got, pager_space_read(s, op->cpu, op->addr, got->bytes,
					   op->pages, &got->value, &why));
	} else {
		for (uint64_t i = 0; i < op->pages; i++)
			bytes[i] = model_byte(op->seed, i);
		take(got, pager_space_write(s, op->cpu, op->addr, bytes,
					    op->pages, &got->value, &why));
	}
	if (got->err == PAGER_ESIGNAL) {
		got->signal = why.signal;
		got->stop = why.va;
	}
}

static void call_slots(struct model *m, const struct model_op *op,
		       struct model_result *got)
{
	struct pager_space **s = &m->space[op->space];
	struct pager_object **b =
	    op->object ? &m->object[op->object - 1] : NULL;

	switch (op->kind) {
	case MODEL_SPACE:
		call_space(m, op, got);
		return;
	case MODEL_FORK:
		take(got, pager_space_fork(*s, m->account[op->account],
					   &m->space[op->other]));
		return;
	case MODEL_CLEAR:
		pager_space_clear(*s);
		return;
	case MODEL_FREE:
		pager_space_free(*s);
		*s = NULL;
		return;
	case MODEL_OBJECT:
		take(got,
		     pager_object_new(m->world.core, m->account[op->account],
				      op->pages, b));
		return;
	case MODEL_RESIZE:
		take(got, pager_object_resize(*b, op->pages));
		return;
	case MODEL_PUT:
		pager_object_put(*b);
		*b = NULL;
		return;
	case MODEL_SNAPSHOT:
		take(got, pager_space_snapshot(*s));
		return;
	case MODEL_RESTORE:
		pager_space_snapshot_restore(*s);
		return;
	case MODEL_DROP:
		pager_space_snapshot_drop(*s);
		return;
	case MODEL_RECHARGE:
		take(got, pager_space_recharge(*s, m->account[op->other]));
		return;
	}
}

void model_call(struct model *m, const struct model_op *op,
		struct model_result *got)
{
	struct pager_space *s = m->space[op->space];
	struct pager_range r = {op->addr, op->addr + op->pages};

	got->skipped = false;
	got->err = PAGER_OK;
	got->signal = PAGER_SIGNAL_NONE;
	got->fault = 0;
	got->value = 0;
	got->stop = 0;
	switch (op->kind) {
	case MODEL_MAP:
		call_map(m, op, got);
		return;
	case MODEL_UNMAP:
		take(got, pager_space_unmap(s, r));
		return;
	case MODEL_PROTECT:
		take(got, pager_space_protect(s, r, op->prot));
		return;
	case MODEL_REMAP:
		call_remap(m, op, got);
		return;
	case MODEL_BRK_START:
		take(got, pager_space_brk_start(s, op->addr));
		return;
	case MODEL_BRK:
		take(got, pager_space_brk(s, op->addr));
		return;
	case MODEL_ADVISE:
		take(got,
		     pager_space_advise(s, r, (enum pager_advice)op->flags));
		return;
	case MODEL_PIN:
		take(got, pager_space_pin(s, r));
		return;
	case MODEL_UNPIN:
		take(got, pager_space_unpin(s, r));
		return;
	case MODEL_POPULATE:
		take(got, pager_space_populate(s, r, op->access, &got->value));
		return;
	case MODEL_FAULT:
	case MODEL_READ:
	case MODEL_WRITE:
		call_access(m, op, got);
		return;
	case MODEL_HARVEST:
		pager_space_harvest(s, r);
		return;
	default:
		call_slots(m, op, got);
		return;
	}
}
