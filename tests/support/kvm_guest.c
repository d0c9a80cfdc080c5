/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest, by hand:
 *
 *	0		code and tables, one page of 2 MiB, not logged
 *	1 GiB		the logged pages, mapped by 4 KiB
 *
 * It runs at level 0 without interrupts: store, tell (OUT), again. Every write
 * is an exit, so what KVM collects at exits is in the ring when we look.
 */
#include "tests/support/kvm_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/world.h"

enum {
	CODE_SIZE = 2 << 20,
	GDT = 0x9000,
	TSS = 0xb000,
	CODE = 0xc000,
	ROOT = 0x10000,
	UPPER = 0x11000,
	LOW = 0x12000,
	HIGH = 0x13000,
	LEAVES = 0x14000,
	TOLD = 0x30, /* the port */
};

/* Present, writable, accessed, dirty; and a large page. */
#define ENTRY UINT64_C(0x63)
#define LARGE UINT64_C(0x80)
#define DATA  (UINT64_C(1) << 30)

static uint64_t *at(struct kvm_guest *k, uint64_t addr)
{
	return (uint64_t *)(k->code + addr);
}

static int set_slot(struct kvm_guest *k, uint32_t slot, uint32_t flags,
		    uint64_t addr, uint64_t size, void *memory)
{
	struct kvm_userspace_memory_region region = {
	    .slot = slot,
	    .flags = flags,
	    .guest_phys_addr = addr,
	    .memory_size = size,
	    .userspace_addr = (uintptr_t)memory,
	};

	return ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* The slot with the data is logged from now on, or not. */
static int set_log(struct kvm_guest *k, bool on)
{
	return set_slot(k, 0, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, DATA,
			k->pages * 4096, k->data);
}

static void write_memory(struct kvm_guest *k)
{
	static const uint8_t program[] = {0x48, 0x89,
					  0x07,	       /* mov %rax,(%rdi) */
					  0xe6, TOLD,  /* out %al,$TOLD */
					  0xeb, 0xf9}; /* jmp */

	memcpy(at(k, CODE), program, sizeof(program));
	at(k, GDT)[1] = 0x00af9b000000ffff;
	at(k, GDT)[2] = 0x00cf93000000ffff;
	at(k, GDT)[6] = 0x00008b0000000067 | (uint64_t)TSS << 16;
	at(k, ROOT)[0] = UPPER | ENTRY;
	at(k, UPPER)[0] = LOW | ENTRY;
	at(k, LOW)[0] = ENTRY | LARGE;
	at(k, UPPER)[1] = HIGH | ENTRY;
	for (uint64_t i = 0; i < KVM_GUEST_PAGES / 512; i++)
		at(k, HIGH)[i] = (LEAVES + i * 4096) | ENTRY;
	for (uint64_t i = 0; i < k->pages; i++)
		at(k, LEAVES)[i] = (DATA + i * 4096) | ENTRY;
}

static int set_cpu(struct kvm_guest *k)
{
	static uint64_t room[(sizeof(struct kvm_cpuid2) +
			      128 * sizeof(struct kvm_cpuid_entry2)) /
			     8];
	struct kvm_cpuid2 *id = (struct kvm_cpuid2 *)room;
	struct kvm_regs r = {.rip = CODE, .rdi = DATA, .rflags = 2};
	struct kvm_sregs s;

	id->nent = 128;
	if (ioctl(k->kvm, KVM_GET_SUPPORTED_CPUID, id) ||
	    ioctl(k->vcpu, KVM_SET_CPUID2, id) ||
	    ioctl(k->vcpu, KVM_GET_SREGS, &s))
		return -1;
	s.cr0 = 0x80050033;
	s.cr4 = 0x620;
	s.efer = 0x500;
	s.cr3 = ROOT;
	s.gdt.base = GDT;
	s.gdt.limit = 63;
	s.tr = (struct kvm_segment){.base = TSS,
				    .limit = 0x67,
				    .selector = 0x30,
				    .type = 11,
				    .present = 1};
	s.cs = (struct kvm_segment){.limit = ~0u,
				    .selector = 8,
				    .type = 11,
				    .present = 1,
				    .s = 1,
				    .l = 1,
				    .g = 1};
	s.ss = (struct kvm_segment){.limit = ~0u,
				    .selector = 16,
				    .type = 3,
				    .present = 1,
				    .s = 1,
				    .db = 1,
				    .g = 1};
	s.ds = s.es = s.fs = s.gs = s.ss;
	return ioctl(k->vcpu, KVM_SET_SREGS, &s) ||
		       ioctl(k->vcpu, KVM_SET_REGS, &r)
		   ? -1
		   : 0;
}

static void *shared(size_t size, int fd, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, offset);
}

static const char *make_vm(struct kvm_guest *k)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_DIRTY_LOG_RING};
	int max;

	k->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->kvm < 0)
		return "/dev/kvm cannot be opened";
	k->vm = ioctl(k->kvm, KVM_CREATE_VM, 0);
	if (k->vm < 0)
		return "KVM makes no machine";
	if (k->entries == 0)
		return NULL;
	max = ioctl(k->vm, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING);
	cap.args[0] = k->entries * sizeof(*k->memory);
	if (max < (int)cap.args[0] || ioctl(k->vm, KVM_ENABLE_CAP, &cap))
		return "this KVM has no dirty ring of such a size";
	return NULL;
}

