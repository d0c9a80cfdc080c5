/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running sequences in children, and delta debugging (Zeller and Hildebrandt,
 * "Simplifying and isolating failure-inducing input", 2002): leave out halves,
 * quarters, ... single operations, as long as it still fails the same way;
 * then try simpler arguments in what is left.
 */
#include "tests/support/hunt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/model.h"

enum { SEEDS_A_CHILD = 16, PATIENCE = 120, SHRINK_RUNS = 4000 };

static struct hunt_log *log_of_child;

uint64_t hunt_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	char *end;
	unsigned long long value;

	if (!text || !*text)
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end)
		test_die("%s=%s: not a number", name, text);
	return value;
}

void hunt_note(struct hunt_log *log, const struct model_op *op)
{
	if (log->count >= HUNT_STEPS)
		test_die("hunt: the log is full");
	log->op[log->count] = *op;
	log->err[log->count] = 0;
	log->value[log->count] = 0;
	log->skipped[log->count] = false;
	log->count++;
}

void hunt_result(struct hunt_log *log, const struct model_result *got)
{
	log->err[log->count - 1] = got->err;
	log->value[log->count - 1] = got->value;
	log->skipped[log->count - 1] = got->skipped;
}

static void on_death(const char *kind, const char *message)
{
	snprintf(log_of_child->kind, sizeof(log_of_child->kind), "%s", kind);
	snprintf(log_of_child->message, sizeof(log_of_child->message), "%s",
		 message);
	log_of_child->failed = true;
	_exit(1);
}

static void be_child(struct hunt_log *log, bool quiet)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	log_of_child = log;
	model_on_death = on_death;
	alarm(PATIENCE);
	if (quiet) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0) {
			dup2(null, 1);
			dup2(null, 2);
			close(null);
		}
	}
}

/* True: the child failed; log says how. */
static bool wait_child(struct hunt_log *log, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			test_die("hunt: waitpid: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return false;
	if (log->failed)
		return true;
	log->failed = true;
	if (WIFSIGNALED(status))
		snprintf(log->kind, sizeof(log->kind), "signal %d",
			 WTERMSIG(status));
	else
		snprintf(log->kind, sizeof(log->kind), "exit %d",
			 WEXITSTATUS(status));
	snprintf(log->message, sizeof(log->message),
		 "the process ended in the last operation");
	return true;
}

static pid_t fork_child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		test_die("hunt: fork: %s", strerror(errno));
	return pid;
}

static void reset(struct hunt_log *log)
{
	log->count = 0;
	log->failed = false;
	log->kind[0] = log->message[0] = '\0';
}

/* Does this sequence fail in that way? */
static bool fails(const struct hunt_case *c, struct hunt_log *log,
		  const struct model_op *op, uint32_t count, const char *kind)
{
	pid_t pid;

	reset(log);
	pid = fork_child();
	if (pid == 0) {
		be_child(log, true);
		c->replay(c->ctx, op, count, log);
		_exit(0);
	}
	return wait_child(log, pid) && strcmp(log->kind, kind) == 0;
}

struct shrinking {
	const struct hunt_case *c;
	struct hunt_log *log;
	struct model_op op[HUNT_STEPS];
	uint32_t count;
	char kind[32];
	unsigned int runs;
};

/* Without the operations [at, at + n). */
static bool try_without(struct shrinking *s, uint32_t at, uint32_t n)
{
	static struct model_op shorter[HUNT_STEPS];

	if (s->runs++ > SHRINK_RUNS)
		return false;
	memcpy(shorter, s->op, at * sizeof(*shorter));
	memcpy(shorter + at, s->op + at + n,
	       (s->count - at - n) * sizeof(*shorter));
	if (!fails(s->c, s->log, shorter, s->count - n, s->kind))
		return false;
	/* What came after the failing operation goes for good. */
	s->count = s->log->count;
	memcpy(s->op, shorter, s->count * sizeof(*shorter));
	return true;
}

static bool try_simpler(struct shrinking *s, uint32_t at,
			struct model_op simple)
{
	struct model_op was = s->op[at];

