/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of words, and the sentences around them.
 */
#include "tools/pagerctl/pool_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/pagerctl/pool_size.h"

#define WORD(table, index)                                              \
	((index) < sizeof(table) / sizeof((table)[0]) && (table)[index] \
	     ? (table)[index]                                           \
	     : "?")

enum pool_state pool_state(const struct pager_row_pool *row)
{
	if (row->flags & PAGER_POOL_BOOT)
		return POOL_BOOT;
	if (row->flags & PAGER_POOL_BROKEN)
		return POOL_BROKEN;
	if (row->flags & PAGER_POOL_WORKING && row->next_try_ms > 0)
		return POOL_RETRYING;
	if (row->plugged == row->requested)
		return POOL_REACHED;
	if (row->flags & PAGER_POOL_WORKING)
		return row->plugged < row->requested ? POOL_GROWING
						     : POOL_SHRINKING;
	return row->plugged < row->requested ? POOL_BLOCKED : POOL_ABOVE;
}

const char *pool_state_word(enum pool_state state)
{
	static const char *const words[POOL_STATES] = {
	    [POOL_BOOT] = "boot",	    [POOL_REACHED] = "as-requested",
	    [POOL_GROWING] = "growing",	    [POOL_SHRINKING] = "shrinking",
	    [POOL_RETRYING] = "waiting",    [POOL_BLOCKED] = "out-of-threshold",
	    [POOL_ABOVE] = "above-request", [POOL_BROKEN] = "broken",
	};

	return WORD(words, state);
}

void pool_state_say(const struct pager_row_pool *row, char out[POOL_LINE])
{
	char left[POOL_SIZE_TEXT], name[PAGER_POOL_NAME_MAX];
	uint64_t apart = row->plugged < row->requested
			     ? row->requested - row->plugged
			     : row->plugged - row->requested;

	pool_size_text(apart, left);
	pool_name_text(row->name, name, sizeof(name));
	switch (pool_state(row)) {
	case POOL_BOOT:
		snprintf(out, POOL_LINE,
			 "boot memory: all of it is there, and nothing of it "
			 "can be changed");
		break;
	case POOL_REACHED:
		snprintf(out, POOL_LINE, "as requested: nothing is to do");
		break;
	case POOL_GROWING:
		snprintf(out, POOL_LINE, "working: %s more to plug", left);
		break;
	case POOL_SHRINKING:
		snprintf(out, POOL_LINE, "working: %s more to take out", left);
		break;
	case POOL_RETRYING:
		snprintf(out, POOL_LINE,
			 "waiting: not now%s%s; next try in %" PRIu64
			 ".%" PRIu64 " s, %s to go",
			 row->error ? ": " : "",
			 row->error ? strerror((int)row->error) : "",
			 row->next_try_ms / 1000, row->next_try_ms % 1000 / 100,
			 left);
		break;
	case POOL_BLOCKED:
		snprintf(out, POOL_LINE,
			 "out of threshold: too much is offline to plug %s "
			 "more; try pagerctl pool online %s all",
			 left, name);
		break;
	case POOL_ABOVE:
		snprintf(out, POOL_LINE,
			 "%s above what is requested: online memory is not "
			 "taken out by itself here; try pagerctl pool offline "
			 "%s all",
			 left, name);
		break;
	default:
		snprintf(out, POOL_LINE,
			 "broken: %s; the driver gave up for good, see "
			 "pagerctl pool events %s",
			 row->error ? strerror((int)row->error)
				    : "an unknown error",
			 name);
		break;
	}
}

const char *pool_mode_word(const struct pager_row_pool *row)
{
	if (row->flags & PAGER_POOL_BOOT)
		return "boot";
	return row->flags & PAGER_POOL_BBM ? "big-blocks" : "sub-blocks";
}

const char *pool_block_word(uint32_t state)
{
	static const char *const words[] = {
	    [PAGER_BLOCK_ABSENT] = "absent",
	    [PAGER_BLOCK_OFFLINE] = "offline",
	    [PAGER_BLOCK_ONLINE] = "online",
	};

	return WORD(words, state);
}

const char *pool_zone_word(uint32_t zone)
{
	static const char *const words[] = {
	    [PAGER_ZONE_KERNEL] = "kernel",
	    [PAGER_ZONE_MOVABLE] = "movable",
	};

	return WORD(words, zone);
}

