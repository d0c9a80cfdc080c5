/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and source form of operations.
 */
#include "tests/support/model_op.h"

#include <inttypes.h>

static const char *const kind_names[MODEL_KINDS] = {
    "SPACE", "FORK",	 "CLEAR",   "FREE",    "OBJECT",   "RESIZE",
    "PUT",   "MAP",	 "UNMAP",   "PROTECT", "REMAP",	   "BRK_START",
    "BRK",   "ADVISE",	 "PIN",	    "UNPIN",   "FAULT",	   "POPULATE",
    "READ",  "WRITE",	 "PROBE",   "HARVEST", "SNAPSHOT", "RESTORE",
    "DROP",  "RECHARGE", "MIGRATE", "POOL",    "DIRTY",
};

static const char *const error_names[PAGER_ERROR_COUNT] = {
    "OK",	"EINVAL",   "EALIGN",	 "ERANGE",     "EOVERFLOW",  "EEXIST",
    "ENOENT",	"ESTALE",   "ETYPE",	 "EACCESS",    "EUNMAPPED",  "ENOMEM",
    "ENOSPACE", "ELIMIT",   "EBUSY",	 "ESIGNAL",    "ENODATA",    "ENOSYS",
    "EVERSION", "EHELLO",   "ERESERVED", "EFLAGS",     "ENOBACKEND", "ETOOBIG",
    "EBATCH",	"EABORTED", "ECORRUPT",	 "EDIRTYFULL",
};

const char *model_kind_name(enum model_kind kind)
{
	return kind < MODEL_KINDS ? kind_names[kind] : "?";
}

const char *model_error_name(unsigned int err)
{
	return err < PAGER_ERROR_COUNT ? error_names[err] : "?";
}

static void print_field(FILE *out, const char *name, uint64_t value)
{
	if (value)
		fprintf(out, ", .%s = 0x%" PRIx64, name, value);
}

void model_op_print_c(FILE *out, const struct model_op *op)
{
	fprintf(out, "{.kind = MODEL_%s, .space = %u",
		model_kind_name(op->kind), op->space);
	print_field(out, "other", op->other);
	print_field(out, "object", op->object);
	print_field(out, "cpu", op->cpu);
	print_field(out, "account", op->account);
	print_field(out, "prot", op->prot);
	print_field(out, "flags", op->flags);
	print_field(out, "access", op->access);
	print_field(out, "addr", op->addr);
	print_field(out, "pages", op->pages);
	print_field(out, "new_addr", op->new_addr);
	print_field(out, "new_pages", op->new_pages);
	print_field(out, "offset", op->offset);
	print_field(out, "seed", op->seed);
	fprintf(out, "},\n");
}
