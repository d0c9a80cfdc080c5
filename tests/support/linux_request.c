/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An operation of a random sequence as a call of Linux, and the answers of
 * both sides next to each other.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/linux_compat.h"
#include "tests/support/linux_pair.h"

static uint32_t linux_prot(uint32_t prot)
{
	return (prot & PAGER_PROT_READ ? PROT_READ : 0) |
	       (prot & PAGER_PROT_WRITE ? PROT_WRITE : 0) |
	       (prot & PAGER_PROT_EXEC ? PROT_EXEC : 0);
}

static void request_map(const struct pair *p, const struct model_op *op,
			struct linux_request *r)
{
	uint32_t f = op->flags;
	bool fixed = f & PAGER_MAP_FIXED;

	r->call = LINUX_MMAP;
	r->prot = linux_prot(op->prot);
	r->object = op->object;
	r->offset = BYTES(op->offset);
	r->flags = f & PAGER_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE;
	r->flags |= fixed && !(f & PAGER_MAP_NOREPLACE) ? MAP_FIXED
							: MAP_FIXED_NOREPLACE;
	r->flags |= f & PAGER_MAP_POPULATE ? MAP_POPULATE : 0;
	r->flags |= f & PAGER_MAP_NORESERVE ? MAP_NORESERVE : 0;
	r->flags |= f & PAGER_MAP_GROWSDOWN ? MAP_GROWSDOWN : 0;
	if (!fixed)
		r->addr = BYTES(p->model.got.value);
}

static void request_remap(const struct pair *p, const struct model_op *op,
			  struct linux_request *r)
{
	uint64_t to = BYTES(p->model.got.value);
	uint32_t f = op->flags;

	r->call = LINUX_MREMAP;
	r->new_len = BYTES(op->new_pages);
	r->new_addr = BYTES(op->new_addr);
	r->flags = f & PAGER_REMAP_MAYMOVE ? MREMAP_MAYMOVE : 0;
	r->flags |= f & PAGER_REMAP_FIXED ? MREMAP_FIXED : 0;
	r->flags |= f & PAGER_REMAP_DONTUNMAP ? MREMAP_DONTUNMAP : 0;
	/* Moved by choice: to the same place. */
	if (p->model.got.err == PAGER_OK && !(f & PAGER_REMAP_FIXED) &&
	    to != r->addr) {
		r->flags |= MREMAP_FIXED;
		r->new_addr = to;
	}
}

static void request_access(const struct pair *p, const struct model_op *op,
			   struct linux_request *r)
{
	struct linux_shared *sh = p->linux.shared;

	if (op->kind == MODEL_FAULT) {
		r->call = LINUX_TOUCH;
		r->write = op->access == PAGER_ACCESS_WRITE;
		return;
	}
	r->addr = op->addr;
	r->len = op->pages;
	r->call = op->kind == MODEL_READ ? LINUX_READ : LINUX_WRITE;
	for (uint64_t i = 0; op->kind == MODEL_WRITE && i < op->pages; i++)
		sh->io[i] = model_byte(op->seed, i);
}

static uint32_t linux_advice(uint32_t advice)
{
	static const uint32_t words[] = {
	    [PAGER_ADV_DONTNEED] = MADV_DONTNEED,
	    [PAGER_ADV_WILLNEED] = MADV_POPULATE_READ,
	    [PAGER_ADV_FREE] = MADV_FREE,
	    [PAGER_ADV_DONTFORK] = MADV_DONTFORK,
	    [PAGER_ADV_DOFORK] = MADV_DOFORK,
	    [PAGER_ADV_WIPEONFORK] = MADV_WIPEONFORK,
	    [PAGER_ADV_KEEPONFORK] = MADV_KEEPONFORK,
	};

	return words[advice];
}

