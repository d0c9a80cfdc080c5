/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools: what they are and what is in them, for everybody; their size, their
 * growth and single memory blocks, for admins. Physical addresses in bytes
 * become pfns here. What happens to a pool is not told to anybody: events are
 * rows that are asked for.
 */
#include <string.h>

#include "server/call.h"
#include "server/convert.h"
#include "server/pools.h"

enum { CELL_PAGES = 512, CELLS_MAX = 4096, HOLDERS_MAX = 512 };

static_assert((int)PAGER_SBM_MOVABLE_PARTIAL == (int)SBM_MOVABLE_PARTIAL &&
		  (int)PAGER_BBM_FAKE_OFFLINE == (int)BBM_FAKE_OFFLINE &&
		  (int)PAGER_ZONE_MOVABLE == (int)VMEM_ZONE_MOVABLE,
	      "states and zones are the model's");

static uint64_t bytes(uint64_t pages)
{
	return pages << PAGER_PAGE_SHIFT;
}

/* The pool of a request: its number stands at the same place in all of them. */
static struct srv_result get_pool(const struct srv_call *call,
				  struct pager_pool **pool)
{
	*pool = pager_pool_get(call->srv->core, call->request->body.pool.pool);
	return *pool ? srv_done()
		     : srv_refuse(PAGER_ENOENT, SRV_FIELD(pool, pool));
}

/* The same for one that is to be changed. */
static struct srv_result get_own(const struct srv_call *call,
				 struct pager_pool **pool)
{
	struct srv_result result = get_pool(call, pool);

	if (!result.error && call->request->body.pool.pool == 0)
		return srv_refuse(PAGER_EACCESS, SRV_FIELD(pool, pool));
	return result;
}

/* --- what there is ---------------------------------------------------------
 */

static void fill_row(const struct pager_pool *pool, struct pager_row_pool *row)
{
	struct pager_pool_info info;

	pager_pool_info(pool, srv_now_ms(), &info);
	*row = (struct pager_row_pool){
	    .pool = info.number,
	    .flags = (info.boot ? PAGER_POOL_BOOT : 0) |
		     (info.bbm ? PAGER_POOL_BBM : 0) |
		     (info.broken ? PAGER_POOL_BROKEN : 0) |
		     (info.working ? PAGER_POOL_WORKING : 0),
	    .node = info.node,
	    .error = info.last_error < 0 ? (uint32_t)-info.last_error : 0,
	    .addr = bytes(info.addr),
	    .region = bytes(info.region),
	    .usable = bytes(info.usable),
	    .requested = bytes(info.requested),
	    .plugged = bytes(info.plugged),
	    .online = bytes(info.online),
	    .offline = bytes(info.offline),
	    .used = bytes(info.used),
	    .pinned = bytes(info.pinned),
	    .block = bytes(info.block),
	    .sub_block = bytes(info.sub_block),
	    .memory_block = bytes(info.memory_block),
	    .grow_max = bytes(info.grow_max),
	    .moved = bytes(info.moved),
	    .busy = info.busy,
	    .next_try_ms = info.next_try,
	    .wishes = info.resizes,
	};
	memcpy(row->name, info.name, sizeof(row->name));
}

struct srv_result srv_op_pool_list(struct srv_call *call)
{
	uint64_t number = call->request->body.cursor.cursor;

	call->reply.list.row_size = sizeof(struct pager_row_pool);
	for (; number < PAGER_POOLS_MAX; number++) {
		const struct pager_pool *pool =
		    pager_pool_get(call->srv->core, (uint32_t)number);
		struct pager_row_pool row;

		if (!pool)
			continue;
		fill_row(pool, &row);
		if (!srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = number;
			break;
		}
	}
	return srv_done();
}

struct srv_result srv_op_pool_info(struct srv_call *call)
{
	struct pager_pool *pool;
	struct srv_result result = get_pool(call, &pool);

	if (!result.error)
		fill_row(pool, &call->reply.pool.pool);
	return result;
}

/* Where the rows from a cursor on begin, and where the pool ends. */
static void span_from(const struct pager_pool *pool, uint64_t cursor,
		      uint64_t *pfn, struct pager_pool_info *info)
{
	pager_pool_sizes(pool, 0, info);
	*pfn = cursor >> PAGER_PAGE_SHIFT;
	if (*pfn < info->addr)
		*pfn = info->addr;
}

