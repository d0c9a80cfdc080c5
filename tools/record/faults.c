/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults, forks and execs as the kernel's tracepoints see them.
 *
 * Four tracepoints on every CPU, for the command and what it inherits them
 * to, all into that CPU's one ring, with CLOCK_MONOTONIC times: the same
 * clock the tracer reads at a ptrace stop.
 *
 *   exceptions:page_fault_user, page_fault_kernel	-> fault lines
 *   sched:sched_process_fork	when exactly a space was copied
 *   task:task_rename		in exec: between the old space and the new
 *
 * The kernel takes the events from a task that executes a set-id program:
 * it gets new ones.  As every program begins with a page fault, one that
 * makes a system call before any fault was seen has lost its events.
 *
 * Invariants: a record the kernel had no room for is counted as missing; so
 * is a program that was not seen to fault.
 *
 * Must not know: what the file looks like, nor ptrace.
 */
#include "tools/record/record.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RING_MAX  (16u << 20)	/* bytes a CPU */
#define RING_MIN  (1u << 20)	/* below it, give up */
#define RINGS_MAX (1024u << 20) /* bytes for all CPUs */
#define EVENTS	  4

enum { USER, KERNEL, FORK, RENAME };

struct ring {
	struct perf_event_mmap_page *meta;
	unsigned char *data;
	size_t size; /* of data, a power of two */
	int fd[EVENTS];
	int cpu;
};

struct faults {
	struct tracepoint tp[EVENTS];
	struct ring *ring;
	size_t rings;
	int *more; /* events given to single tasks */
	size_t mores;
};

