/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printing sequences in the language of pagerctl(1). Spaces are s0, s1, ...,
 * objects o0, o1, ...; a slot that is used again gives its name a new meaning.
 */
#include "tests/support/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VA(vpn)	     pager_vpn_to_va(vpn)
#define BYTES(pages) ((pages) << PAGER_PAGE_SHIFT)

struct printer {
	FILE *out;
	const struct model_config *config;
	struct oracle oracle;
	struct model_result want;
	uint32_t errs;
};

static const char *letters(uint32_t prot, char text[4])
{
	char *p = text;

	if (prot & PAGER_PROT_READ)
		*p++ = 'r';
	if (prot & PAGER_PROT_WRITE)
		*p++ = 'w';
	if (prot & PAGER_PROT_EXEC)
		*p++ = 'x';
	*p = '\0';
	return prot ? text : "none";
}

static void print_prot(FILE *out, uint32_t prot)
{
	char text[4];

	if (prot & ~PAGER_PROT_ALL)
		fprintf(out, " %u", prot);
	else
		fprintf(out, " %s", letters(prot, text));
}

static void print_space(const struct printer *p, const struct model_op *op)
{
	const struct model_config *c = p->config;
	FILE *out = p->out;

	fprintf(out, "s%u = space start=0x%" PRIx64 " end=0x%" PRIx64,
		op->space, BYTES(c->start), BYTES(c->start + c->pages));
	if (c->max_regions)
		fprintf(out, " max_regions=%" PRIu64, c->max_regions);
	if (c->max_pages)
		fprintf(out, " max_bytes=0x%" PRIx64, BYTES(c->max_pages));
	if (c->max_resident)
		fprintf(out, " max_resident=0x%" PRIx64,
			BYTES(c->max_resident));
	if (c->stack)
		fprintf(out, " max_stack=0x%" PRIx64, BYTES(c->stack));
}

static void print_map(const struct printer *p, const struct model_op *op)
{
	FILE *out = p->out;

	fprintf(out, "map s%u 0x%" PRIx64 " 0x%" PRIx64, op->space,
		op->addr == UINT64_MAX ? 0 : VA(op->addr), BYTES(op->pages));
	print_prot(out, op->prot);
	fprintf(out, " flags=0x%x", op->flags);
	if (op->object)
		fprintf(out, " object=o%u", op->object - 1);
	if (op->offset)
		fprintf(out, " offset=0x%" PRIx64, BYTES(op->offset));
}

static void print_access(const struct printer *p, const struct model_op *op)
{
	FILE *out = p->out;

	if (op->kind == MODEL_READ) {
		fprintf(out, "read s%u 0x%" PRIx64 " %" PRIu64 " cpu=%u",
			op->space, op->addr, op->pages, op->cpu);
		return;
	}
	fprintf(out, "write s%u 0x%" PRIx64 " hex:", op->space, op->addr);
	for (uint64_t i = 0; i < op->pages; i++)
		fprintf(out, "%02x", model_byte(op->seed, i));
	fprintf(out, " cpu=%u", op->cpu);
}

static const char *advice_name(uint32_t advice)
{
	static const char *const names[] = {
	    "0",	"dontneed", "willneed",	  "free",
	    "dontfork", "dofork",   "wipeonfork", "keeponfork"};

	return advice < sizeof(names) / sizeof(names[0]) ? names[advice] : "8";
}

static void print_range_op(const struct printer *p, const struct model_op *op)
{
	static const char *const names[MODEL_KINDS] = {
	    [MODEL_UNMAP] = "unmap",	 [MODEL_PROTECT] = "protect",
	    [MODEL_ADVISE] = "advise",	 [MODEL_PIN] = "pin",
	    [MODEL_UNPIN] = "unpin",	 [MODEL_POPULATE] = "populate",
	    [MODEL_HARVEST] = "harvest", [MODEL_REMAP] = "remap",
	};
	FILE *out = p->out;

	fprintf(out, "%s s%u 0x%" PRIx64 " 0x%" PRIx64, names[op->kind],
		op->space, VA(op->addr), BYTES(op->pages));
	if (op->kind == MODEL_PROTECT)
		print_prot(out, op->prot);
	else if (op->kind == MODEL_ADVISE)
		fprintf(out, " %s", advice_name(op->flags));
	else if (op->kind == MODEL_POPULATE)
		fprintf(out, " %u", op->access);
	if (op->kind != MODEL_REMAP)
		return;
	fprintf(out, " 0x%" PRIx64 " flags=0x%x", BYTES(op->new_pages),
		op->flags);
	if (op->flags & PAGER_REMAP_FIXED)
		fprintf(out, " to=0x%" PRIx64, VA(op->new_addr));
}

