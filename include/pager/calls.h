/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One blocking function an operation; the operations themselves are described
 * in pager-protocol(7). Include <pager/pager.h>.
 */
#ifndef PAGER_CALLS_H
#define PAGER_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include <pager/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the server ----------------------------------------------------------- */

int pager_call_ping(struct pager *pager, uint64_t cookie);
int pager_call_stats(struct pager *pager, struct pager_rep_stats *out);
/* The recount. A difference is no refusal: out->ok is 0 then, and the first
 * one stands in why as a sentence (cut to size). */
int pager_call_check(struct pager *pager, struct pager_rep_check *out,
		     char *why, size_t size);
/* uid UINT32_MAX: the caller's own. */
int pager_call_user_info(struct pager *pager, uint32_t uid,
			 struct pager_rep_user *out);

/* --- spaces --------------------------------------------------------------- */

/* request NULL: the defaults. */
int pager_call_space_create(struct pager *pager,
			    const struct pager_req_space_create *request,
			    uint64_t *space);
int pager_call_space_fork(struct pager *pager, uint64_t space, uint64_t *child);
int pager_call_space_clear(struct pager *pager, uint64_t space);
int pager_call_space_destroy(struct pager *pager, uint64_t space);
int pager_call_space_info(struct pager *pager, uint64_t space,
			  struct pager_rep_space_info *out);
int pager_call_space_sharing(struct pager *pager, uint64_t space, uint64_t addr,
			     uint64_t len, struct pager_rep_space_sharing *out);
int pager_call_space_resident(struct pager *pager, uint64_t space,
			      uint64_t addr, uint64_t len,
			      struct pager_rep_space_resident *out);

/* around: PAGER_AROUND_*. */
int pager_call_space_policy(struct pager *pager, uint64_t space,
			    uint32_t around);

/* --- regions -------------------------------------------------------------- */

int pager_call_map(struct pager *pager, const struct pager_req_map *request,
		   uint64_t *addr);
int pager_call_unmap(struct pager *pager, uint64_t space, uint64_t addr,
		     uint64_t len);
int pager_call_protect(struct pager *pager, uint64_t space, uint64_t addr,
		       uint64_t len, uint32_t prot);
int pager_call_remap(struct pager *pager, const struct pager_req_remap *request,
		     uint64_t *addr);
/* brk 0: only ask. flags: PAGER_BRK_START. */
int pager_call_brk(struct pager *pager, uint64_t space, uint64_t brk,
		   uint32_t flags, uint64_t *out);
int pager_call_advise(struct pager *pager, uint64_t space, uint64_t addr,
		      uint64_t len, uint32_t advice);
int pager_call_pin(struct pager *pager, uint64_t space, uint64_t addr,
		   uint64_t len);
int pager_call_unpin(struct pager *pager, uint64_t space, uint64_t addr,
		     uint64_t len);
int pager_call_region_lookup(struct pager *pager, uint64_t space, uint64_t addr,
			     struct pager_row_region *out);
int pager_call_page(struct pager *pager, uint64_t space, uint64_t addr,
		    struct pager_rep_page *out);

/* --- faults and bytes ----------------------------------------------------- */

/* A signal is an answer (out->result), not a refusal. */
int pager_call_fault(struct pager *pager, uint64_t space, uint64_t addr,
		     uint32_t access, struct pager_rep_fault *out);
int pager_call_populate(struct pager *pager, uint64_t space, uint64_t addr,
			uint64_t len, uint32_t access, uint64_t *pages);
/*
 * Bytes of any length, in as many requests as it takes, through CPU cpu of the
 * space's MMU. 0 means all of them. PAGER_REFUSED: something stopped it after
 * out->done bytes (the total); pager_error() says what, out->error the same,
 * and for PAGER_ESIGNAL out->signal and out->addr say which and where.
 */
int pager_call_read(struct pager *pager, uint64_t space, uint32_t cpu,
		    uint64_t addr, void *buf, size_t len,
		    struct pager_rep_access *out);
int pager_call_write(struct pager *pager, uint64_t space, uint32_t cpu,
		     uint64_t addr, const void *buf, size_t len,
		     struct pager_rep_access *out);
int pager_call_harvest(struct pager *pager, uint64_t space, uint64_t addr,
		       uint64_t len, struct pager_rep_harvest *out);

/* --- memory objects ------------------------------------------------------- */

/* name NULL or "": no name. PAGER_MISUSE: 48 bytes or longer. */
int pager_call_object_create(struct pager *pager, uint64_t size,
			     const char *name, uint64_t *object);
int pager_call_object_open(struct pager *pager, const char *name,
			   uint64_t *object);
int pager_call_object_resize(struct pager *pager, uint64_t object,
			     uint64_t size);
int pager_call_object_info(struct pager *pager, uint64_t object,
			   struct pager_rep_object_info *out);
int pager_call_object_close(struct pager *pager, uint64_t object);

/* --- transfer ------------------------------------------------------------- */

int pager_call_give(struct pager *pager, uint64_t handle,
		    uint8_t token[PAGER_TOKEN_SIZE]);
int pager_call_take(struct pager *pager, const uint8_t token[PAGER_TOKEN_SIZE],
		    struct pager_rep_take *out);

/* --- pools ------------------------------------------------------------------
 *
 * Addresses are physical, sizes in bytes. What changes a pool is for admins.
 */

int pager_call_pool_info(struct pager *pager, uint32_t pool,
			 struct pager_row_pool *out);
/* Returns as soon as the wish is taken: see POOL_EVENTS and POOL_INFO for how
 * far the pool has come. */
int pager_call_pool_resize(struct pager *pager, uint32_t pool, uint64_t size,
			   struct pager_rep_pool_resize *out);
int pager_call_pool_unplug_all(struct pager *pager, uint32_t pool,
			       struct pager_rep_pool_resize *out);
/* size: up to which it grows by itself; 0: never. */
int pager_call_pool_grow(struct pager *pager, uint32_t pool, uint64_t size);
/* One memory block by hand. zone: PAGER_ZONE_*. */
int pager_call_pool_online(struct pager *pager, uint32_t pool, uint64_t addr,
			   uint32_t zone);
int pager_call_pool_offline(struct pager *pager, uint32_t pool, uint64_t addr);
/*
 * Events from number cursor on, at most n of them into rows; out->count says
 * how many, out->next the cursor to go on with. cursor 0: the oldest known;
 * UINT64_MAX: none, and out->next is the one that comes next.
 */
int pager_call_pool_events(struct pager *pager, uint64_t cursor,
			   struct pager_row_event *rows, size_t n,
			   struct pager_rep_pool_events *out);

#ifdef __cplusplus
}
#endif

#endif
