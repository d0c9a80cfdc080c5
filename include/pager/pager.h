/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager: address spaces by message. The umbrella header; libpager(3).
 *
 * One struct pager is one connection to a pagerd, and a session there. There
 * is no global state: a connection belongs to one thread at a time, different
 * connections to different threads.
 *
 * Spaces and objects are 64-bit handles that mean something in the session
 * that got them. Addresses and lengths are in bytes, fixed-width integers.
 *
 * What every function that returns int returns:
 *
 *	0		done (a few return a count or an index instead)
 *	PAGER_REFUSED	the daemon said no and changed nothing; why is in
 *			pager_error(), pager_field() and pager_errstr()
 *	PAGER_LOST	the connection is of no more use: the daemon is gone or
 *			does not keep the protocol. errno and pager_errstr()
 *			say why; every later call returns the same
 *	PAGER_FULL	only pager_submit() and pager_batch_add(): wait for a
 *			reply, or run the batch, first
 *	PAGER_MISUSE	an argument no daemon needs to see (a name too long, a
 *			sequence number nobody waits for) or, with errno
 *			ENOMEM, no memory here; the connection is as before
 *
 * Pointers to results may be NULL where a result is not wanted.
 */
#ifndef PAGER_PAGER_H
#define PAGER_PAGER_H

#include <pager/abi.h>
#include <pager/wire.h>

#include <pager/connection.h>
#include <pager/calls.h>
#include <pager/lists.h>
#include <pager/batch.h>
#include <pager/dirty.h>
#include <pager/precopy.h>

#endif
