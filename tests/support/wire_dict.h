/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzers' dictionary, as the table of operations has it: the first eight
 * bytes of each operation's message, and the magic number.
 */
#ifndef TESTS_SUPPORT_WIRE_DICT_H
#define TESTS_SUPPORT_WIRE_DICT_H

#include <stdio.h>

void wire_dict_write(FILE *out);

#endif
