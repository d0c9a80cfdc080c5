/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of operations and fields as data: what the codec checks by, what
 * tools print names from, what tests iterate over. Constant; generated from
 * pager_ops.def and pager_fields.def by the preprocessor.
 */
#ifndef PROTO_OPS_H
#define PROTO_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pager_wire.h"

enum pager_opcode {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	PAGER_OP_##NAME = number,
#include "proto/pager_ops.def"
#undef PAGER_OP
};

/* One more than the highest number of an operation there is. */
#define PAGER_OP_END (PAGER_OP_PEEK + 1)

enum pager_op_data {
	PAGER_OP_DATA_NONE = 0,
	PAGER_OP_DATA_IN = 1,  /* the request may carry data */
	PAGER_OP_DATA_OUT = 2, /* the reply may */
	PAGER_OP_DATA_BOTH = 3,
};

enum pager_op_access {
	PAGER_OP_ACCESS_ANY,
	PAGER_OP_ACCESS_OWNER,
	PAGER_OP_ACCESS_ADMIN,
};

enum pager_op_batch {
	PAGER_OP_BATCH_NO,
	PAGER_OP_BATCH_YES,
	PAGER_OP_BATCH_ATOMIC,
};

/* A member of a wire struct. */
struct pager_field {
	const char *name;
	const char *text;
	uint16_t offset; /* in its struct */
	uint16_t size;
	bool reserved;
};

/* A wire struct: struct pager_<name>. */
struct pager_struct {
	const char *name;
	uint16_t size;
	uint8_t count;
	uint8_t reserved; /* how many of the fields are */
	const struct pager_field *fields;
};

struct pager_op {
	const char *name; /* lower case */
	const char *text;
	uint16_t number;
	uint8_t fds;
	uint8_t data;	/* enum pager_op_data */
	uint8_t access; /* enum pager_op_access */
	uint8_t batch;	/* enum pager_op_batch */
	const struct pager_struct *request;
	const struct pager_struct *reply;
};

/* The operation of that number, or NULL. */
const struct pager_op *pager_op_find(unsigned int number);
/* The operation of that name ("space_fork", either case), or NULL. */
const struct pager_op *pager_op_by_name(const char *name);
/* All of them by number: the one after op (NULL: the first), or NULL. */
const struct pager_op *pager_op_next(const struct pager_op *op);

/* The wire struct of that name ("hdr", "req_map"), or NULL. */
const struct pager_struct *pager_struct_by_name(const char *name);
/* All of them: the one after s (NULL: the first), or NULL. */
const struct pager_struct *pager_struct_next(const struct pager_struct *s);

/* Name of the field that a refusal of op blames: offset as in pager_hdr.field,
 * from the start of the request. NULL if there is none there; op may be NULL
 * (unknown), then only the header has names. */
const char *pager_op_field_name(const struct pager_op *op, uint32_t offset);

/* "EALIGN" for PAGER_EALIGN; NULL for a number that is no error. */
const char *pager_error_name(unsigned int error);

#endif
