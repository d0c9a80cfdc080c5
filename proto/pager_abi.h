/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constants of pagerd's contract: what clients, server and core mean by a
 * protection, a map flag, an advice, an error. No structs and no code, so that
 * the model (lib/core) can share them without knowing the wire.
 *
 * Invariant: a number, once released, keeps its meaning; new ones are added at
 * the end of their group. The changelog stands in pager_wire.h.
 */
#ifndef PROTO_PAGER_ABI_H
#define PROTO_PAGER_ABI_H

#define PAGER_PAGE_SHIFT 12
#define PAGER_PAGE_SIZE	 4096u

/* Protections of a region; 0 is "none": pages are kept, nobody may look. */
#define PAGER_PROT_READ	 0x1u
#define PAGER_PROT_WRITE 0x2u
#define PAGER_PROT_EXEC	 0x4u
#define PAGER_PROT_ALL	 0x7u

/* MAP flags. FIXED replaces what is there; with NOREPLACE it is refused. */
#define PAGER_MAP_SHARED    0x01u
#define PAGER_MAP_FIXED	    0x02u
#define PAGER_MAP_NOREPLACE 0x04u
#define PAGER_MAP_POPULATE  0x08u
#define PAGER_MAP_NORESERVE 0x10u
#define PAGER_MAP_GROWSDOWN 0x20u
/* Physically contiguous: private, populated, pinned, not inherited by fork.
 * The others go with it: where, and aligned to 64 KiB. */
#define PAGER_MAP_CONTIG    0x040u
#define PAGER_MAP_ALIGN_64K 0x080u
#define PAGER_MAP_BELOW_1M  0x100u
#define PAGER_MAP_BELOW_16M 0x200u
#define PAGER_MAP_BELOW_4G  0x400u
#define PAGER_MAP_ALL	    0x7ffu

/* REMAP flags. FIXED and DONTUNMAP need MAYMOVE. */
#define PAGER_REMAP_MAYMOVE   0x1u
#define PAGER_REMAP_FIXED     0x2u
#define PAGER_REMAP_DONTUNMAP 0x4u
#define PAGER_REMAP_ALL	      0x7u

/* ADVISE: one of these. */
enum pager_advice {
	PAGER_ADV_DONTNEED = 1, /* drop private pages at once */
	PAGER_ADV_WILLNEED = 2, /* prefault for reading */
	PAGER_ADV_FREE = 3,	/* private pages may go when memory is short */
	PAGER_ADV_DONTFORK = 4, /* a forked child does not get the range */
	PAGER_ADV_DOFORK = 5,
	PAGER_ADV_WIPEONFORK = 6, /* a forked child gets it empty */
	PAGER_ADV_KEEPONFORK = 7,
};

/* Accesses: a fault names exactly one. */
#define PAGER_ACCESS_READ  0x1u
#define PAGER_ACCESS_WRITE 0x2u
#define PAGER_ACCESS_EXEC  0x4u

/* What a page fault was answered with. */
enum pager_fault_result {
	PAGER_FAULT_INSTALLED = 1, /* a page or a permission was installed */
	PAGER_FAULT_PRESENT = 2,   /* the access was allowed already */
	PAGER_FAULT_SIGNAL = 3,	   /* the access is a program's error */
};

/* Which signal and why, when the answer is PAGER_FAULT_SIGNAL. */
enum pager_signal {
	PAGER_SIGNAL_NONE = 0,
	PAGER_SEGV_MAPERR = 1, /* nothing is mapped there */
	PAGER_SEGV_ACCERR = 2, /* mapped, but the protection says no */
	PAGER_BUS_ADRERR = 3,  /* beyond the end of the memory object */
	PAGER_SEGV_STACK = 4,  /* stack growth stopped by guard gap or limit */
};

/* What a page is: the per-page memory type. */
enum pager_page_type {
	PAGER_PAGE_NONE = 0,   /* nothing was ever installed */
	PAGER_PAGE_ANON = 1,   /* private: anonymous or copied on write */
	PAGER_PAGE_ZERO = 2,   /* private: the one shared zero frame */
	PAGER_PAGE_OBJECT = 3, /* borrowed from a memory object */
};

