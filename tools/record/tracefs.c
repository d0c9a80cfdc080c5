/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracefs: where it is, and what a tracepoint's record looks like.
 *
 * Mounts tracefs on /sys/kernel/tracing if nothing is there yet; every
 * failure ends the program with one line that says what to do.
 *
 * Must not know: perf, and what the fields mean.
 */
#include "tools/record/record.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define ROOT	 "/sys/kernel/tracing"
#define OLD_ROOT "/sys/kernel/debug/tracing"

static const char *find_root(void)
{
	if (access(ROOT "/events", F_OK) == 0)
		return ROOT;
	if (errno == EACCES)
		die("tracepoints cannot be read: run pager-record as root");
	if (access(OLD_ROOT "/events", F_OK) == 0)
		return OLD_ROOT;
	if (mount("tracefs", ROOT, "tracefs",
		  MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, NULL) == 0)
		return ROOT;
	if (errno == EPERM || errno == EACCES)
		die("tracefs is not mounted: run pager-record as root, or "
		    "mount -t tracefs tracefs " ROOT);
	die("tracefs cannot be mounted on " ROOT ": %s", strerror(errno));
}

static bool field_line(const char *line, const char *field, unsigned *off,
		       unsigned *size)
{
	char decl[256];
	const char *name;

	if (sscanf(line, " field:%255[^;]; offset:%u; size:%u;", decl, off,
		   size) != 3)
		return false;
	name = strrchr(decl, ' ');
	return name && strcmp(name + 1, field) == 0;
}

/*
 * Finds the tracepoint GROUP:NAME: its id, and where the fields FIELD0 and
 * FIELD1 (NULL: none) lie in its raw record, in bytes.
 */
void tracefs_lookup(const char *group, const char *name, const char *field0,
		    const char *field1, struct tracepoint *tp)
{
	const char *field[2] = {field0, field1};
	bool seen[2] = {!field0, !field1}, id = false;
	char path[256], line[512];
	FILE *f;

	memset(tp, 0, sizeof(*tp));
	snprintf(path, sizeof(path), "%s/events/%s/%s/format", find_root(),
		 group, name);
	f = fopen(path, "re");
	if (!f && (errno == EACCES || errno == EPERM))
		die("tracepoints cannot be read: run pager-record as root");
	if (!f)
		die("this kernel has no tracepoint %s:%s: it needs "
		    "CONFIG_FTRACE and CONFIG_PERF_EVENTS (%s: %s)",
		    group, name, path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "ID: %u", &tp->id) == 1)
			id = true;
		for (int i = 0; i < 2; i++) {
			unsigned off, size;

			if (seen[i] || !field_line(line, field[i], &off, &size))
				continue;
			seen[i] = true;
			tp->off[i] = off;
			tp->size[i] = size;
		}
	}
	fclose(f);
	if (!id || !seen[0] || !seen[1])
		die("%s is not in a form pager-record knows", path);
}
