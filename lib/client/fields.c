/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the fields of requests, for refusals that blame one. An offset
 * anywhere inside a field is that field's.
 */
#include "lib/client/internal.h"

struct field {
	uint16_t offset;
	uint16_t size;
	const char *name;
};

#define F(tag, member)                                         \
	{                                                      \
		offsetof(struct tag, member),                  \
		    sizeof(((struct tag *)0)->member), #member \
	}
#define END                \
	{                  \
		0, 0, NULL \
	}

static const struct field hdr_fields[] = {
    F(pager_hdr, length),   F(pager_hdr, op),
    F(pager_hdr, flags),    F(pager_hdr, seq),
    F(pager_hdr, error),    F(pager_hdr, nfds),
    F(pager_hdr, field),    F(pager_hdr, data_len),
    F(pager_hdr, reserved), END};

#define R(tag, member) F(pager_req_##tag, member)

static const struct field none_fields[] = {R(none, reserved), END};
static const struct field hello_fields[] = {
    R(hello, magic), R(hello, major), R(hello, minor), R(hello, features), END};
static const struct field ping_fields[] = {R(ping, cookie), END};
static const struct field batch_fields[] = {R(batch, flags), R(batch, count),
					    END};
static const struct field user_fields[] = {R(user, uid), R(user, reserved),
					   END};
static const struct field cursor_fields[] = {R(cursor, cursor), END};
static const struct field space_create_fields[] = {
    R(space_create, backend),	   R(space_create, flags),
    R(space_create, start),	   R(space_create, end),
    R(space_create, max_regions),  R(space_create, max_bytes),
    R(space_create, max_resident), R(space_create, max_stack),
    R(space_create, name),	   END};
static const struct field space_fields[] = {R(space, space), END};
static const struct field handle_fields[] = {R(handle, handle), END};
static const struct field range_fields[] = {R(range, space), R(range, addr),
					    R(range, len), END};
static const struct field map_fields[] = {
    R(map, space), R(map, addr),   R(map, len),	   R(map, prot),
    R(map, flags), R(map, object), R(map, offset), END};
static const struct field protect_fields[] = {
    R(protect, space), R(protect, addr),     R(protect, len),
    R(protect, prot),  R(protect, reserved), END};
static const struct field remap_fields[] = {
    R(remap, space),	R(remap, addr),	 R(remap, len),	     R(remap, new_len),
    R(remap, new_addr), R(remap, flags), R(remap, reserved), END};
static const struct field brk_fields[] = {R(brk, space), R(brk, brk),
					  R(brk, flags), R(brk, reserved), END};
static const struct field advise_fields[] = {
    R(advise, space),  R(advise, addr),	    R(advise, len),
    R(advise, advice), R(advise, reserved), END};
static const struct field region_list_fields[] = {
    R(region_list, space), R(region_list, cursor), R(region_list, flags),
    R(region_list, max), END};
static const struct field addr_fields[] = {R(addr, space), R(addr, addr), END};
static const struct field fault_fields[] = {
    R(fault, space), R(fault, addr), R(fault, access), R(fault, reserved), END};
static const struct field populate_fields[] = {
    R(populate, space),	 R(populate, addr),	R(populate, len),
    R(populate, access), R(populate, reserved), END};
static const struct field read_fields[] = {R(read, space), R(read, addr),
					   R(read, len), R(read, cpu), END};
static const struct field write_fields[] = {
    R(write, space), R(write, addr), R(write, cpu), R(write, reserved), END};
static const struct field object_create_fields[] = {
    R(object_create, size), R(object_create, flags), R(object_create, reserved),
    R(object_create, name), END};
static const struct field object_open_fields[] = {R(object_open, name), END};
static const struct field object_fields[] = {R(object, object), END};
static const struct field object_resize_fields[] = {
    R(object_resize, object), R(object_resize, size), END};
static const struct field token_fields[] = {R(token, token), END};

static const struct field *fields_of(unsigned int call)
{
	switch (call) {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	case number:                                                           \
		return request##_fields;
#include <pager/ops.def>
#undef PAGER_OP
	}
	return NULL;
}

const char *client_field_name(unsigned int call, uint32_t offset)
{
	const struct field *field = hdr_fields;

	if (offset == 0)
		return "";
	if (offset >= sizeof(struct pager_hdr)) {
		field = fields_of(call);
		offset -= (uint32_t)sizeof(struct pager_hdr);
	}
	for (; field && field->name; field++)
		if (offset >= field->offset &&
		    offset - field->offset < field->size)
			return field->name;
	return "";
}
