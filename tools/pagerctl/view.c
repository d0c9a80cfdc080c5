/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists as tables, single things as fields.
 */
#include "tools/pagerctl/pagerctl.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tools/common/show.h"
#include "tools/common/table.h"
#include "tools/common/words.h"

union row {
	struct pager_row_backend backend;
	struct pager_row_session session;
	struct pager_row_space space;
	struct pager_row_object object;
	struct pager_row_region region;
};

static const struct kind {
	enum pager_call call;
	const char *row; /* its struct */
	const char *columns;
	struct pager_list *(*list)(struct pager *pager);
} kinds[] = {
    {PAGER_CALL_BACKENDS, "row_backend", "backend|available|why not",
     pager_list_backends},
    {PAGER_CALL_SESSION_LIST, "row_session",
     ">session|>uid|>pid|>requests|>spaces|>objects|>queued",
     pager_list_sessions},
    {PAGER_CALL_SPACE_LIST, "row_space",
     "space|>id|>parent|>session|>uid|backend|>regions|>virtual kB|"
     ">resident kB|name",
     pager_list_spaces},
    {PAGER_CALL_OBJECT_LIST, "row_object",
     "object|>id|>session|>uid|>size kB|>resident kB|>mappings|name",
     pager_list_objects},
};

static const char *backend_name(uint32_t backend)
{
	const char *name = word_text(WORD_BACKEND, backend);

	return name ? name : "?";
}

static void cells(struct tool_table *t, enum pager_call call,
		  const union row *row)
{
	const struct pager_row_space *s = &row->space;
	const struct pager_row_object *o = &row->object;
	const struct pager_row_session *e = &row->session;

	switch (call) {
	case PAGER_CALL_BACKENDS:
		tool_table_cell(t, "%s", row->backend.name);
		tool_table_cell(t, "%s", row->backend.available ? "yes" : "no");
		tool_table_cell(t, "%s", row->backend.reason);
		break;
	case PAGER_CALL_SESSION_LIST:
		tool_table_cell(t, "%" PRIu64, e->session);
		tool_table_cell(t, "%" PRIu32, e->uid);
		tool_table_cell(t, "%" PRIu32, e->pid);
		tool_table_cell(t, "%" PRIu64, e->requests);
		tool_table_cell(t, "%" PRIu64, e->spaces);
		tool_table_cell(t, "%" PRIu64, e->objects);
		tool_table_cell(t, "%" PRIu64, e->queued_bytes);
		break;
	case PAGER_CALL_SPACE_LIST:
		tool_table_cell(t, "0x%" PRIx64, s->space);
		tool_table_cell(t, "%" PRIu64, s->id);
		tool_table_cell(t, "%" PRIu64, s->parent);
		tool_table_cell(t, "%" PRIu64, s->session);
		tool_table_cell(t, "%" PRIu32, s->uid);
		tool_table_cell(t, "%s", backend_name(s->backend));
		tool_table_cell(t, "%" PRIu64, s->regions);
		tool_table_cell(t, "%" PRIu64, s->virtual_bytes / 1024);
		tool_table_cell(t, "%" PRIu64, s->resident_bytes / 1024);
		tool_table_cell(t, "%s", s->name);
		break;
	default:
		tool_table_cell(t, "0x%" PRIx64, o->object);
		tool_table_cell(t, "%" PRIu64, o->id);
		tool_table_cell(t, "%" PRIu64, o->session);
		tool_table_cell(t, "%" PRIu32, o->uid);
		tool_table_cell(t, "%" PRIu64, o->size / 1024);
		tool_table_cell(t, "%" PRIu64, o->resident_bytes / 1024);
		tool_table_cell(t, "%" PRIu64, o->mappings);
		tool_table_cell(t, "%s", o->name);
		break;
	}
}

int view_list(const struct view *view, struct pager *pager,
	      enum pager_call call)
{
	const struct kind *kind = kinds;
	struct tool_table *table = NULL;
	struct tool_json json;
	struct pager_list *list;
	union row row;
	int ret;