const char *pool_driver_word(const struct pager_row_pool *row, uint32_t driver)
{
	static const char *const sbm[] = {
	    [PAGER_SBM_UNUSED] = "unused",
	    [PAGER_SBM_PLUGGED] = "plugged",
	    [PAGER_SBM_OFFLINE] = "offline",
	    [PAGER_SBM_OFFLINE_PARTIAL] = "offline-partial",
	    [PAGER_SBM_KERNEL] = "kernel",
	    [PAGER_SBM_KERNEL_PARTIAL] = "kernel-partial",
	    [PAGER_SBM_MOVABLE] = "movable",
	    [PAGER_SBM_MOVABLE_PARTIAL] = "movable-partial",
	};
	static const char *const bbm[] = {
	    [PAGER_BBM_UNUSED] = "unused",
	    [PAGER_BBM_PLUGGED] = "plugged",
	    [PAGER_BBM_ADDED] = "added",
	    [PAGER_BBM_FAKE_OFFLINE] = "fake-offline",
	};

	return row->flags & PAGER_POOL_BBM ? WORD(bbm, driver)
					   : WORD(sbm, driver);
}

/* --- events --------------------------------------------------------------- */

static const char *busy_word(uint64_t who)
{
	static const char *const words[] = {"device", "memory", "veto"};

	return WORD(words, who);
}

const char *pool_event_word(uint32_t type)
{
	static const char *const words[] = {
	    [PAGER_POOL_EVENT_RESIZE] = "resize",
	    [PAGER_POOL_EVENT_PLUG] = "plug",
	    [PAGER_POOL_EVENT_UNPLUG] = "unplug",
	    [PAGER_POOL_EVENT_ADD] = "add",
	    [PAGER_POOL_EVENT_REMOVE] = "remove",
	    [PAGER_POOL_EVENT_ONLINE] = "online",
	    [PAGER_POOL_EVENT_OFFLINE] = "offline",
	    [PAGER_POOL_EVENT_BUSY] = "busy",
	    [PAGER_POOL_EVENT_RETRY] = "retry",
	    [PAGER_POOL_EVENT_REACHED] = "reached",
	    [PAGER_POOL_EVENT_BROKEN] = "broken",
	    [PAGER_POOL_EVENT_BLOCKED] = "blocked",
	    [PAGER_POOL_EVENT_GROW] = "grow",
	};

	return WORD(words, type);
}

void pool_event_say(const struct pager_row_event *event, char out[POOL_LINE])
{
	char size[POOL_SIZE_TEXT];

	pool_size_text(event->value, size);
	switch (event->type) {
	case PAGER_POOL_EVENT_RESIZE:
		snprintf(out, POOL_LINE, "%s requested", size);
		break;
	case PAGER_POOL_EVENT_PLUG:
	case PAGER_POOL_EVENT_UNPLUG:
		snprintf(out, POOL_LINE, "%s", size);
		break;
	case PAGER_POOL_EVENT_REACHED:
		snprintf(out, POOL_LINE, "%s plugged, as requested", size);
		break;
	case PAGER_POOL_EVENT_GROW:
		snprintf(out, POOL_LINE, "memory was short: %s requested",
			 size);
		break;
	case PAGER_POOL_EVENT_ONLINE:
		snprintf(out, POOL_LINE, "%s",
			 pool_zone_word((uint32_t)event->value));
		break;
	case PAGER_POOL_EVENT_BUSY:
		snprintf(out, POOL_LINE, "%s", busy_word(event->value));
		break;
	case PAGER_POOL_EVENT_RETRY:
		snprintf(out, POOL_LINE, "in %" PRIu64 ".%03" PRIu64 " s",
			 event->value / 1000, event->value % 1000);
		break;
	case PAGER_POOL_EVENT_BROKEN:
		snprintf(out, POOL_LINE, "%s",
			 strerror((int)(event->value & 0xffff)));
		break;
	case PAGER_POOL_EVENT_BLOCKED:
		snprintf(out, POOL_LINE, "too much is offline");
		break;
	default:
		out[0] = '\0';
		break;
	}
}

/* --- waiting -------------------------------------------------------------- */

static enum pool_wait_end replaced(struct pool_wait *wait, uint64_t size,
				   bool grown)
{
	wait->newer = size;
	wait->grown = grown;
	return POOL_WAIT_REPLACED;
}

