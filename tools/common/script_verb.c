/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs. Arguments are named by the fields they fill, which says also how
 * they are written.
 */
#include "tools/common/script.h"

#include <string.h>

#include "tools/common/show.h"

#define CALL(verb, NAME, ...)                                                 \
	{                                                                     \
		.name = verb, .kind = SCRIPT_CALL, .call = PAGER_CALL_##NAME, \
		__VA_ARGS__                                                   \
	}

static const struct script_verb verbs[] = {
    CALL("hello", HELLO, .args = ""),
    CALL("ping", PING, .args = "", .extra = "cookie"),
    CALL("stats", STATS, .args = ""),
    CALL("check", CHECK, .args = ""),
    CALL("backends", BACKENDS, .args = ""),
    CALL("user", USER_INFO, .args = "", .extra = "uid"),
    CALL("sessions", SESSION_LIST, .args = ""),
    CALL("space", SPACE_CREATE, .args = "", .name_first = true),
    CALL("fork", SPACE_FORK, .args = "space"),
    CALL("clear", SPACE_CLEAR, .args = "space"),
    CALL("destroy", SPACE_DESTROY, .args = "space"),
    CALL("spaces", SPACE_LIST, .args = ""),
    CALL("info", SPACE_INFO, .args = "space"),
    CALL("sharing", SPACE_SHARING, .args = "space addr len"),
    CALL("resident", SPACE_RESIDENT, .args = "space addr len"),
    CALL("policy", SPACE_POLICY, .args = "space around"),
    CALL("pause", SPACE_PAUSE, .args = "space max_ms"),
    CALL("map", MAP, .args = "space addr len prot",
	 .words = "shared fixed noreplace populate noreserve growsdown "
		  "contig align64k below1m below16m below4g"),
    CALL("unmap", UNMAP, .args = "space addr len"),
    CALL("protect", PROTECT, .args = "space addr len prot"),
    CALL("remap", REMAP, .args = "space addr len new_len",
	 .words = "maymove fixed dontunmap"),
    CALL("brk", BRK, .args = "space brk", .words = "start"),
    CALL("advise", ADVISE, .args = "space addr len advice"),
    CALL("pin", PIN, .args = "space addr len"),
    CALL("unpin", UNPIN, .args = "space addr len"),
    CALL("regions", REGION_LIST, .args = "space", .words = "sharing"),
    CALL("maps", REGION_LIST, .args = "space"),
    CALL("region", REGION_LOOKUP, .args = "space addr"),
    CALL("page", PAGE, .args = "space addr"),
    CALL("fault", FAULT, .args = "space addr access"),
    CALL("populate", POPULATE, .args = "space addr len access"),
    CALL("read", READ, .args = "space addr len"),
    CALL("write", WRITE, .args = "space addr"),
    CALL("harvest", HARVEST, .args = "space addr len"),
    CALL("object", OBJECT_CREATE, .args = "size", .name_first = true),
    CALL("open", OBJECT_OPEN, .args = "name"),
    CALL("resize", OBJECT_RESIZE, .args = "object size"),
    CALL("objectinfo", OBJECT_INFO, .args = "object"),
    CALL("objects", OBJECT_LIST, .args = ""),
    CALL("close", OBJECT_CLOSE, .args = "object"),
    CALL("give", GIVE, .args = "handle"),
    CALL("take", TAKE, .args = "token"),
    CALL("pools", POOL_LIST, .args = ""),
    CALL("pool", POOL_INFO, .args = "pool"),
    CALL("poolresize", POOL_RESIZE, .args = "pool size"),
    CALL("online", POOL_ONLINE, .args = "pool addr zone"),
    CALL("offline", POOL_OFFLINE, .args = "pool addr"),
    CALL("unplugall", POOL_UNPLUG_ALL, .args = "pool"),
    CALL("blocks", POOL_BLOCKS, .args = "pool"),
    CALL("cells", POOL_CELLS, .args = "pool"),
    CALL("holders", POOL_HOLDERS, .args = "pool addr len"),
    CALL("events", POOL_EVENTS, .args = "", .extra = "cursor"),
    CALL("grow", POOL_GROW, .args = "pool size"),
    CALL("dirtystart", DIRTY_START, .args = "space addr len",
	 .words = "manual allset"),
    CALL("dirtystop", DIRTY_STOP, .args = "handle"),
    CALL("dirtyget", DIRTY_GET, .args = "log first pages", .words = "clear"),
    CALL("dirtygetfd", DIRTY_GET_FD, .args = "log first pages",
	 .words = "clear"),
    CALL("dirtyclear", DIRTY_CLEAR, .args = "log first pages"),
    CALL("dirtywriteback", DIRTY_WRITEBACK, .args = "log first pages step"),
    CALL("dirtyring", DIRTY_RING, .args = "log entries"),
    CALL("dirtyreset", DIRTY_RESET, .args = "handle"),
    CALL("dirtyinfo", DIRTY_INFO, .args = "handle"),
    CALL("dirtylist", DIRTY_LIST, .args = ""),
    CALL("peek", PEEK, .args = "space addr len what"),
    {.name = "batch", .kind = SCRIPT_BATCH, .call = PAGER_CALL_BATCH},
    {.name = "end", .kind = SCRIPT_END, .call = PAGER_CALL_BATCH},
    {.name = "session", .kind = SCRIPT_SESSION},
    {.name = "disconnect", .kind = SCRIPT_DISCONNECT},
    {.name = "echo", .kind = SCRIPT_ECHO},
    {.name = "sleep", .kind = SCRIPT_SLEEP},
    {.name = "print", .kind = SCRIPT_PRINT},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

const struct script_verb *script_verb_find(const char *name)
{
	const struct pager_op *op;

	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	op = pager_op_by_name(name);
	for (size_t i = 0; op && i < VERBS; i++)
		if (verbs[i].kind == SCRIPT_CALL && verbs[i].call == op->number)
			return &verbs[i];
	return NULL;
}

const struct pager_struct *script_reply_struct(const struct script_verb *verb)
{
	if (verb->call == PAGER_CALL_REGION_LOOKUP)
		return show_struct("row_region");
	if (verb->call == PAGER_CALL_POOL_INFO)
		return show_struct("row_pool");
	return pager_op_find(verb->call)->reply;
}

bool script_is_list(const struct script_verb *verb)
{
	return strcmp(pager_op_find(verb->call)->reply->name, "rep_list") == 0;
}
