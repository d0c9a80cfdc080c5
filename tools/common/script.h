/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scripts of operations, the language of pagerctl(1): read whole and checked,
 * then run.
 *
 * A script is a row of operations. Each is a verb (an operation of the
 * protocol, or one of the few words that steer the script), arguments bound to
 * fields of the request, and what is expected of the reply. Names stand for
 * values that are known when it runs; that they were given one before, and
 * what kind of value, is known when it was read.
 */
#ifndef TOOLS_COMMON_SCRIPT_H
#define TOOLS_COMMON_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <pager/pager.h>

#include "proto/codec.h"

#define SCRIPT_LINE_MAX	  262144u
#define SCRIPT_FILE_MAX	  (64u << 20)
#define SCRIPT_DATA_MAX	  (16u << 20)
#define SCRIPT_NAME_MAX	  31u
#define SCRIPT_NAMES_MAX  4096u
#define SCRIPT_ARGS_MAX	  12u
#define SCRIPT_EXPECT_MAX 12u
#define SCRIPT_WHY	  256
#define SCRIPT_NO_NAME	  UINT32_MAX
#define SCRIPT_SLEEP_MAX  86400u

/* --- verbs (script_verb.c) ------------------------------------------------ */

enum script_kind {
	SCRIPT_CALL, /* an operation */
	SCRIPT_BATCH,
	SCRIPT_END,
	SCRIPT_SESSION,
	SCRIPT_DISCONNECT,
	SCRIPT_ECHO,
	SCRIPT_SLEEP,
	SCRIPT_PRINT,
};

struct script_verb {
	const char *name;
	enum script_kind kind;
	uint16_t call;	   /* enum pager_call */
	bool name_first;   /* "space a" means "a = space" */
	const char *args;  /* fields of the request in their order */
	const char *extra; /* one more field that may be left out, or NULL */
	const char *words; /* words for bits of the field flags, by bit */
};

/* By the script's word for it or the protocol's; NULL if there is none. */
const struct script_verb *script_verb_find(const char *name);

/* The field of that name; NULL: there is none, or it is reserved. */
const struct pager_field *script_field(const struct pager_struct *s,
				       const char *name);

/* --- a script that was read (script_parse.c) ------------------------------ */

enum script_value_kind {
	SCRIPT_NUMBER, /* number */
	SCRIPT_NAMED,  /* what the name stands for, plus number */
	SCRIPT_TEXT,   /* text */
	SCRIPT_TOKEN,  /* text: the bytes of a token */
};

struct script_value {
	enum script_value_kind kind;
	uint32_t name;
	uint64_t number;
	const char *text;
};

struct script_arg {
	const struct pager_field *field;
	struct script_value value;
};

enum script_bytes_kind {
	SCRIPT_BYTES_NONE,
	SCRIPT_BYTES_HEX,
	SCRIPT_BYTES_FILL,
	SCRIPT_BYTES_COUNT,
};

struct script_bytes {
	enum script_bytes_kind kind;
	uint8_t first;
	bool open; /* no length was given */
	uint64_t len;
	const uint8_t *hex;
};

enum script_expect_kind {
	SCRIPT_EXPECT_OK,
	SCRIPT_EXPECT_ERROR,
	SCRIPT_EXPECT_FIELD,
	SCRIPT_EXPECT_DATA,
};

struct script_expect {
	enum script_expect_kind kind;
	const struct pager_field *field; /* of the reply; NULL: rows' count */
	struct script_value value;
	unsigned int error;
	const char *blamed; /* field of the request, or NULL */
	struct script_bytes bytes;
};

struct script_op {
	unsigned int line;
	const struct script_verb *verb;
	const struct script_verb *printed; /* of SCRIPT_PRINT */
	uint32_t into;			   /* the name that gets a value */
	uint32_t session;		   /* index of a session's name */
	bool smaps;
	bool atomic;
	uint32_t flags;
	unsigned int nargs;
	unsigned int nexpects;
	struct script_arg args[SCRIPT_ARGS_MAX];
	struct script_expect expects[SCRIPT_EXPECT_MAX];
	struct script_bytes data;
	const char *text; /* of SCRIPT_ECHO */
	uint64_t seconds; /* of SCRIPT_SLEEP */
};

struct script {
	char *file; /* its name in messages */
	char *text;
	struct script_op *ops;
	size_t count;
	size_t room;
	char (*names)[SCRIPT_NAME_MAX + 1];
	uint32_t nnames;
};

/*
 * Read a script. name is what messages call it; text of len bytes, which is
 * copied. NULL: why says "NAME:LINE: reason".
 */
struct script *script_parse(const char *name, const char *text, size_t len,
			    char why[SCRIPT_WHY]);
/* The same from a file; "-" is standard input. */
struct script *script_read(const char *path, char why[SCRIPT_WHY]);
void script_free(struct script *script);

/* The struct whose fields a reply to the verb has for scripts. */
const struct pager_struct *script_reply_struct(const struct script_verb *verb);
/* Is the reply a list? */
bool script_is_list(const struct script_verb *verb);

/* --- running it (script_run.c) -------------------------------------------- */

/* Print what a verb's reply is, given its request; as libpager's calls. */
typedef int script_print_fn(void *arg, struct pager *pager,
			    const struct script_verb *verb, const void *body,
			    bool smaps);

struct script_run {
	const char *socket;	/* for further sessions; NULL: the default */
	FILE *out;		/* of echo */
	FILE *err;		/* what went wrong, "NAME:LINE: reason" */
	script_print_fn *print; /* or NULL: print only makes the call */
	void *arg;
};

/* Run it in the session pager, which is closed then, as far as it goes: an
 * enum tool_exit. */
int script_run(const struct script *script, struct pager *pager,
	       const struct script_run *run);

#endif
