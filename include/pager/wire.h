/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The structs of the contract: pager_req_* are what a call is made with,
 * pager_rep_* and pager_row_* what it is answered with. In the source tree
 * this leads to the file the daemon is built from; an installation has that
 * file itself in this place.
 */
#include "proto/pager_wire.h"
