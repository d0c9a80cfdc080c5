/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong, in numbers, names and words. The words are made where it
 * happens, so that errno is still what it was.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[PAGER_ERROR_COUNT] = {
    [PAGER_OK] = "done",
    [PAGER_EINVAL] = "a value that is never valid",
    [PAGER_EALIGN] = "not a multiple of the page size",
    [PAGER_ERANGE] = "outside the space, object, log, file or table",
    [PAGER_EOVERFLOW] = "start plus length wraps around",
    [PAGER_EEXIST] = "something is there already",
    [PAGER_ENOENT] = "no such handle, name, token or region",
    [PAGER_ESTALE] = "the handle is no longer valid",
    [PAGER_ETYPE] = "a handle of another kind of thing",
    [PAGER_EACCESS] = "not allowed to this user",
    [PAGER_EUNMAPPED] = "a hole in a range that must be mapped",
    [PAGER_ENOMEM] = "the server has no memory left",
    [PAGER_ENOSPACE] = "no free address range is long enough",
    [PAGER_ELIMIT] = "a limit of the space or the user",
    [PAGER_EBUSY] = "in use in a way that forbids this",
    [PAGER_ESIGNAL] = "the access would be a signal",
    [PAGER_ENODATA] = "the pool has no memory behind its frames",
    [PAGER_ENOSYS] = "unknown operation",
    [PAGER_EVERSION] = "no common protocol version",
    [PAGER_EHELLO] = "HELLO comes first, and only once",
    [PAGER_ERESERVED] = "a reserved field is not zero",
    [PAGER_EFLAGS] = "an unknown flag or a forbidden combination",
    [PAGER_ENOBACKEND] = "this machine or daemon cannot do it",
    [PAGER_ETOOBIG] = "longer than one message can carry",
    [PAGER_EBATCH] = "not allowed in this kind of batch",
    [PAGER_EABORTED] = "undone: another of the batch failed",
    [PAGER_ECORRUPT] = "the recount found a difference",
    [PAGER_EDIRTYFULL] = "a dirty ring is full: reset it, then try again",
};

const char *pager_errname(unsigned int error)
{
	const char *name = pager_error_name(error);

	return name ? name : "EUNKNOWN";
}

const char *pager_errtext(unsigned int error)
{
	return error < PAGER_ERROR_COUNT ? texts[error] : "an unknown error";
}

const char *pager_call_name(unsigned int call)
{
	const struct pager_op *op = pager_op_find(call);

	return op ? op->name : NULL;
}

/* The request's field at an offset from the start of the message, or "". */
static const char *field_name(unsigned int call, uint32_t offset)
{
	const char *name = NULL;

	if (offset > 0)
		name = pager_op_field_name(pager_op_find(call), offset);
	return name ? name : "";
}

unsigned int pager_error(const struct pager *pager)
{
	return pager->error;
}

uint32_t pager_field(const struct pager *pager)
{
	return pager->field;
}

const char *pager_field_name(const struct pager *pager)
{
	return field_name(pager->refused, pager->field);
}

const char *pager_errstr(const struct pager *pager)
{
	return pager->text;
}

int client_lost(struct pager *pager, int err, const char *what)
{
	if (!pager->lost) {
		errno = err;
		snprintf(pager->text, sizeof(pager->text), "%s: %m", what);
		pager->lost = err;
	}
	errno = pager->lost;
	return PAGER_LOST;
}

int client_broken(struct pager *pager, const char *what)
{
	if (!pager->lost)
		snprintf(pager->text, sizeof(pager->text), "the daemon sent %s",
			 what);
	pager->lost = EPROTO;
	errno = EPROTO;
	return PAGER_LOST;
}

int client_misuse(struct pager *pager, int err, const char *what)
{
	if (!pager->lost) {
		errno = err;
		snprintf(pager->text, sizeof(pager->text), "%s: %m", what);
	}
	errno = err;
	return PAGER_MISUSE;
}

/* The words for a refusal; those of dirty logs say what their fields are in. */
static const char *refusal_text(unsigned int call, const char *field,
				unsigned int error)
{
	const bool fd = !strcmp(field, "nfds");

	if (call <= PAGER_OP_DIRTY_START || call > PAGER_OP_DIRTY_LIST)
		return pager_errtext(error);
	if (fd && error == PAGER_EINVAL)
		return "not a memfd that is sealed with F_SEAL_SHRINK";
	if ((fd || !strcmp(field, "offset")) && error == PAGER_ERANGE)
		return "the memfd is too small";
	if (error == PAGER_EALIGN)
		return !strcmp(field, "offset")
			   ? "not a multiple of 8"
			   : "not a multiple of 64, nor to the log's end";
	if (call == PAGER_OP_DIRTY_RESET && error == PAGER_EINVAL)
		return "the log has no ring";
	if (error == PAGER_EBUSY)
		return "the log has a ring, which is how it is read";
	return pager_errtext(error);
}

int client_refused(struct pager *pager, unsigned int call, unsigned int error,
		   uint32_t field)
{
	const char *op = pager_call_name(call);
	const char *name = field_name(call, field);

	pager->refused = call;
	pager->error = error;
	pager->field = field;
	snprintf(pager->text, sizeof(pager->text), "%s: %s%s%s (%s)",
		 op ? op : "?", name, *name ? ": " : "",
		 refusal_text(call, name, error), pager_errname(error));
	return PAGER_REFUSED;
}
