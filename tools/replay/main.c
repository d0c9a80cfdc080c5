/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager-replay(1): options, files and jobs.
 *
 * All files are read and checked first: a bad one ends it before the daemon is
 * asked for anything. Then each file is a job with a connection of its own;
 * jobs run side by side, their rows come out in the order of the files.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/options.h"
#include "tools/common/progress.h"
#include "tools/common/spawn.h"
#include "tools/replay/replay.h"

#define JOBS_MAX      64
/* The pool a daemon has if nothing is said; more is simulated. */
#define POOL_PAGES    (UINT64_C(1) << 18)
/* With --breathe: what is always there, and what goes on- and offline. */
#define BREATHE_BOOT  "4M"
#define BREATHE_BLOCK "8M"

struct job {
	char *data;
	size_t size;
	struct machine machine;
	int result; /* of machine_run; -1: no connection */
	char *rows;
	size_t rows_size;
	bool done;
};

static struct {
	struct options options;
	const char *socket;
	const char *breathe;
	bool spawn;
	bool quiet;
	bool lines; /* progress as lines, if there is no terminal */
	bool colour;
	uint64_t jobs;
	char **paths;
	struct job *job;
	size_t count;

	pthread_mutex_t lock; /* what follows, and standard output */
	size_t next;	      /* the job that nobody has taken */
	size_t printed;	      /* jobs before it are */
	uint64_t events, events_done;
	struct tool_progress progress;
	double next_line; /* of progress */
} run = {.jobs = 1, .lock = PTHREAD_MUTEX_INITIALIZER};

static volatile bool stopped;
static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
	stopped = true;
}

static int parse(int argc, char **argv)
{
	const struct tool_option options[] = {
	    {"socket", 0, TOOL_OPTION_STRING, &run.socket, "PATH",
	     "where the daemon listens", 0, 0},
	    {"spawn", 0, TOOL_OPTION_FLAG, &run.spawn, NULL,
	     "start a daemon of its own, and end it", 0, 0},
	    {"verify", 0, TOOL_OPTION_FLAG, &run.options.verify, NULL,
	     "compare with what Linux had built at each exit", 0, 0},
	    {"breathe", 0, TOOL_OPTION_STRING, &run.breathe, "LOW..HIGH",
	     "with --spawn: a pool grows and shrinks meanwhile", 0, 0},
	    {"jobs", 'j', TOOL_OPTION_NUMBER, &run.jobs, "N",
	     "replay N files at a time", 1, JOBS_MAX},
	    {"by-file", 0, TOOL_OPTION_FLAG, &run.options.by_file, NULL,
	     "a row for each file, not for each process", 0, 0},
	    {"picture", 0, TOOL_OPTION_FLAG, &run.options.picture, NULL,
	     "show the memory of a forked pair", 0, 0},
	    {"color", 0, TOOL_OPTION_FLAG, &run.colour, NULL,
	     "colours, also if the output is no terminal", 0, 0},
	    {"json", 0, TOOL_OPTION_FLAG, &run.options.json, NULL,
	     "an object for each process, and a last one", 0, 0},
	    {"progress", 0, TOOL_OPTION_FLAG, &run.lines, NULL,
	     "tell how far it is, also if there is no terminal", 0, 0},
	    {"quiet", 'q', TOOL_OPTION_FLAG, &run.quiet, NULL,
	     "no progress, and the last line alone", 0, 0},
	    {NULL, 0, 0, NULL, NULL, NULL, 0, 0},
	};
	const struct tool_program program = {
	    .name = "pager-replay",
	    .usage = "pager-replay [--socket PATH | --spawn] [--verify] "
		     "[OPTION...] FILE...",
	    .about = "Replays recordings of real programs inside pagerd.",
	    .options = options,
	};
	int count = tool_options_parse(&program, argc, argv);

	if (count == -2)
		exit(TOOL_DONE);
	if (count < 0)
		exit(TOOL_USAGE);
	if (count == 0)
		errx(TOOL_USAGE, "no file given (try --help)");
	if (run.socket && run.spawn)
		errx(TOOL_USAGE, "--socket or --spawn, not both");
	if (run.breathe && !run.spawn)
		errx(TOOL_USAGE,
		     "--breathe needs a daemon of its own: --spawn");
	if (run.breathe && !breathe_parse(run.breathe, &run.options))
		errx(TOOL_USAGE,
		     "--breathe %s: not two sizes such as 64M..256M, the lower "
		     "one first, multiples of 8M",
		     run.breathe);
	return count;
}

