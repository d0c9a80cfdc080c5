/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue and its thread. The thread is never waited for: what it has not
 * done when the daemon ends is the kernel's.
 */
#include "server/closer.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/failpoint.h"

enum { ROOM = 64 };

/* One thing to let go of: memory, or, where that is NULL, a descriptor. */
struct item {
	void *memory;
	size_t size;
	int fd;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct item item[ROOM];
	unsigned int first;
	unsigned int count;
	bool running;
} closer = {.lock = PTHREAD_MUTEX_INITIALIZER,
	    .more = PTHREAD_COND_INITIALIZER};

static void let_go(const struct item *item)
{
	const struct linger none = {0};

	if (item->memory) {
		munmap(item->memory, item->size);
		return;
	}
	setsockopt(item->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(item->fd);
}

static void *work(void *arg)
{
	struct item item;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&closer.lock);
		while (!closer.count)
			pthread_cond_wait(&closer.more, &closer.lock);
		item = closer.item[closer.first];
		closer.first = (closer.first + 1) % ROOM;
		closer.count--;
		pthread_mutex_unlock(&closer.lock);
		let_go(&item);
	}
	return NULL;
}

/* False: there is no room, or nobody to do it. */
static bool hand_over(const struct item *item)
{
	bool done;

	if (!closer.running)
		return false;
	pthread_mutex_lock(&closer.lock);
	done = closer.count < ROOM;
	if (done) {
		closer.item[(closer.first + closer.count) % ROOM] = *item;
		closer.count++;
		pthread_cond_signal(&closer.more);
	}
	pthread_mutex_unlock(&closer.lock);
	return done;
}

int srv_closer_start(void)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;

	if (closer.running)
		return 0;
	if (pager_fail("closer.thread") || pthread_attr_init(&attr))
		return -1;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Signals are the event loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	closer.running = !pthread_create(&thread, &attr, work, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return closer.running ? 0 : -1;
}

void srv_closer_close(int fd)
{
	const struct item item = {.fd = fd};

	if (!hand_over(&item))
		let_go(&item);
}

void srv_closer_unmap(void *memory, size_t size)
{
	const struct item item = {.memory = memory, .size = size};

	if (!hand_over(&item))
		let_go(&item);
}
