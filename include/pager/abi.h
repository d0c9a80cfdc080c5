/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constants of the contract. In the source tree this leads to the file the
 * daemon is built from; an installation has that file itself in this place.
 */
#include "proto/pager_abi.h"