static bool read_file(const char *path, struct job *job)
{
	FILE *file = fopen(path, "rbe");
	size_t room = 0, got;

	if (!file)
		return false;
	do {
		if (job->size == room) {
			room = room ? room * 2 : 1 << 20;
			job->data = realloc(job->data, room);
			if (!job->data)
				errx(TOOL_USAGE, "%s: out of memory", path);
		}
		got = fread(job->data + job->size, 1, room - job->size, file);
		job->size += got;
	} while (got > 0);
	if (ferror(file)) {
		got = (size_t)errno;
		fclose(file);
		errno = (int)got;
		return false;
	}
	fclose(file);
	return true;
}

/* Read all files; false if one of them is bad, and that was said. */
static bool load_all(void)
{
	struct trace_reader reader;
	bool good = true;

	for (size_t i = 0; i < run.count; i++) {
		struct job *job = &run.job[i];
		const char *path = run.paths[i];

		job->machine.path = path;
		job->machine.options = &run.options;
		if (!read_file(path, job)) {
			warn("%s", path);
			good = false;
		} else if (cast_read(&job->machine.cast, job->data, job->size,
				     &reader) < 0) {
			fprintf(stderr, "%s:%lu: %s\n", path, reader.line,
				reader.why);
			good = false;
		} else if (reader.incomplete) {
			warnx("%s: its recorder says that it is incomplete",
			      path);
		}
		run.events += job->machine.cast.events;
	}
	return good;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Locked. */
static void show_progress(void)
{
	if (run.quiet)
		return;
	tool_progress_show(&run.progress, run.events_done, run.events);
	if (!run.lines || run.progress.enabled || seconds_now() < run.next_line)
		return;
	run.next_line = seconds_now() + 1;
	fprintf(stderr, "pager-replay: %" PRIu64 " of %" PRIu64 " events\n",
		run.events_done, run.events);
}

static void tick(uint64_t events)
{
	pthread_mutex_lock(&run.lock);
	run.events_done += events;
	show_progress();
	pthread_mutex_unlock(&run.lock);
}

static void connect_and_run(struct job *job)
{
	struct pager *pager = pager_connect(run.socket);
	struct machine *m = &job->machine;
	double start = seconds_now();

	job->result = -1;
	if (!pager) {
		snprintf(m->why, sizeof(m->why), "%s", strerror(errno));
		return;
	}
	m->stream = stream_new(pager, NULL, NULL);
	if (!m->stream)
		errx(TOOL_USAGE, "out of memory");
	job->result = machine_run(m, job->data, job->size, tick, &stopped);
	if (job->result == 2)
		snprintf(m->why, sizeof(m->why), "%s", pager_errstr(pager));
	stream_free(m->stream);
	m->totals.seconds = seconds_now() - start;
}

/* Print what is done and next in order. Locked. */
static void print_done(void)
{
	while (run.printed < run.count && run.job[run.printed].done) {
		struct job *job = &run.job[run.printed++];

		tool_progress_clear(&run.progress);
		if (!run.quiet)
			fwrite(job->rows, 1, job->rows_size, stdout);
		fflush(stdout);
	}
}

static void *worker(void *unused)
{
	(void)unused;
	for (;;) {
		struct job *job;

		pthread_mutex_lock(&run.lock);
		job = run.next < run.count && !stopped ? &run.job[run.next++]
						       : NULL;
		pthread_mutex_unlock(&run.lock);
		if (!job)
			return NULL;
		job->machine.out = open_memstream(&job->rows, &job->rows_size);
		if (!job->machine.out)
			err(TOOL_USAGE, "rows");
		connect_and_run(job);
		if (job->result == 0)
			report_file(&job->machine);
		if (fclose(job->machine.out) != 0)
			err(TOOL_USAGE, "rows");
		pthread_mutex_lock(&run.lock);
		job->done = true;
		print_done();
		pthread_mutex_unlock(&run.lock);
	}
}

static void run_jobs(void)
{
	pthread_t threads[JOBS_MAX];
	size_t extra = run.jobs < run.count ? run.jobs : run.count;
	size_t started = 0;

	for (; started + 1 < extra; started++)
		if (pthread_create(&threads[started], NULL, worker, NULL) != 0)
			break;
	worker(NULL);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	tool_progress_clear(&run.progress);
}

/* Why a job failed, on standard error; the exit code it calls for. */
static int job_failure(const struct job *job)
{
	const struct machine *m = &job->machine;

	if (!job->done || (stopped && job->result != 0))
		return 0; /* stopped by a signal: that decides */
	switch (job->result) {
	case -1:
		warnx("cannot connect to %s: %s",
		      run.socket ? run.socket : "the daemon", m->why);
		return TOOL_NO_DAEMON;
	case 1:
		fprintf(stderr, "%s:%lu: %s\n", m->path, m->why_line, m->why);
		return TOOL_USAGE;
	case 2:
		warnx("%s: the daemon was lost: %s", m->path, m->why);
		return TOOL_NO_DAEMON;
	default:
		return 0;
	}
}

static bool says_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;

	for (size_t i = 0; i < 3 && !(value && *value); i++)
		value = getenv(names[i]);
	return value && (strstr(value, "UTF-8") || strstr(value, "utf8"));
}

