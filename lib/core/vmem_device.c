/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device side of virtio-mem: which blocks are plugged, and whether a
 * request may change that. One bit a block; a request of any size costs the
 * words of its range.
 *
 *	addr                      + usable            + region
 *	|#####|#####|.....|.....|#####|.....|~~~~~|~~~~~|
 *	 plugged     not                     requests are errors
 *
 * Invariants: plugged is the number of bits set, in pages; none is set beyond
 * usable; what is not plugged has no memory (or, after a roll-back that could
 * not give it back, memory that nobody has written: stale). plugged may be
 * more than requested, after the user asked for less.
 *
 * It knows nothing of memory blocks, zones, or what the driver does.
 */
#include <assert.h>
#include <errno.h>

#include "lib/base/bits.h"
#include "lib/base/failpoint.h"
#include "lib/core/vmem.h"

/* A piece of usable region that a driver may always look at ahead: as much as
 * QEMU leaves on x86-64, two memory blocks of 128 MiB. */
#define EXTENT_PAGES UINT64_C(32768)

#define PFN_MAX (UINT64_MAX >> PAGER_PAGE_SHIFT)

struct vmem_device {
	struct pager_host host;
	struct vmem_backing backing;
	struct vmem_config config;
	uint64_t *map; /* a bit set: the block is plugged */
	uint64_t blocks;
	unsigned int shift; /* of a block, in pages */
	bool busy;	    /* a request is under way */
	bool stale;	    /* some of what is not plugged may have memory */
	struct vmem_listener *listeners;
	void (*on_config)(void *ctx);
	void *on_config_ctx;
};

/* --- what the backing and the listeners say ------------------------------- */

static int commit(struct vmem_device *d, uint64_t pfn, uint64_t pages)
{
	if (pager_fail("vmem.commit"))
		return -ENOSPC;
	if (!d->backing.commit)
		return 0;
	return d->backing.commit(d->backing.ctx, pfn, pages);
}

static int discard(struct vmem_device *d, uint64_t pfn, uint64_t pages)
{
	if (pager_fail("vmem.discard"))
		return -EIO;
	if (!d->backing.discard)
		return 0;
	return d->backing.discard(d->backing.ctx, pfn, pages);
}

/* Tell those before end in the list that it comes to nothing; last first. */
static void cancel(struct vmem_device *d, const struct vmem_listener *end,
		   uint64_t pfn, uint64_t pages)
{
	struct vmem_listener *l;

	while (end != d->listeners) {
		for (l = d->listeners; l->next != end; l = l->next)
			continue;
		l->notify(l->ctx, VMEM_CANCEL_PLUGGING, pfn, pages);
		end = l;
	}
}

/* False: somebody said no, and everybody knows. */
static bool ask(struct vmem_device *d, uint64_t pfn, uint64_t pages)
{
	struct vmem_listener *l;

	for (l = d->listeners; l; l = l->next)
		if (l->notify(l->ctx, VMEM_PLUGGING, pfn, pages)) {
			cancel(d, l, pfn, pages);
			return false;
		}
	return true;
}

static void tell_unplugged(struct vmem_device *d, uint64_t pfn, uint64_t pages)
{
	struct vmem_listener *l;

	for (l = d->listeners; l; l = l->next)
		l->notify(l->ctx, VMEM_UNPLUGGED_NOW, pfn, pages);
}

/* --- requests ---------------------------------------------------------------
 */

/* The range of blocks a request is about. False: it is not a range of the
 * usable region. */
static bool valid_range(const struct vmem_device *d,
			const struct vmem_request *r, uint64_t *first,
			uint64_t *end)
{
	const struct vmem_config *c = &d->config;
	uint64_t offset = r->pfn - c->addr;

	if (r->pfn % c->block || r->blocks == 0)
		return false;
	if (r->pfn < c->addr || offset >= c->usable)
		return false;
	if (r->blocks > (c->usable - offset) >> d->shift)
		return false;
	*first = offset >> d->shift;
	*end = *first + r->blocks;
	return true;
}