static const char *make_vcpu(struct kvm_guest *k)
{
	const size_t size = k->entries * sizeof(*k->memory);
	int run_size = ioctl(k->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	k->vcpu = ioctl(k->vm, KVM_CREATE_VCPU, 0);
	if (k->vcpu < 0 || run_size <= 0)
		return "KVM makes no processor";
	k->run = shared((size_t)run_size, k->vcpu, 0);
	if (k->run == MAP_FAILED)
		return "a processor of KVM cannot be mapped";
	k->run_size = (size_t)run_size;
	if (k->entries == 0)
		return NULL;
	k->memory = shared(size, k->vcpu, KVM_DIRTY_LOG_PAGE_OFFSET * 4096);
	if (k->memory == MAP_FAILED)
		return "KVM's ring cannot be mapped";
	return NULL;
}

static const char *make(struct kvm_guest *k)
{
	const char *why = make_vm(k);

	if (!why)
		why = make_vcpu(k);
	if (why)
		return why;
	k->code = shared(CODE_SIZE, -1, 0);
	k->data = shared(k->pages * 4096, -1, 0);
	if (k->code == MAP_FAILED || k->data == MAP_FAILED)
		return "no memory for a guest";
	write_memory(k);
	if (set_slot(k, 1, 0, 0, CODE_SIZE, k->code) ||
	    set_log(k, k->entries > 0))
		return "KVM refuses the guest's memory";
	if (set_cpu(k))
		return "KVM refuses the guest's state";
	return NULL;
}

const char *kvm_guest_start(struct kvm_guest *k, uint64_t pages,
			    uint32_t entries)
{
	const char *why;

	*k = (struct kvm_guest){.kvm = -1,
				.vm = -1,
				.vcpu = -1,
				.run = MAP_FAILED,
				.code = MAP_FAILED,
				.data = MAP_FAILED,
				.memory = MAP_FAILED,
				.pages = pages,
				.entries = entries};
	if (pages > KVM_GUEST_PAGES)
		test_die("a guest of %llu pages", (unsigned long long)pages);
	why = make(k);
	if (why)
		kvm_guest_stop(k);
	return why;
}

static void unmap(void *memory, size_t size)
{
	if (memory != MAP_FAILED)
		munmap(memory, size);
}

void kvm_guest_stop(struct kvm_guest *k)
{
	unmap(k->run, k->run_size);
	unmap(k->memory, k->entries * sizeof(*k->memory));
	if (k->vcpu >= 0)
		close(k->vcpu);
	if (k->vm >= 0)
		close(k->vm);
	if (k->kvm >= 0)
		close(k->kvm);
	unmap(k->code, CODE_SIZE);
	unmap(k->data, k->pages * 4096);
}

bool kvm_guest_store(struct kvm_guest *k, uint64_t page, uint64_t value)
{
	struct kvm_regs r;

	if (ioctl(k->vcpu, KVM_GET_REGS, &r))
		test_die("KVM_GET_REGS: %s", strerror(errno));
	r.rdi = DATA + page * 4096;
	r.rax = value;
	if (ioctl(k->vcpu, KVM_SET_REGS, &r))
		test_die("KVM_SET_REGS: %s", strerror(errno));
	while (ioctl(k->vcpu, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			test_die("KVM_RUN: %s", strerror(errno));
	if (k->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL)
		return false;
	if (k->run->exit_reason != KVM_EXIT_IO || k->run->io.port != TOLD)
		test_die("the guest left with %u", k->run->exit_reason);
	if (*(uint64_t *)(k->data + page * 4096) != value)
		test_die("the guest did not write");
	return true;
}

uint32_t kvm_guest_reset_ring(struct kvm_guest *k)
{
	int n = ioctl(k->vm, KVM_RESET_DIRTY_RINGS, 0);

	if (n < 0)
		test_die("KVM_RESET_DIRTY_RINGS: %s", strerror(errno));
	return (uint32_t)n;
}

const char *kvm_guest_log(struct kvm_guest *k, uint32_t flags)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2};
	int has = ioctl(k->vm, KVM_CHECK_EXTENSION,
			KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);

	if (flags & PAGER_DIRTY_MANUAL)
		cap.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	if (flags & PAGER_DIRTY_ALL_SET)
		cap.args[0] |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (has < 0 || cap.args[0] & ~(uint64_t)has)
		return "this KVM clears no dirty log by hand";
	if (has && ioctl(k->vm, KVM_ENABLE_CAP, &cap))
		return "this KVM refuses to clear a dirty log by hand";
	if (set_log(k, true))
		return "this KVM has no dirty log";
	return NULL;
}

void kvm_guest_unlog(struct kvm_guest *k)
{
	if (set_log(k, false))
		test_die("KVM does not stop its log: %s", strerror(errno));
}

void kvm_guest_get(struct kvm_guest *k, uint64_t *words)
{
	struct kvm_dirty_log get = {.slot = 0, .dirty_bitmap = words};

	if (ioctl(k->vm, KVM_GET_DIRTY_LOG, &get))
		test_die("KVM_GET_DIRTY_LOG: %s", strerror(errno));
}

void kvm_guest_clear(struct kvm_guest *k, uint64_t first, uint64_t pages,
		     uint64_t *words)
{
	struct kvm_clear_dirty_log clear = {.slot = 0,
					    .num_pages = (uint32_t)pages,
					    .first_page = first,
					    .dirty_bitmap = words};

	if (ioctl(k->vm, KVM_CLEAR_DIRTY_LOG, &clear))
		test_die("KVM_CLEAR_DIRTY_LOG: %s", strerror(errno));
}