/* Flags of a region as answers show them. */
#define PAGER_REGION_SHARED	0x001u
#define PAGER_REGION_GROWSDOWN	0x002u
#define PAGER_REGION_NORESERVE	0x004u
#define PAGER_REGION_DONTFORK	0x008u
#define PAGER_REGION_WIPEONFORK 0x010u
#define PAGER_REGION_PINNED	0x020u
#define PAGER_REGION_HEAP	0x040u
#define PAGER_REGION_OBJECT	0x080u
#define PAGER_REGION_CONTIG	0x100u

/* Which pages a peek is after. */
enum pager_peek {
	PAGER_PEEK_ALL = 0, /* what a read would see, if it were allowed */
	PAGER_PEEK_OWN = 1, /* private pages alone */
	PAGER_PEEK_OBJECT =
	    2, /* the memory object's, also below private ones */
};

/* How much a write fault in an empty private anonymous stretch may fill. */
enum pager_around {
	PAGER_AROUND_OFF = 0, /* the page alone */
	PAGER_AROUND_64K = 1, /* the naturally aligned 64 KiB */
	PAGER_AROUND_2M = 2,  /* 2 MiB by one large entry, else 64 KiB */
};

/* Pools. */
#define PAGER_POOL_NAME_MAX 32u /* with its NUL */
#define PAGER_POOLS_MAX	    64u /* the boot pool is one of them */

/* Flags of a pool as answers show them. */
#define PAGER_POOL_BOOT	   0x1u /* number 0: nothing of it can be changed */
#define PAGER_POOL_BBM	   0x2u /* the driver works in big blocks */
#define PAGER_POOL_BROKEN  0x4u /* the driver gave up for good */
#define PAGER_POOL_WORKING 0x8u /* something is to do, now or at a retry */

enum pager_pool_mode {
	PAGER_POOL_MODE_AUTO = 0, /* by sub-blocks, if one fits a block */
	PAGER_POOL_MODE_SBM = 1,
	PAGER_POOL_MODE_BBM = 2,
};

enum pager_block_state {
	PAGER_BLOCK_ABSENT = 0, /* never plugged, or removed */
	PAGER_BLOCK_OFFLINE = 1,
	PAGER_BLOCK_ONLINE = 2,
};

enum pager_zone {
	PAGER_ZONE_KERNEL = 0,
	PAGER_ZONE_MOVABLE = 1,
};

/* What a pool's driver knows of a memory block, by sub-blocks (SBM) .. */
enum pager_sbm_state {
	PAGER_SBM_UNUSED = 0,
	PAGER_SBM_PLUGGED = 1, /* plugged, not added: neither add nor unplug
				* worked */
	PAGER_SBM_OFFLINE = 2,
	PAGER_SBM_OFFLINE_PARTIAL = 3,
	PAGER_SBM_KERNEL = 4,
	PAGER_SBM_KERNEL_PARTIAL = 5,
	PAGER_SBM_MOVABLE = 6,
	PAGER_SBM_MOVABLE_PARTIAL = 7,
};

/* .. and of the big block that holds it (BBM). */
enum pager_bbm_state {
	PAGER_BBM_UNUSED = 0,
	PAGER_BBM_PLUGGED = 1,
	PAGER_BBM_ADDED = 2,
	PAGER_BBM_FAKE_OFFLINE = 3,
};

/* value is in pages, on the wire in bytes, where nothing else is said. */
enum pager_pool_event_type {
	PAGER_POOL_EVENT_RESIZE = 1, /* a new wish; value: requested */
	PAGER_POOL_EVENT_PLUG = 2,   /* pfn, value: plugged there */
	PAGER_POOL_EVENT_UNPLUG = 3, /* pfn, value: unplugged there */
	PAGER_POOL_EVENT_ADD = 4,    /* a memory block exists */
	PAGER_POOL_EVENT_REMOVE = 5, /* and is gone */
	PAGER_POOL_EVENT_ONLINE = 6, /* value: zone */
	PAGER_POOL_EVENT_OFFLINE = 7,
	PAGER_POOL_EVENT_BUSY = 8,     /* value: 0 device, 1 memory, 2 veto */
	PAGER_POOL_EVENT_RETRY = 9,    /* value: in how many ms */
	PAGER_POOL_EVENT_REACHED = 10, /* value: plugged = requested */
	PAGER_POOL_EVENT_BROKEN = 11,  /* value: errno */
	PAGER_POOL_EVENT_BLOCKED = 12, /* out of the offline threshold */
	PAGER_POOL_EVENT_GROW = 13,    /* memory was short; value: requested */
};