static enum vmem_response plug(struct vmem_device *d,
			       const struct vmem_request *r)
{
	const uint64_t pages = r->blocks << d->shift;
	uint64_t first, end;

	if (!valid_range(d, r, &first, &end))
		return VMEM_ERROR;
	if (d->config.plugged >= d->config.requested ||
	    pages > d->config.requested - d->config.plugged)
		return VMEM_NACK;
	if (!bits_none(d->map, first, end))
		return VMEM_ERROR;
	if (commit(d, r->pfn, pages))
		return VMEM_BUSY;
	if (!ask(d, r->pfn, pages)) {
		if (discard(d, r->pfn, pages))
			d->stale = true;
		return VMEM_BUSY;
	}
	bits_set(d->map, first, end);
	d->config.plugged += pages;
	return VMEM_ACK;
}

static enum vmem_response unplug(struct vmem_device *d,
				 const struct vmem_request *r)
{
	const uint64_t pages = r->blocks << d->shift;
	uint64_t first, end;

	if (!valid_range(d, r, &first, &end) || !bits_all(d->map, first, end))
		return VMEM_ERROR;
	if (discard(d, r->pfn, pages))
		return VMEM_BUSY;
	tell_unplugged(d, r->pfn, pages);
	bits_clear(d->map, first, end);
	d->config.plugged -= pages;
	return VMEM_ACK;
}

static uint64_t usable_for(const struct vmem_config *c, uint64_t requested)
{
	const uint64_t extent =
	    2 * (c->block > EXTENT_PAGES ? c->block : EXTENT_PAGES);

	if (requested == 0)
		return 0;
	return c->region - requested > extent ? requested + extent : c->region;
}

static enum vmem_response unplug_all(struct vmem_device *d)
{
	struct vmem_config *c = &d->config;
	uint64_t first, end = 0;

	if (c->plugged || d->stale) {
		if (discard(d, c->addr, c->region))
			return VMEM_BUSY;
		d->stale = false;
	}
	while ((first = bits_next_set(d->map, end, d->blocks)) < d->blocks) {
		end = bits_next_clear(d->map, first, d->blocks);
		tell_unplugged(d, c->addr + (first << d->shift),
			       (end - first) << d->shift);
	}
	bits_clear(d->map, 0, d->blocks);
	c->plugged = 0;
	c->usable = usable_for(c, c->requested);
	return VMEM_ACK;
}

static struct vmem_answer state_of(const struct vmem_device *d,
				   const struct vmem_request *r)
{
	uint64_t first, end;

	if (!valid_range(d, r, &first, &end))
		return (struct vmem_answer){.response = VMEM_ERROR};
	if (bits_all(d->map, first, end))
		return (struct vmem_answer){VMEM_ACK, VMEM_PLUGGED};
	if (bits_none(d->map, first, end))
		return (struct vmem_answer){VMEM_ACK, VMEM_UNPLUGGED};
	return (struct vmem_answer){VMEM_ACK, VMEM_MIXED};
}

static struct vmem_answer answer_to(void *device, const struct vmem_request *r)
{
	struct vmem_device *d = device;
	struct vmem_answer answer = {.response = VMEM_ERROR};

	if (r->type == VMEM_STATE)
		return state_of(d, r);
	if (d->busy)
		return (struct vmem_answer){.response = VMEM_BUSY};
	d->busy = true;
	if (r->type == VMEM_PLUG)
		answer.response = plug(d, r);
	else if (r->type == VMEM_UNPLUG)
		answer.response = unplug(d, r);
	else if (r->type == VMEM_UNPLUG_ALL)
		answer.response = unplug_all(d);
	d->busy = false;
	return answer;
}

static void read_config(void *device, struct vmem_config *out)
{
	const struct vmem_device *d = device;

	*out = d->config;
}

struct vmem_link vmem_device_link(struct vmem_device *device)
{
	static const struct vmem_link_ops ops = {answer_to, read_config};

	return (struct vmem_link){&ops, device};
}

/* --- the user's side --------------------------------------------------------
 */

