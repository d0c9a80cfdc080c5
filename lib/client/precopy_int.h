/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of live copies.
 *
 *	precopy.c         rounds, stop, resume, undo: the algorithm
 *	precopy_sync.c    regions of the target follow those of the source
 *	precopy_verify.c  are they equal?
 *	precopy_list.c    sorted lists of regions
 *	precopy_source.c  a source that is a space        (struct pc_source_ops)
 *	precopy_space.c   a target that is a space        (struct pc_target_ops)
 *	precopy_file.c    a target that is a file         (the same)
 *	precopy_load.c    from a file to a space
 *	precopy_call.c    puts them together
 *
 * The algorithm sees source and target through tables of functions, so that a
 * test can put its own in their place. They return 0, or as libpager's calls
 * do.
 *
 * Pages are numbered as the model does: bits 12 to 47 of the address, so that
 * the two halves are neighbours. Memory has two kinds of places: the space's
 * own pages by page number, and pages of an object by their index.
 */
#ifndef LIB_CLIENT_PRECOPY_INT_H
#define LIB_CLIENT_PRECOPY_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pager/pager.h>
#include <pager/precopy.h>

#define PC_VPN_END   (UINT64_C(1) << 36)
#define PC_RUN_PAGES (PAGER_DATA_MAX / PAGER_PAGE_SIZE)
#define PC_PAUSE_MS  10000u

static inline uint64_t pc_vpn(uint64_t va)
{
	return (va >> PAGER_PAGE_SHIFT) & (PC_VPN_END - 1);
}

/* Of the first byte beyond; 0 is 2^64. */
static inline uint64_t pc_vpn_end(uint64_t va)
{
	return pc_vpn(va - 1) + 1;
}

static inline uint64_t pc_va(uint64_t vpn)
{
	uint64_t va = vpn << PAGER_PAGE_SHIFT;

	return vpn >> 35 ? va | ~((UINT64_C(1) << 48) - 1) : va;
}

/* --- lists of regions ------------------------------------------------------
 */

struct pc_region {
	uint64_t start; /* pages */
	uint64_t end;
	uint64_t object; /* the source's id, or 0 */
	uint64_t offset; /* pages */
	uint32_t prot;
	uint32_t flags; /* PAGER_REGION_* */
};

/* What is mapped how: of two regions that differ in nothing of it, one can
 * become the other without being mapped again. */
#define PC_KIND                                         \
	(PAGER_REGION_SHARED | PAGER_REGION_GROWSDOWN | \
	 PAGER_REGION_NORESERVE | PAGER_REGION_HEAP | PAGER_REGION_OBJECT)

/* Sorted, disjoint. */
struct pc_list {
	struct pc_region *at;
	size_t count;
	size_t room;
};

void pc_list_fini(struct pc_list *list);
/* False: no memory; the list is as before. */
bool pc_list_add(struct pc_list *list, const struct pc_region *region);
bool pc_list_cut(struct pc_list *list, uint64_t start, uint64_t end);
/* The first that ends after vpn: its index, or count. */
size_t pc_list_find(const struct pc_list *list, uint64_t vpn);
/* Pieces of a that are not in b, or are there with another kind (whole: with
 * another protection or other flags). */
bool pc_list_without(const struct pc_list *a, const struct pc_list *b,
		     bool whole, struct pc_list *out);

/* --- a source --------------------------------------------------------------
 */

/* Pages to copy: the region's own ones, or its object's. */
struct pc_extent {
	const struct pc_region *region;
	uint64_t start;
	uint64_t end;
	bool object;
	bool fresh; /* the target has nothing there: holes need no word */
};

/* Pages from vpn on: data; or NULL: nothing there, or (object pages) something
 * else is mapped there now. */
typedef int pc_sink_fn(void *ctx, const struct pc_extent *extent, uint64_t vpn,
		       uint64_t pages, const uint8_t *data);

/* A stretch of the log to clear: words bits of pages from first. */
struct pc_clear {
	uint64_t first;
	uint64_t pages;
	const uint64_t *words;
};

struct pc_look {
	uint64_t first; /* a run of pages; none: next */
	uint64_t pages;
	uint64_t next; /* where to go on */
};

struct pc_source_ops {
	int (*info)(void *ctx, struct pager_rep_space_info *out);
	/* Into an empty list. */
	int (*regions)(void *ctx, struct pc_list *out);
	/* Pages of an object; *pages UINT64_MAX: cannot be known. */
	int (*object_size)(void *ctx, uint64_t object, uint64_t *pages);
	/* The log begins; *first: the page that its number 0 is. */
	int (*log_start)(void *ctx, uint32_t method, uint64_t *first,
			 uint64_t *pages);
	void (*log_stop)(void *ctx);
	/* Dirty pages of a stretch, as DIRTY_GET has it; nothing is cleared.
	 * words: room for a message. */
	int (*dirty)(void *ctx, uint64_t first, uint64_t pages,
		     struct pager_rep_dirty_got *got, uint64_t *words);
	/* Clear what clear says (may be NULL), then read the extents. */
	int (*take)(void *ctx, const struct pc_clear *clear,
		    const struct pc_extent *extents, size_t count,
		    pc_sink_fn *sink, void *sink_ctx);
	/* The first page from vpn on, below end, beyond an object's end; or
	 * end. */
	int (*unbacked)(void *ctx, uint64_t vpn, uint64_t end, uint64_t *out);
	/* A run of pages as reads would see them. */
	int (*look)(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		    struct pc_look *out);
	/* 1: there is nobody to stop. */
	int (*stop)(void *ctx);
	int (*resume)(void *ctx);
	const char *(*why)(void *ctx);
	uint64_t (*now_us)(void *ctx);
};

