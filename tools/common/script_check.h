/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of an operation, and whether it is what the script expects.
 */
#ifndef TOOLS_COMMON_SCRIPT_CHECK_H
#define TOOLS_COMMON_SCRIPT_CHECK_H

#include "tools/common/script.h"

/* What a name stands for at this point of a run. */
struct script_known {
	bool set;
	uint64_t number;
	uint8_t token[PAGER_TOKEN_SIZE];
};

struct script_outcome {
	int ret;
	unsigned int error; /* enum pager_error; 0: done */
	uint32_t field;	    /* blamed offset */
	union pager_reply_body body;
	const uint8_t *data;
	size_t data_len;
	uint64_t count; /* rows of a list */
};

/* 0, or an exit code after it was said what is different. */
int script_check(const struct script *script, const struct script_run *run,
		 const struct script_known *known, const struct script_op *op,
		 const struct script_outcome *out);

/* Is a refusal among what is expected? */
bool script_expects_error(const struct script_op *op);

/* The bytes that are meant; malloc'd. NULL: out of memory. */
uint8_t *script_bytes_make(const struct script_bytes *bytes);

/* Say "NAME:LINE: ..." on run->err; returns code. */
int script_say(const struct script *script, const struct script_run *run,
	       const struct script_op *op, int code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