struct srv_result srv_op_pool_blocks(struct srv_call *call)
{
	struct pager_block_info block;
	struct pager_pool_info info;
	struct pager_pool *pool;
	struct srv_result result = get_pool(call, &pool);
	uint64_t pfn;

	if (result.error)
		return result;
	call->reply.list.row_size = sizeof(struct pager_row_block);
	span_from(pool, call->request->body.pool_cursor.cursor, &pfn, &info);
	for (; pager_pool_block(pool, pfn, &block);
	     pfn = block.pfn + info.memory_block) {
		struct pager_row_block row = {
		    .addr = bytes(block.pfn),
		    .state = block.state,
		    .zone = block.zone,
		    .driver = block.sbm,
		    .plugged = bytes(block.plugged),
		    .used = bytes(block.used),
		    .pinned = bytes(block.pinned),
		    .free_runs = block.free_runs,
		};

		if (!srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = bytes(block.pfn);
			break;
		}
	}
	return result;
}

struct srv_result srv_op_pool_cells(struct srv_call *call)
{
	struct pager_block_info cell;
	struct pager_pool_info info;
	struct pager_pool *pool;
	struct srv_result result = get_pool(call, &pool);
	uint64_t pfn;

	if (result.error)
		return result;
	call->reply.list.row_size = sizeof(struct pager_row_cell);
	span_from(pool, call->request->body.pool_cursor.cursor, &pfn, &info);
	pfn -= pfn % CELL_PAGES;
	for (; pager_pool_cell(pool, pfn, &cell); pfn += CELL_PAGES) {
		struct pager_row_cell row = {
		    .state = (uint8_t)cell.state,
		    .zone = (uint8_t)cell.zone,
		    .plugged = (uint16_t)cell.plugged,
		    .used = (uint16_t)cell.used,
		    .pinned = (uint16_t)cell.pinned,
		};

		if (call->reply.list.count == CELLS_MAX ||
		    !srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = bytes(pfn);
			break;
		}
	}
	return result;
}

/* --- changing it -----------------------------------------------------------
 */

static struct srv_result wish(struct srv_call *call, struct pager_pool *pool,
			      struct pager_status status)
{
	struct pager_pool_info info;

	if (status.err)
		return srv_result_of(call, status);
	pager_pool_sizes(pool, 0, &info);
	call->reply.pool_resize.requested = bytes(info.requested);
	call->reply.pool_resize.wish = info.resizes;
	return srv_done();
}

struct srv_result srv_op_pool_resize(struct srv_call *call)
{
	const struct pager_req_pool_size *in = &call->request->body.pool_size;
	struct pager_pool *pool;
	struct srv_result result = get_own(call, &pool);
	struct pager_status status;
	uint64_t pages;

	if (result.error)
		return result;
	status = srv_convert_size(in->size, PAGER_ARG_SIZE, &pages);
	if (!status.err)
		status = pager_pool_resize(pool, pages);
	return wish(call, pool, status);
}

struct srv_result srv_op_pool_unplug_all(struct srv_call *call)
{
	struct pager_pool *pool;
	struct srv_result result = get_own(call, &pool);

	if (result.error)
		return result;
	return wish(call, pool, pager_pool_unplug_all(pool));
}

struct srv_result srv_op_pool_grow(struct srv_call *call)
{
	const struct pager_req_pool_size *in = &call->request->body.pool_size;
	struct pager_pool *pool;
	struct srv_result result = get_own(call, &pool);
	struct pager_status status;
	uint64_t pages;

	if (result.error)
		return result;
	status = srv_convert_size(in->size, PAGER_ARG_SIZE, &pages);
	if (!status.err)
		status = pager_pool_set_grow(pool, pages);
	return srv_result_of(call, status);
}

struct srv_result srv_op_pool_online(struct srv_call *call)
{
	const struct pager_req_pool_online *in =
	    &call->request->body.pool_online;
	struct pager_pool *pool;
	struct srv_result result = get_own(call, &pool);
	struct pager_status status;
	uint64_t pfn;

	if (result.error)
		return result;
	if (in->zone > PAGER_ZONE_MOVABLE)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(pool_online, zone));
	status = srv_convert_phys(in->addr, PAGER_ARG_ADDR, &pfn);
	if (!status.err)
		status = pager_pool_online(pool, pfn, (enum vmem_zone)in->zone);
	return srv_result_of(call, status);
}

