/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files that read scripts: the state of the reader, and the parts
 * of a line that are read on their own.
 */
#ifndef TOOLS_COMMON_SCRIPT_INT_H
#define TOOLS_COMMON_SCRIPT_INT_H

#include "tools/common/script.h"

/* What a name stands for, as far as the reader can know. */
enum name_kind {
	NAME_UNSET = 0,
	NAME_NUMBER,
	NAME_TOKEN,
};

struct reader {
	struct script *script;
	unsigned int line;
	char *why;

	/* The line's words, each ended by a NUL in the text. */
	char **words;
	size_t nwords;
	size_t at;
	size_t words_room;

	enum name_kind kinds[SCRIPT_NAMES_MAX];
	enum name_kind later[SCRIPT_NAMES_MAX]; /* after the batch's end */
	uint32_t sessions[64];
	size_t nsessions;
	bool connected[64];
	size_t session; /* the current one, or SIZE_MAX */
	bool in_batch;
	unsigned int batch_line;
};

/* Set why to "NAME:LINE: ..."; false. word, if not NULL, is cut and cleaned
 * before it is shown. */
bool script_fail(struct reader *r, const char *what, const char *word);

/* The index of a name, made if need be; SCRIPT_NO_NAME after script_fail. */
uint32_t script_name(struct reader *r, const char *text);

/* A value for a field of struct s. */
bool script_value(struct reader *r, const struct pager_struct *s,
		  const struct pager_field *field, char *text,
		  struct script_value *out);

/* Bytes: hex:..., fill:..., count:... open: the length may be left out. */
bool script_is_bytes(const char *text);
bool script_bytes(struct reader *r, char *text, bool open,
		  struct script_bytes *out);

/* The rest of the line after "expect". */
bool script_expects(struct reader *r, struct script_op *op);

#endif
