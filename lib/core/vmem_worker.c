/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's worker: it makes what is plugged what is requested, in runs.
 *
 *	REST ── change, kick, timer ──> START ─> PENDING ─> CLEANUP ─> WORK
 *	  ^                                                             │
 *	  └── 0: idle   -ENOSPC: blocked   busy, -ENOMEM: timer <───────┘
 *	                                   -EAGAIN: START at once
 *	                                   any other: broken for good
 *
 * A run is done in steps: after each the caller may do something else, and
 * blocks may have gone on- or offline. A change of the configuration ends the
 * run where it is and starts another.
 *
 * What the errors mean and when a try follows is as in Linux's driver. What is
 * different: a device that says NACK twice with the same configuration is
 * waited for, not asked for ever; memory that could not be moved elsewhere
 * does not end the run, as other memory may need no moving.
 *
 * Must not know: what a memory block is in the allocator, the device's bitmap.
 */
#include "lib/core/vmem_driver_int.h"

#include <assert.h>

/* --- the configuration -----------------------------------------------------
 */

/* What an earlier driver left plugged, before anything else. */
static int unplug_all(struct vmem_driver *d)
{
	int rc = vmem_send(d, VMEM_UNPLUG_ALL, 0, 0);

	if (rc)
		return rc;
	d->unplug_all = false;
	return 0;
}

static void read_config(struct vmem_driver *d)
{
	struct vmem_config now;
	uint64_t end;

	d->changed = false;
	d->config.link.ops->config(d->config.link.device, &now);
	if (d->device.requested != now.requested)
		d->reached = false;
	d->device.requested = now.requested;
	d->device.usable =
	    now.usable < d->device.region ? now.usable : d->device.region;
	d->plugged = now.plugged;
	end = d->device.addr + d->device.usable;
	d->reach = end > d->first ? (end - d->first) / d->size : 0;
}

/* --- the worker ------------------------------------------------------------
 */

static int work(struct vmem_driver *d)
{
	uint64_t requested = d->device.requested;
	uint64_t units;

	if (requested >= d->plugged) {
		units = (requested - d->plugged) / d->unit;
		return units ? d->mode->plug(d, units) : VMEM_PIECE_LAST;
	}
	units = (d->plugged - requested) / d->unit;
	return units ? d->mode->unplug(d, units) : VMEM_PIECE_LAST;
}

/* Blocks that could not be removed are tried again as long as they are not
 * going to be plugged again. */
static int leftovers(const struct vmem_driver *d)
{
	if (!d->empty.count || d->config.offline_only)
		return 0;
	return d->plugged >= d->device.requested ? -EBUSY : 0;
}

static int piece(struct vmem_driver *d)
{
	int rc = VMEM_PIECE_LAST;

	switch (d->phase) {
	case VMEM_PHASE_START:
		if (d->unplug_all)
			rc = unplug_all(d);
		read_config(d);
		d->mode->restart(d);
		d->at = (struct vmem_cursor){.below = VMEM_NONE,
					     .block = VMEM_NONE};
		d->skipped = 0;
		break;
	case VMEM_PHASE_PENDING:
		rc = d->mode->pending(d);
		break;
	case VMEM_PHASE_CLEANUP:
		if (d->plugged >= d->device.requested)
			rc = d->mode->cleanup(d);
		break;
	case VMEM_PHASE_WORK:
		rc = work(d);
		return rc ? rc : leftovers(d);
	case VMEM_PHASE_REST:
		break;
	}
	if (rc != VMEM_PIECE_LAST)
		return rc;
	d->phase++;
	return VMEM_PIECE_MORE;
}

static bool satisfied(const struct vmem_driver *d)
{
	uint64_t a = d->plugged, b = d->device.requested;

	return (a > b ? a - b : b - a) < d->unit;
}

/* The run is over; error is what it ended with. */
static void finish(struct vmem_driver *d, int error, uint64_t now)
{
	bool again = d->kicked || d->changed;

	d->phase = VMEM_PHASE_REST;
	if (error != -EAGAIN)
		d->last_error = error;
	if (satisfied(d) && !d->unplug_all && !d->reached) {
		d->reached = true;
		vmem_tell(d, PAGER_POOL_EVENT_REACHED, 0, d->plugged);
	}
	switch (error) {
	case 0:
		d->delay = d->config.retry_ms;
		break;
	case -ENOSPC:
		if (again)
			break;
		d->blocked = true;
		vmem_tell(d, PAGER_POOL_EVENT_BLOCKED, 0, d->mode->offline(d));
		break;
	case -ETXTBSY:
	case -EBUSY:
	case -ENOMEM:
		if (again)
			break;
		d->due = vmem_max(now + d->delay, 1);
		vmem_tell(d, PAGER_POOL_EVENT_RETRY, 0, d->delay);
		break;
	case -EAGAIN:
		d->kicked = true;
		break;
	default:
		d->broken = true;
		vmem_tell(d, PAGER_POOL_EVENT_BROKEN, 0, (uint64_t)-error);
	}
}

/* Is it time for a run? The timer's delay doubles when it goes off. */
static bool wake(struct vmem_driver *d, uint64_t now)
{
	bool timer = d->phase == VMEM_PHASE_REST && d->due && now >= d->due;

	if (timer) {
		d->retries++;
		d->delay = d->delay > d->config.retry_max_ms / 2
			       ? d->config.retry_max_ms
			       : d->delay * 2;
	}
	if (!timer && !d->changed && !d->kicked)
		return d->phase != VMEM_PHASE_REST;
	if (d->changed || d->phase == VMEM_PHASE_REST) {
		d->kicked = false;
		d->due = 0;
		d->blocked = false;
		d->phase = VMEM_PHASE_START;
	}
	return true;
}

static enum vmem_work rest(const struct vmem_driver *d, uint64_t *due_ms)
{
	if (d->broken)
		return VMEM_BROKEN;
	if (d->phase != VMEM_PHASE_REST || d->changed || d->kicked)
		return VMEM_MORE;
	if (d->due) {
		*due_ms = d->due;
		return VMEM_WAIT;
	}
	return d->blocked ? VMEM_BLOCKED : VMEM_IDLE;
}

enum vmem_work vmem_driver_step(struct vmem_driver *d, uint64_t now_ms,
				uint64_t *due_ms)
{
	int rc;

	if (d->broken)
		return VMEM_BROKEN;
	if (d->going)
		return VMEM_MORE;
	if (!wake(d, now_ms))
		return rest(d, due_ms);
	assert(!d->stepping);
	d->stepping = true;
	rc = piece(d);
	if (rc <= 0)
		finish(d, rc, now_ms);
	d->stepping = false;
	return rest(d, due_ms);
}

void vmem_driver_config_changed(struct vmem_driver *d)
{
	d->changed = true;
	d->nacked = false;
}
