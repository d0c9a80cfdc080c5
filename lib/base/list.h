/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive lists, queues and trees: libbsd's, under one include, so that the
 * rest of the project has one place that knows where they come from.
 */
#ifndef LIB_BASE_LIST_H
#define LIB_BASE_LIST_H

#include <bsd/sys/queue.h>

#endif
