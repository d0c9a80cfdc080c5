/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver as a whole: how it is made, the requests it sends, what it hears
 * of memory blocks. The worker is in vmem_worker.c, the modes in files of
 * their own.
 *
 * Must not know: what a memory block is in the allocator, the device's bitmap.
 */
#include "lib/core/vmem_driver_int.h"

#include <string.h>

#include "lib/base/failpoint.h"

#define GIB_PAGES    (UINT64_C(1) << 18)
#define RETRY_MS     UINT64_C(50000)
#define RETRY_MAX_MS UINT64_C(300000)
#define PFN_END	     (UINT64_C(1) << 52)

/* --- making and unmaking ---------------------------------------------------
 */

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Mode, sizes and the number of blocks. False: they do not fit. */
static bool measure(struct vmem_driver *d)
{
	const struct vmem_driver_config *c = &d->config;
	const struct vmem_config *v = &d->device;
	uint64_t sub, least, end;

	d->memory_block = c->mm.ops->memory_block(c->mm.mm);
	if (!power_of_two(d->memory_block) || !power_of_two(v->block) ||
	    !power_of_two(c->unit) || v->addr % v->block ||
	    v->region % v->block || v->addr > PFN_END || v->region > PFN_END)
		return false;
	sub = vmem_max(c->unit, v->block);
	if (sub < d->memory_block && !c->force_bbm) {
		d->mode = &vmem_sbm;
		d->size = d->memory_block;
		d->unit = sub;
		d->parts = d->size / sub;
	} else {
		least = vmem_max(v->block, d->memory_block);
		if (c->bbm_block &&
		    (!power_of_two(c->bbm_block) || c->bbm_block < least))
			return false;
		d->mode = &vmem_bbm;
		d->size = vmem_max(c->bbm_block, least);
		d->unit = d->size;
		d->parts = d->size / d->memory_block;
	}
	d->first = (v->addr + d->size - 1) & ~(d->size - 1);
	end = v->addr + v->region;
	d->blocks = end > d->first ? (end - d->first) / d->size : 0;
	d->threshold =
	    vmem_max(c->threshold ? c->threshold : GIB_PAGES, 2 * d->size);
	return d->blocks != 0;
}

static struct hbits *map_of(struct vmem_driver *d, size_t i)
{
	if (i < SBM_STATES)
		return &d->map[i];
	if (i == SBM_STATES)
		return &d->empty;
	i -= SBM_STATES + 1;
	return i < VMEM_CLASSES ? &d->class[i] : NULL;
}

/* All records in one piece, as large as the region needs. */
static bool provide(struct vmem_driver *d)
{
	const struct pager_host *host = &d->config.host;
	uint64_t map = hbits_words(d->blocks), maps = 0;
	uint64_t parts = d->blocks * d->parts, bits = bits_words(parts);
	uint64_t *words;

	while (map_of(d, maps))
		maps++;
	d->memory_bytes = (maps * map + bits) * sizeof(*words) + d->blocks;
	if (d->mode == &vmem_bbm)
		d->memory_bytes += parts;
	if (pager_fail("host"))
		return false;
	d->memory = host->alloc(host->ctx, d->memory_bytes);
	if (!d->memory)
		return false;
	words = d->memory;
	for (size_t i = 0; i < maps; i++, words += map)
		hbits_init(map_of(d, i), d->blocks, words);
	d->bits = words;
	d->state = (uint8_t *)(words + bits);
	d->part = d->state + d->blocks;
	return true;
}

struct vmem_driver *vmem_driver_new(const struct vmem_driver_config *config)
{
	const struct pager_host *host = &config->host;
	struct vmem_driver *d;

	if (pager_fail("host"))
		return NULL;
	d = host->alloc(host->ctx, sizeof(*d));
	if (!d)
		return NULL;
	d->config = *config;
	if (!d->config.retry_ms)
		d->config.retry_ms = RETRY_MS;
	if (!d->config.retry_max_ms)
		d->config.retry_max_ms = RETRY_MAX_MS;
	d->config.retry_max_ms =
	    vmem_max(d->config.retry_max_ms, d->config.retry_ms);
	d->delay = d->config.retry_ms;
	config->link.ops->config(config->link.device, &d->device);
	if (!measure(d) || !provide(d)) {
		host->free(host->ctx, d, sizeof(*d));
		return NULL;
	}
	d->plugged = d->device.plugged;
	d->unplug_all = d->plugged != 0;
	d->at.block = VMEM_NONE;
	d->held = VMEM_NONE;
	d->changed = true;
	return d;
}

void vmem_driver_free(struct vmem_driver *d)
{
	const struct pager_host host = d->config.host;

	host.free(host.ctx, d->memory, d->memory_bytes);
	host.free(host.ctx, d, sizeof(*d));
}

/* --- small things the modes use --------------------------------------------
 */

void vmem_tell(struct vmem_driver *d, unsigned int event, uint64_t pfn,
	       uint64_t value)
{
	if (d->config.event)
		d->config.event(d->config.ctx, event, pfn, value);
}

void vmem_pass(struct vmem_driver *d, int error)
{
	d->busy++;
	if (d->skipped != -ENOMEM)
		d->skipped = error;
}

void vmem_skip(struct vmem_driver *d, int error, uint64_t pfn)
{
	vmem_pass(d, error);
	vmem_tell(d, PAGER_POOL_EVENT_BUSY, pfn, 1);
}

void vmem_set_state(struct vmem_driver *d, uint64_t block, unsigned int state)
{
	hbits_clear(&d->map[d->state[block]], block);
	d->state[block] = (uint8_t)state;
	hbits_set(&d->map[state], block);
}

