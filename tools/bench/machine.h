/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine under the figures: which CPU, which kernel, how this program was
 * built, how much memory may be taken.
 */
#ifndef TOOLS_BENCH_MACHINE_H
#define TOOLS_BENCH_MACHINE_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Pin the calling process to one CPU of those it may run on, the last: the
 * first takes most interrupts. Returns which, or -1: it could not be done. */
int machine_pin_self(void);
/* Pin a process to a CPU: 0, or -1. */
int machine_pin(pid_t pid, int cpu);

/* Bytes of memory that can be taken without hurting anybody. */
uint64_t machine_memory(void);

/* A few lines about all that: CPU, placement, kernel, build. */
void machine_print(FILE *out, int cpu, unsigned int rounds);

#endif
