/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structs of the contract as people and programs read them, from the table of
 * fields: nothing here knows what an operation means.
 */
#ifndef TOOLS_COMMON_SHOW_H
#define TOOLS_COMMON_SHOW_H

#include <stdint.h>
#include <stdio.h>

#include "proto/ops.h"
#include "tools/common/json.h"

/* A field's value as a number; 0 for one that is none. */
uint64_t show_field_value(const struct pager_field *field, const void *body);

/* The struct of that name ("rep_stats"), which must exist. */
const struct pager_struct *show_struct(const char *name);

/* Its fields as keys of the object that is open. */
void show_json(struct tool_json *json, const struct pager_struct *s,
	       const void *body);
/* A line a field. */
void show_text(FILE *out, const struct pager_struct *s, const void *body);

#endif
