/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing down a whole machine through core.h.
 */
#include "tests/support/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_page(const uint8_t *bytes)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a, by words */

	for (unsigned int i = 0; bytes && i < PAGER_PAGE_SIZE; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));
		h = (h ^ word) * UINT64_C(0x100000001b3);
	}
	return h;
}

static void put_stats(FILE *out, const struct model *m)
{
	struct pager_stats st;
	uint64_t words[sizeof(st) / sizeof(uint64_t)];

	pager_core_stats(m->world.core, &st);
	st.recounts = 0;
	memcpy(words, &st, sizeof(st));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fprintf(out, "stats, word %zu: %" PRIu64 "\n", i, words[i]);
	for (int a = 0; a < MODEL_ACCOUNTS; a++)
		for (int r = 0; r < PAGER_RES_COUNT; r++)
			fprintf(out, "account %d, resource %d: %" PRIu64 "\n",
				a, r, pager_account_used(m->account[a], r));
}

static void put_info(FILE *out, const struct model *m, int slot)
{
	struct pager_range all = {m->config.start,
				  m->config.start + m->config.pages};
	struct pager_space_info i;
	struct pager_sharing sh;

	pager_space_info(m->space[slot], &i);
	fprintf(out,
		"space %d: id %" PRIu64 " parent %" PRIu64 " regions %" PRIu64
		" virtual %" PRIu64 " resident %" PRIu64 " peak %" PRIu64
		" anon %" PRIu64 " zero %" PRIu64 " object %" PRIu64
		" minor %" PRIu64 " major %" PRIu64 " brk %" PRIu64 " %" PRIu64
		"\n",
		slot, i.id, i.parent, i.regions, i.virtual_pages, i.resident,
		i.peak, i.anon, i.zero, i.object, i.minor_faults,
		i.major_faults, i.brk_start, i.brk);
	pager_space_sharing(m->space[slot], all, &sh);
	fprintf(out,
		"space %d: private %" PRIu64 " shared %" PRIu64
		" proportional %" PRIu64 " nodes %" PRIu64 " %" PRIu64 "\n",
		slot, sh.private_pages, sh.shared_pages, sh.proportional,
		sh.nodes_private, sh.nodes_shared);
}

static void put_regions(FILE *out, const struct model *m, int slot)
{
	struct pager_region_info r;
	uint64_t at = 0;

	while (pager_space_region(m->space[slot], at, &r)) {
		fprintf(out,
			"space %d: region 0x%" PRIx64 "-0x%" PRIx64
			" prot %u flags 0x%x object %d offset %" PRIu64 "\n",
			slot, r.range.start, r.range.end, r.prot, r.flags,
			r.object != NULL, r.offset);
		at = r.range.end;
	}
}

static void put_pages(FILE *out, const struct model *m, int slot)
{
	struct pager_page_info p;

	for (uint64_t i = 0; i < m->config.pages; i++) {
		uint64_t vpn = m->config.start + i;

		pager_space_page(m->space[slot], vpn, &p);
		fprintf(out,
			"space %d: page 0x%" PRIx64 " entry 0x%" PRIx64
			" refs %u type %u access %u levels %u sharers %u"
			" bytes %" PRIx64 "\n",
			slot, vpn, p.entry, p.refs, p.type, p.access, p.levels,
			p.sharers,
			hash_page(test_world_bytes(&m->world, p.pa)));
	}
}

char *digest_take(const struct model *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct pager_object_info info;

	if (!out)
		test_die("digest: no memory");
	put_stats(out, m);
	for (int i = 0; i < MODEL_OBJECTS; i++) {
		if (!m->object[i])
			continue;
		pager_object_info(m->object[i], &info);
		fprintf(out,
			"object %d: size %" PRIu64 " resident %" PRIu64
			" mappings %" PRIu64 " id %" PRIu64 "\n",
			i, info.size, info.resident, info.mappings, info.id);
	}
	for (int i = 0; i < MODEL_SPACES; i++) {
		if (!m->space[i])
			continue;
		put_info(out, m, i);
		put_regions(out, m, i);
		put_pages(out, m, i);
	}
	if (fclose(out))
		test_die("digest: no memory");
	return text;
}

const char *digest_difference(const char *before, const char *after)
{
	static char message[1024];
	size_t line = 0, i = 0;

	if (strcmp(before, after) == 0)
		return NULL;
	for (; before[i] && before[i] == after[i]; i++)
		if (before[i] == '\n')
			line = i + 1;
	snprintf(message, sizeof(message), "before: %.*s; after: %.*s",
		 (int)strcspn(before + line, "\n"), before + line,
		 (int)strcspn(after + line, "\n"), after + line);
	return message;
}