struct srv_result srv_op_pool_offline(struct srv_call *call)
{
	const struct pager_req_pool_addr *in = &call->request->body.pool_addr;
	struct pager_pool *pool;
	struct srv_result result = get_own(call, &pool);
	struct pager_status status;
	uint64_t pfn;

	if (result.error)
		return result;
	status = srv_convert_phys(in->addr, PAGER_ARG_ADDR, &pfn);
	if (!status.err)
		status = pager_pool_offline(pool, pfn);
	return srv_result_of(call, status);
}

/* --- who is in the way -----------------------------------------------------
 */

/* The range of a request inside its pool. */
static struct pager_status get_range(const struct pager_req_pool_range *in,
				     const struct pager_pool *pool,
				     uint64_t *pfn, uint64_t *pages)
{
	struct pager_status status;
	struct pager_pool_info info;

	status = srv_convert_phys(in->addr, PAGER_ARG_ADDR, pfn);
	if (status.err)
		return status;
	pager_pool_sizes(pool, 0, &info);
	if (*pfn < info.addr || *pfn - info.addr >= info.region)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (in->len && in->len - 1 > UINT64_MAX - in->addr)
		return pager_refuse(PAGER_EOVERFLOW, PAGER_ARG_LEN);
	status = srv_convert_len(in->len, PAGER_ARG_LEN, pages);
	if (!status.err && *pages > info.region - (*pfn - info.addr))
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_LEN);
	return status;
}

struct srv_result srv_op_pool_holders(struct srv_call *call)
{
	const struct pager_req_pool_range *in = &call->request->body.pool_range;
	static struct pager_holder holders[HOLDERS_MAX];
	uint64_t pfn, pages, cursor = in->cursor;
	struct pager_pool *pool;
	struct srv_result result = get_pool(call, &pool);
	struct pager_status status;
	size_t n;

	if (result.error)
		return result;
	status = get_range(in, pool, &pfn, &pages);
	if (status.err)
		return srv_result_of(call, status);
	call->reply.list.row_size = sizeof(struct pager_row_holder);
	n = (call->room - call->data_len) / sizeof(struct pager_row_holder);
	n = pager_pool_holders(pool, pfn, pages, &cursor, holders,
			       n < HOLDERS_MAX ? n : HOLDERS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct pager_holder *h = holders + i;
		struct pager_row_holder row = {
		    .space = h->space,
		    .object = h->object,
		    .addr = h->space ? pager_vpn_to_va(h->vpn) : bytes(h->vpn),
		    .len = bytes(h->pages),
		    .pinned = bytes(h->pinned),
		};

		srv_call_row(call, &row, sizeof(row));
	}
	call->reply.list.next = cursor;
	return result;
}

/* --- what happened ---------------------------------------------------------
 */

static bool is_value_pages(uint32_t type)
{
	switch (type) {
	case PAGER_POOL_EVENT_ONLINE:
	case PAGER_POOL_EVENT_BUSY:
	case PAGER_POOL_EVENT_RETRY:
	case PAGER_POOL_EVENT_BROKEN:
		return false;
	default:
		return true;
	}
}

static void fill_event(const struct pager_pool_event *event,
		       struct pager_row_event *row)
{
	*row = (struct pager_row_event){
	    .number = event->number,
	    .time_ms = event->time_ms,
	    .addr = bytes(event->pfn),
	    .value = is_value_pages(event->type) ? bytes(event->value)
						 : event->value,
	    .pool = event->pool,
	    .type = event->type,
	};
}

struct srv_result srv_op_pool_events(struct srv_call *call)
{
	struct pager_rep_pool_events *out = &call->reply.pool_events;
	uint64_t from = call->request->body.cursor.cursor;
	struct pager_pool_event event;
	struct pager_row_event row;

	out->row_size = sizeof(row);
	out->now_ms = srv_now_ms();
	out->newest = srv_pools_newest_event(call->srv);
	if (from > out->newest)
		from = out->newest + 1;
	out->next = from ? from : 1;
	while (pager_core_event(call->srv->core, from, &event)) {
		if (call->room - call->data_len < sizeof(row))
			break;
		if (from && !out->count)
			out->lost = event.number - from;
		fill_event(&event, &row);
		memcpy(call->data + call->data_len, &row, sizeof(row));
		call->data_len += sizeof(row);
		out->count++;
		from = event.number + 1;
		out->next = from;
	}
	return srv_done();
}
