/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the oracle's own files share. An operation that checks returns a set of
 * errors; OK alone means that it was done.
 */
#ifndef TESTS_SUPPORT_ORACLE_INT_H
#define TESTS_SUPPORT_ORACLE_INT_H

#include "tests/support/oracle.h"
#include "tests/support/oracle_dirty.h"

#define ORACLE_OK ORACLE_ERR(PAGER_OK)

/* --- oracle.c: pages and numbers ------------------------------------------ */

uint32_t oracle_frame_new(struct oracle *o, uint8_t account);
/* Nothing is there any more; the policy stays. */
void oracle_drop(struct oracle *o, struct oracle_page *p);
/* The same, and nobody will miss it. */
void oracle_release(struct oracle *o, struct oracle_page *p);
/* No policy either. */
void oracle_unmap(struct oracle *o, struct oracle_page *p);
/* dst, unmapped, becomes what src is; bytes are copied. */
void oracle_copy(struct oracle *o, struct oracle_page *dst,
		 const struct oracle_page *src);
struct oracle_cell *oracle_cell(struct oracle *o, struct oracle_object *object,
				uint64_t at);
/* Free objects that nobody holds or maps; bring peaks up to date. */
void oracle_settle(struct oracle *o);
bool oracle_inside(const struct oracle *o, uint64_t addr, uint64_t pages,
		   uint32_t *errs);
bool oracle_free_range(const struct oracle *o, const struct oracle_space *s,
		       uint64_t start, uint64_t end);
/* Every page of the range is mapped. */
bool oracle_mapped(const struct oracle *o, const struct oracle_space *s,
		   uint64_t start, uint64_t end);

/* --- oracle_map.c: policy ------------------------------------------------- */

uint32_t oracle_map(struct oracle *o, struct oracle_space *s,
		    const struct model_op *op, const struct model_result *got,
		    struct model_result *want);
uint32_t oracle_do_unmap(struct oracle *o, struct oracle_space *s,
			 const struct model_op *op);
uint32_t oracle_protect(struct oracle *o, struct oracle_space *s,
			const struct model_op *op);
uint32_t oracle_remap(struct oracle *o, struct oracle_space *s,
		      const struct model_op *op, const struct model_result *got,
		      struct model_result *want);
uint32_t oracle_brk_start(struct oracle *o, struct oracle_space *s,
			  const struct model_op *op);
uint32_t oracle_brk(struct oracle *o, struct oracle_space *s,
		    const struct model_op *op);
/* Where a region of so many pages goes; false: nowhere. */
bool oracle_slot(const struct oracle *o, const struct oracle_space *s,
		 uint64_t pages, uint64_t hint, uint64_t *out);

/* --- oracle_touch.c: faults and accesses ---------------------------------- */

/* Make vpn present as the access would: the signal, or none. */
enum pager_signal oracle_touch(struct oracle *o, struct oracle_space *s,
			       uint64_t vpn, uint32_t access);
/* Would each access be allowed? access 0: as each region is populated. */
bool oracle_may_populate(const struct oracle *o, const struct oracle_space *s,
			 uint64_t start, uint64_t end, uint32_t access);
/* Touch what may be touched. */
void oracle_populate(struct oracle *o, struct oracle_space *s, uint64_t start,
		     uint64_t end, uint32_t access);
/* Write to every page, whatever its protection. */
void oracle_fill(struct oracle *o, struct oracle_space *s, uint64_t start,
		 uint64_t end);
uint32_t oracle_prefault(struct oracle *o, struct oracle_space *s,
			 const struct model_op *op);
uint32_t oracle_advise(struct oracle *o, struct oracle_space *s,
		       const struct model_op *op);
uint32_t oracle_pin(struct oracle *o, struct oracle_space *s,
		    const struct model_op *op);
uint32_t oracle_access(struct oracle *o, struct oracle_space *s,
		       const struct model_op *op,
		       const struct model_result *got,
		       struct model_result *want);

#endif
