/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of lists.
 */
#ifndef PAGER_ROWS_H
#define PAGER_ROWS_H
#include "proto/pager_rows.h"
#endif
