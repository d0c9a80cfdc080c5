/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running a script: fill the request, make the call, compare the reply with
 * what was expected; the first difference ends it.
 */
#include "tools/common/script.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/common/options.h"
#include "tools/common/script_check.h"

#define SESSIONS_MAX 64

struct runner {
	const struct script *script;
	const struct script_run *run;
	struct pager *sessions[SESSIONS_MAX];
	size_t session;
	struct script_known *known; /* by name */
	uint8_t *buffer;	    /* of the last read or write */
};

int script_say(const struct script *script, const struct script_run *run,
	       const struct script_op *op, int code, const char *format, ...)
{
	va_list ap;

	fprintf(run->err, "%s:%u: ", script->file, op->line);
	va_start(ap, format);
	vfprintf(run->err, format, ap);
	va_end(ap);
	fputc('\n', run->err);
	return code;
}

#define say(r, op, code, ...) \
	script_say((r)->script, (r)->run, op, code, __VA_ARGS__)

static int lost(struct runner *r, const struct script_op *op,
		struct pager *pager, int ret)
{
	return say(r, op, ret == PAGER_LOST ? TOOL_NO_DAEMON : TOOL_USAGE, "%s",
		   pager_errstr(pager));
}

/* --- requests ------------------------------------------------------------- */

/* The value of an argument that is a number. */
static uint64_t number_of(const struct runner *r,
			  const struct script_value *value)
{
	uint64_t n = value->number;

	if (value->kind == SCRIPT_NAMED)
		n += r->known[value->name].number;
	return n;
}

static int put(struct runner *r, const struct script_op *op,
	       const struct script_arg *arg, uint8_t *body)
{
	const struct pager_field *field = arg->field;
	uint8_t *to = body + field->offset;
	uint64_t u64;
	uint32_t u32;

	if (arg->value.kind == SCRIPT_NAMED && !r->known[arg->value.name].set)
		return say(r, op, TOOL_REFUSED, "%s: has no value",
			   r->script->names[arg->value.name]);
	if (arg->value.kind == SCRIPT_TEXT) {
		memcpy(to, arg->value.text,
		       strnlen(arg->value.text, field->size));
		return 0;
	}
	if (arg->value.kind == SCRIPT_TOKEN) {
		memcpy(to, arg->value.text, PAGER_TOKEN_SIZE);
		return 0;
	}
	if (field->size == PAGER_TOKEN_SIZE) {
		memcpy(to, r->known[arg->value.name].token, PAGER_TOKEN_SIZE);
		return 0;
	}
	u64 = number_of(r, &arg->value);
	u32 = (uint32_t)u64;
	if (field->size == 8)
		memcpy(to, &u64, 8);
	else if (u32 == u64 || op->verb->call == PAGER_CALL_READ)
		memcpy(to, &u32, 4);
	else
		return say(r, op, TOOL_USAGE,
			   "%s: 0x%" PRIx64 " does not fit in its field",
			   field->name, u64);
	return 0;
}

/* Fill the request of a verb; 0, or an exit code. */
static int fill(struct runner *r, const struct script_op *op,
		const struct script_verb *verb, union pager_request_body *body)
{
	const struct pager_struct *s = pager_op_find(verb->call)->request;
	const struct pager_field *flags = script_field(s, "flags");
	uint32_t bits;

	memset(body, 0, sizeof(*body));
	if (verb->call == PAGER_CALL_HELLO) {
		body->hello.magic = PAGER_MAGIC;
		body->hello.major = PAGER_VERSION_MAJOR;
	}
	if (verb->call == PAGER_CALL_USER_INFO)
		body->user.uid = UINT32_MAX;
	for (unsigned int i = 0; i < op->nargs; i++) {
		int ret = put(r, op, &op->args[i], (uint8_t *)body);

		if (ret)
			return ret;
	}
	if (flags && op->flags) {
		uint8_t *to = (uint8_t *)body + flags->offset;

		memcpy(&bits, to, 4);
		bits |= op->flags;
		memcpy(to, &bits, 4);
	}
	return 0;
}

/* The argument for a field, or NULL. */
static const struct script_arg *arg_of(const struct script_op *op,
				       const char *name)
{
	for (unsigned int i = 0; i < op->nargs; i++)
		if (strcmp(op->args[i].field->name, name) == 0)
			return &op->args[i];
	return NULL;
}

