/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Letting go of what clients passed, by a thread that does nothing else. Who
 * lets go of a file last waits until its memory is freed: a second for some
 * gigabytes that a client had in it, or for as long as a file system that a
 * client serves takes to answer.
 *
 *	event loop ── queue of ROOM ──> thread: close, munmap
 *
 * Where there is no thread (yet), or the queue is full because somebody's file
 * system does not answer, it is done at once, by the caller.
 */
#ifndef SERVER_CLOSER_H
#define SERVER_CLOSER_H

#include <stddef.h>

/* Once, and not before a fork. 0; or -1: there is no thread, and everything is
 * done at once. */
int srv_closer_start(void);

/* Close a descriptor of a client's. A socket may have been told to linger, and
 * it is whoever closes it last that waits: it is told not to. */
void srv_closer_close(int fd);
/* Unmap memory of a client's file, which nobody uses any more. */
void srv_closer_unmap(void *memory, size_t size);

#endif
