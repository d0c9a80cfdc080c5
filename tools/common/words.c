/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables, and which field is written with which.
 */
#include "tools/common/words.h"

#include <string.h>

#include "proto/ops.h"

static const char *const signals[] = {
    [PAGER_SIGNAL_NONE] = "none",	 [PAGER_SEGV_MAPERR] = "segv_maperr",
    [PAGER_SEGV_ACCERR] = "segv_accerr", [PAGER_BUS_ADRERR] = "bus_adrerr",
    [PAGER_SEGV_STACK] = "segv_stack",
};
static const char *const results[] = {
    [PAGER_FAULT_INSTALLED] = "installed",
    [PAGER_FAULT_PRESENT] = "present",
    [PAGER_FAULT_SIGNAL] = "signal",
};
static const char *const page_types[] = {
    [PAGER_PAGE_NONE] = "none",
    [PAGER_PAGE_ANON] = "anon",
    [PAGER_PAGE_ZERO] = "zero",
    [PAGER_PAGE_OBJECT] = "object",
};
static const char *const handle_types[] = {
    [PAGER_HANDLE_SPACE] = "space",
    [PAGER_HANDLE_OBJECT] = "object",
    [PAGER_HANDLE_LOG] = "log",
};
static const char *const backends[] = {
    [PAGER_BACKEND_AUTO] = "auto",
    [PAGER_BACKEND_SIM] = "sim",
    [PAGER_BACKEND_KVM] = "kvm",
};
static const char *const advices[] = {
    [PAGER_ADV_DONTNEED] = "dontneed",
    [PAGER_ADV_WILLNEED] = "willneed",
    [PAGER_ADV_FREE] = "free",
    [PAGER_ADV_DONTFORK] = "dontfork",
    [PAGER_ADV_DOFORK] = "dofork",
    [PAGER_ADV_WIPEONFORK] = "wipeonfork",
    [PAGER_ADV_KEEPONFORK] = "keeponfork",
};
static const char *const arounds[] = {
    [PAGER_AROUND_OFF] = "off",
    [PAGER_AROUND_64K] = "64k",
    [PAGER_AROUND_2M] = "2m",
};
static const char *const zones[] = {
    [PAGER_ZONE_KERNEL] = "kernel",
    [PAGER_ZONE_MOVABLE] = "movable",
};
static const char *const block_states[] = {
    [PAGER_BLOCK_ABSENT] = "absent",
    [PAGER_BLOCK_OFFLINE] = "offline",
    [PAGER_BLOCK_ONLINE] = "online",
};
static const char *const events[] = {
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
static const char *const methods[] = {
    [PAGER_DIRTY_AUTO] = "auto",
    [PAGER_DIRTY_HARDWARE] = "hardware",
    [PAGER_DIRTY_WRITE_PROTECT] = "write-protect",
};
static const char *const steps[] = {
    [PAGER_WRITEBACK_BEGIN] = "begin",
    [PAGER_WRITEBACK_END] = "end",
};
static const char *const peeks[] = {
    [PAGER_PEEK_ALL] = "all",
    [PAGER_PEEK_OWN] = "own",
    [PAGER_PEEK_OBJECT] = "object",
};
static const char *const region_flags[] = {
    "shared", "growsdown", "noreserve", "dontfork", "wipeonfork",
    "pinned", "heap",	   "object",	"contig",
};

#define TABLE(array)                                      \
	{                                                 \
		array, sizeof(array) / sizeof((array)[0]) \
	}
static const struct {
	const char *const *words;
	size_t count;
} tables[] = {
    [WORD_SIGNAL] = TABLE(signals),
    [WORD_RESULT] = TABLE(results),
    [WORD_PAGE_TYPE] = TABLE(page_types),
    [WORD_HANDLE_TYPE] = TABLE(handle_types),
    [WORD_BACKEND] = TABLE(backends),
    [WORD_ADVICE] = TABLE(advices),
    [WORD_AROUND] = TABLE(arounds),
    [WORD_ZONE] = TABLE(zones),
    [WORD_BLOCK_STATE] = TABLE(block_states),
    [WORD_EVENT] = TABLE(events),
    [WORD_METHOD] = TABLE(methods),
    [WORD_STEP] = TABLE(steps),
    [WORD_PEEK] = TABLE(peeks),
    [WORD_HEX] = {NULL, 0},
};

enum word_set word_set_of(const char *in_struct, const char *field)
{
	static const struct {
		const char *field;
		enum word_set set;
	} by_field[] = {
	    {"prot", WORD_ACCESS},   {"access", WORD_ACCESS},
	    {"signal", WORD_SIGNAL}, {"result", WORD_RESULT},
	    {"advice", WORD_ADVICE}, {"backend", WORD_BACKEND},
	    {"around", WORD_AROUND}, {"zone", WORD_ZONE},
	    {"handle", WORD_HEX},    {"addr", WORD_HEX},
	    {"start", WORD_HEX},     {"end", WORD_HEX},
	    {"brk", WORD_HEX},	     {"brk_start", WORD_HEX},
	    {"entry", WORD_HEX},     {"pa", WORD_HEX},
	    {"offset", WORD_HEX},    {"space", WORD_HEX},
	    {"log", WORD_HEX},	     {"method", WORD_METHOD},
	    {"step", WORD_STEP},     {"what", WORD_PEEK},
	};

	if (strcmp(in_struct, "row_event") == 0 && strcmp(field, "type") == 0)
		return WORD_EVENT;
	if ((strcmp(in_struct, "row_block") == 0 ||
	     strcmp(in_struct, "row_cell") == 0) &&
	    strcmp(field, "state") == 0)
		return WORD_BLOCK_STATE;
	/* Holders have ids, not handles. */
	if (strcmp(in_struct, "row_holder") == 0 && strcmp(field, "addr") != 0)
		return WORD_NONE;
	if (strcmp(field, "type") == 0)
		return strcmp(in_struct, "rep_take") == 0 ? WORD_HANDLE_TYPE
							  : WORD_PAGE_TYPE;
	/* In a region's row it is an id, elsewhere a handle. */
	if (strcmp(field, "object") == 0)
		return strcmp(in_struct, "row_region") == 0 ? WORD_NONE
							    : WORD_HEX;
	for (size_t i = 0; i < sizeof(by_field) / sizeof(by_field[0]); i++)
		if (strcmp(by_field[i].field, field) == 0)
			return by_field[i].set;
	return WORD_NONE;
}

const char *word_text(enum word_set set, uint64_t value)
{
	if (value >= tables[set].count)
		return NULL;
	return tables[set].words[value];
}

const char *word_access(uint32_t access, char buf[4])
{
	buf[0] = access & PAGER_ACCESS_READ ? 'r' : '-';
	buf[1] = access & PAGER_ACCESS_WRITE ? 'w' : '-';
	buf[2] = access & PAGER_ACCESS_EXEC ? 'x' : '-';
	buf[3] = '\0';
	return buf;
}

static bool access_parse(const char *text, uint64_t *value)
{
	uint32_t access = 0;

	if (strcmp(text, "none") != 0) {
		if (*text == '\0' || strlen(text) > 3)
			return false;
		for (; *text; text++) {
			if (*text == 'r')
				access |= PAGER_ACCESS_READ;
			else if (*text == 'w')
				access |= PAGER_ACCESS_WRITE;
			else if (*text == 'x')
				access |= PAGER_ACCESS_EXEC;
			else if (*text != '-')
				return false;
		}
	}
	*value = access;
	return true;
}

bool word_parse(enum word_set set, const char *text, uint64_t *value)
{
	if (set == WORD_ACCESS)
		return access_parse(text, value);
	for (size_t i = 0; i < tables[set].count; i++) {
		const char *word = tables[set].words[i];

		if (word && strcmp(word, text) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

unsigned int word_error(const char *text)
{
	for (unsigned int e = 1; e < PAGER_ERROR_COUNT; e++)
		if (strcmp(pager_error_name(e), text) == 0)
			return e;
	return 0;
}

const char *word_region_flag(unsigned int bit)
{
	return bit < sizeof(region_flags) / sizeof(region_flags[0])
		   ? region_flags[bit]
		   : NULL;
}