	while (kind->call != call)
		kind++;
	list = kind->list(pager);
	tool_json_init(&json, view->out);
	ret = pager_list_next(list, &row, sizeof(row));
	if (ret < 0) {
		pager_list_free(list);
		return ret;
	}
	if (view->json)
		tool_json_array(&json, NULL);
	else
		table = tool_table_new(kind->columns);
	while (ret > 0) {
		if (view->json) {
			tool_json_object(&json, NULL);
			show_json(&json, show_struct(kind->row), &row);
			tool_json_end(&json);
		} else {
			cells(table, call, &row);
		}
		memset(&row, 0, sizeof(row));
		ret = pager_list_next(list, &row, sizeof(row));
	}
	if (view->json)
		tool_json_end(&json);
	else
		tool_table_print(table, view->out);
	tool_table_free(table);
	pager_list_free(list);
	return ret;
}

/* --- regions -------------------------------------------------------------- */

/* "7f00-7f10 rw-p 00001000 00:00 0   [heap]"; in the place of an inode stands
 * the object's id. A region that ends at 2^64 ends there in print, too. */
static void maps_line(FILE *out, const struct pager_row_region *r)
{
	const char *what = "";
	char end[24] = "10000000000000000";
	char perm[4];
	int n;

	if (r->end != 0)
		snprintf(end, sizeof(end), "%08" PRIx64, r->end);
	n = fprintf(out, "%08" PRIx64 "-%s %s%c %08" PRIx64 " 00:00 %" PRIu64,
		    r->start, end, word_access(r->prot, perm),
		    r->flags & PAGER_REGION_SHARED ? 's' : 'p', r->offset,
		    r->object);
	if (r->flags & PAGER_REGION_HEAP)
		what = "[heap]";
	else if (r->flags & PAGER_REGION_GROWSDOWN)
		what = "[stack]";
	else if (r->flags & PAGER_REGION_OBJECT)
		what = "[object]";
	if (*what)
		fprintf(out, "%*s%s", n < 73 ? 73 - n : 1, "", what);
	fputc('\n', out);
}