/* --- calls ---------------------------------------------------------------- */

static int read_bytes(struct runner *r, struct pager *pager,
		      const struct script_op *op,
		      const union pager_request_body *body,
		      struct script_outcome *out)
{
	uint64_t len = number_of(r, &arg_of(op, "len")->value);

	if (len > SCRIPT_DATA_MAX)
		return say(r, op, TOOL_USAGE, "a read of more than 16 MiB");
	r->buffer = malloc(len ? len : 1);
	if (!r->buffer)
		return say(r, op, TOOL_REFUSED, "out of memory");
	out->ret =
	    pager_call_read(pager, body->read.space, body->read.cpu,
			    body->read.addr, r->buffer, len, &out->body.access);
	out->data = r->buffer;
	out->data_len = out->body.access.done;
	return 0;
}

static int write_bytes(struct runner *r, struct pager *pager,
		       const struct script_op *op,
		       const union pager_request_body *body,
		       struct script_outcome *out)
{
	r->buffer = script_bytes_make(&op->data);
	if (!r->buffer)
		return say(r, op, TOOL_REFUSED, "out of memory");
	out->ret = pager_call_write(pager, body->write.space, body->write.cpu,
				    body->write.addr, r->buffer, op->data.len,
				    &out->body.access);
	return 0;
}

/* All pages of a list, unless the script asks for a certain one. */
static void count_rows(struct pager *pager, const struct script_op *op,
		       union pager_request_body *body,
		       struct script_outcome *out)
{
	const struct pager_op *o = pager_op_find(op->verb->call);
	const struct pager_field *cursor = script_field(o->request, "cursor");
	bool one = !cursor || arg_of(op, "cursor") || arg_of(op, "max");
	struct pager_reply reply;
	struct pager_rep_list head;

	do {
		out->ret = pager_call(pager, op->verb->call, body,
				      o->request->size, NULL, 0, &reply);
		if (out->ret < 0)
			return;
		memcpy(&head, reply.body, sizeof(head));
		out->count += head.count;
		if (cursor)
			memcpy((uint8_t *)body + cursor->offset, &head.next, 8);
	} while (!one && head.next != 0 && head.count > 0);
}

static void any_call(struct pager *pager, const struct script_op *op,
		     const union pager_request_body *body,
		     struct script_outcome *out)
{
	const struct pager_op *o = pager_op_find(op->verb->call);
	struct pager_reply reply;

	out->ret = pager_call(pager, op->verb->call, body, o->request->size,
			      NULL, 0, &reply);
	if (out->ret < 0)
		return;
	memcpy(&out->body, reply.body, o->reply->size);
	out->data = reply.data;
	out->data_len = reply.data_len;
}

/* Clear pages of a log: those of the words, or all. */
static int clear_pages(struct runner *r, struct pager *pager,
		       const struct script_op *op,
		       const union pager_request_body *body,
		       struct script_outcome *out)
{
	struct pager_reply reply;

	if (op->data.len > PAGER_DATA_MAX)
		return say(r, op, TOOL_USAGE,
			   "more than one message can carry");
	r->buffer = script_bytes_make(&op->data);
	if (!r->buffer)
		return say(r, op, TOOL_REFUSED, "out of memory");
	out->ret =
	    pager_call(pager, op->verb->call, body, sizeof(body->dirty_clear),
		       r->buffer, op->data.len, &reply);
	if (out->ret == 0)
		memcpy(&out->body, reply.body, sizeof(out->body.dirty_count));
	return 0;
}

/* Calls with a memfd, which is made for them; the ring's lives on in the
 * server. */
static int memfd_call(struct runner *r, struct pager *pager,
		      const struct script_op *op,
		      const union pager_request_body *body,
		      struct script_outcome *out)
{
	const struct pager_req_dirty_get_fd *get = &body->dirty_get_fd;
	const struct pager_req_dirty_ring *ring = &body->dirty_ring;
	bool gets = op->verb->call == PAGER_CALL_DIRTY_GET_FD;
	uint64_t size = gets ? get->offset + (get->pages + 63) / 64 * 8
			     : (uint64_t)ring->entries * PAGER_RING_ENTRY_SIZE;
	int fd = memfd_create("script", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || size > INT64_MAX || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		if (fd >= 0)
			close(fd);
		return say(r, op, TOOL_REFUSED,
			   "a memfd of %" PRIu64 " bytes: %s", size,
			   strerror(errno));
	}
	out->ret =
	    gets ? pager_call_dirty_get_fd(pager, get, fd, &out->body.dirty_got)
		 : pager_call_dirty_ring(pager, ring->log, ring->entries, fd);
	close(fd);
	return 0;
}

