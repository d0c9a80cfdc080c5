/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of batches: [oldest, filling) are under way, filling takes requests.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/replay/stream.h"

static void finish(struct stream *stream, const struct note *note,
		   const struct pager_reply *reply)
{
	if (note->out && !reply->error)
		memcpy(note->out, reply->body, note->out_len);
	if (note->error)
		*note->error = reply->error;
	if (reply->error != STREAM_LOST)
		stream->answer(stream->owner, note, reply);
}

/* All of a batch that cannot be read any more. */
static void fail(struct stream *stream, unsigned int slot, unsigned int count,
		 uint16_t error)
{
	struct pager_reply reply = {.error = error};

	for (unsigned int i = 0; i < count; i++)
		finish(stream, &stream->notes[slot][i], &reply);
}

static void collect(struct stream *stream)
{
	unsigned int slot = stream->oldest % STREAM_SLOTS;
	struct pager_batch *batch = stream->slots[slot];
	unsigned int count = pager_batch_count(batch);
	struct pager_reply reply;
	int ret;

	stream->oldest++;
	ret = stream->lost ? PAGER_LOST : pager_batch_wait(batch);
	if (ret == PAGER_REFUSED) {
		fail(stream, slot, count, (uint16_t)pager_error(stream->pager));
	} else if (ret < 0) {
		stream->lost = true;
		fail(stream, slot, count, STREAM_LOST);
	} else {
		for (unsigned int i = 0; i < count; i++) {
			pager_batch_reply(batch, i, &reply);
			finish(stream, &stream->notes[slot][i], &reply);
		}
	}
	pager_batch_reset(batch);
}

static void submit(struct stream *stream)
{
	struct pager_batch *batch =
	    stream->slots[stream->filling % STREAM_SLOTS];

	if (pager_batch_count(batch) == 0)
		return;
	if (!stream->lost && pager_batch_submit(batch) < 0)
		stream->lost = true;
	stream->filling++;
	if (stream->filling - stream->oldest == STREAM_SLOTS)
		collect(stream);
}

struct stream *stream_new(struct pager *pager, stream_answer *answer,
			  void *owner)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		pager_close(pager);
		return NULL;
	}
	stream->pager = pager;
	stream->answer = answer;
	stream->owner = owner;
	for (unsigned int i = 0; i < STREAM_SLOTS; i++) {
		stream->slots[i] = pager_batch_new(pager, 0);
		if (!stream->slots[i]) {
			stream_free(stream);
			return NULL;
		}
	}
	return stream;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	for (unsigned int i = 0; i < STREAM_SLOTS; i++)
		pager_batch_free(stream->slots[i]);
	pager_close(stream->pager);
	free(stream);
}

void stream_add(struct stream *stream, enum pager_call call, const void *body,
		size_t len, const struct note *note)
{
	struct pager_reply lost = {.error = STREAM_LOST};
	int index = PAGER_FULL;

	for (int tries = 0; tries < 2 && !stream->lost; tries++) {
		index = pager_batch_add(
		    stream->slots[stream->filling % STREAM_SLOTS], call, body,
		    len, NULL, 0);
		if (index != PAGER_FULL)
			break;
		submit(stream);
	}
	if (index < 0 || stream->lost) {
		stream->lost = true;
		finish(stream, note, &lost);
		return;
	}
	stream->notes[stream->filling % STREAM_SLOTS][index] = *note;
	stream->requests++;
}

void stream_flush(struct stream *stream)
{
	submit(stream);
	while (stream->oldest != stream->filling)
		collect(stream);
}

uint16_t stream_ask(struct stream *stream, enum pager_call call,
		    const void *body, size_t len, void *out, size_t out_len)
{
	uint16_t error = STREAM_LOST;
	struct note note = {
	    .kind = NOTE_QUIET,
	    .out = out,
	    .out_len = out_len,
	    .error = &error,
	};

	stream_add(stream, call, body, len, &note);
	stream_flush(stream);
	return error;
}
