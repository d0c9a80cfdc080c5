/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From /proc, uname and the compiler's own macros.
 */
#include "tools/bench/machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "tools/bench/bench.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if defined(PAGER_RECOUNT)
#define RECOUNTED 1
#else
#define RECOUNTED 0
#endif
#if defined(__OPTIMIZE__)
#define OPTIMISED 1
#else
#define OPTIMISED 0
#endif
#if defined(__GLIBC__)
#define LIBC "glibc"
#else
#define LIBC "musl"
#endif
#if defined(__clang__)
#define COMPILER "clang"
#else
#define COMPILER "gcc"
#endif

int machine_pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

int machine_pin_self(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -1;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET((unsigned int)cpu, &set))
			return machine_pin(0, cpu) < 0 ? -1 : cpu;
	return -1;
}

/* The value after "key" and a colon in a file of such lines; false: none. */
static bool file_value(const char *path, const char *key, char *out,
		       size_t size)
{
	FILE *f = fopen(path, "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *p = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		p += strspn(p, " \t:");
		p[strcspn(p, "\n")] = '\0';
		snprintf(out, size, "%s", p);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

uint64_t machine_memory(void)
{
	char text[64];

	if (!file_value("/proc/meminfo", "MemAvailable", text, sizeof(text)))
		return 0;
	return strtoull(text, NULL, 10) * 1024;
}

/* What one reading of the clock costs, ns. */
static double clock_cost(void)
{
	enum { READS = 10000 };
	double start = bench_now();

	for (int i = 0; i < READS; i++)
		bench_now();
	return (bench_now() - start) / READS;
}

void machine_print(FILE *out, int cpu, unsigned int rounds)
{
	char model[128] = "unknown";
	char thp[64] = "unknown";
	struct utsname u;

	uname(&u);
	file_value("/proc/cpuinfo", "model name", model, sizeof(model));
	file_value("/sys/kernel/mm/transparent_hugepage/enabled", "", thp,
		   sizeof(thp));
	fprintf(out, "cpu        %s\n", model);
	fprintf(out, "kernel     %s %s %s, huge pages %s (off for all here)\n",
		u.sysname, u.release, u.machine, thp);
	if (cpu >= 0)
		fprintf(out,
			"placement  same-cpu: all contestants, clients and "
			"servers on CPU %d\n",
			cpu);
	else
		fprintf(out, "placement  not pinned: sched_setaffinity was "
			     "refused\n");
	fprintf(out, "build      %s %s, %s%s%s%s\n", COMPILER, __VERSION__,
		LIBC, OPTIMISED ? ", optimised" : ", NOT OPTIMISED",
		SANITIZED ? ", SANITIZERS" : "", RECOUNTED ? ", RECOUNT" : "");
	fprintf(
	    out,
	    "figures    median of %u rounds after a warm-up, contestants "
	    "interleaved;\n"
	    "           what takes long in CPU time; reading the clock, %.0f "
	    "ns, is in them\n",
	    rounds, clock_cost());
}
