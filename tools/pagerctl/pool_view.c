/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at pools: all of them as a table, one in words.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/table.h"
#include "tools/pagerctl/pool.h"
#include "tools/pagerctl/pool_size.h"

void pool_json(struct tool_json *json, const struct pager_row_pool *row)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
	    {"region", row->region},
	    {"usable", row->usable},
	    {"requested", row->requested},
	    {"plugged", row->plugged},
	    {"online", row->online},
	    {"offline", row->offline},
	    {"used", row->used},
	    {"pinned", row->pinned},
	    {"block", row->block},
	    {"sub_block", row->sub_block},
	    {"memory_block", row->memory_block},
	    {"grow_max", row->grow_max},
	    {"moved", row->moved},
	    {"busy", row->busy},
	    {"next_try_ms", row->next_try_ms},
	    {"wishes", row->wishes},
	    {"error", row->error},
	};

	tool_json_u64(json, "pool", row->pool);
	tool_json_string(json, "name", row->name);
	tool_json_string(json, "state", pool_state_word(pool_state(row)));
	tool_json_string(json, "mode", pool_mode_word(row));
	tool_json_u64(json, "node", row->node);
	tool_json_hex(json, "addr", row->addr);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		tool_json_u64(json, numbers[i].name, numbers[i].value);
}

/* --- list ----------------------------------------------------------------- */

static void size_cell(struct tool_table *t, uint64_t bytes)
{
	char text[POOL_SIZE_TEXT];

	tool_table_cell(t, "%s", pool_size_text(bytes, text));
}

static void list_cells(struct tool_table *t, const struct pager_row_pool *row)
{
	tool_table_cell(t, "%" PRIu32, row->pool);
	tool_table_cell(t, "%s", row->name);
	tool_table_cell(t, "0x%" PRIx64, row->addr);
	size_cell(t, row->region);
	size_cell(t, row->requested);
	size_cell(t, row->plugged);
	size_cell(t, row->online);
	size_cell(t, row->used);
	size_cell(t, row->pinned);
	tool_table_cell(t, "%s", pool_mode_word(row));
	tool_table_cell(t, "%s", pool_state_word(pool_state(row)));
}

int pool_list(struct pool_call *c)
{
	struct pager_list *list = pager_list_pools(c->pager);
	struct tool_table *table = NULL;
	struct pager_row_pool row;
	struct tool_json json;
	int ret = pager_list_next(list, &row, sizeof(row));

	if (ret < 0) {
		pager_list_free(list);
		return ret;
	}
	tool_json_init(&json, c->view.out);
	if (c->view.json)
		tool_json_array(&json, NULL);
	else
		table = tool_table_new(">pool|name|address|>room|>requested|"
				       ">plugged|>online|>used|>pinned|mode|"
				       "state");
	for (; ret > 0; ret = pager_list_next(list, &row, sizeof(row))) {
		if (c->view.json) {
			tool_json_object(&json, NULL);
			pool_json(&json, &row);
			tool_json_end(&json);
		} else {
			list_cells(table, &row);
		}
	}
	if (c->view.json)
		tool_json_end(&json);
	else
		tool_table_print(table, c->view.out);
	tool_table_free(table);
	pager_list_free(list);
	return ret;
}

/* --- show ----------------------------------------------------------------- */

/* Memory blocks by what the driver knows of them, and their sums by zone. */
struct blocks {
	uint64_t driver[8];
	uint64_t state[3];
	struct {
		uint64_t blocks;
		uint64_t plugged;
		uint64_t used;
		uint64_t pinned;
		uint64_t free_runs;
	} zone[2];
};

static int count_blocks(struct pool_call *c, struct blocks *out)
{
	struct pager_list *list =
	    pager_list_pool_blocks(c->pager, c->pool.pool);
	struct pager_row_block row;
	int ret;

	memset(out, 0, sizeof(*out));
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		if (row.driver < 8)
			out->driver[row.driver]++;
		if (row.state < 3)
			out->state[row.state]++;
		if (row.state != PAGER_BLOCK_ONLINE || row.zone > 1)
			continue;
		out->zone[row.zone].blocks++;
		out->zone[row.zone].plugged += row.plugged;
		out->zone[row.zone].used += row.used;
		out->zone[row.zone].pinned += row.pinned;
		out->zone[row.zone].free_runs += row.free_runs;
	}
	pager_list_free(list);
	return ret;
}

static void line(const struct pool_call *c, const char *name,
		 const char *format, ...) __attribute__((format(printf, 3, 4)));

static void line(const struct pool_call *c, const char *name,
		 const char *format, ...)
{
	va_list ap;

	fprintf(c->view.out, "  %-14s", name);
	va_start(ap, format);
	vfprintf(c->view.out, format, ap);
	va_end(ap);
	fputc('\n', c->view.out);
}