/* False: there are no words for it. */
static bool print_op(const struct printer *p, const struct model_op *op)
{
	FILE *out = p->out;

	switch (op->kind) {
	case MODEL_SPACE:
		print_space(p, op);
		return true;
	case MODEL_FORK:
		fprintf(out, "s%u = fork s%u", op->other, op->space);
		return true;
	case MODEL_CLEAR:
		fprintf(out, "clear s%u", op->space);
		return true;
	case MODEL_FREE:
		fprintf(out, "destroy s%u", op->space);
		return true;
	case MODEL_OBJECT:
		fprintf(out, "o%u = object 0x%" PRIx64, op->object - 1,
			BYTES(op->pages));
		return true;
	case MODEL_RESIZE:
		fprintf(out, "resize o%u 0x%" PRIx64, op->object - 1,
			BYTES(op->pages));
		return true;
	case MODEL_PUT:
		fprintf(out, "close o%u", op->object - 1);
		return true;
	case MODEL_MAP:
		print_map(p, op);
		return true;
	case MODEL_BRK_START:
	case MODEL_BRK:
		fprintf(out, "brk s%u 0x%" PRIx64 "%s", op->space, op->addr,
			op->kind == MODEL_BRK ? "" : " start");
		return true;
	case MODEL_FAULT:
		fprintf(out, "fault s%u 0x%" PRIx64 " %u", op->space,
			VA(op->addr), op->access);
		return true;
	case MODEL_READ:
	case MODEL_WRITE:
		print_access(p, op);
		return true;
	case MODEL_PROBE:
	case MODEL_SNAPSHOT:
	case MODEL_RESTORE:
	case MODEL_DROP:
	case MODEL_RECHARGE:
	case MODEL_MIGRATE:
	case MODEL_POOL:
	case MODEL_DIRTY:
		fprintf(out, "# %s s%u 0x%" PRIx64 " access %u cpu %u",
			model_kind_name((enum model_kind)op->kind), op->space,
			VA(op->addr), op->access, op->cpu);
		return false;
	default:
		print_range_op(p, op);
		return true;
	}
}

static void print_expected(const struct printer *p, const struct model_op *op,
			   uint16_t got)
{
	static const char *const signals[] = {"", "segv_maperr", "segv_accerr",
					      "bus_adrerr", "segv_stack"};
	FILE *out = p->out;

	unsigned int e = got; /* if it is right, that one */

	if (!(p->errs & ORACLE_ERR(e)))
		for (e = 1; !(p->errs & ORACLE_ERR(e));)
			e++;
	if (e) {
		fprintf(out, " expect error %s", model_error_name(e));
		return;
	}
	if (op->kind == MODEL_FAULT && p->want.signal)
		fprintf(out, " expect %s", signals[p->want.signal]);
	if (op->kind != MODEL_READ || op->pages == 0)
		return;
	fprintf(out, " expect hex:");
	for (uint64_t i = 0; i < op->pages; i++)
		fprintf(out, "%02x", p->want.bytes[i]);
}

void script_print(FILE *out, const struct model_config *config,
		  const struct hunt_log *log)
{
	const struct oracle_config oc = {config->start, config->pages,
					 config->stack ? config->stack : 2048};
	struct printer *p = calloc(1, sizeof(*p));
	struct model_result got = {0};

	if (!p)
		test_die("script: no memory");
	p->out = out;
	p->config = config;
	oracle_init(&p->oracle, &oc);
	for (uint32_t i = 0; i < log->count; i++) {
		const struct model_op *op = &log->op[i];
		bool words;

		if (log->skipped[i] || !oracle_applies(&p->oracle, op))
			continue;
		got.err = log->err[i];
		got.value = log->value[i];
		p->errs = ORACLE_ERR(PAGER_OK);
		if (got.err == PAGER_ENOMEM || got.err == PAGER_ELIMIT)
			p->errs = ORACLE_ERR(got.err);
		else if (op->kind != MODEL_PROBE)
			oracle_apply(&p->oracle, op, &got, &p->want, &p->errs);
		words = print_op(p, op);
		if (words)
			print_expected(p, op, got.err);
		fputc('\n', out);
	}
	fprintf(out, "check\n");
	oracle_fini(&p->oracle);
	free(p);
}