bool linux_pair_request(struct pair *p, const struct model_op *op,
			struct linux_request *r)
{
	*r = (struct linux_request){.addr = BYTES(op->addr),
				    .len = BYTES(op->pages)};
	switch (op->kind) {
	case MODEL_SPACE:
		linux_spawn(&p->linux, op->space);
		return false;
	case MODEL_OBJECT:
	case MODEL_RESIZE:
		linux_resize(&p->linux, op->object - 1, op->pages);
		return false;
	case MODEL_FORK:
		r->call = LINUX_FORK;
		r->slot = op->other;
		return true;
	case MODEL_FREE:
		r->call = LINUX_EXIT;
		return true;
	case MODEL_MAP:
		request_map(p, op, r);
		return true;
	case MODEL_UNMAP:
		r->call = LINUX_MUNMAP;
		return true;
	case MODEL_PROTECT:
		r->call = LINUX_MPROTECT;
		r->prot = linux_prot(op->prot);
		return true;
	case MODEL_REMAP:
		request_remap(p, op, r);
		return true;
	case MODEL_BRK_START:
	case MODEL_BRK:
		r->call = LINUX_BRK;
		r->addr = op->addr;
		return true;
	case MODEL_ADVISE:
		r->call = LINUX_MADVISE;
		r->flags = linux_advice(op->flags);
		return true;
	case MODEL_POPULATE:
		r->call = LINUX_MADVISE;
		r->flags = op->access == PAGER_ACCESS_WRITE
			       ? MADV_POPULATE_WRITE
			       : MADV_POPULATE_READ;
		return true;
	case MODEL_PIN:
	case MODEL_UNPIN:
		r->call = op->kind == MODEL_PIN ? LINUX_MLOCK : LINUX_MUNLOCK;
		return true;
	case MODEL_FAULT:
	case MODEL_READ:
	case MODEL_WRITE:
		request_access(p, op, r);
		return true;
	}
	return false;
}

/* Is this errno one that Linux may answer where pagerd answers err? */
static bool same_class(const struct model_op *op, uint16_t err, int64_t ret)
{
	switch (err) {
	case PAGER_OK:
	case PAGER_ESIGNAL:
		return ret >= 0;
	case PAGER_EEXIST:
		return ret == -EEXIST || ret == -ENOMEM;
	case PAGER_EUNMAPPED:
		return ret == -ENOMEM || ret == -EFAULT;
	case PAGER_EINVAL:
	case PAGER_EFLAGS:
		/* Linux may look for the mapping before it compares places. */
		return ret == -EINVAL ||
		       (op->kind == MODEL_REMAP && ret == -EFAULT);
	default:
		return ret < 0;
	}
}

void linux_pair_compare(const struct pair *p, const struct model_op *op,
			const struct linux_answer *a)
{
	const struct model_result *got = &p->model.got;
	uint32_t signal =
	    got->signal == PAGER_SEGV_STACK ? PAGER_SEGV_MAPERR : got->signal;
	const uint8_t *io = p->linux.shared->io;

	if (!same_class(op, got->err, a->ret))
		model_die("linux-errno",
			  "%s: pagerd %s, Linux %" PRId64 " (%s)",
			  model_kind_name(op->kind), model_error_name(got->err),
			  a->ret, a->ret < 0 ? strerror((int)-a->ret) : "done");
	if ((op->kind == MODEL_MAP || op->kind == MODEL_REMAP) &&
	    got->err == PAGER_OK && (uint64_t)a->ret != BYTES(got->value))
		model_die("linux-place",
			  "%s: pagerd 0x%" PRIx64 ", Linux 0x%" PRIx64,
			  model_kind_name(op->kind), BYTES(got->value),
			  (uint64_t)a->ret);
	if (a->signal != signal)
		model_die("linux-signal", "%s: pagerd signal %u, Linux %u",
			  model_kind_name(op->kind), signal, a->signal);
	if (op->kind != MODEL_READ && op->kind != MODEL_WRITE)
		return;
	if (a->done != got->value)
		model_die("linux-done",
			  "%s: pagerd did %" PRIu64 " bytes, Linux %" PRIu64,
			  model_kind_name(op->kind), got->value, a->done);
	for (uint64_t i = 0; op->kind == MODEL_READ && i < a->done; i++)
		if (io[i] != got->bytes[i])
			model_die("linux-read",
				  "byte %" PRIu64 ": pagerd %02x, Linux %02x",
				  i, got->bytes[i], io[i]);
}
