/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle of dirty logs: for every page of every space the time when it last
 * changed, for every log the time when each page was last cleared. A page that
 * changed since must be reported. One that did not may be, for a reason; each
 * reason is a time as well.
 *
 * Changed: written, by whom it may be (a shared page in every space that maps
 * it), or a write fault was announced; bytes that were there are dropped, moved
 * away, or moved to it. Populating, protecting, forking, migrating and reading
 * change nothing.
 *
 * Beside the times there are the looks: a page that is not reported has the
 * same bytes as when it was cleared. This knows nothing of what happened in
 * between, so it finds what the times forget.
 */
#ifndef TESTS_SUPPORT_ORACLE_DIRTY_H
#define TESTS_SUPPORT_ORACLE_DIRTY_H

#include "tests/support/oracle.h"

/* --- what happens to pages (p is one of a space, before it changes) ------- */

void oracle_note_written(struct oracle *o, const struct oracle_page *p);
/* Made writable by something that only prepares for it. */
void oracle_note_filled(struct oracle *o, const struct oracle_page *p);
/* What is there goes, the region stays. */
void oracle_note_dropped(struct oracle *o, const struct oracle_page *p);
/* The region goes. */
void oracle_note_unmapped(struct oracle *o, const struct oracle_page *p);
/* It was just mapped: an object's bytes can be seen there now. */
void oracle_note_mapped(struct oracle *o, const struct oracle_page *p);
/* Its object ends below it, or did until now. */
void oracle_note_resized(struct oracle *o, const struct oracle_page *p);
void oracle_note_moved(struct oracle *o, const struct oracle_page *from,
		       const struct oracle_page *to, bool stays);
/* The snapshot is about to take the place of the space. */
void oracle_note_restored(struct oracle *o, struct oracle_space *snapshot,
			  const struct oracle_space *s);
/* The space's time of a page, or NULL outside the window. */
struct oracle_when *oracle_when(const struct oracle *o,
				const struct oracle_space *s, uint64_t vpn);

/* --- logs ------------------------------------------------------------------
 */

bool oracle_log_applies(const struct oracle *o, const struct model_op *op);
void oracle_log_start(struct oracle *o, struct oracle_log *log,
		      const struct model_op *op, bool write_protect);
void oracle_log_stop(struct oracle_log *log);
/* The space in the slot is about to end: its logs are orphans. */
void oracle_logs_orphan(struct oracle *o, uint8_t space);
void oracle_log_cleared(const struct oracle *o, struct oracle_log *log,
			uint64_t page);
void oracle_log_begin(const struct oracle *o, struct oracle_log *log,
		      uint64_t page);
void oracle_log_end(struct oracle_log *log, uint64_t page);

/* Why a page of a log is reported, the best reason first. */
enum oracle_why {
	ORACLE_MUST = 0, /* it changed, or was never cleared */
	ORACLE_DROPPED,
	ORACLE_FILLED,
	ORACLE_LARGE,
	ORACLE_BEFORE, /* the log began, all set; at most once */
	ORACLE_NOTHING,
	ORACLE_WHYS
};
enum oracle_why oracle_log_why(const struct oracle *o,
			       const struct oracle_log *log, uint64_t page);
/* It was reported for the reason BEFORE. */
void oracle_log_told(struct oracle_log *log, uint64_t page);
/* A page that is not reported looks as it did when it was cleared. */
bool oracle_log_looks(const struct oracle *o, const struct oracle_log *log,
		      uint64_t page);

static inline uint64_t oracle_log_pages(const struct oracle_log *log)
{
	return pager_range_len(log->range);
}

#endif
