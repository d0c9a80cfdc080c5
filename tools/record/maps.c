/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/TID/maps as an array of mappings.
 *
 * Must not know: what a page is, and who reads it.
 */
#include "tools/record/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Copies the name a mapping of PATH (one line of maps or a link's text) has in
 * a recording: the last component, without blanks.
 */
void maps_last_component(char *name, size_t room, const char *path)
{
	const char *at = strrchr(path, '/');
	size_t n = 0;

	if (path[0] == '/' && at)
		path = at + 1;
	for (; *path && *path != '\n' && n + 1 < room; path++) {
		if (strcmp(path, " (deleted)\n") == 0)
			break;
		name[n++] = *path > ' ' && *path < 127 ? *path : '_';
	}
	if (n == 0)
		name[n++] = '-';
	name[n] = '\0';
}

/* Reads the maps of task TID into M (maps_free); false if there are none. */
bool maps_read(pid_t tid, struct maps *m)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	m->n = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (getline(&line, &room, f) > 0) {
		struct map *e;
		int name = 0;

		if (m->n == m->room) {
			m->room = m->room ? 2 * m->room : 64;
			m->map = realloc(m->map, m->room * sizeof(*m->map));
			if (!m->map)
				die("out of memory");
		}
		e = &m->map[m->n];
		memset(e, 0, sizeof(*e));
		if (sscanf(line,
			   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64
			   " %x:%x %" SCNu64 " %n",
			   &e->start, &e->end, e->perm, &e->offset, &e->major,
			   &e->minor, &e->inode, &name) < 7)
			break;
		maps_last_component(e->name, sizeof(e->name), line + name);
		m->n++;
	}
	free(line);
	fclose(f);
	return m->n > 0;
}

/* Frees what M holds, not M. */
void maps_free(struct maps *m)
{
	free(m->map);
	memset(m, 0, sizeof(*m));
}
