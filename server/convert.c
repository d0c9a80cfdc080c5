/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks in the order the fields stand in: address, then length. Nothing is
 * added before it is known not to wrap.
 */
#include "server/convert.h"

#include <string.h>

#define HALF	   (UINT64_C(1) << 47) /* first byte beyond the lower half */
#define UPPER	   (0 - HALF)	       /* first byte of the upper half */
#define PAGE_MASK  ((uint64_t)PAGER_PAGE_SIZE - 1)
#define SPAN_BYTES (UINT64_C(1) << 48)
#define PHYS_BYTES (UINT64_C(1) << 52) /* as entries have it */

static bool is_canonical(uint64_t va)
{
	return va < HALF || va >= UPPER;
}

struct pager_status srv_convert_addr(uint64_t va, enum pager_arg arg,
				     uint64_t *vpn)
{
	if (!is_canonical(va))
		return pager_refuse(PAGER_ERANGE, arg);
	*vpn = pager_va_to_vpn(va);
	return pager_ok();
}

struct pager_status srv_convert_page(uint64_t va, enum pager_arg arg,
				     uint64_t *vpn)
{
	if (is_canonical(va) && va & PAGE_MASK)
		return pager_refuse(PAGER_EALIGN, arg);
	return srv_convert_addr(va, arg, vpn);
}

struct pager_status srv_convert_len(uint64_t bytes, enum pager_arg arg,
				    uint64_t *pages)
{
	if (bytes == 0)
		return pager_refuse(PAGER_EINVAL, arg);
	if (bytes > UINT64_MAX - PAGE_MASK)
		return pager_refuse(PAGER_EOVERFLOW, arg);
	bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
	if (bytes > SPAN_BYTES)
		return pager_refuse(PAGER_ERANGE, arg);
	*pages = bytes >> PAGER_PAGE_SHIFT;
	return pager_ok();
}

/* [va, va + bytes), va canonical, bytes > 0: inside one half? */
static struct pager_status check_span(uint64_t va, uint64_t bytes,
				      enum pager_arg arg)
{
	if (bytes - 1 > UINT64_MAX - va)
		return pager_refuse(PAGER_EOVERFLOW, arg);
	if (va < HALF && bytes > HALF - va)
		return pager_refuse(PAGER_ERANGE, arg);
	return pager_ok();
}

struct pager_status srv_convert_range(uint64_t addr, uint64_t len,
				      enum pager_arg addr_arg,
				      enum pager_arg len_arg,
				      struct pager_range *out)
{
	struct pager_status status;
	uint64_t vpn, pages;

	status = srv_convert_page(addr, addr_arg, &vpn);
	if (status.err)
		return status;
	if (len && (len - 1) > UINT64_MAX - addr)
		return pager_refuse(PAGER_EOVERFLOW, len_arg);
	status = srv_convert_len(len, len_arg, &pages);
	if (status.err)
		return status;
	status = check_span(addr, pages << PAGER_PAGE_SHIFT, len_arg);
	if (status.err)
		return status;
	*out = pager_range(vpn, vpn + pages);
	return pager_ok();
}

struct pager_status srv_convert_bytes(uint64_t addr, uint64_t len)
{
	if (!is_canonical(addr))
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (len == 0)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LEN);
	return check_span(addr, len, PAGER_ARG_LEN);
}

struct pager_status srv_convert_size(uint64_t bytes, enum pager_arg arg,
				     uint64_t *pages)
{
	if (bytes & PAGE_MASK)
		return pager_refuse(PAGER_EALIGN, arg);
	if (bytes > SPAN_BYTES)
		return pager_refuse(PAGER_ERANGE, arg);
	*pages = bytes >> PAGER_PAGE_SHIFT;
	return pager_ok();
}

struct pager_status srv_convert_phys(uint64_t pa, enum pager_arg arg,
				     uint64_t *pfn)
{
	if (pa & PAGE_MASK)
		return pager_refuse(PAGER_EALIGN, arg);
	if (pa >= PHYS_BYTES)
		return pager_refuse(PAGER_ERANGE, arg);
	*pfn = pa >> PAGER_PAGE_SHIFT;
	return pager_ok();
}

struct pager_status srv_convert_space(uint64_t start, uint64_t end,
				      struct pager_range *out)
{
	struct pager_status status;
	uint64_t first, last;

