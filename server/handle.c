/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free slots wait in a list, last in, first out, so that a table is as long as
 * a session ever had things at once, plus the slots that are used up.
 */
#include "server/handle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"

#define INDEX_MAX ((UINT32_C(1) << SRV_HANDLE_INDEX_BITS) - 1)
#define GEN_MAX	  ((1u << SRV_HANDLE_GEN_BITS) - 1)

enum { TYPE_BITS = 2, CAPACITY_MIN = 16 };

static_assert(SRV_HANDLE_KEY_BITS + SRV_HANDLE_INDEX_BITS +
		      SRV_HANDLE_GEN_BITS + TYPE_BITS ==
		  64,
	      "a handle has 64 bits");

void srv_handles_init(struct srv_handles *handles, uint64_t key)
{
	memset(handles, 0, sizeof(*handles));
	handles->key = key;
}

void srv_handles_fini(struct srv_handles *handles)
{
	assert(handles->live == 0);
	free(handles->slots);
	handles->slots = NULL;
}

static uint64_t compose(const struct srv_handles *handles, uint32_t index)
{
	const struct srv_slot *slot = handles->slots + index;

	return handles->key << (64 - SRV_HANDLE_KEY_BITS) |
	       (uint64_t)index << (SRV_HANDLE_GEN_BITS + TYPE_BITS) |
	       (uint64_t)slot->generation << TYPE_BITS | slot->type;
}

static uint32_t index_of(uint64_t handle)
{
	return (uint32_t)(handle >> (SRV_HANDLE_GEN_BITS + TYPE_BITS)) &
	       INDEX_MAX;
}

static unsigned int generation_of(uint64_t handle)
{
	return (unsigned int)(handle >> TYPE_BITS) & GEN_MAX;
}

static unsigned int type_of(uint64_t handle)
{
	return (unsigned int)handle & ((1u << TYPE_BITS) - 1);
}

int srv_handles_reserve(struct srv_handles *handles)
{
	uint32_t capacity =
	    handles->capacity ? handles->capacity * 2 : CAPACITY_MIN;
	struct srv_slot *slots;

	if (handles->free || handles->used < handles->capacity)
		return 0;
	if (handles->used > INDEX_MAX || pager_fail("handle.slots"))
		return -1;
	slots = reallocarray(handles->slots, capacity, sizeof(*slots));
	if (!slots)
		return -1;
	memset(slots + handles->capacity, 0,
	       (capacity - handles->capacity) * sizeof(*slots));
	handles->slots = slots;
	handles->capacity = capacity;
	return 0;
}

uint64_t srv_handles_add(struct srv_handles *handles, unsigned int type,
			 void *thing)
{
	struct srv_slot *slot;
	uint32_t index;

	assert(thing && type && type < 1u << TYPE_BITS);
	if (handles->free) {
		index = handles->free - 1;
		handles->free = handles->slots[index].next;
	} else {
		assert(handles->used < handles->capacity);
		index = handles->used++;
	}
	slot = handles->slots + index;
	slot->thing = thing;
	slot->next = 0;
	slot->generation++;
	slot->type = (uint8_t)type;
	handles->live++;
	return compose(handles, index);
}

void srv_handles_remove(struct srv_handles *handles, uint64_t handle)
{
	uint32_t index = index_of(handle);
	struct srv_slot *slot = handles->slots + index;

	assert(index < handles->used && slot->thing &&
	       compose(handles, index) == handle);
	slot->thing = NULL;
	handles->live--;
	if (slot->generation == GEN_MAX)
		return;
	slot->next = handles->free;
	handles->free = index + 1;
}

enum pager_error srv_handles_find(const struct srv_handles *handles,
				  uint64_t handle, unsigned int type,
				  void **thing, unsigned int *found)
{
	uint32_t index = index_of(handle);
	unsigned int generation = generation_of(handle);
	const struct srv_slot *slot;

	if (srv_handle_key(handle) != handles->key || index >= handles->used)
		return PAGER_ENOENT;
	slot = handles->slots + index;
	if (generation == 0 || generation > slot->generation)
		return PAGER_ENOENT;
	if (generation < slot->generation || !slot->thing)
		return PAGER_ESTALE;
	if (type_of(handle) != slot->type)
		return PAGER_ENOENT;
	if (type != SRV_HANDLE_ANY && type != slot->type)
		return PAGER_ETYPE;
	*thing = slot->thing;
	if (found)
		*found = slot->type;
	return PAGER_OK;
}

void *srv_handles_next(const struct srv_handles *handles, uint32_t *index,
		       unsigned int type)
{
	for (; *index < handles->used; ++*index) {
		const struct srv_slot *slot = handles->slots + *index;

		if (slot->thing && slot->type == type)
			return slot->thing;
	}
	return NULL;
}