/* --- a target --------------------------------------------------------------
 */

struct pc_target_ops {
	/* Room for a copy of that space. */
	int (*begin)(void *ctx, const struct pager_rep_space_info *info);
	/* From here on the object has so many pages. */
	int (*object)(void *ctx, uint64_t object, uint64_t pages);
	/* Drop all regions; the break is not set. */
	int (*clear)(void *ctx);
	/* The heap begins at start (bytes) and ends at brk. */
	int (*brk)(void *ctx, uint64_t start, uint64_t brk);
	/* Nothing is mapped there. Readable and writable, flags but HEAP. */
	int (*map)(void *ctx, const struct pc_region *region);
	int (*unmap)(void *ctx, uint64_t start, uint64_t end);
	/* Pages of the object, or with object 0 the space's own. */
	int (*put)(void *ctx, uint64_t object, uint64_t page, uint64_t pages,
		   const uint8_t *data);
	int (*hole)(void *ctx, uint64_t object, uint64_t page, uint64_t pages);
	/* All puts have arrived. */
	int (*flush)(void *ctx);
	/* Protections, advice, pins. Nothing is put any more. */
	int (*finish)(void *ctx, const struct pc_list *regions);
	/* As the source's; NULL: it cannot be looked at. */
	int (*regions)(void *ctx, struct pc_list *out);
	int (*look)(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		    struct pc_look *out);
	/* It stays, as space; or all of it goes. */
	int (*commit)(void *ctx, uint64_t *space);
	void (*abort)(void *ctx);
	const char *(*why)(void *ctx);
};

/* --- the algorithm ---------------------------------------------------------
 */

struct pc_object {
	uint64_t id;
	uint64_t pages;
	bool known; /* pages is what the daemon said */
	bool used;  /* a region maps it */
	bool again; /* it changed under way: all of it again at the end */
};

struct pc {
	const struct pc_source_ops *source;
	const struct pc_target_ops *target;
	void *src;
	void *dst;
	struct pager_precopy_options options;
	struct pager_precopy_result *result;

	struct pager_rep_space_info info;
	struct pc_list want;  /* the source's regions, as last looked at */
	struct pc_list have;  /* the target's */
	struct pc_list fresh; /* pieces just mapped, to be copied whole */
	struct pc_object *objects;
	size_t object_count;
	uint64_t brk_start; /* the target's */
	uint64_t brk;

	uint64_t log_first;
	uint64_t log_pages;
	bool logging;
	bool stopped;
	bool timed; /* it goes on by itself after max_pause_ms */
	bool begun;
	uint64_t stop_us;

	struct pager_precopy_progress progress;
	uint64_t round_us;
	uint64_t shown_us;
	uint64_t words[PAGER_MSG_MAX / 8];
};

/* Run it, with ops in place; what pager_precopy returns. */
int pc_run(struct pc *pc);

/* The regions of the source become those of the target, but for protections;
 * what was mapped anew is in pc->fresh. *changed: anything was. */
int pc_sync(struct pc *pc, bool *changed);
/* Sizes of objects that were only guessed are what the source shows. */
int pc_objects_settle(struct pc *pc);
/* The target's regions and, if pages, all bytes are the source's. */
int pc_verify(struct pc *pc, bool pages);

/* Remember a sentence; returns PAGER_MISUSE with errno. */
int pc_fail(struct pc *pc, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A source's or target's function returned ret: remember why. Returns ret. */
int pc_source_failed(struct pc *pc, int ret);
int pc_target_failed(struct pc *pc, int ret);

/* --- sources and targets ---------------------------------------------------
 */

struct pc_source_space;
extern const struct pc_source_ops pc_source_space_ops;
/* NULL: out of memory. pause_ms: SPACE_PAUSE's. */
struct pc_source_space *pc_source_space_new(struct pager *pager, uint64_t space,
					    uint32_t pause_ms);
void pc_source_space_free(struct pc_source_space *source);

/* What both ask of a space. */
int pc_space_regions(struct pager *pager, uint64_t space, struct pc_list *out);
int pc_space_look(struct pager *pager, uint64_t space, uint32_t what,
		  uint64_t vpn, uint64_t end, uint8_t *buf, struct pc_look *out,
		  uint64_t *unbacked);

struct pc_target_space;
extern const struct pc_target_ops pc_target_space_ops;
/* NULL: out of memory. */
struct pc_target_space *pc_target_space_new(struct pager *pager);
void pc_target_space_free(struct pc_target_space *target);

struct pc_target_file;
extern const struct pc_target_ops pc_target_file_ops;
struct pc_target_file *pc_target_file_new(int fd);
void pc_target_file_free(struct pc_target_file *target);

#endif
