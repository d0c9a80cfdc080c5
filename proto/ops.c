/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, laid out by the preprocessor. The sizes and offsets that
 * pager_fields.def states are compared with the compiler's here, so a struct
 * cannot change its layout unnoticed.
 */
#include "proto/ops.h"

#include <strings.h>
#include <string.h>

#define PAGER_STRUCT(name, size)                                     \
	static_assert(sizeof(struct pager_##name) == (size), #name); \
	static_assert((size) % 8 == 0, #name);
#define PAGER_FIELD(name, member, offset, size, kind, text)                 \
	static_assert(offsetof(struct pager_##name, member) == (offset),    \
		      #name "." #member);                                   \
	static_assert(sizeof(((struct pager_##name *)0)->member) == (size), \
		      #name "." #member);
#define PAGER_END(name)
#include "proto/pager_fields.def"
#undef PAGER_STRUCT
#undef PAGER_FIELD
#undef PAGER_END

/* Indexes: FIRST_<struct> of its first field, LAST_<struct> one beyond. */
enum field_index {
#define PAGER_STRUCT(name, size) FIRST_##name, FROM_##name = FIRST_##name - 1,
#define PAGER_FIELD(name, member, offset, size, kind, text) \
	AT_##name##_##member,
#define PAGER_END(name) LAST_##name, UP_TO_##name = LAST_##name - 1,
#include "proto/pager_fields.def"
#undef PAGER_STRUCT
#undef PAGER_FIELD
#undef PAGER_END
	FIELD_COUNT
};

enum struct_index {
#define PAGER_STRUCT(name, size) STRUCT_##name,
#define PAGER_FIELD(name, member, offset, size, kind, text)
#define PAGER_END(name)
#include "proto/pager_fields.def"
#undef PAGER_STRUCT
#undef PAGER_FIELD
#undef PAGER_END
	STRUCT_COUNT
};

enum op_index {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	OP_##NAME,
#include "proto/pager_ops.def"
#undef PAGER_OP
	OP_COUNT
};

enum { IS_PLAIN = 0, IS_RESERVED = 1 };

/* RESERVED_<struct>: how many of its fields are reserved. */
enum reserved_count {
#define PAGER_STRUCT(name, size)			    RESERVED_##name = 0
#define PAGER_FIELD(name, member, offset, size, kind, text) +IS_##kind
#define PAGER_END(name)					    ,
#include "proto/pager_fields.def"
#undef PAGER_STRUCT
#undef PAGER_FIELD
#undef PAGER_END
};

static const struct pager_field fields[FIELD_COUNT] = {
#define PAGER_STRUCT(name, size)
#define PAGER_FIELD(name, member, offset, size, kind, text) \
	[AT_##name##_##member] = {#member, text, offset, size, IS_##kind},
#define PAGER_END(name)
#include "proto/pager_fields.def"
#undef PAGER_STRUCT
#undef PAGER_FIELD
#undef PAGER_END
};

static const struct pager_struct structs[STRUCT_COUNT] = {
#define PAGER_STRUCT(name, size)                                    \
	[STRUCT_##name] = {#name, size, LAST_##name - FIRST_##name, \
			   RESERVED_##name, fields + FIRST_##name},
#define PAGER_FIELD(name, member, offset, size, kind, text)
#define PAGER_END(name)
#include "proto/pager_fields.def"
#undef PAGER_STRUCT
#undef PAGER_FIELD
#undef PAGER_END
};

static const struct pager_op ops[OP_COUNT] = {
#define PAGER_OP(NAME, lower, no, request, reply, nfds, carries, who, batches, \
		 sentence)                                                     \
	[OP_##NAME] = {#lower,                                                 \
		       sentence,                                               \
		       no,                                                     \
		       nfds,                                                   \
		       PAGER_OP_DATA_##carries,                                \
		       PAGER_OP_ACCESS_##who,                                  \
		       PAGER_OP_BATCH_##batches,                               \
		       structs + STRUCT_req_##request,                         \
		       structs + STRUCT_rep_##reply},
#include "proto/pager_ops.def"
#undef PAGER_OP
};

static const struct pager_op *const by_number[PAGER_OP_END] = {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	[number] = ops + OP_##NAME,
#include "proto/pager_ops.def"
#undef PAGER_OP
};

const struct pager_op *pager_op_find(unsigned int number)
{
	return number < PAGER_OP_END ? by_number[number] : NULL;
}

const struct pager_op *pager_op_by_name(const char *name)
{
	for (size_t i = 0; i < OP_COUNT; i++)
		if (strcasecmp(ops[i].name, name) == 0)
			return ops + i;
	return NULL;
}

const struct pager_op *pager_op_next(const struct pager_op *op)
{
	if (!op)
		return ops;
	return op + 1 < ops + OP_COUNT ? op + 1 : NULL;
}

const struct pager_struct *pager_struct_by_name(const char *name)
{
	for (size_t i = 0; i < STRUCT_COUNT; i++)
		if (strcmp(structs[i].name, name) == 0)
			return structs + i;
	return NULL;
}

const struct pager_struct *pager_struct_next(const struct pager_struct *s)
{
	if (!s)
		return structs;
	return s + 1 < structs + STRUCT_COUNT ? s + 1 : NULL;
}

const char *pager_op_field_name(const struct pager_op *op, uint32_t offset)
{
	const struct pager_struct *s = structs + STRUCT_hdr;

	if (offset >= PAGER_HDR_SIZE) {
		if (!op)
			return NULL;
		s = op->request;
		offset -= PAGER_HDR_SIZE;
	}
	for (unsigned int i = 0; i < s->count; i++) {
		const struct pager_field *f = s->fields + i;

		if (offset >= f->offset && offset - f->offset < f->size)
			return f->name;
	}
	return NULL;
}

const char *pager_error_name(unsigned int error)
{
	static const char *const names[PAGER_ERROR_COUNT] = {
	    [PAGER_OK] = "OK",
	    [PAGER_EINVAL] = "EINVAL",
	    [PAGER_EALIGN] = "EALIGN",
	    [PAGER_ERANGE] = "ERANGE",
	    [PAGER_EOVERFLOW] = "EOVERFLOW",
	    [PAGER_EEXIST] = "EEXIST",
	    [PAGER_ENOENT] = "ENOENT",
	    [PAGER_ESTALE] = "ESTALE",
	    [PAGER_ETYPE] = "ETYPE",
	    [PAGER_EACCESS] = "EACCESS",
	    [PAGER_EUNMAPPED] = "EUNMAPPED",
	    [PAGER_ENOMEM] = "ENOMEM",
	    [PAGER_ENOSPACE] = "ENOSPACE",
	    [PAGER_ELIMIT] = "ELIMIT",
	    [PAGER_EBUSY] = "EBUSY",
	    [PAGER_ESIGNAL] = "ESIGNAL",
	    [PAGER_ENODATA] = "ENODATA",
	    [PAGER_ENOSYS] = "ENOSYS",
	    [PAGER_EVERSION] = "EVERSION",
	    [PAGER_EHELLO] = "EHELLO",
	    [PAGER_ERESERVED] = "ERESERVED",
	    [PAGER_EFLAGS] = "EFLAGS",
	    [PAGER_ENOBACKEND] = "ENOBACKEND",
	    [PAGER_ETOOBIG] = "ETOOBIG",
	    [PAGER_EBATCH] = "EBATCH",
	    [PAGER_EABORTED] = "EABORTED",
	    [PAGER_ECORRUPT] = "ECORRUPT",
	    [PAGER_EDIRTYFULL] = "EDIRTYFULL",
	};

	return error < PAGER_ERROR_COUNT ? names[error] : NULL;
}
