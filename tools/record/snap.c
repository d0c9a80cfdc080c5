/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux has built, as lines: the maps of a process at its start and its
 * end, and pages that came or stayed away without a page fault.
 *
 * `present` counts entries that are present; `anon` the private pages, see
 * pages.c.
 *
 * Must not know: when any of this is read.
 */
#include "tools/record/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pages {
	uint64_t present, anon;
};

static bool count_pages(void *arg, uint64_t addr, uint64_t pages, unsigned what)
{
	struct pages *p = arg;

	(void)addr;
	if (what & PAGE_PRESENT)
		p->present += pages;
	if (what & PAGE_PRIVATE)
		p->anon += pages;
	return false;
}

static bool print_pages(void *arg, uint64_t addr, uint64_t pages, unsigned what)
{
	for (uint64_t i = 0; (what & PAGE_PRIVATE) && i < pages; i++)
		fprintf(arg, "resident %" PRIx64 "\n", addr + i * PAGE_SIZE);
	return false;
}

static bool any_page(void *arg, uint64_t addr, uint64_t pages, unsigned what)
{
	(void)addr;
	(void)pages;
	*(bool *)arg = (what & PAGE_PRIVATE) != 0;
	return *(bool *)arg;
}

static void exec_line(pid_t tid, FILE *out)
{
	char path[64], exe[4096], name[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	n = readlink(path, exe, sizeof(exe) - 2);
	n = n > 0 ? n : 0;
	exe[n] = '\n';
	exe[n + 1] = '\0';
	maps_last_component(name, sizeof(name), exe);
	fprintf(out, "exec %s\n", name);
}

/*
 * All mappings of the stopped task TID as lines that begin with EVENT (`vma`
 * or `end`); with RESIDENT, preceded by an `exec` line, and each mapping
 * followed by its private pages.  The text is malloc'd.  *WHOLE is false if
 * something could not be read.
 */
char *snap_text(pid_t tid, const char *event, bool resident, bool *whole)
{
	struct maps m = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int fd = pages_open(tid);

	if (!out)
		die("out of memory");
	if (resident)
		exec_line(tid, out);
	*whole = maps_read(tid, &m) && fd >= 0;
	for (size_t i = 0; i < m.n; i++) {
		const struct map *e = &m.map[i];
		struct pages p = {0, 0};

		if (fd >= 0 &&
		    !pages_scan(fd, e->start, e->end, count_pages, &p))
			*whole = false;
		if (e->perm[3] == 's')
			p.anon = 0;
		fprintf(out,
			"%s %" PRIx64 " %" PRIx64 " %s %" PRIx64
			" %x:%x:%" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n",
			event, e->start, e->end, e->perm, e->offset, e->major,
			e->minor, e->inode, p.present, p.anon, e->name);
		if (resident && p.anon)
			pages_scan(fd, e->start, e->end, print_pages, out);
	}
	if (fd >= 0)
		close(fd);
	maps_free(&m);
	if (fclose(out) != 0)
		die("out of memory");
	return text;
}

struct populated {
	struct rec *r;
	pid_t pid;
	uint64_t time;
	unsigned code;
};

static bool fault_pages(void *arg, uint64_t addr, uint64_t pages, unsigned what)
{
	struct populated *p = arg;

	for (uint64_t i = 0; (what & PAGE_PRIVATE) && i < pages; i++)
		out_fault(p->r, p->time, p->pid, addr + i * PAGE_SIZE, p->code);
	return false;
}

/*
 * A call has populated START..END of T's space without a page fault that the
 * tracepoints would show: queues one for each private page that is present.
 */
void snap_populated(struct rec *r, struct task *t, uint64_t start, uint64_t end,
		    uint64_t time)
{
	struct populated p = {.r = r, .pid = t->proc->pid, .time = time};
	struct maps m = {0};
	int fd = pages_open(t->tid);

	if (fd < 0)
		return;
	start &= ~(PAGE_SIZE - 1);
	end = (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	maps_read(t->tid, &m);
	for (size_t i = 0; i < m.n; i++) {
		const struct map *e = &m.map[i];
		uint64_t from = e->start > start ? e->start : start;
		uint64_t to = e->end < end ? e->end : end;

		if (from >= to || e->perm[3] == 's')
			continue;
		p.code = e->perm[1] == 'w' ? 2 : 0;
		pages_scan(fd, from, to, fault_pages, &p);
	}
	maps_free(&m);
	close(fd);
}

/*
 * A fork does not copy the pages of a mapping that was only ever read: they
 * are the shared zero page.  CHILD does not have them, so it gets the call
 * with that effect.  TID, its parent, and CHILD are stopped.
 */
void snap_forked(struct rec *r, pid_t tid, pid_t child, uint64_t time)
{
	int fd = pages_open(child), parent = pages_open(tid);
	struct maps m = {0};

	maps_read(child, &m);
	for (size_t i = 0; fd >= 0 && parent >= 0 && i < m.n; i++) {
		const struct map *e = &m.map[i];
		bool there = false, here = false;

		if (e->perm[3] == 's' || strncmp(e->name, "[v", 2) == 0)
			continue;
		pages_scan(fd, e->start, e->end, any_page, &here);
		if (!here)
			pages_scan(parent, e->start, e->end, any_page, &there);
		if (there)
			out_call(r, time, child,
				 "madvise %" PRIx64 " %" PRIx64 " 4 = 0",
				 e->start, e->end - e->start);
	}
	maps_free(&m);
	if (fd >= 0)
		close(fd);
	if (parent >= 0)
		close(parent);
}
