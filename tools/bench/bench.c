/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Series and results, the clock, memory, chance.
 */
#include "tools/bench/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tools/common/json.h"

void bench_add(struct bench_series *series, double value)
{
	if (!series->warm) {
		series->warm = true;
		return;
	}
	if (series->count < BENCH_ROUNDS_MAX)
		series->value[series->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const struct bench_series *series)
{
	double sorted[BENCH_ROUNDS_MAX];
	unsigned int n = series->count;

	if (n == 0)
		return NAN;
	memcpy(sorted, series->value, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Three decimals: no clock says more. */
static double rounded(double value)
{
	return isfinite(value) && value >= 0 && value < 1e15
		   ? (double)(uint64_t)(value * 1000 + 0.5) / 1000
		   : value;
}

static void report_json(const struct bench_result *r)
{
	struct tool_json json;

	tool_json_init(&json, stdout);
	tool_json_object(&json, NULL);
	tool_json_u64(&json, "row", r->row);
	tool_json_string(&json, "name", r->name);
	tool_json_string(&json, "unit", r->unit);
	tool_json_double(&json, "ours", rounded(r->ours));
	tool_json_object(&json, "peers");
	tool_json_double(&json, "linux", rounded(r->linux_peer));
	tool_json_double(&json, "baseline", rounded(r->baseline));
	tool_json_end(&json);
	tool_json_double(&json, "limit", rounded(r->limit));
	tool_json_string(&json, "goal", r->goal);
	tool_json_bool(&json, "met", r->met);
	tool_json_u64(&json, "rounds", r->rounds);
	tool_json_string(&json, "placement", BENCH_PLACEMENT);
	tool_json_end(&json);
	fflush(stdout);
}

/* "12.3", with as many digits as mean something; "-" for none. */
static void cell(struct tool_table *table, double value)
{
	if (!isfinite(value))
		tool_table_cell(table, "-");
	else if (value < 10)
		tool_table_cell(table, "%.2f", value);
	else if (value < 1000)
		tool_table_cell(table, "%.1f", value);
	else
		tool_table_cell(table, "%.0f", value);
}

/* How many times ours a peer is. */
static void ratio(struct tool_table *table, double peer, double ours)
{
	if (!isfinite(peer) || !(ours > 0))
		tool_table_cell(table, "-");
	else
		tool_table_cell(table, peer >= 100 * ours ? "%.0fx" : "%.2fx",
				peer / ours);
}

void bench_report(struct bench *bench, const struct bench_result *r)
{
	tool_progress_clear(&bench->progress);
	if (bench->json) {
		report_json(r);
		return;
	}
	tool_table_cell(bench->table, "%u", r->row);
	tool_table_cell(bench->table, "%s", r->name);
	cell(bench->table, r->ours);
	tool_table_cell(bench->table, "%s", r->unit);
	cell(bench->table, r->linux_peer);
	ratio(bench->table, r->linux_peer, r->ours);
	cell(bench->table, r->baseline);
	ratio(bench->table, r->baseline, r->ours);
	cell(bench->table, r->limit);
	ratio(bench->table, r->limit, r->ours);
	tool_table_cell(bench->table, "%s", r->met ? "yes" : "NO");
	tool_table_cell(bench->table, "%s", r->goal);
}

void bench_step(struct bench *bench)
{
	tool_progress_show(&bench->progress, ++bench->steps, 0);
}

static double read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double bench_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void bench_die(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("pager-bench: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *bench_pages_new(uint64_t bytes, bool touch)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (p == MAP_FAILED)
		bench_die("no memory: %llu bytes", (unsigned long long)bytes);
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (uint64_t at = 0; touch && at < bytes; at += 4096)
		((volatile uint8_t *)p)[at] = 0;
	return p;
}

void bench_pages_free(void *pages, uint64_t bytes)
{
	if (pages)
		munmap(pages, bytes);
}

uint64_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

uint32_t *bench_shuffle(uint32_t n, uint64_t seed)
{
	uint32_t *order = malloc((size_t)(n ? n : 1) * sizeof(*order));
	uint64_t state = seed * 2 + 1;

	if (!order)
		bench_die("no memory: an order of %u pages", n);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)(bench_random(&state) % i);
		uint32_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
	return order;
}