	if (start == 0 && end == 0) {
		/* Linux: vm.mmap_min_addr and TASK_SIZE_MAX on x86-64. */
		*out = pager_range(0x10000 >> PAGER_PAGE_SHIFT,
				   PAGER_VPN_HALF - 1);
		return pager_ok();
	}
	status = srv_convert_page(start, PAGER_ARG_ADDR, &first);
	if (status.err)
		return status;
	if (end && end <= start)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LEN);
	if (end & PAGE_MASK)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_LEN);
	status = srv_convert_addr(end - 1, PAGER_ARG_LEN, &last);
	if (status.err)
		return status;
	*out = pager_range(first, last + 1);
	return pager_ok();
}

uint64_t srv_convert_cursor(uint64_t va)
{
	return is_canonical(va) ? pager_va_to_vpn(va) : PAGER_VPN_HALF;
}

uint64_t srv_convert_end(uint64_t vpn)
{
	return pager_vpn_to_va(vpn - 1) + PAGER_PAGE_SIZE;
}

/* --- arguments to fields ------------------------------------------------- */

#define AT(request, member) \
	(PAGER_HDR_SIZE + offsetof(struct pager_req_##request, member))
#define RANGE(request)                          \
	[PAGER_ARG_SPACE] = AT(request, space), \
	[PAGER_ARG_ADDR] = AT(request, addr),   \
	[PAGER_ARG_LEN] = AT(request, len)
#define ADDR(request)                                              \
	[PAGER_ARG_SPACE] = AT(request, space), [PAGER_ARG_ADDR] = \
						    AT(request, addr)
#define STRETCH(request)                        \
	[PAGER_ARG_LOG] = AT(request, log),     \
	[PAGER_ARG_FIRST] = AT(request, first), \
	[PAGER_ARG_COUNT_PAGES] = AT(request, pages)
#define SPACE [PAGER_ARG_SPACE] = AT(space, space)

static const uint16_t fields[PAGER_OP_END][PAGER_ARG_COUNT] = {
    [PAGER_OP_SPACE_CREATE] = {[PAGER_ARG_ADDR] = AT(space_create, start),
			       [PAGER_ARG_LEN] = AT(space_create, end),
			       [PAGER_ARG_FLAGS] = AT(space_create, flags),
			       [PAGER_ARG_NAME] = AT(space_create, name),
			       [PAGER_ARG_BACKEND] = AT(space_create, backend),
			       [PAGER_ARG_LIMITS] =
				   AT(space_create, max_regions)},
    [PAGER_OP_SPACE_FORK] = {SPACE},
    [PAGER_OP_SPACE_CLEAR] = {SPACE},
    [PAGER_OP_SPACE_DESTROY] = {SPACE},
    [PAGER_OP_SPACE_INFO] = {SPACE},
    [PAGER_OP_SPACE_SHARING] = {RANGE(range)},
    [PAGER_OP_SPACE_RESIDENT] = {RANGE(range)},
    [PAGER_OP_MAP] = {RANGE(map), [PAGER_ARG_PROT] = AT(map, prot),
		      [PAGER_ARG_FLAGS] = AT(map, flags),
		      [PAGER_ARG_OBJECT] = AT(map, object),
		      [PAGER_ARG_OFFSET] = AT(map, offset)},
    [PAGER_OP_UNMAP] = {RANGE(range)},
    [PAGER_OP_PROTECT] = {RANGE(protect), [PAGER_ARG_PROT] = AT(protect, prot)},
    [PAGER_OP_REMAP] = {RANGE(remap), [PAGER_ARG_NEW_LEN] = AT(remap, new_len),
			[PAGER_ARG_NEW_ADDR] = AT(remap, new_addr),
			[PAGER_ARG_FLAGS] = AT(remap, flags)},
    [PAGER_OP_BRK] = {[PAGER_ARG_SPACE] = AT(brk, space),
		      [PAGER_ARG_ADDR] = AT(brk, brk),
		      [PAGER_ARG_LEN] = AT(brk, brk),
		      [PAGER_ARG_FLAGS] = AT(brk, flags)},
    [PAGER_OP_ADVISE] = {RANGE(advise), [PAGER_ARG_ADVICE] =
					    AT(advise, advice)},
    [PAGER_OP_PIN] = {RANGE(range)},
    [PAGER_OP_UNPIN] = {RANGE(range)},
    [PAGER_OP_REGION_LIST] = {[PAGER_ARG_SPACE] = AT(region_list, space),
			      [PAGER_ARG_FLAGS] = AT(region_list, flags)},
    [PAGER_OP_REGION_LOOKUP] = {ADDR(addr)},
    [PAGER_OP_PAGE] = {ADDR(addr)},
    [PAGER_OP_FAULT] = {ADDR(fault), [PAGER_ARG_ACCESS] = AT(fault, access)},
    [PAGER_OP_POPULATE] = {RANGE(populate), [PAGER_ARG_ACCESS] =
						AT(populate, access)},
    [PAGER_OP_READ] = {RANGE(read), [PAGER_ARG_CPU] = AT(read, cpu)},
    /* The length of a WRITE is that of its data. */
    [PAGER_OP_WRITE] =
	{ADDR(write), [PAGER_ARG_LEN] = offsetof(struct pager_hdr, data_len),
	 [PAGER_ARG_CPU] = AT(write, cpu)},
    [PAGER_OP_HARVEST] = {RANGE(range)},
    [PAGER_OP_OBJECT_CREATE] = {[PAGER_ARG_SIZE] = AT(object_create, size),
				[PAGER_ARG_FLAGS] = AT(object_create, flags),
				[PAGER_ARG_NAME] = AT(object_create, name)},
    [PAGER_OP_OBJECT_OPEN] = {[PAGER_ARG_NAME] = AT(object_open, name)},
    [PAGER_OP_OBJECT_RESIZE] = {[PAGER_ARG_OBJECT] = AT(object_resize, object),
				[PAGER_ARG_SIZE] = AT(object_resize, size)},
    [PAGER_OP_OBJECT_INFO] = {[PAGER_ARG_OBJECT] = AT(object, object)},
    [PAGER_OP_OBJECT_CLOSE] = {[PAGER_ARG_OBJECT] = AT(object, object)},
    [PAGER_OP_POOL_RESIZE] = {[PAGER_ARG_NONE] = AT(pool_size, pool),
			      [PAGER_ARG_SIZE] = AT(pool_size, size)},
    [PAGER_OP_POOL_UNPLUG_ALL] = {[PAGER_ARG_NONE] = AT(pool, pool)},
    [PAGER_OP_POOL_GROW] = {[PAGER_ARG_NONE] = AT(pool_size, pool),
			    [PAGER_ARG_SIZE] = AT(pool_size, size)},
    [PAGER_OP_POOL_ONLINE] = {[PAGER_ARG_ADDR] = AT(pool_online, addr),
			      [PAGER_ARG_FLAGS] = AT(pool_online, zone)},
    [PAGER_OP_POOL_OFFLINE] = {[PAGER_ARG_ADDR] = AT(pool_addr, addr)},
    [PAGER_OP_POOL_HOLDERS] = {[PAGER_ARG_ADDR] = AT(pool_range, addr),
			       [PAGER_ARG_LEN] = AT(pool_range, len)},
    [PAGER_OP_SPACE_PAUSE] = {[PAGER_ARG_SPACE] = AT(space_pause, space)},
    [PAGER_OP_DIRTY_START] =
	{RANGE(dirty_start), [PAGER_ARG_METHOD] = AT(dirty_start, method),
	 [PAGER_ARG_FLAGS] = AT(dirty_start, flags)},
    [PAGER_OP_DIRTY_STOP] = {[PAGER_ARG_LOG] = AT(handle, handle)},
    [PAGER_OP_DIRTY_GET] = {STRETCH(dirty_get), [PAGER_ARG_FLAGS] =
						    AT(dirty_get, flags)},
    [PAGER_OP_DIRTY_GET_FD] =
	{STRETCH(dirty_get_fd), [PAGER_ARG_FLAGS] = AT(dirty_get_fd, flags),
	 [PAGER_ARG_OFFSET] = AT(dirty_get_fd, offset)},
    [PAGER_OP_DIRTY_CLEAR] = {STRETCH(dirty_clear)},
    [PAGER_OP_DIRTY_WRITEBACK] = {STRETCH(dirty_writeback)},
    [PAGER_OP_DIRTY_RING] = {[PAGER_ARG_LOG] = AT(dirty_ring, log),
			     [PAGER_ARG_RING] = AT(dirty_ring, entries)},
    [PAGER_OP_DIRTY_RESET] = {[PAGER_ARG_LOG] = AT(handle, handle)},
    [PAGER_OP_DIRTY_INFO] = {[PAGER_ARG_LOG] = AT(handle, handle)},
    [PAGER_OP_PEEK] = {RANGE(peek)},
    [PAGER_OP_GIVE] = {[PAGER_ARG_OBJECT] = AT(handle, handle)},
};

uint32_t srv_convert_field(const struct pager_op *op, enum pager_arg arg)
{
	return fields[op->number][arg];
}
