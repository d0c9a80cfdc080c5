/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles: 64-bit names a session has for its things.
 *
 *	63      38 37        18 17         2 1    0
 *	+---------+------------+------------+------+
 *	| key     | index      | generation | type |
 *	+---------+------------+------------+------+
 *
 * The key is the session's, so that somebody else's handle is recognised as
 * such without a look at anything; index is a slot of the session's table;
 * generation counts the slot's uses from 1. A slot whose generations are used
 * up is never used again. A handle of this session with an earlier generation
 * was valid once: stale. Clients see an opaque number.
 *
 * It knows nothing of sessions or of what the things are.
 */
#ifndef SERVER_HANDLE_H
#define SERVER_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/pager_wire.h"

#define SRV_HANDLE_KEY_BITS   26
#define SRV_HANDLE_INDEX_BITS 20
#define SRV_HANDLE_GEN_BITS   16
#define SRV_HANDLE_KEY_MAX    ((UINT64_C(1) << SRV_HANDLE_KEY_BITS) - 1)

/* PAGER_HANDLE_SPACE, _OBJECT and _LOG are types; 0 is none. */
#define SRV_HANDLE_ANY 0u

struct srv_slot {
	void *thing;	     /* NULL: free */
	uint32_t next;	     /* free slots: index + 1 of the next one */
	uint16_t generation; /* of the last use */
	uint8_t type;
};

struct srv_handles {
	uint64_t key;
	struct srv_slot *slots;
	uint32_t capacity;
	uint32_t used; /* slots that were ever in use */
	uint32_t free; /* index + 1, or 0 */
	uint32_t live;
};

/* key: 1 .. SRV_HANDLE_KEY_MAX. */
void srv_handles_init(struct srv_handles *handles, uint64_t key);
/* All handles must have been removed. */
void srv_handles_fini(struct srv_handles *handles);

/* The session key inside a handle. */
static inline uint64_t srv_handle_key(uint64_t handle)
{
	return handle >> (64 - SRV_HANDLE_KEY_BITS);
}

/* Plan: 0, the next add cannot fail; -1, no memory or no slot is left. */
int srv_handles_reserve(struct srv_handles *handles);
/* Commit: a new handle for thing. Only after reserve. */
uint64_t srv_handles_add(struct srv_handles *handles, unsigned int type,
			 void *thing);
/* The handle must be valid. */
void srv_handles_remove(struct srv_handles *handles, uint64_t handle);

/*
 * PAGER_OK and the thing; ENOENT: never was one of this table; ESTALE: was,
 * and is gone; ETYPE: of another type than the one wanted (SRV_HANDLE_ANY:
 * any will do). *found (may be NULL) is the type.
 */
enum pager_error srv_handles_find(const struct srv_handles *handles,
				  uint64_t handle, unsigned int type,
				  void **thing, unsigned int *found);

/* The first thing of a type at slot *index or after it; *index is set to its
 * slot. NULL: there is none. */
void *srv_handles_next(const struct srv_handles *handles, uint32_t *index,
		       unsigned int type);

#endif