/* Make one call; 0, or an exit code after something was said. */
static int make_call(struct runner *r, const struct script_op *op,
		     struct script_outcome *out)
{
	struct pager *pager = r->sessions[r->session];
	union pager_request_body body;
	int ret = fill(r, op, op->verb, &body);

	memset(out, 0, sizeof(*out));
	if (ret)
		return ret;
	free(r->buffer);
	r->buffer = NULL;
	if (op->verb->call == PAGER_CALL_READ)
		ret = read_bytes(r, pager, op, &body, out);
	else if (op->verb->call == PAGER_CALL_WRITE)
		ret = write_bytes(r, pager, op, &body, out);
	else if (op->verb->call == PAGER_CALL_DIRTY_CLEAR)
		ret = clear_pages(r, pager, op, &body, out);
	else if (pager_op_find(op->verb->call)->fds)
		ret = memfd_call(r, pager, op, &body, out);
	else if (script_is_list(op->verb))
		count_rows(pager, op, &body, out);
	else
		any_call(pager, op, &body, out);
	if (ret)
		return ret;
	if (out->ret < 0 && out->ret != PAGER_REFUSED)
		return lost(r, op, pager, out->ret);
	if (out->ret == PAGER_REFUSED) {
		out->error = pager_error(pager);
		out->field = pager_field(pager);
	}
	return 0;
}

/* What a reply that was as expected gives a name. */
static void learn(struct runner *r, const struct script_op *op,
		  const struct script_outcome *out)
{
	struct script_known *known;

	if (op->into == SCRIPT_NO_NAME || out->error)
		return;
	known = &r->known[op->into];
	known->set = true;
	if (op->verb->call == PAGER_CALL_GIVE)
		memcpy(known->token, out->body.token.token, PAGER_TOKEN_SIZE);
	else
		known->number = out->body.handle.handle;
}

static int check(struct runner *r, const struct script_op *op,
		 const struct script_outcome *out)
{
	int ret = script_check(r->script, r->run, r->known, op, out);

	if (ret == 0)
		learn(r, op, out);
	return ret;
}

static int run_call(struct runner *r, const struct script_op *op)
{
	struct script_outcome out;
	int ret = make_call(r, op, &out);

	return ret ? ret : check(r, op, &out);
}

static int run_print(struct runner *r, const struct script_op *op)
{
	struct pager *pager = r->sessions[r->session];
	union pager_request_body body;
	int ret = fill(r, op, op->printed, &body);

	if (ret)
		return ret;
	if (!r->run->print)
		return 0;
	ret = r->run->print(r->run->arg, pager, op->printed, &body, op->smaps);
	if (ret == PAGER_REFUSED)
		return say(r, op, TOOL_REFUSED, "refused: %s",
			   pager_errstr(pager));
	return ret < 0 ? lost(r, op, pager, ret) : 0;
}

/* --- batches -------------------------------------------------------------- */

static int batch_add(struct runner *r, struct pager_batch *batch,
		     const struct script_op *op)
{
	const struct pager_op *o = pager_op_find(op->verb->call);
	union pager_request_body body;
	uint8_t *data = NULL;
	int ret = fill(r, op, op->verb, &body);

	if (ret)
		return ret;
	if (op->data.len > 0) {
		data = script_bytes_make(&op->data);
		if (!data)
			return say(r, op, TOOL_REFUSED, "out of memory");
	}
	ret = pager_batch_add(batch, op->verb->call, &body, o->request->size,
			      data, data ? op->data.len : 0);
	free(data);
	if (ret < 0)
		return say(r, op, TOOL_USAGE,
			   "more than one message can carry");
	return 0;
}

