/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the codec: any bytes as a request, as a batch's data and as a reply.
 * What is accepted must survive being encoded again, what is refused must
 * blame a byte of the message.
 *
 * The first byte is the number of file descriptors that came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_accepted(const struct pager_request *in)
{
	static uint8_t buf[PAGER_MSG_MAX];
	struct pager_request again;
	size_t len;

	must(in->op && in->op->number == in->hdr.op);
	must(in->op->fds == in->hdr.nfds);
	must(!in->data_len || in->op->data & PAGER_OP_DATA_IN);
	len = pager_request_encode(buf, sizeof(buf), in->op, in->hdr.seq,
				   &in->body, in->op->request->size, in->data,
				   in->data_len);
	/* A short body, made whole, may not fit any more. */
	if (!len)
		return;
	pager_request_set_fds(buf, in->op->fds);
	must(pager_request_decode(buf, len, in->op->fds, &again) ==
	     PAGER_VERDICT_OK);
	must(memcmp(&again.body, &in->body, in->op->request->size) == 0);
	must(again.data_len == in->data_len);
	must(memcmp(again.data, in->data, in->data_len) == 0);
}

static void check_request(const uint8_t *packet, size_t len, unsigned int nfds)
{
	static struct pager_request out;
	const uint8_t *message;
	size_t at = 0, n, sum = 0;
	int cut;

	switch (pager_request_decode(packet, len, nfds, &out)) {
	case PAGER_VERDICT_OK:
		check_accepted(&out);
		break;
	case PAGER_VERDICT_REFUSE:
		must(out.error && out.error < PAGER_ERROR_COUNT);
		must(out.field < len);
		return;
	case PAGER_VERDICT_VIOLATE:
		must(out.violation && out.violation < PAGER_VIOLATION_COUNT);
		must(pager_violation_text(out.violation) != NULL);
		return;
	}
	if (out.op->number != PAGER_OP_BATCH)
		return;
	while ((cut = pager_batch_cut(out.data, out.data_len, &at, &message,
				      &n)) > 0) {
		must(message >= out.data &&
		     message + n <= out.data + out.data_len);
		sum += n;
		must(sum == at);
		check_request(message, n, 0);
		/* The inner one has used the same place. */
		pager_request_decode(packet, len, nfds, &out);
	}
	must(cut < 0 || sum == out.data_len);
}

static void check_reply(const uint8_t *packet, size_t len)
{
	static struct pager_answer answer;

	if (!pager_answer_decode(packet, len, &answer))
		return;
	must(answer.data >= packet &&
	     answer.data + answer.data_len <= packet + len);
	pager_op_field_name(answer.op, answer.hdr.field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int nfds;
	uint8_t *packet;

	if (size == 0)
		return 0;
	nfds = data[0];
	size--;
	packet = malloc(size ? size : 1);
	if (!packet)
		return 0;
	memcpy(packet, data + 1, size);
	check_request(packet, size, nfds);
	check_reply(packet, size);
	free(packet);
	return 0;
}
