/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the numbers of the contract: what tools print and scripts say
 * instead of PAGER_SEGV_ACCERR or PAGER_ADV_DONTNEED.
 */
#ifndef TOOLS_COMMON_WORDS_H
#define TOOLS_COMMON_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_set {
	WORD_NONE,   /* a plain number */
	WORD_ACCESS, /* "rwx" letters: protections and accesses */
	WORD_SIGNAL,
	WORD_RESULT,
	WORD_PAGE_TYPE,
	WORD_HANDLE_TYPE,
	WORD_BACKEND,
	WORD_ADVICE,
	WORD_AROUND,
	WORD_ZONE,
	WORD_BLOCK_STATE,
	WORD_EVENT,
	WORD_METHOD,
	WORD_STEP,
	WORD_PEEK,
	WORD_HEX, /* a number that is shown in hexadecimal */
};

/* What the words of a field are, by its name and its struct's ("rep_page",
 * "type"). */
enum word_set word_set_of(const char *in_struct, const char *field);

/* The word for a value, or NULL if there is none. WORD_ACCESS has none. */
const char *word_text(enum word_set set, uint64_t value);
/* "r-x" */
const char *word_access(uint32_t access, char buf[4]);
/* The value of a word; false: there is no such word. WORD_ACCESS: "none", or
 * letters r, w, x and dashes. */
bool word_parse(enum word_set set, const char *text, uint64_t *value);
/* The error of that name ("EALIGN"), or 0. */
unsigned int word_error(const char *text);

/* Names of the PAGER_REGION_* bits: bit 0 is word_region_flag(0); NULL after
 * the last. */
const char *word_region_flag(unsigned int bit);

#endif