/* What is left to print, and the exit code. */
static int summarize(double seconds)
{
	const struct options *o = &run.options;
	struct totals total = {.seconds = seconds};
	struct picture *picture = NULL;
	int code = 0;

	for (size_t i = 0; i < run.count; i++) {
		int failure = job_failure(&run.job[i]);

		if (failure && !code)
			code = failure;
		totals_add(&total, &run.job[i].machine.totals);
		breathe_add(&total.breathe, &run.job[i].machine.totals.breathe,
			    run.jobs > 1);
		picture = picture_better(picture, run.job[i].machine.picture);
	}
	if (picture && !o->json)
		picture_print(picture, stdout,
			      run.colour || isatty(STDOUT_FILENO), says_utf8());
	picture_free(picture);
	if (!code && !stopped)
		report_totals(o, &total, run.quiet, stdout);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		warn("standard output");
		return TOOL_USAGE;
	}
	if (code)
		return code;
	if (total.refused > 0 || total.differing > 0 ||
	    total.breathe.refused > 0 ||
	    (o->verify && total.identical != total.processes))
		return TOOL_REFUSED;
	return TOOL_DONE;
}

/* Pages these recordings may need at most: two frames a fault (the page and the
 * object's), and what is populated. */
static uint64_t pages_needed(void)
{
	uint64_t pages = POOL_PAGES / 2;

	for (size_t i = 0; i < run.count; i++)
		pages += run.job[i].machine.cast.pages;
	return pages < POOL_PAGES << 10 ? pages : POOL_PAGES << 10;
}

/* A daemon with as much memory; with --breathe little memory and a pool, which
 * grows by itself where a wish left too little. */
static void spawn_daemon(struct pager_spawn *spawn)
{
	const struct options *o = &run.options;
	char why[PAGER_SPAWN_WHY], memory[32], pool[160];
	const char *simulated[] = {"--simulate", "--memory", memory, NULL};
	const char *breathing[] = {
	    "--memory", BREATHE_BOOT, "--memory-block", BREATHE_BLOCK, "--pool",
	    pool,	NULL};
	const char *const *args = NULL;
	uint64_t pages = pages_needed();

	snprintf(memory, sizeof(memory), "%" PRIu64 "M", pages >> 8);
	snprintf(pool, sizeof(pool),
		 "breathe,region=%" PRIu64 ",requested=%" PRIu64
		 ",grow=%" PRIu64 ",online=movable,retry=1,retry-max=20",
		 o->breathe_high, o->breathe_low, o->breathe_high);
	if (o->breathe_high > 0)
		args = breathing;
	else if (pages > POOL_PAGES)
		args = simulated;
	if (pager_spawn(spawn, args, why) < 0)
		errx(TOOL_NO_DAEMON, "%s", why);
	run.socket = spawn->socket;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct pager_spawn spawn = {0};
	double start;
	int code;

	run.count = (size_t)parse(argc, argv);
	run.paths = argv;
	run.job = calloc(run.count, sizeof(*run.job));
	if (!run.job)
		err(TOOL_USAGE, "jobs");
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	if (!load_all())
		return TOOL_USAGE;
	if (run.spawn)
		spawn_daemon(&spawn);

	tool_progress_init(&run.progress, "replaying");
	if (!run.quiet)
		report_head(&run.options, stdout);
	start = seconds_now();
	run_jobs();
	code = summarize(seconds_now() - start);

	if (pager_spawn_stop(&spawn) != 0 && code == TOOL_DONE) {
		warnx("the daemon did not end well");
		code = TOOL_NO_DAEMON;
	}
	for (size_t i = 0; i < run.count; i++) {
		cast_free(&run.job[i].machine.cast);
		free(run.job[i].data);
		free(run.job[i].rows);
	}
	free(run.job);
	return stopped ? 128 + (int)stop_signal : code;
}
