/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory blocks by hand: online, offline, and who is in the way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/number.h"
#include "tools/common/options.h"
#include "tools/common/table.h"
#include "tools/pagerctl/pool.h"
#include "tools/pagerctl/pool_size.h"

#define SHOWN 8 /* holders told of without being asked */

struct blocks {
	struct pager_row_block *rows;
	size_t count;
};

/* Grow *rows for one more of size bytes; false: no memory. */
static bool room_for(void **rows, size_t count, size_t size)
{
	void *more;

	if (count != 0 && (count & (count - 1)) != 0)
		return true;
	more = realloc(*rows, (count ? 2 * count : 1) * size);
	if (more)
		*rows = more;
	return more != NULL;
}

static int no_memory(void)
{
	fprintf(stderr, "pagerctl: %s\n", strerror(ENOMEM));
	return TOOL_USAGE;
}

static int fetch_blocks(struct pool_call *c, struct blocks *out)
{
	struct pager_list *list =
	    pager_list_pool_blocks(c->pager, c->pool.pool);
	struct pager_row_block row;
	void *rows = NULL;
	size_t n = 0;
	int ret;

	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		if (!room_for(&rows, n, sizeof(row))) {
			ret = no_memory();
			break;
		}
		((struct pager_row_block *)rows)[n++] = row;
	}
	pager_list_free(list);
	out->rows = rows;
	out->count = n;
	return ret;
}

/* --- holders -------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
	const struct pager_row_holder *x = a, *y = b;

	if (x->pinned != y->pinned)
		return x->pinned > y->pinned ? -1 : 1;
	if (x->len != y->len)
		return x->len > y->len ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int pool_holders_get(struct pool_call *c, uint64_t addr, uint64_t len,
		     struct pool_holders *out)
{
	struct pager_list *list =
	    pager_list_pool_holders(c->pager, c->pool.pool, addr, len);
	struct pager_row_holder row;
	void *rows = NULL;
	size_t n = 0;
	int ret;

	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		if (!room_for(&rows, n, sizeof(row))) {
			ret = no_memory();
			break;
		}
		((struct pager_row_holder *)rows)[n++] = row;
	}
	pager_list_free(list);
	out->rows = rows;
	out->count = n;
	if (n > 0)
		qsort(rows, n, sizeof(row), by_weight);
	return ret;
}

static void holder_cells(struct tool_table *t,
			 const struct pager_row_holder *row)
{
	char len[POOL_SIZE_TEXT], pinned[POOL_SIZE_TEXT];

	if (row->space)
		tool_table_cell(t, "  space %" PRIu64, row->space);
	else
		tool_table_cell(t, "  object %" PRIu64, row->object);
	tool_table_cell(t, "0x%" PRIx64, row->addr);
	tool_table_cell(t, "%s", pool_size_text(row->len, len));
	tool_table_cell(
	    t, "%s", row->pinned ? pool_size_text(row->pinned, pinned) : "-");
}

static void holders_table(FILE *out, const struct pool_holders *holders,
			  size_t max)
{
	struct tool_table *t = tool_table_new("  whose|>from|>length|>pinned");

	for (size_t i = 0; i < holders->count && i < max; i++)
		holder_cells(t, &holders->rows[i]);
	tool_table_print(t, out);
	tool_table_free(t);
	if (holders->count > max)
		fprintf(out, "  and %zu more\n", holders->count - max);
}

void pool_holders_print(FILE *out, const struct pool_holders *holders)
{
	holders_table(out, holders, SHOWN);
}

void pool_holders_json(struct tool_json *json,
		       const struct pool_holders *holders)
{
	tool_json_array(json, "holders");
	for (size_t i = 0; i < holders->count; i++) {
		const struct pager_row_holder *row = &holders->rows[i];

		tool_json_object(json, NULL);
		if (row->space)
			tool_json_u64(json, "space", row->space);
		if (row->object)
			tool_json_u64(json, "object", row->object);
		tool_json_hex(json, "addr", row->addr);
		tool_json_u64(json, "len", row->len);
		tool_json_u64(json, "pinned", row->pinned);
		tool_json_end(json);
	}
	tool_json_end(json);
}

/* --- which block ---------------------------------------------------------- */

/* "0x108000000" and "4G" are addresses, "1" counts memory blocks. */
static bool is_address(const char *word)
{
	size_t len = strlen(word);

	return strchr(word, 'x') || word[len - 1] > '9';
}

/* The index of the memory block that the word names; false: it was said what
 * is wrong. */