static int event_open(const struct tracepoint *tp, pid_t tid, int cpu, bool on)
{
	struct perf_event_attr a;

	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.type = PERF_TYPE_TRACEPOINT;
	a.config = tp->id;
	a.sample_period = 1;
	a.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
	a.disabled = !on;
	a.inherit = 1;
	a.use_clockid = 1;
	a.clockid = CLOCK_MONOTONIC;
	a.watermark = 1;
	a.wakeup_watermark = RING_MIN / 2;
	return (int)syscall(SYS_perf_event_open, &a, tid, cpu, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

static void ring_close(struct ring *g)
{
	if (g->meta)
		munmap(g->meta, g->size + PAGE_SIZE);
	for (int i = 0; i < EVENTS; i++)
		if (g->fd[i] >= 0)
			close(g->fd[i]);
}

/* Opens CPU's events and ring; false if the CPU is not there. */
static bool ring_open(struct faults *fs, struct ring *g, pid_t pid, int cpu,
		      size_t size)
{
	void *map = MAP_FAILED;

	g->meta = NULL;
	g->cpu = cpu;
	for (int i = 0; i < EVENTS; i++)
		g->fd[i] = -1;
	for (int i = 0; i < EVENTS; i++) {
		g->fd[i] = event_open(&fs->tp[i], pid, cpu, false);
		if (g->fd[i] >= 0)
			continue;
		if (errno == ENODEV && i == 0)
			return false;
		if (errno == EACCES || errno == EPERM)
			die("perf events are not permitted: run pager-record "
			    "as root");
		if (errno == EMFILE)
			die("too many open files: raise `ulimit -n` to %d a "
			    "CPU",
			    EVENTS);
		die("perf events cannot be used: %s", strerror(errno));
	}
	for (; map == MAP_FAILED && size >= RING_MIN; size /= 2) {
		map = mmap(NULL, size + PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED, g->fd[0], 0);
		g->size = size;
	}
	if (map == MAP_FAILED)
		die("no memory for the event buffers: %s", strerror(errno));
	g->meta = map;
	g->data = (unsigned char *)map + PAGE_SIZE;
	for (int i = 1; i < EVENTS; i++)
		if (ioctl(g->fd[i], PERF_EVENT_IOC_SET_OUTPUT, g->fd[0]) != 0)
			die("perf events cannot be joined: %s",
			    strerror(errno));
	return true;
}

/* Every event needs a descriptor. */
static void more_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/*
 * Opens everything for process PID and its descendants, disabled; ends the
 * program with a reason if it cannot.
 */
void faults_open(struct rec *r, pid_t pid)
{
	struct faults *fs = xcalloc(1, sizeof(*fs));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	size_t size = RING_MAX;

	r->faults = fs;
	more_files();
	tracefs_lookup("exceptions", "page_fault_user", "address", "error_code",
		       &fs->tp[USER]);
	tracefs_lookup("exceptions", "page_fault_kernel", "address",
		       "error_code", &fs->tp[KERNEL]);
	tracefs_lookup("sched", "sched_process_fork", "child_pid", NULL,
		       &fs->tp[FORK]);
	tracefs_lookup("task", "task_rename", NULL, NULL, &fs->tp[RENAME]);
	if (cpus < 1)
		cpus = 1;
	while (size > RING_MIN && size * (size_t)cpus > RINGS_MAX)
		size /= 2;
	fs->ring = xcalloc((size_t)cpus, sizeof(*fs->ring));
	for (int cpu = 0; cpu < cpus; cpu++)
		if (ring_open(fs, &fs->ring[fs->rings], pid, cpu, size))
			fs->rings++;
	if (fs->rings == 0)
		die("no CPU takes perf events");
}

/* Starts or stops the events on all CPUs. */
void faults_enable(struct rec *r, bool on)
{
	for (size_t i = 0; i < r->faults->rings; i++)
		for (int k = 0; k < EVENTS; k++)
			ioctl(r->faults->ring[i].fd[k],
			      on ? PERF_EVENT_IOC_ENABLE
				 : PERF_EVENT_IOC_DISABLE,
			      0);
}

/*
 * Whether the program that T has just begun may have cost it its events: the
 * process is not dumpable then, which shows in its ids or in who owns its
 * files in /proc.
 */
static bool is_set_id(pid_t tid)
{
	unsigned uid[2] = {0, 0}, gid[2] = {0, 0};
	char path[64], line[256];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d", tid);
	if (stat(path, &st) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %u %u", &uid[0], &uid[1]);
		sscanf(line, "Gid: %u %u", &gid[0], &gid[1]);
	}
	fclose(f);
	return uid[0] != uid[1] || gid[0] != gid[1] || st.st_uid != uid[1] ||
	       st.st_gid != gid[1];
}

/* T, stopped, has begun a new program: makes sure it still has its events. */
void faults_execed(struct rec *r, struct task *t)
{
	struct faults *fs = r->faults;

	t->proc->blind = true;
	if (!is_set_id(t->tid))
		return;
	fs->more = realloc(fs->more, (fs->mores + fs->rings * EVENTS) *
					 sizeof(*fs->more));
	if (!fs->more)
		die("out of memory");
	for (size_t i = 0; i < fs->rings; i++)
		for (int k = 0; k < EVENTS; k++) {
			int fd = event_open(&fs->tp[k], t->tid, fs->ring[i].cpu,
					    true);

			if (fd < 0)
				continue;
			ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, fs->ring[i].fd[0]);
			fs->more[fs->mores++] = fd;
		}
}

/* P enters a system call: it must have been seen to fault by now. */
void faults_expected(struct rec *r, struct proc *p)
{
	if (!p->blind)
		return;
	faults_drain(r);
	if (p->blind)
		rec_missing(r, 1, "process %d: the kernel shows no faults",
			    p->pid);
	p->blind = false;
}

static uint64_t field(const unsigned char *raw, size_t len,
		      const struct tracepoint *tp, int i)
{
	uint64_t v = 0;

	if (tp->size[i] <= sizeof(v) && tp->off[i] + tp->size[i] <= len)
		memcpy(&v, raw + tp->off[i], tp->size[i]);
	return v;
}

/*
 *	 8	  12	   16	      24	 28
 * | header | pid | tid | time | raw length | raw: type (16 bits), ... |
 */
static void sample(struct rec *r, const unsigned char *rec, size_t size)
{
	const struct tracepoint *tp = r->faults->tp;
	const unsigned char *raw = rec + 28;
	uint32_t pid, tid, len;
	uint64_t time, addr;
	struct task *t;
	struct proc *p;
	uint16_t type;

	if (size < 36)
		return;
	memcpy(&pid, rec + 8, 4);
	memcpy(&tid, rec + 12, 4);
	memcpy(&time, rec + 16, 8);
	memcpy(&len, rec + 24, 4);
	memcpy(&type, raw, 2);
	if (len > size - 28)
		len = (uint32_t)(size - 28);
	p = proc_find(r, (pid_t)pid);
	if (type == tp[USER].id || type == tp[KERNEL].id) {
		if (p)
			p->blind = false;
		tp += type == tp[USER].id ? USER : KERNEL;
		addr = field(raw, len, tp, 0);
		if (addr < USER_TOP)
			out_fault(r, time, (pid_t)pid, addr,
				  (unsigned)field(raw, len, tp, 1));
	} else if (type == tp[FORK].id) {
		t = task_find(r, (pid_t)tid);
		if (t) {
			t->forked = time;
			t->fork_child = (pid_t)field(raw, len, &tp[FORK], 0);
		}
	} else if (type == tp[RENAME].id) {
		if (p)
			p->renamed = time;
	}
}

static void record(struct rec *r, const unsigned char *rec)
{
	struct perf_event_header h;
	uint64_t lost;

	memcpy(&h, rec, sizeof(h));
	switch (h.type) {
	case PERF_RECORD_SAMPLE:
		sample(r, rec, h.size);
		break;
	case PERF_RECORD_LOST:
		memcpy(&lost, rec + 16, sizeof(lost));
		rec_missing(r, lost,
			    "%llu kernel events lost: the buffer of "
			    "a CPU was full",
			    (unsigned long long)lost);
		break;
	case PERF_RECORD_THROTTLE:
		rec_missing(r, 1, "the kernel throttled its events");
		break;
	default:
		break;
	}
}

static void ring_drain(struct rec *r, struct ring *g)
{
	unsigned char copy[65536];
	uint64_t head = __atomic_load_n(&g->meta->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = g->meta->data_tail;

	while (tail < head) {
		size_t at = tail & (g->size - 1), room = g->size - at;
		struct perf_event_header h;

		memcpy(&h, g->data + at, sizeof(h));
		if (h.size < sizeof(h))
			die("the event buffer is damaged");
		if (h.size > room) { /* it wraps */
			memcpy(copy, g->data + at, room);
			memcpy(copy + room, g->data, h.size - room);
			record(r, copy);
		} else {
			record(r, g->data + at);
		}
		tail += h.size;
	}
	__atomic_store_n(&g->meta->data_tail, tail, __ATOMIC_RELEASE);
}

/* Takes everything out of the rings. */
void faults_drain(struct rec *r)
{
	for (size_t i = 0; i < r->faults->rings; i++)
		ring_drain(r, &r->faults->ring[i]);
}

/* The descriptors that become readable as rings fill, at most ROOM. */
size_t faults_fds(struct rec *r, int *fds, size_t room)
{
	size_t n = r->faults->rings < room ? r->faults->rings : room;

	for (size_t i = 0; i < n; i++)
		fds[i] = r->faults->ring[i].fd[0];
	return n;
}

/* Closes everything. */
void faults_close(struct rec *r)
{
	for (size_t i = 0; i < r->faults->rings; i++)
		ring_close(&r->faults->ring[i]);
	for (size_t i = 0; i < r->faults->mores; i++)
		close(r->faults->more[i]);
	free(r->faults->more);
	free(r->faults->ring);
	free(r->faults);
	r->faults = NULL;
}
