/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place where bytes of the wire become pages of the model, and back.
 *
 *	0              2^47                     2^64 - 2^47        2^64
 *	|--------------|........................|-----------------|
 *	 lower half     no such addresses         upper half
 *	 vpn 0 .. 2^35                            vpn 2^35 .. 2^36
 *
 * The two halves are neighbours in page numbers and far apart in bytes, so a
 * range that crosses the hole is refused here; the model could not tell.
 *
 * Refusals are in the model's terms, what and which argument;
 * srv_convert_field() turns the argument into an offset of the request.
 */
#ifndef SERVER_CONVERT_H
#define SERVER_CONVERT_H

#include "lib/core/types.h"
#include "proto/ops.h"

/* A byte address. ERANGE: not canonical. */
struct pager_status srv_convert_addr(uint64_t va, enum pager_arg arg,
				     uint64_t *vpn);
/* The first byte of a page. ERANGE, or EALIGN. */
struct pager_status srv_convert_page(uint64_t va, enum pager_arg arg,
				     uint64_t *vpn);
/* A length, rounded up. EINVAL: 0; EOVERFLOW: wraps when rounded; ERANGE:
 * longer than all addresses there are. */
struct pager_status srv_convert_len(uint64_t bytes, enum pager_arg arg,
				    uint64_t *pages);
/* [addr, addr + len), len rounded up. As page and len; and EOVERFLOW: beyond
 * 2^64; ERANGE: into or across the hole. */
struct pager_status srv_convert_range(uint64_t addr, uint64_t len,
				      enum pager_arg addr_arg,
				      enum pager_arg len_arg,
				      struct pager_range *out);
/* The bytes [addr, addr + len) of an access: len > 0, no alignment. */
struct pager_status srv_convert_bytes(uint64_t addr, uint64_t len);
/* A size or offset that has to be a multiple of the page size, up to 2^48. */
struct pager_status srv_convert_size(uint64_t bytes, enum pager_arg arg,
				     uint64_t *pages);
/* A physical address: EALIGN, not the first byte of a page; ERANGE, beyond what
 * entries can hold. */
struct pager_status srv_convert_phys(uint64_t pa, enum pager_arg arg,
				     uint64_t *pfn);
/* The range of a space as SPACE_CREATE has it: end 0 is 2^64, both 0 are the
 * default. It may cross the hole. */
struct pager_status srv_convert_space(uint64_t start, uint64_t end,
				      struct pager_range *out);
/* A cursor of REGION_LIST: any number; inside the hole it is the upper half's
 * first page. */
uint64_t srv_convert_cursor(uint64_t va);

/* The address just beyond page vpn - 1: 2^47 for the end of the lower half, 0
 * for 2^64. vpn > 0. */
uint64_t srv_convert_end(uint64_t vpn);

/* Where in a request of op an argument stands, as pager_hdr.field has it; 0 if
 * it has no such field. */
uint32_t srv_convert_field(const struct pager_op *op, enum pager_arg arg);

#endif