static void smaps_lines(FILE *out, const struct pager_row_region *r)
{
	const uint64_t kb = PAGER_PAGE_SIZE / 1024;
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {
	    {"Size", (r->end - r->start) / 1024},
	    {"Rss", (r->anon + r->zero + r->borrowed) * kb},
	    {"Pss", r->proportional / 1024},
	    {"Shared", r->shared_pages * kb},
	    {"Private", r->private_pages * kb},
	    {"Anonymous", r->anon * kb},
	    {"Zero", r->zero * kb},
	    {"Object", r->borrowed * kb},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(out, "%s:%*" PRIu64 " kB\n", lines[i].name,
			23 - (int)strlen(lines[i].name), lines[i].value);
	fputs("Flags:", out);
	for (unsigned int bit = 0; word_region_flag(bit); bit++)
		if (r->flags >> bit & 1)
			fprintf(out, " %s", word_region_flag(bit));
	fputc('\n', out);
}

int view_maps(const struct view *view, struct pager *pager, uint64_t space,
	      bool smaps)
{
	struct pager_list *list = pager_list_regions(
	    pager, space, smaps || view->json ? PAGER_LIST_SHARING : 0);
	struct pager_row_region row;
	struct tool_json json;
	int ret;

	tool_json_init(&json, view->out);
	ret = pager_list_next(list, &row, sizeof(row));
	if (ret >= 0 && view->json)
		tool_json_array(&json, NULL);
	while (ret > 0) {
		if (view->json) {
			tool_json_object(&json, NULL);
			show_json(&json, show_struct("row_region"), &row);
			tool_json_end(&json);
		} else {
			maps_line(view->out, &row);
			if (smaps)
				smaps_lines(view->out, &row);
		}
		ret = pager_list_next(list, &row, sizeof(row));
	}
	if (view->json && json.depth > 0)
		tool_json_end(&json);
	pager_list_free(list);
	return ret;
}

/* --- single things -------------------------------------------------------- */

static void show(const struct view *view, const struct pager_struct *s,
		 const void *body)
{
	struct tool_json json;

	if (!view->json) {
		show_text(view->out, s, body);
		return;
	}
	tool_json_init(&json, view->out);
	tool_json_object(&json, NULL);
	show_json(&json, s, body);
	tool_json_end(&json);
}

int view_reply(const struct view *view, struct pager *pager,
	       enum pager_call call, const void *body)
{
	const struct pager_op *op = pager_op_find(call);
	struct pager_reply reply;
	int ret = pager_call(pager, call, body, body ? op->request->size : 0,
			     NULL, 0, &reply);

	if (ret == 0)
		show(view, op->reply, reply.body);
	return ret;
}

int view_check(const struct view *view, struct pager *pager, bool *ok)
{
	struct pager_rep_check check;
	struct tool_json json;
	char why[512];
	int ret = pager_call_check(pager, &check, why, sizeof(why));

	if (ret < 0)
		return ret;
	*ok = check.ok != 0;
	if (view->json) {
		tool_json_init(&json, view->out);
		tool_json_object(&json, NULL);
		tool_json_bool(&json, "ok", *ok);
		tool_json_u64(&json, "frames", check.frames);
		tool_json_u64(&json, "nodes", check.nodes);
		tool_json_u64(&json, "spaces", check.spaces);
		if (!*ok)
			tool_json_string(&json, "difference", why);
		tool_json_end(&json);
	} else if (*ok) {
		fprintf(view->out,
			"ok: %" PRIu64 " frames, %" PRIu64 " nodes, %" PRIu64
			" spaces\n",
			check.frames, check.nodes, check.spaces);
	} else {
		fprintf(view->out, "difference: %s\n", why);
	}
	return 0;
}

int view_user(const struct view *view, struct pager *pager, uint32_t uid)
{
	static const char *const names[PAGER_USER_COUNT] = {
	    [PAGER_USER_SPACES] = "spaces",
	    [PAGER_USER_OBJECTS] = "objects",
	    [PAGER_USER_REGIONS] = "regions",
	    [PAGER_USER_BYTES] = "bytes",
	    [PAGER_USER_FRAMES] = "frames",
	    [PAGER_USER_NODES] = "nodes",
	    [PAGER_USER_SESSIONS] = "sessions",
	    [PAGER_USER_QUEUED] = "queued",
	};
	struct pager_rep_user user;
	struct tool_table *table;
	struct tool_json json;
	int ret = pager_call_user_info(pager, uid, &user);

	if (ret < 0)
		return ret;
	if (view->json) {
		tool_json_init(&json, view->out);
		tool_json_object(&json, NULL);
		tool_json_u64(&json, "uid", user.uid);
		for (size_t i = 0; i < PAGER_USER_COUNT; i++) {
			tool_json_object(&json, names[i]);
			tool_json_u64(&json, "used", user.used[i]);
			if (user.limit[i] != UINT64_MAX)
				tool_json_u64(&json, "limit", user.limit[i]);
			tool_json_end(&json);
		}
		tool_json_end(&json);
		return 0;
	}
	fprintf(view->out, "user %" PRIu32 "\n", user.uid);
	table = tool_table_new("|>used|>limit");
	for (size_t i = 0; i < PAGER_USER_COUNT; i++) {
		tool_table_cell(table, "%s", names[i]);
		tool_table_cell(table, "%" PRIu64, user.used[i]);
		if (user.limit[i] == UINT64_MAX)
			tool_table_cell(table, "none");
		else
			tool_table_cell(table, "%" PRIu64, user.limit[i]);
	}
	tool_table_print(table, view->out);
	tool_table_free(table);
	return 0;
}

int view_ping(const struct view *view, struct pager *pager)
{
	const struct pager_rep_hello *hello = pager_hello(pager);
	struct timespec a, b;
	struct tool_json json;
	int64_t ns;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &a);
	ret = pager_call_ping(pager, (uint64_t)a.tv_nsec);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (ret < 0)
		return ret;
	ns =
	    (b.tv_sec - a.tv_sec) * INT64_C(1000000000) + b.tv_nsec - a.tv_nsec;
	if (!view->json) {
		fprintf(view->out,
			"alive: protocol %u.%u, session %" PRIu64
			"%s, %.1f us\n",
			hello->major, hello->minor, hello->session,
			hello->admin ? " (admin)" : "", (double)ns / 1000);
		return 0;
	}
	tool_json_init(&json, view->out);
	tool_json_object(&json, NULL);
	show_json(&json, show_struct("rep_hello"), hello);
	tool_json_i64(&json, "ns", ns);
	tool_json_end(&json);
	return 0;
}