static bool find_block(const struct pool_call *c, const char *word,
		       size_t count, uint64_t *out)
{
	const struct pager_row_pool *p = &c->pool;
	uint64_t n = 0, size = p->memory_block ? p->memory_block : 1;
	char text[POOL_SIZE_TEXT];

	tool_number_parse(word, &n);
	if (!is_address(word)) {
		*out = n;
		if (n < count)
			return true;
		fprintf(stderr,
			"pagerctl: %s: no such memory block: the pool has %zu, "
			"from 0 on; an address begins with 0x\n",
			word, count);
		return false;
	}
	if (n < p->addr || n - p->addr >= p->region ||
	    (n - p->addr) / size >= count) {
		fprintf(
		    stderr,
		    "pagerctl: %s: outside the pool, which lies from 0x%" PRIx64
		    " to 0x%" PRIx64 "\n",
		    word, p->addr, p->addr + p->region);
		return false;
	}
	*out = (n - p->addr) / size;
	if ((n - p->addr) % size == 0)
		return true;
	fprintf(stderr,
		"pagerctl: %s: not the start of a memory block (%s): try "
		"0x%" PRIx64 "\n",
		word, pool_size_text(size, text), p->addr + *out * size);
	return false;
}

/* --- online, offline ------------------------------------------------------ */

struct hand {
	struct pool_call *call;
	bool online; /* else offline */
	uint32_t zone;
	struct tool_json json;
	size_t done;
	size_t failed;
};

static void begin_json(struct hand *h, const struct pager_row_block *row,
		       bool done)
{
	tool_json_object(&h->json, NULL);
	tool_json_hex(&h->json, "addr", row->addr);
	tool_json_bool(&h->json, "done", done);
}

static void say_done(struct hand *h, const struct pager_row_block *row,
		     uint64_t index)
{
	h->done++;
	if (h->call->view.json) {
		begin_json(h, row, true);
		tool_json_end(&h->json);
		return;
	}
	fprintf(h->call->view.out, "block %" PRIu64 " at 0x%" PRIx64 ": %s%s\n",
		index, row->addr, h->online ? "online, " : "offline",
		h->online ? pool_zone_word(h->zone) : "");
}

/* The block is not in the state that this is done from. */
static void say_already(struct hand *h, const struct pager_row_block *row,
			uint64_t index)
{
	char name[PAGER_POOL_NAME_MAX], text[POOL_SIZE_TEXT];

	h->failed++;
	if (h->call->view.json) {
		begin_json(h, row, false);
		tool_json_string(&h->json, "state",
				 pool_block_word(row->state));
		tool_json_end(&h->json);
	}
	pool_name_text(h->call->pool.name, name, sizeof(name));
	if (row->state == PAGER_BLOCK_ABSENT)
		fprintf(stderr,
			"pagerctl: block %" PRIu64 " is absent: there is no "
			"memory in it; try pagerctl pool resize %s +%s\n",
			index, name,
			pool_size_text(h->call->pool.memory_block, text));
	else
		fprintf(stderr,
			"pagerctl: block %" PRIu64 " is %s already%s%s\n",
			index, pool_block_word(row->state),
			h->online ? ", in zone " : "",
			h->online ? pool_zone_word(row->zone) : "");
}

static void say_why(struct hand *h, const struct pool_holders *holders)
{
	char name[PAGER_POOL_NAME_MAX];

	if (holders->count == 0) {
		fputs("  nobody has pages there: a backend or a device does "
		      "not want it\n",
		      stderr);
		return;
	}
	fputs("in the way, what is pinned first:\n", stderr);
	pool_holders_print(stderr, holders);
	if (holders->count > SHOWN)
		fprintf(stderr, "all of them: pagerctl pool holders %s %s\n",
			pool_name_text(h->call->pool.name, name, sizeof(name)),
			h->call->args[0]);
}

/* It was refused; who holds the block is worth a look if pages are in the way.
 */
static int say_refused(struct hand *h, const struct pager_row_block *row,
		       uint64_t index)
{
	struct pool_call *c = h->call;
	unsigned int error = pager_error(c->pager);
	struct pool_holders holders = {NULL, 0};
	int ret = 0;

	h->failed++;
	fflush(c->view.out);
	fprintf(stderr,
		"pagerctl: block %" PRIu64 " at 0x%" PRIx64 ": refused: %s\n",
		index, row->addr, pager_errstr(c->pager));
	if (!h->online && error == PAGER_ENOMEM)
		fputs("  there is nowhere to move its pages to: plug more, or "
		      "free some\n",
		      stderr);
	if (!h->online && (error == PAGER_EBUSY || error == PAGER_ENOMEM)) {
		ret = pool_holders_get(c, row->addr, c->pool.memory_block,
				       &holders);
		if (ret == 0 && !c->view.json)
			say_why(h, &holders);
	}
	if (c->view.json) {
		begin_json(h, row, false);
		tool_json_string(&h->json, "error", pager_errname(error));
		if (holders.count > 0)
			pool_holders_json(&h->json, &holders);
		tool_json_end(&h->json);
	}
	free(holders.rows);
	/* Refused here too: the first refusal was told. */
	return ret == PAGER_LOST ? ret : 0;
}

