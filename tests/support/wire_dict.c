/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the format of libFuzzer: name="bytes", with \xNN escapes.
 */
#include "tests/support/wire_dict.h"

#include <string.h>

#include "proto/ops.h"

static void write_entry(FILE *out, const char *name, const void *bytes,
			size_t len)
{
	const uint8_t *p = bytes;

	fprintf(out, "%s=\"", name);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "\\x%02x", p[i]);
	fprintf(out, "\"\n");
}

void wire_dict_write(FILE *out)
{
	const uint32_t magic = PAGER_MAGIC;
	const struct pager_op *op = NULL;

	fprintf(out, "# Written from the table of operations: "
		     "test_manual --dict\n");
	write_entry(out, "magic", &magic, sizeof(magic));
	while ((op = pager_op_next(op))) {
		const struct pager_hdr hdr = {.length = PAGER_HDR_SIZE +
							op->request->size,
					      .op = op->number};

		write_entry(out, op->name, &hdr, 8);
	}
}