int vmem_next_block(struct vmem_driver *d, uint64_t *block)
{
	uint64_t found = hbits_next(&d->map[0], 0);

	if (found == VMEM_NONE)
		found = d->next;
	if (found >= d->reach || !vmem_could_add(d, d->size))
		return -ENOSPC;
	if (found == d->next) {
		d->next++;
		hbits_set(&d->map[0], found);
	}
	*block = found;
	return 0;
}

void vmem_kick(struct vmem_driver *d)
{
	d->kicked = true;
}

void vmem_hold(struct vmem_driver *d, uint64_t pfn, uint64_t pages)
{
	d->held = pfn;
	d->held_pages = pages;
}

void vmem_release(struct vmem_driver *d)
{
	d->held = VMEM_NONE;
}

int vmem_take(struct vmem_driver *d, uint64_t pfn, uint64_t pages)
{
	return d->config.mm.ops->fake_offline(d->config.mm.mm, pfn, pages,
					      &d->moved);
}

void vmem_return(struct vmem_driver *d, uint64_t pfn, uint64_t pages)
{
	d->config.mm.ops->fake_online(d->config.mm.mm, pfn, pages);
}

/* --- requests --------------------------------------------------------------
 */

int vmem_send(struct vmem_driver *d, enum vmem_request_type type, uint64_t pfn,
	      uint64_t pages)
{
	const struct vmem_link *link = &d->config.link;
	const struct vmem_request r = {type, pfn, pages / d->device.block};

	switch (link->ops->request(link->device, &r).response) {
	case VMEM_ACK:
		d->nacked = false;
		d->reached = false;
		return 0;
	case VMEM_NACK:
		if (type != VMEM_PLUG)
			return -EINVAL;
		if (!d->nacked) {
			d->nacked = true;
			return -EAGAIN;
		}
		/* fall through */
	case VMEM_BUSY:
		d->busy++;
		vmem_tell(d, PAGER_POOL_EVENT_BUSY, pfn, 0);
		return -ETXTBSY;
	case VMEM_ERROR:
		break;
	}
	return -EINVAL;
}

int vmem_plug(struct vmem_driver *d, uint64_t pfn, uint64_t pages)
{
	int rc = d->changed ? -EAGAIN : vmem_send(d, VMEM_PLUG, pfn, pages);

	if (rc)
		return rc;
	d->plugged += pages;
	d->config.mm.ops->plugged(d->config.mm.mm, pfn, pages);
	vmem_tell(d, PAGER_POOL_EVENT_PLUG, pfn, pages);
	return 0;
}

int vmem_unplug(struct vmem_driver *d, uint64_t pfn, uint64_t pages)
{
	int rc = d->changed ? -EAGAIN : vmem_send(d, VMEM_UNPLUG, pfn, pages);

	if (rc)
		return rc;
	d->plugged -= pages;
	d->config.mm.ops->unplugged(d->config.mm.mm, pfn, pages);
	vmem_tell(d, PAGER_POOL_EVENT_UNPLUG, pfn, pages);
	return 0;
}

/* --- notifiers -------------------------------------------------------------
 */

static bool is_held(const struct vmem_driver *d, uint64_t pfn)
{
	return d->held != VMEM_NONE && pfn < d->held + d->held_pages &&
	       d->held < pfn + d->memory_block;
}

static bool is_mine(const struct vmem_driver *d, uint64_t pfn)
{
	return pfn >= d->first && pfn < d->first + d->blocks * d->size;
}

static void told(struct vmem_driver *d)
{
	if (d->going)
		d->going--;
}

int vmem_driver_notify(struct vmem_driver *d, enum vmem_event event,
		       uint64_t pfn, enum vmem_zone zone)
{
	int rc;

	if (!is_mine(d, pfn))
		return 0;
	switch (event) {
	case VMEM_GOING_ONLINE:
	case VMEM_GOING_OFFLINE:
		rc = is_held(d, pfn) ? -EBUSY
				     : d->mode->notify(d, event, pfn, zone);
		if (!rc)
			d->going++;
		return rc;
	case VMEM_ONLINE:
		told(d);
		d->mode->notify(d, event, pfn, zone);
		if (!d->stepping && vmem_could_add(d, d->threshold / 2))
			vmem_kick(d);
		return 0;
	case VMEM_OFFLINE:
		told(d);
		d->mode->notify(d, event, pfn, zone);
		if (!d->stepping && d->config.offline_only)
			vmem_kick(d);
		return 0;
	case VMEM_CANCEL_ONLINE:
	case VMEM_CANCEL_OFFLINE:
		told(d);
		return 0;
	default:
		return 0;
	}
}

/* --- looking ---------------------------------------------------------------
 */

bool vmem_driver_is_plugged(const struct vmem_driver *d, uint64_t pfn)
{
	return is_mine(d, pfn) && d->mode->usable(d, pfn);
}

unsigned int vmem_driver_state(const struct vmem_driver *d, uint64_t pfn)
{
	return is_mine(d, pfn) ? d->state[(pfn - d->first) / d->size] : 0;
}

void vmem_driver_info(const struct vmem_driver *d, struct vmem_driver_info *out)
{
	*out = (struct vmem_driver_info){
	    .bbm = d->mode == &vmem_bbm,
	    .broken = d->broken,
	    .sub_block = d->unit,
	    .requested = d->device.requested,
	    .plugged = d->plugged,
	    .offline = d->mode->plugged_offline(d),
	    .threshold = d->threshold,
	    .busy = d->busy,
	    .moved = d->moved,
	    .retries = d->retries,
	    .due_ms = d->due,
	    .last_error = d->last_error,
	};
	for (unsigned int s = 0; s < SBM_STATES; s++)
		out->states[s] = d->map[s].count;
}