static int hand_one(struct hand *h, const struct pager_row_block *row,
		    uint64_t index)
{
	struct pool_call *c = h->call;
	uint32_t from = h->online ? PAGER_BLOCK_OFFLINE : PAGER_BLOCK_ONLINE;
	int ret;

	if (row->state != from) {
		say_already(h, row, index);
		return 0;
	}
	ret = h->online
		  ? pager_call_pool_online(c->pager, c->pool.pool, row->addr,
					   h->zone)
		  : pager_call_pool_offline(c->pager, c->pool.pool, row->addr);
	if (ret == 0)
		say_done(h, row, index);
	else if (ret == PAGER_REFUSED)
		ret = say_refused(h, row, index);
	return ret;
}

static int hand_all(struct hand *h, const struct blocks *blocks)
{
	uint32_t from = h->online ? PAGER_BLOCK_OFFLINE : PAGER_BLOCK_ONLINE;
	size_t tried = 0;
	int ret = 0;

	for (size_t i = 0; i < blocks->count && ret == 0; i++)
		if (blocks->rows[i].state == from) {
			ret = hand_one(h, &blocks->rows[i], i);
			tried++;
		}
	if (tried == 0 && !h->call->view.json)
		fprintf(h->call->view.out, "no memory block is %s\n",
			pool_block_word(from));
	return ret;
}

static int hand(struct pool_call *c, bool online)
{
	struct hand h = {.call = c,
			 .online = online,
			 .zone = c->options.zone &&
					 strcmp(c->options.zone, "kernel") == 0
				     ? PAGER_ZONE_KERNEL
				     : PAGER_ZONE_MOVABLE};
	struct blocks blocks;
	uint64_t index;
	int ret;

	if (c->pool.flags & PAGER_POOL_BOOT) {
		fputs("pagerctl: boot memory is always online\n", stderr);
		return TOOL_USAGE;
	}
	ret = fetch_blocks(c, &blocks);
	if (ret == 0 && strcmp(c->args[0], "all") != 0 &&
	    !find_block(c, c->args[0], blocks.count, &index))
		ret = TOOL_USAGE;
	if (ret == 0) {
		tool_json_init(&h.json, c->view.out);
		if (c->view.json)
			tool_json_array(&h.json, NULL);
		ret = strcmp(c->args[0], "all") == 0
			  ? hand_all(&h, &blocks)
			  : hand_one(&h, &blocks.rows[index], index);
		if (c->view.json)
			tool_json_end(&h.json);
	}
	free(blocks.rows);
	c->exit = h.failed > 0 ? TOOL_REFUSED : TOOL_DONE;
	return ret;
}

int pool_online(struct pool_call *c)
{
	return hand(c, true);
}

int pool_offline(struct pool_call *c)
{
	return hand(c, false);
}

int pool_holders(struct pool_call *c)
{
	const struct pager_row_pool *p = &c->pool;
	uint64_t size = p->memory_block ? p->memory_block : p->region;
	uint64_t addr = p->addr, len = p->region, index;
	struct pool_holders holders;
	struct tool_json json;
	int ret;

	if (c->count > 0 && strcmp(c->args[0], "all") != 0) {
		if (!find_block(c, c->args[0],
				(size_t)((p->region + size - 1) / size),
				&index))
			return TOOL_USAGE;
		addr += index * size;
		len = size < p->addr + p->region - addr
			  ? size
			  : p->addr + p->region - addr;
	}
	ret = pool_holders_get(c, addr, len, &holders);
	if (ret == 0 && c->view.json) {
		tool_json_init(&json, c->view.out);
		tool_json_object(&json, NULL);
		tool_json_hex(&json, "addr", addr);
		tool_json_u64(&json, "len", len);
		pool_holders_json(&json, &holders);
		tool_json_end(&json);
	} else if (ret == 0) {
		holders_table(c->view.out, &holders, SIZE_MAX);
	}
	free(holders.rows);
	return ret;
}
