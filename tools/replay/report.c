/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people and programs read: a row for each process or each file, under
 * it the differences as the two sides' lines, and at the end the totals.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/number.h"
#include "tools/replay/replay.h"

/* The file's name without folder and .vmtrace, in a buffer. */
static const char *short_name(const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t len;

	path = slash ? slash + 1 : path;
	len = strlen(path);
	if (len > 8 && strcmp(path + len - 8, ".vmtrace") == 0)
		len -= 8;
	snprintf(buf, size, "%.*s", len < 200 ? (int)len : 200, path);
	return buf;
}

const char *printable(struct trace_text text, char *buf, size_t size)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		buf[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	buf[len] = '\0';
	return len > 0 ? buf : "-";
}

const char *grouped(uint64_t n, char buf[GROUPED_SIZE])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = buf;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

void report_head(const struct options *options, FILE *out)
{
	if (options->json)
		return;
	if (options->by_file)
		fprintf(out, "%-12s %-24s %9s %8s %9s %10s %11s  %s\n", "file",
			"program", "processes", "regions", "private",
			"cow-shared", "requests/s",
			options->verify ? "against Linux" : "");
	else
		fprintf(out, "%-12s %7s %-24s %7s %7s %8s %8s %7s  %s\n",
			"file", "pid", "program", "events", "regions",
			"private", "cow", "signals",
			options->verify ? "against Linux" : "");
}

static void verdict(const struct options *options, uint64_t differing,
		    uint64_t refused, bool identical, char *buf, size_t size)
{
	int n = 0;

	if (identical) {
		snprintf(buf, size, "identical");
		return;
	}
	buf[0] = '\0';
	if (differing > 0)
		n = snprintf(buf, size, "%" PRIu64 " pages differ", differing);
	if (refused > 0)
		snprintf(buf + n, size - (size_t)n, "%s%" PRIu64 " refused",
			 n ? ", " : "", refused);
	else if (n == 0)
		snprintf(buf, size, "%s",
			 options->verify ? "not compared" : "replayed");
}

static void json_process(const struct machine *m, const struct proc *p,
			 bool identical)
{
	char name[NAME_SIZE];
	struct tool_json json;

	tool_json_init(&json, m->out);
	tool_json_object(&json, NULL);
	tool_json_string(&json, "file", m->path);
	tool_json_u64(&json, "pid", p->pid);
	tool_json_string(&json, "program",
			 printable(p->name, name, sizeof(name)));
	tool_json_u64(&json, "events", p->events);
	tool_json_u64(&json, "regions", p->regions);
	tool_json_u64(&json, "private_pages", p->private_pages);
	tool_json_u64(&json, "cow_pages", p->cow);
	tool_json_u64(&json, "signals", p->signals);
	tool_json_u64(&json, "differing", p->differing);
	tool_json_u64(&json, "refused", p->refused);
	tool_json_bool(&json, "verified", m->options->verify);
	tool_json_bool(&json, "identical", identical);
	tool_json_array(&json, "differences");
	for (size_t i = 0; i < p->shown_count; i++) {
		tool_json_object(&json, NULL);
		tool_json_string(&json, "linux", p->shown[i].linux_side);
		tool_json_string(&json, "pagerd", p->shown[i].pagerd_side);
		tool_json_end(&json);
	}
	tool_json_end(&json);
	tool_json_u64(&json, "more_differences", p->unshown);
	tool_json_end(&json);
}

static void json_breathe(struct tool_json *json, const struct breathe *b)
{
	tool_json_object(json, "breathe");
	tool_json_u64(json, "wishes", b->wishes);
	tool_json_u64(json, "refused", b->refused);
	tool_json_u64(json, "least", b->least);
	tool_json_u64(json, "most", b->most);
	tool_json_u64(json, "plugged", b->in);
	tool_json_u64(json, "unplugged", b->out);
	tool_json_u64(json, "moved", b->moved);
	tool_json_u64(json, "busy", b->busy);
	tool_json_end(json);
}

static void json_totals(const struct options *options, const struct totals *t,
			double rate, FILE *out)
{
	struct tool_json json;

	tool_json_init(&json, out);
	tool_json_object(&json, NULL);
	tool_json_u64(&json, "processes", t->processes);
	tool_json_u64(&json, "identical", t->identical);
	tool_json_u64(&json, "private_pages", t->private_pages);
	tool_json_u64(&json, "differing", t->differing);
	tool_json_u64(&json, "refused", t->refused);
	tool_json_u64(&json, "signals", t->signals);
	tool_json_u64(&json, "cow_pages", t->cow);
	tool_json_u64(&json, "events", t->events);
	tool_json_u64(&json, "requests", t->requests);
	tool_json_double(&json, "seconds", t->seconds);
	tool_json_double(&json, "requests_per_second", rate);
	if (options->breathe_high > 0)
		json_breathe(&json, &t->breathe);
	tool_json_end(&json);
}