enum pool_wait_end pool_wait_event(struct pool_wait *wait,
				   const struct pager_row_event *event)
{
	if (event->pool != wait->pool)
		return POOL_WAIT_ON;
	switch (event->type) {
	case PAGER_POOL_EVENT_RESIZE:
	case PAGER_POOL_EVENT_GROW:
		/* The same size again is as good as this wish. */
		if (event->value == wait->target)
			break;
		return replaced(wait, event->value,
				event->type == PAGER_POOL_EVENT_GROW);
	case PAGER_POOL_EVENT_REACHED:
		return event->value == wait->target ? POOL_WAIT_REACHED
						    : POOL_WAIT_ON;
	case PAGER_POOL_EVENT_BROKEN:
		return POOL_WAIT_BROKEN;
	case PAGER_POOL_EVENT_BUSY:
		wait->busy = true;
		wait->busy_addr = event->addr;
		wait->busy_who = event->value;
		break;
	case PAGER_POOL_EVENT_PLUG:
	case PAGER_POOL_EVENT_UNPLUG:
		wait->busy = false;
		break;
	default:
		break;
	}
	return POOL_WAIT_ON;
}

enum pool_wait_end pool_wait_look(struct pool_wait *wait,
				  const struct pager_row_pool *row)
{
	if (row->wishes > wait->wish && row->requested != wait->target)
		return replaced(wait, row->requested, false);
	if (row->flags & PAGER_POOL_BROKEN)
		return POOL_WAIT_BROKEN;
	return row->plugged == wait->target ? POOL_WAIT_REACHED : POOL_WAIT_ON;
}

unsigned int pool_wait_percent(const struct pool_wait *wait, uint64_t plugged)
{
	bool grows = wait->target > wait->from;
	uint64_t whole =
	    grows ? wait->target - wait->from : wait->from - wait->target;
	uint64_t left;
	unsigned int percent;

	if (plugged == wait->target)
		return 100;
	left = plugged < wait->target ? wait->target - plugged
				      : plugged - wait->target;
	if (left >= whole)
		return 0;
	percent =
	    (unsigned int)(100.0 * (double)(whole - left) / (double)whole);
	return percent < 100 ? percent : 99;
}

/* As much of the text as fits; at is where the line ends. */
static size_t put(char out[POOL_LINE], size_t at, const char *text)
{
	const size_t room = POOL_LINE - 1 - at;
	size_t n = strlen(text);

	if (n > room)
		n = room;
	memcpy(out + at, text, n);
	out[at + n] = '\0';
	return at + n;
}

static size_t put_bar(char out[POOL_LINE], size_t at, unsigned int percent,
		      unsigned int bar)
{
	at = put(out, at, " [");
	for (unsigned int i = 0; i < bar; i++)
		at = put(out, at, i < bar * percent / 100 ? "#" : ".");
	return put(out, at, "]");
}

void pool_wait_say(const struct pool_wait *wait,
		   const struct pager_row_pool *row, unsigned int bar,
		   char out[POOL_LINE])
{
	unsigned int percent = pool_wait_percent(wait, row->plugged);
	enum pool_state state = pool_state(row);
	char name[PAGER_POOL_NAME_MAX], text[POOL_LINE];
	char now[POOL_SIZE_TEXT], target[POOL_SIZE_TEXT];
	size_t at = put(out, 0, pool_name_text(row->name, name, sizeof(name)));

	if (bar > 0)
		at = put_bar(out, at, percent, bar);
	else
		at = put(out, at, ":");
	snprintf(text, sizeof(text), " %s of %s (%u%%)",
		 pool_size_text(row->plugged, now),
		 pool_size_text(wait->target, target), percent);
	at = put(out, at, text);
	if (wait->busy && wait->busy_addr != 0) {
		snprintf(text, sizeof(text), ", busy: 0x%" PRIx64 ", %s",
			 wait->busy_addr, busy_word(wait->busy_who));
		at = put(out, at, text);
	} else if (wait->busy) {
		snprintf(text, sizeof(text), ", busy: %s",
			 busy_word(wait->busy_who));
		at = put(out, at, text);
	}
	if (state == POOL_RETRYING) {
		snprintf(text, sizeof(text), "; next try in %" PRIu64 " s",
			 (row->next_try_ms + 999) / 1000);
		at = put(out, at, text);
	} else if (state == POOL_BLOCKED || state == POOL_ABOVE) {
		at = put(out, at, "; ");
		at = put(out, at,
			 state == POOL_BLOCKED
			     ? "waits: too much is offline"
			     : "waits: online memory is not taken out here");
	}
}
