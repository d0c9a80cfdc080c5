/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Units and small values of the model.
 *
 * Inside the core a virtual address is a virtual page number (vpn): the low 48
 * bits of the canonical address, shifted right by 12, so that the lower half
 * is [0, 2^35) and the upper half [2^35, 2^36). A range of pages is half-open.
 * Physical addresses are one-member structs: mixing them with vpns or counts
 * does not compile.
 */
#ifndef LIB_CORE_TYPES_H
#define LIB_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pager_abi.h"

#define PAGER_VPN_BITS 36
#define PAGER_VPN_END  (UINT64_C(1) << PAGER_VPN_BITS)
#define PAGER_VPN_HALF (UINT64_C(1) << (PAGER_VPN_BITS - 1))

/* A physical frame number: physical address >> 12, in the layout that page
 * table entries hold (frames of the pool, nodes of the arena). */
struct pager_pfn {
	uint64_t n;
};

/* A half-open range of virtual page numbers. */
struct pager_range {
	uint64_t start;
	uint64_t end;
};

static inline struct pager_range pager_range(uint64_t start, uint64_t end)
{
	return (struct pager_range){start, end};
}

static inline uint64_t pager_range_len(struct pager_range r)
{
	return r.end - r.start;
}

static inline bool pager_range_overlaps(struct pager_range a,
					struct pager_range b)
{
	return a.start < b.end && b.start < a.end;
}

/* The canonical byte address of a page, and back. */
static inline uint64_t pager_vpn_to_va(uint64_t vpn)
{
	return (uint64_t)((int64_t)(vpn << 28) >> 16);
}

static inline uint64_t pager_va_to_vpn(uint64_t va)
{
	return va >> 12 & (PAGER_VPN_END - 1);
}

/* Which argument of a core call is to blame for a refusal. */
enum pager_arg {
	PAGER_ARG_NONE = 0,
	PAGER_ARG_SPACE,
	PAGER_ARG_ADDR,
	PAGER_ARG_LEN,
	PAGER_ARG_PROT,
	PAGER_ARG_FLAGS,
	PAGER_ARG_OBJECT,
	PAGER_ARG_OFFSET,
	PAGER_ARG_NEW_ADDR,
	PAGER_ARG_NEW_LEN,
	PAGER_ARG_ADVICE,
	PAGER_ARG_ACCESS,
	PAGER_ARG_NAME,
	PAGER_ARG_SIZE,
	PAGER_ARG_BACKEND,
	PAGER_ARG_LIMITS,
	PAGER_ARG_CPU,
	PAGER_ARG_METHOD,
	PAGER_ARG_FIRST, /* a log's first page, and how many */
	PAGER_ARG_COUNT_PAGES,
	PAGER_ARG_LOG,
	PAGER_ARG_RING,
	PAGER_ARG_COUNT
};

/* What every core call that may be refused returns; err is a pager_error. */
struct pager_status {
	uint16_t err;
	uint16_t arg;
};

static inline struct pager_status pager_ok(void)
{
	return (struct pager_status){PAGER_OK, PAGER_ARG_NONE};
}

static inline struct pager_status pager_refuse(enum pager_error err,
					       enum pager_arg arg)
{
	return (struct pager_status){(uint16_t)err, (uint16_t)arg};
}

#endif
