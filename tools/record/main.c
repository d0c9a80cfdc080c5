/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager-record: options, starting the command, the summary.
 *
 * Exit status: 0 recorded, 1 not or not completely recorded (the reason is
 * said), 2 usage.  The command's own exit status is printed, not returned.
 *
 * Must not know: how events are found or written.
 */
#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#endif
#define RECORDER_NICE -10 /* the rings fill while it waits for a CPU */
#define SAID_MAX      5	  /* lines about missing things on stderr */
#define TRACE_OPTIONS                                                       \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |    \
	 PTRACE_O_EXITKILL)

/* CLOCK_MONOTONIC in ns: the clock of all times here. */
uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Says why nothing can be recorded and ends the program with 1. */
void die(const char *fmt, ...)
{
	va_list ap;

	fputs("pager-record: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* Zeroed memory, or the end of the program. */
void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		die("out of memory");
	return p;
}

/* N things the file should have are not in it: counts and says it. */
void rec_missing(struct rec *r, uint64_t n, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->missing += n;
	if (r->said++ < SAID_MAX || r->verbose)
		fprintf(stderr, "pager-record: incomplete: %s\n", text);
	if (r->out)
		out_note(r, text);
}

struct options {
	const char *file;
	bool json, verbose;
	char **command;
};

static void parse(int argc, char **argv, struct options *o)
{
	const struct tool_option table[] = {
	    {.name = "output",
	     .letter = 'o',
	     .kind = TOOL_OPTION_STRING,
	     .to = &o->file,
	     .value = "FILE",
	     .help = "where the recording goes"},
	    {.name = "verbose",
	     .letter = 'v',
	     .to = &o->verbose,
	     .help = "tell of every process that comes and goes"},
	    {.name = "json",
	     .to = &o->json,
	     .help = "print the summary as JSON, on standard output"},
	    {.name = NULL},
	};
	const struct tool_program program = {
	    .name = "pager-record",
	    .usage = "pager-record [-v] [--json] -o FILE -- COMMAND [ARG...]",
	    .about = "Records the address-space history of COMMAND and all "
		     "its descendants in the\nformat vmtrace 1. Needs root.",
	    .options = table,
	    .in_order = true,
	};
	int n;

	memset(o, 0, sizeof(*o));
	n = tool_options_parse(&program, argc, argv);
	if (n == -2)
		exit(TOOL_DONE);
	if (n < 0)
		exit(TOOL_USAGE);
	if (!o->file || n == 0) {
		fprintf(stderr, "pager-record: %s\n",
			o->file ? "which command?" : "where to? (-o FILE)");
		tool_options_help(&program, true);
		exit(TOOL_USAGE);
	}
	argv[n] = NULL;
	o->command = argv;
}

/*
 * Starts the command, which waits to be traced; *FAIL becomes readable with
 * an errno if it cannot be executed.
 */
static pid_t launch(char **command, const sigset_t *mask, int *go, int *fail)
{
	int start[2], result[2];
	char byte;
	pid_t pid;

	if (pipe2(start, O_CLOEXEC) != 0 || pipe2(result, O_CLOEXEC) != 0)
		die("no pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (pid == 0) {
		close(start[1]);
		if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 &&
		    read(start[0], &byte, 1) == 1) {
			sigprocmask(SIG_SETMASK, mask, NULL);
			execvp(command[0], command);
		}
		if (write(result[1], &errno, sizeof(errno)) < 0)
			_exit(126);
		_exit(127);
	}
	close(start[0]);
	close(result[1]);
	*go = start[1];
	*fail = result[0];
	return pid;
}

static void seize(struct rec *r, pid_t pid)
{
	struct task *t;

	if (ptrace(PTRACE_SEIZE, pid, 0, TRACE_OPTIONS) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) {
		int why = errno;

		kill(pid, SIGKILL);
		die("cannot trace the command: %s", strerror(why));
	}
	t = task_add(r, pid, proc_add(r, pid, NULL));
	t->fresh = false;
	r->processes = 1;
}

static int record(struct rec *r, const struct options *o, double *seconds)
{
	int go, fail, sigfd, why = 0;
	sigset_t set, old;
	uint64_t start;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		die("no signalfd: %s", strerror(errno));
	table_init(r);
	r->command = launch(o->command, &old, &go, &fail);
	faults_open(r, r->command);
	out_open(r, o->file);
	setpriority(PRIO_PROCESS, 0, RECORDER_NICE);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	seize(r, r->command);
	faults_enable(r, true);
	start = now_ns();
	if (write(go, "", 1) != 1)
		die("cannot start the command: %s", strerror(errno));
	close(go);
	tracee_loop(r, sigfd);
	*seconds = (double)(now_ns() - start) / 1e9;
	faults_enable(r, false);
	faults_drain(r);
	if (read(fail, &why, sizeof(why)) != (ssize_t)sizeof(why))
		why = 0;
	close(fail);
	close(sigfd);
	return why;
}

static void summary(const struct rec *r, const struct options *o,
		    uint64_t lines, double seconds)
{
	bool exited = WIFEXITED(r->status);
	int n = exited ? WEXITSTATUS(r->status) : WTERMSIG(r->status);

	if (o->json) {
		struct tool_json j;

		tool_json_init(&j, stdout);
		tool_json_object(&j, NULL);
		tool_json_string(&j, "file", o->file);
		tool_json_u64(&j, "events", lines);
		tool_json_u64(&j, "processes", r->processes);
		tool_json_u64(&j, "threads", r->threads);
		tool_json_u64(&j, "calls", r->calls);
		tool_json_u64(&j, "faults", r->faults_seen);
		tool_json_u64(&j, "missing", r->missing);
		tool_json_u64(&j, "unordered", r->unordered);
		tool_json_double(&j, "seconds", seconds);
		tool_json_i64(&j, exited ? "exit" : "signal", n);
		tool_json_end(&j);
		return;
	}
	fprintf(stderr,
		"pager-record: %s: %" PRIu64 " events, %" PRIu64
		" processes, %" PRIu64 " threads, %" PRIu64 " calls, %" PRIu64
		" faults in %.2f s; the command %s %d\n",
		o->file, lines, r->processes, r->threads, r->calls,
		r->faults_seen, seconds,
		exited ? "exited with" : "was killed by signal", n);
}

int main(int argc, char **argv)
{
	struct rec r;
	struct options o;
	struct stat st;
	uint64_t lines;
	double seconds;
	int why;

	parse(argc, argv, &o);
	memset(&r, 0, sizeof(r));
	r.verbose = o.verbose;
	why = record(&r, &o, &seconds);
	lines = out_close(&r);
	faults_close(&r);
	free(r.tasks);
	free(r.procs);
	if (why) {
		if (stat(o.file, &st) == 0 && S_ISREG(st.st_mode))
			unlink(o.file);
		die("cannot run %s: %s", o.command[0], strerror(why));
	}
	summary(&r, &o, lines, seconds);
	if (r.unordered)
		fprintf(stderr,
			"pager-record: %" PRIu64 " calls waited for a thread "
			"that was held; their order is not certain\n",
			r.unordered);
	if (r.missing)
		fprintf(stderr,
			"pager-record: %s is incomplete: %" PRIu64
			" events are missing\n",
			o.file, r.missing);
	return r.missing ? 1 : 0;
}