static void show_sizes(const struct pool_call *c)
{
	const struct pager_row_pool *p = &c->pool;
	char a[POOL_SIZE_TEXT], b[POOL_SIZE_TEXT], d[POOL_SIZE_TEXT];

	line(c, "plugged", "%s of %s requested, room for %s",
	     pool_size_text(p->plugged, a), pool_size_text(p->requested, b),
	     pool_size_text(p->region, d));
	line(c, "in use", "%s online, %s offline", pool_size_text(p->online, a),
	     pool_size_text(p->offline, b));
	line(c, "used", "%s, %s of it pinned", pool_size_text(p->used, a),
	     pool_size_text(p->pinned, b));
	line(c, "place", "0x%" PRIx64 " to 0x%" PRIx64 ", node %" PRIu32,
	     p->addr, p->addr + p->region, p->node);
	if (p->flags & PAGER_POOL_BOOT)
		return;
	line(c, "usable", "%s", pool_size_text(p->usable, a));
	line(c, "driver", "%s of %s, in blocks of %s; memory blocks of %s",
	     p->flags & PAGER_POOL_BBM ? "big blocks" : "sub-blocks",
	     pool_size_text(p->sub_block, a), pool_size_text(p->block, b),
	     pool_size_text(p->memory_block, d));
	line(c, "moved", "%s to empty it; %" PRIu64 " times busy",
	     pool_size_text(p->moved, a), p->busy);
	if (p->grow_max > 0)
		line(c, "grows", "by itself up to %s when memory is short",
		     pool_size_text(p->grow_max, a));
	else
		line(c, "grows", "when it is told to");
	line(c, "wishes", "%" PRIu64 " so far", p->wishes);
}

static void show_blocks(const struct pool_call *c, const struct blocks *b)
{
	char plugged[POOL_SIZE_TEXT], used[POOL_SIZE_TEXT],
	    pinned[POOL_SIZE_TEXT];

	for (uint32_t zone = 0; zone < 2; zone++) {
		if (b->zone[zone].blocks == 0)
			continue;
		line(c, pool_zone_word(zone),
		     "%" PRIu64 " memory block%s, %s plugged, %s used, %s "
		     "pinned, %" PRIu64 " free runs of 2M",
		     b->zone[zone].blocks, b->zone[zone].blocks == 1 ? "" : "s",
		     pool_size_text(b->zone[zone].plugged, plugged),
		     pool_size_text(b->zone[zone].used, used),
		     pool_size_text(b->zone[zone].pinned, pinned),
		     b->zone[zone].free_runs);
	}
	fprintf(c->view.out, "  %-14s", "blocks");
	for (uint32_t i = 0, n = 0; i < 8; i++)
		if (b->driver[i] > 0)
			fprintf(c->view.out, "%s%" PRIu64 " %s",
				n++ ? ", " : "", b->driver[i],
				pool_driver_word(&c->pool, i));
	fputc('\n', c->view.out);
}

static void show_json(const struct pool_call *c, const struct blocks *b)
{
	struct tool_json json;

	tool_json_init(&json, c->view.out);
	tool_json_object(&json, NULL);
	pool_json(&json, &c->pool);
	tool_json_object(&json, "memory_blocks");
	for (uint32_t i = 0; i < 3; i++)
		tool_json_u64(&json, pool_block_word(i), b->state[i]);
	tool_json_end(&json);
	tool_json_object(&json, "zones");
	for (uint32_t i = 0; i < 2; i++) {
		tool_json_object(&json, pool_zone_word(i));
		tool_json_u64(&json, "memory_blocks", b->zone[i].blocks);
		tool_json_u64(&json, "plugged", b->zone[i].plugged);
		tool_json_u64(&json, "used", b->zone[i].used);
		tool_json_u64(&json, "pinned", b->zone[i].pinned);
		tool_json_u64(&json, "free_runs", b->zone[i].free_runs);
		tool_json_end(&json);
	}
	tool_json_end(&json);
	if (!(c->pool.flags & PAGER_POOL_BOOT)) {
		unsigned int states = c->pool.flags & PAGER_POOL_BBM ? 4 : 8;

		tool_json_object(&json, "driver");
		for (uint32_t i = 0; i < states; i++)
			tool_json_u64(&json, pool_driver_word(&c->pool, i),
				      b->driver[i]);
		tool_json_end(&json);
	}
	tool_json_end(&json);
}

int pool_show(struct pool_call *c)
{
	char name[PAGER_POOL_NAME_MAX], state[POOL_LINE];
	struct blocks blocks;
	int ret = count_blocks(c, &blocks);

	if (ret < 0)
		return ret;
	if (c->view.json) {
		show_json(c, &blocks);
		return 0;
	}
	pool_state_say(&c->pool, state);
	fprintf(c->view.out, "%s, pool %" PRIu32 "\n",
		pool_name_text(c->pool.name, name, sizeof(name)), c->pool.pool);
	line(c, "state", "%s", state);
	show_sizes(c);
	if (!(c->pool.flags & PAGER_POOL_BOOT))
		show_blocks(c, &blocks);
	return 0;
}
