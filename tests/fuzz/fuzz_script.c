/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of scripts. Any bytes are a script or are refused with a line and
 * a reason; in a script that is accepted every operation has its verb, every
 * argument a field of the request, every expectation one of the reply, every
 * name an index, and every batch an end.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "tools/common/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct script *script,
			const struct script_value *value)
{
	assert(value->kind != SCRIPT_NAMED || value->name < script->nnames);
	assert(value->kind != SCRIPT_TEXT || value->text);
}

static void check_bytes(const struct script_bytes *bytes)
{
	volatile uint8_t sum = 0;

	assert(bytes->len <= SCRIPT_DATA_MAX);
	for (uint64_t i = 0; bytes->kind == SCRIPT_BYTES_HEX && i < bytes->len;
	     i++)
		sum = (uint8_t)(sum + bytes->hex[i]);
}

static void check_op(const struct script *script, const struct script_op *op)
{
	assert(op->verb && op->line > 0);
	assert(op->into == SCRIPT_NO_NAME || op->into < script->nnames);
	assert(op->verb->kind != SCRIPT_PRINT || op->printed);
	assert(op->verb->kind != SCRIPT_ECHO || op->text);
	assert(op->nargs <= SCRIPT_ARGS_MAX);
	assert(op->nexpects <= SCRIPT_EXPECT_MAX);
	for (unsigned int i = 0; i < op->nargs; i++) {
		const struct script_verb *verb =
		    op->printed ? op->printed : op->verb;
		const struct script_arg *arg = &op->args[i];

		assert(script_field(pager_op_find(verb->call)->request,
				    arg->field->name) == arg->field);
		check_value(script, &arg->value);
	}
	for (unsigned int i = 0; i < op->nexpects; i++) {
		const struct script_expect *e = &op->expects[i];

		if (e->kind == SCRIPT_EXPECT_FIELD) {
			assert(e->field || script_is_list(op->verb));
			check_value(script, &e->value);
		}
		check_bytes(&e->bytes);
	}
	check_bytes(&op->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[SCRIPT_WHY] = "";
	struct script *script =
	    script_parse("fuzz", (const char *)data, size, why);
	bool in_batch = false;

	if (!script) {
		assert(strncmp(why, "fuzz:", 5) == 0);
		return 0;
	}
	for (size_t i = 0; i < script->count; i++) {
		const struct script_op *op = &script->ops[i];

		check_op(script, op);
		assert(op->verb->kind != SCRIPT_BATCH || !in_batch);
		assert(op->verb->kind != SCRIPT_END || in_batch);
		in_batch = op->verb->kind == SCRIPT_BATCH ||
			   (in_batch && op->verb->kind != SCRIPT_END);
	}
	assert(!in_batch);
	script_free(script);
	return 0;
}