static void show_differences(const struct machine *m, const struct proc *p)
{
	char line[256];

	for (size_t i = 0; i < p->shown_count; i++) {
		const struct difference *d = &p->shown[i];
		struct trace_text text = {d->linux_side, strlen(d->linux_side)};

		fprintf(m->out,
			"  %s: process %u\n    linux: %s\n"
			"    pagerd: %s\n",
			m->path, p->pid, printable(text, line, sizeof(line)),
			d->pagerd_side);
	}
	if (p->unshown > 0)
		fprintf(m->out, "  and %" PRIu64 " more\n", p->unshown);
}

void report_process(const struct machine *m, const struct proc *p)
{
	bool identical = m->options->verify && p->ending_count > 0 &&
			 p->differing == 0 && p->refused == 0;
	char file[256], name[NAME_SIZE], result[64];

	if (m->options->json) {
		json_process(m, p, identical);
		return;
	}
	if (!m->options->by_file) {
		verdict(m->options, p->differing, p->refused, identical, result,
			sizeof(result));
		fprintf(m->out,
			"%-12s %7u %-24s %7" PRIu64 " %7" PRIu64 " %8" PRIu64
			" %8" PRIu64 " %7" PRIu64 "  %s\n",
			short_name(m->path, file, sizeof(file)), p->pid,
			printable(p->name, name, sizeof(name)), p->events,
			p->regions, p->private_pages, p->cow, p->signals,
			result);
	}
	show_differences(m, p);
}

void report_file(const struct machine *m)
{
	const struct totals *t = &m->totals;
	char file[256], result[64];
	char n[5][GROUPED_SIZE];
	bool identical = m->options->verify && t->processes == t->identical;

	if (m->options->json || !m->options->by_file)
		return;
	verdict(m->options, t->differing, t->refused, identical, result,
		sizeof(result));
	fprintf(m->out, "%-12s %-24s %9s %8s %9s %10s %11s  %s\n",
		short_name(m->path, file, sizeof(file)), m->program,
		grouped(t->processes, n[0]), grouped(t->regions, n[1]),
		grouped(t->private_pages, n[2]), grouped(t->cow, n[3]),
		grouped(t->seconds > 0
			    ? (uint64_t)((double)t->requests / t->seconds)
			    : 0,
			n[4]),
		result);
}

static void breathe_line(const struct breathe *b, FILE *out)
{
	char n[2][GROUPED_SIZE];
	char size[5][TOOL_SIZE_TEXT];

	fprintf(out,
		"breathing: %s wishes, %s to %s plugged, %s put in and %s "
		"taken out, %s of pages moved, %s times busy",
		grouped(b->wishes, n[0]), tool_size_text(b->least, size[0]),
		tool_size_text(b->most, size[1]),
		tool_size_text(b->in, size[2]), tool_size_text(b->out, size[3]),
		tool_size_text(b->moved, size[4]), grouped(b->busy, n[1]));
	if (b->refused > 0)
		fprintf(out, ", %s refused", grouped(b->refused, n[0]));
	fputc('\n', out);
}

void report_totals(const struct options *options, const struct totals *t,
		   bool last_only, FILE *out)
{
	char n[3][GROUPED_SIZE];
	double rate = t->seconds > 0 ? (double)t->requests / t->seconds : 0;

	if (options->json) {
		json_totals(options, t, rate, out);
		return;
	}
	if (!last_only)
		fprintf(out,
			"%s events, %s requests in %.3f s, %s requests/s\n",
			grouped(t->events, n[0]), grouped(t->requests, n[1]),
			t->seconds, grouped((uint64_t)rate, n[2]));
	if (!last_only && options->breathe_high > 0)
		breathe_line(&t->breathe, out);
	fprintf(out,
		"replay: processes %" PRIu64 " identical %" PRIu64
		" private-pages %" PRIu64 " differing %" PRIu64
		" refused %" PRIu64 "\n",
		t->processes, t->identical, t->private_pages, t->differing,
		t->refused);
}

void totals_add(struct totals *to, const struct totals *from)
{
	to->processes += from->processes;
	to->identical += from->identical;
	to->regions += from->regions;
	to->private_pages += from->private_pages;
	to->cow += from->cow;
	to->differing += from->differing;
	to->refused += from->refused;
	to->signals += from->signals;
	to->events += from->events;
	to->requests += from->requests;
}