	if (memcmp(&was, &simple, sizeof(was)) == 0 || s->runs++ > SHRINK_RUNS)
		return false;
	s->op[at] = simple;
	if (fails(s->c, s->log, s->op, s->count, s->kind)) {
		s->count = s->log->count;
		return true;
	}
	s->op[at] = was;
	return false;
}

static void simplify(struct shrinking *s, uint32_t at)
{
	struct model_op op = s->op[at];
	uint64_t *fields[] = {&op.pages, &op.new_pages, &op.offset, &op.seed};
	uint32_t bit;

	for (bit = 1; bit; bit <<= 1) {
		op = s->op[at];
		if (!(op.flags & bit) || op.kind == MODEL_ADVISE)
			continue;
		op.flags &= ~bit;
		try_simpler(s, at, op);
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		op = s->op[at];
		while (*fields[i] > 1) {
			*fields[i] =
			    *fields[i] > 8 ? *fields[i] / 2 : *fields[i] - 1;
			if (!try_simpler(s, at, op))
				break;
		}
	}
	op = s->op[at];
	op.account = 0;
	op.cpu = 0;
	try_simpler(s, at, op);
}

static void shrink(struct shrinking *s)
{
	uint32_t before;

	do {
		before = s->count;
		for (uint32_t n = s->count / 2; n > 0; n /= 2)
			for (uint32_t at = 0; at + n <= s->count;)
				if (!try_without(s, at, n))
					at += n;
	} while (s->count < before);
	for (uint32_t i = 0; i < s->count; i++)
		simplify(s, i);
}

static void report(const struct hunt_case *c, struct hunt_log *log,
		   uint64_t seed)
{
	static struct shrinking s;

	printf("%s: seed %" PRIu64 " fails after %u operations: %s: %s\n",
	       c->name, seed, log->count, log->kind, log->message);
	fflush(stdout);
	s.c = c;
	s.log = log;
	s.count = log->count;
	s.runs = 0;
	memcpy(s.op, log->op, s.count * sizeof(s.op[0]));
	memcpy(s.kind, log->kind, sizeof(s.kind));
	if (!fails(c, log, s.op, s.count, s.kind)) {
		printf("%s: the same operations do not fail again: %s\n",
		       c->name, log->failed ? log->message : "no failure");
		return;
	}
	shrink(&s);
	if (!fails(c, log, s.op, s.count, s.kind))
		printf("%s: the shrunk sequence does not fail again\n",
		       c->name);
	printf("%s: shrunk to %u operations: %s: %s\n", c->name, log->count,
	       log->kind, log->message);
	c->print(c->ctx, log);
	fflush(stdout);
	if (hunt_number("PAGER_LOUD", 0)) {
		pid_t pid = fork_child();

		if (pid == 0) {
			be_child(log, false);
			reset(log);
			c->replay(c->ctx, s.op, s.count, log);
			_exit(0);
		}
		wait_child(log, pid);
	}
}

int hunt(const struct hunt_case *c, uint64_t first, uint64_t count,
	 uint32_t steps)
{
	struct hunt_log *log;
	uint64_t *seed;
	int failed = 0;

	if (steps > HUNT_STEPS)
		steps = HUNT_STEPS;
	log = mmap(NULL, sizeof(*log) + sizeof(*seed), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (log == MAP_FAILED)
		test_die("hunt: no memory");
	seed = (uint64_t *)(void *)(log + 1);
	for (uint64_t i = 0; i < count && !failed; i += SEEDS_A_CHILD) {
		pid_t pid = fork_child();

		if (pid == 0) {
			be_child(log, true);
			for (uint64_t j = i; j < i + SEEDS_A_CHILD && j < count;
			     j++) {
				alarm(PATIENCE);
				*seed = first + j;
				reset(log);
				c->make(c->ctx, *seed, steps, log);
			}
			_exit(0);
		}
		if (wait_child(log, pid)) {
			report(c, log, *seed);
			failed = 1;
		}
	}
	munmap(log, sizeof(*log) + sizeof(*seed));
	return failed;
}