struct pager_status vmem_device_resize(struct vmem_device *d,
				       uint64_t requested)
{
	struct vmem_config *c = &d->config;
	uint64_t usable;

	if (requested % c->block)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_SIZE);
	if (requested > c->region)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_SIZE);
	if (requested == c->requested)
		return pager_ok();
	c->requested = requested;
	usable = usable_for(c, requested);
	if (usable > c->usable)
		c->usable = usable;
	if (d->on_config)
		d->on_config(d->on_config_ctx);
	return pager_ok();
}

int vmem_device_reset(struct vmem_device *d)
{
	const struct vmem_request all = {.type = VMEM_UNPLUG_ALL};

	if (answer_to(d, &all).response != VMEM_ACK)
		return -EBUSY;
	if (d->on_config)
		d->on_config(d->on_config_ctx);
	return 0;
}

void vmem_device_on_config(struct vmem_device *d, void (*fn)(void *ctx),
			   void *ctx)
{
	d->on_config = fn;
	d->on_config_ctx = ctx;
}

void vmem_device_listen(struct vmem_device *d, struct vmem_listener *l)
{
	struct vmem_listener **end = &d->listeners;

	while (*end)
		end = &(*end)->next;
	l->next = NULL;
	*end = l;
}

void vmem_device_unlisten(struct vmem_device *d, struct vmem_listener *l)
{
	struct vmem_listener **at = &d->listeners;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	l->next = NULL;
}

bool vmem_device_is_plugged(const struct vmem_device *d, uint64_t pfn,
			    uint64_t pages)
{
	const struct vmem_config *c = &d->config;
	uint64_t offset = pfn - c->addr;

	if (pages == 0 || pfn < c->addr || offset >= c->region ||
	    pages > c->region - offset)
		return false;
	return bits_all(d->map, offset >> d->shift,
			((offset + pages - 1) >> d->shift) + 1);
}

bool vmem_device_check(const struct vmem_device *d)
{
	const struct vmem_config *c = &d->config;

	return bits_count(d->map, 0, c->usable >> d->shift) ==
		   c->plugged >> d->shift &&
	       bits_none(d->map, c->usable >> d->shift, d->blocks) &&
	       c->usable <= c->region && !d->busy;
}

/* --- made and freed ---------------------------------------------------------
 */

static bool sizes_fit(const struct vmem_device_config *c)
{
	if (c->block == 0 || (c->block & (c->block - 1)) || c->region == 0)
		return false;
	if ((c->addr | c->region | c->requested) % c->block)
		return false;
	/* Physical addresses of bytes are 64 bits. */
	return c->requested <= c->region && c->region <= PFN_MAX &&
	       c->addr <= PFN_MAX - c->region;
}

static void *host_alloc(const struct pager_host *host, size_t bytes)
{
	return pager_fail("host") ? NULL : host->alloc(host->ctx, bytes);
}

struct vmem_device *vmem_device_new(const struct vmem_device_config *config)
{
	struct pager_host host = config->host;
	struct vmem_device *d;

	if (!sizes_fit(config))
		return NULL;
	d = host_alloc(&host, sizeof(*d));
	if (!d)
		return NULL;
	d->host = host;
	d->backing = config->backing;
	d->config.block = config->block;
	d->config.addr = config->addr;
	d->config.region = config->region;
	d->config.requested = config->requested;
	d->config.node = config->node;
	d->config.usable = usable_for(&d->config, config->requested);
	while (UINT64_C(1) << d->shift < config->block)
		d->shift++;
	d->blocks = config->region >> d->shift;
	d->map = host_alloc(&host, bits_words(d->blocks) * 8);
	if (!d->map) {
		host.free(host.ctx, d, sizeof(*d));
		return NULL;
	}
	return d;
}

void vmem_device_free(struct vmem_device *d)
{
	struct pager_host host = d->host;

	assert(!d->busy);
	host.free(host.ctx, d->map, bits_words(d->blocks) * 8);
	host.free(host.ctx, d, sizeof(*d));
}