/* How a dirty log learns of writes. */
enum pager_dirty_method {
	PAGER_DIRTY_AUTO = 0,	       /* hardware where the backend has it */
	PAGER_DIRTY_HARDWARE = 1,      /* the dirty bits that the MMU sets */
	PAGER_DIRTY_WRITE_PROTECT = 2, /* the first write to a page faults */
};

/* Flags of a log. MANUAL: a get only reports, a clear re-arms. ALL_SET: it
 * starts with every page dirty, and arms a page when it is first cleared. */
#define PAGER_DIRTY_MANUAL    0x1u
#define PAGER_DIRTY_ALL_SET   0x2u
#define PAGER_DIRTY_FLAGS     0x3u
/* Also in answers. */
#define PAGER_DIRTY_RING      0x4u  /* a ring is attached */
#define PAGER_DIRTY_RING_SOFT 0x8u  /* it is soft-full: writers are stopped */
#define PAGER_DIRTY_ORPHAN    0x10u /* its space has ended */

#define PAGER_DIRTY_LOGS_MAX 16u /* of one space */

/* An entry of a dirty ring, as KVM has it (struct kvm_dirty_gfn): the server
 * makes it DIRTY, the client RESET when it has collected it, the server zero
 * again when the page is armed. */
#define PAGER_RING_DIRTY      0x1u
#define PAGER_RING_RESET      0x2u
#define PAGER_RING_MIN	      64u /* entries; a power of two */
#define PAGER_RING_MAX	      65536u
#define PAGER_RING_ENTRY_SIZE 16u

/* Backends a space can be made with. */
enum pager_backend {
	PAGER_BACKEND_AUTO = 0,
	PAGER_BACKEND_SIM = 1,
	PAGER_BACKEND_KVM = 2,
};

/*
 * Errors of a refusal. A refusal changes nothing; with it goes the offset of
 * the offending field in the request, or 0 if no single field is to blame.
 */
enum pager_error {
	PAGER_OK = 0,
	PAGER_EINVAL = 1,     /* a value that is never valid */
	PAGER_EALIGN = 2,     /* not a multiple of the page size */
	PAGER_ERANGE = 3,     /* outside the space, object or table */
	PAGER_EOVERFLOW = 4,  /* start plus length wraps around */
	PAGER_EEXIST = 5,     /* NOREPLACE and something is there; name taken */
	PAGER_ENOENT = 6,     /* no such handle, name, token or region */
	PAGER_ESTALE = 7,     /* the handle's generation is over */
	PAGER_ETYPE = 8,      /* a handle of another kind of thing */
	PAGER_EACCESS = 9,    /* not allowed to this user */
	PAGER_EUNMAPPED = 10, /* a hole in a range that must be mapped */
	PAGER_ENOMEM = 11,    /* the pool, arena or server has no memory left */
	PAGER_ENOSPACE = 12,  /* no free address range is long enough */
	PAGER_ELIMIT = 13,    /* a limit of the space or the user */
	PAGER_EBUSY = 14,     /* in use in a way that forbids this */
	PAGER_ESIGNAL = 15,   /* an access would be a signal */
	PAGER_ENODATA = 16,   /* the pool has no memory behind its frames */
	PAGER_ENOSYS = 17,    /* unknown operation */
	PAGER_EVERSION = 18,  /* no common protocol version */
	PAGER_EHELLO = 19,    /* HELLO first, and only once */
	PAGER_ERESERVED = 20, /* a reserved field is not zero */
	PAGER_EFLAGS = 21,    /* an unknown flag or a forbidden combination */
	PAGER_ENOBACKEND = 22, /* this machine or daemon cannot do it */
	PAGER_ETOOBIG = 23,    /* longer than one message can carry */
	PAGER_EBATCH = 24,     /* not allowed in this kind of batch */
	PAGER_EABORTED = 25,   /* undone: another request of the batch failed */
	PAGER_ECORRUPT = 26,   /* the recount found a difference */
	PAGER_EDIRTYFULL = 27, /* a dirty ring is full: its reader has to reset
				* it, then the write can be made again */
	PAGER_ERROR_COUNT
};

#endif