/* Compare the replies to ops[0..n) and the batch's own. */
static int batch_check(struct runner *r, struct pager_batch *batch, int result,
		       const struct script_op *ops, unsigned int n)
{
	const struct script_op *last = &ops[n];
	bool refused = script_expects_error(last);
	struct script_outcome out = {.ret = result};
	struct pager *pager = r->sessions[r->session];

	out.error = result == PAGER_REFUSED ? pager_error(pager) : 0;
	out.field = out.error ? pager_field(pager) : 0;
	out.body.batch.count = pager_batch_count(batch);
	out.body.batch.failed = pager_batch_failed(batch);
	out.body.batch.first = pager_batch_first(batch);
	for (unsigned int i = 0; i < pager_batch_count(batch); i++) {
		struct script_outcome one = {0};
		struct pager_reply reply;
		int ret;

		one.ret = pager_batch_reply(batch, i, &reply);
		one.error = reply.error;
		one.field = reply.field;
		memcpy(&one.body, reply.body,
		       pager_op_find(reply.call)->reply->size);
		one.data = reply.data;
		one.data_len = reply.data_len;
		one.count = one.body.list.count;
		if (one.error == 0 && (reply.call == PAGER_CALL_READ ||
				       reply.call == PAGER_CALL_WRITE))
			one.error = one.body.access.error;
		if (refused && out.error && ops[i].nexpects == 0)
			continue;
		ret = check(r, &ops[i], &one);
		if (ret)
			return ret;
	}
	return script_check(r->script, r->run, r->known, last, &out);
}

/* ops[0] is the batch; *taken: how many operations it is, its end included. */
static int run_batch(struct runner *r, const struct script_op *ops,
		     size_t *taken)
{
	struct pager *pager = r->sessions[r->session];
	struct pager_batch *batch =
	    pager_batch_new(pager, ops->atomic ? PAGER_BATCH_ATOMIC : 0);
	unsigned int n = 0;
	int ret = 0;

	if (!batch)
		return say(r, ops, TOOL_REFUSED, "out of memory");
	while (ret == 0 && ops[1 + n].verb->kind != SCRIPT_END)
		ret = batch_add(r, batch, &ops[1 + n++]);
	if (ret == 0) {
		int result = pager_batch_run(batch);

		if (result < 0 && result != PAGER_REFUSED)
			ret = lost(r, &ops[1 + n], pager, result);
		else
			ret = batch_check(r, batch, result, ops + 1, n);
	}
	pager_batch_free(batch);
	*taken = 2 + (size_t)n;
	return ret;
}

/* --- the whole ------------------------------------------------------------ */

static int run_session(struct runner *r, const struct script_op *op)
{
	struct pager **pager = &r->sessions[op->session];

	if (op->verb->kind == SCRIPT_DISCONNECT) {
		pager_close(*pager);
		*pager = NULL;
		return 0;
	}
	if (!*pager)
		*pager = pager_connect(r->run->socket);
	if (!*pager)
		return say(r, op, TOOL_NO_DAEMON, "a session: %s",
			   strerror(errno));
	r->session = op->session;
	return 0;
}

int script_run(const struct script *script, struct pager *pager,
	       const struct script_run *run)
{
	struct runner r = {.script = script, .run = run};
	int ret = 0;

	r.sessions[0] = pager;
	r.known = calloc(script->nnames, sizeof(*r.known));
	if (!r.known) {
		fprintf(run->err, "%s: out of memory\n", script->file);
		ret = TOOL_REFUSED;
	}
	for (size_t i = 0; ret == 0 && i < script->count;) {
		const struct script_op *op = &script->ops[i];
		size_t taken = 1;

		switch (op->verb->kind) {
		case SCRIPT_CALL:
			ret = run_call(&r, op);
			break;
		case SCRIPT_BATCH:
			ret = run_batch(&r, op, &taken);
			break;
		case SCRIPT_PRINT:
			ret = run_print(&r, op);
			break;
		case SCRIPT_ECHO:
			fprintf(run->out, "%s\n", op->text);
			break;
		case SCRIPT_SLEEP:
			fflush(run->out);
			sleep((unsigned int)op->seconds);
			break;
		default:
			ret = run_session(&r, op);
			break;
		}
		i += taken;
	}
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		pager_close(r.sessions[i]);
	free(r.known);
	free(r.buffer);
	return ret;
}
