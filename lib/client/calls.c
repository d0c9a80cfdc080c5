/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One blocking function an operation: arguments into the request's struct, the
 * reply's struct out. Bytes of any length are cut into requests here.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <string.h>

/* Make a call without data; copy size bytes of the reply's struct to out. */
static int simple(struct pager *pager, enum pager_call call, const void *body,
		  size_t body_len, void *out, size_t size)
{
	struct pager_reply reply;
	int ret = pager_call(pager, call, body, body_len, NULL, 0, &reply);

	if (ret == 0 && out)
		memcpy(out, reply.body, size);
	return ret;
}

/* The same for a reply that is one 64-bit word. */
static int simple_word(struct pager *pager, enum pager_call call,
		       const void *body, size_t body_len, uint64_t *out)
{
	return simple(pager, call, body, body_len, out, sizeof(*out));
}

static int range_call(struct pager *pager, enum pager_call call, uint64_t space,
		      uint64_t addr, uint64_t len, void *out, size_t size)
{
	struct pager_req_range r = {.space = space, .addr = addr, .len = len};

	return simple(pager, call, &r, sizeof(r), out, size);
}

static int space_call(struct pager *pager, enum pager_call call, uint64_t space)
{
	struct pager_req_space r = {.space = space};

	return simple(pager, call, &r, sizeof(r), NULL, 0);
}

/* --- the server ----------------------------------------------------------- */

int pager_call_ping(struct pager *pager, uint64_t cookie)
{
	struct pager_req_ping r = {.cookie = cookie};
	uint64_t answer;
	int ret = simple_word(pager, PAGER_CALL_PING, &r, sizeof(r), &answer);

	if (ret == 0 && answer != cookie)
		return client_broken(pager, "another cookie than it was given");
	return ret;
}

int pager_call_stats(struct pager *pager, struct pager_rep_stats *out)
{
	return simple(pager, PAGER_CALL_STATS, NULL, 0, out, sizeof(*out));
}

int pager_call_check(struct pager *pager, struct pager_rep_check *out,
		     char *why, size_t size)
{
	struct pager_reply reply;
	int ret = pager_call(pager, PAGER_CALL_CHECK, NULL, 0, NULL, 0, &reply);
	const char *text;
	size_t n = 0;

	if (ret < 0)
		return ret;
	if (out)
		memcpy(out, reply.body, sizeof(*out));
	if (!why || size == 0)
		return 0;
	text = reply.data;
	for (; n < reply.data_len && n + 1 < size && text[n] != '\0'; n++)
		why[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	why[n] = '\0';
	return 0;
}

int pager_call_user_info(struct pager *pager, uint32_t uid,
			 struct pager_rep_user *out)
{
	struct pager_req_user r = {.uid = uid};

	return simple(pager, PAGER_CALL_USER_INFO, &r, sizeof(r), out,
		      sizeof(*out));
}

/* --- spaces --------------------------------------------------------------- */

int pager_call_space_create(struct pager *pager,
			    const struct pager_req_space_create *request,
			    uint64_t *space)
{
	return simple_word(pager, PAGER_CALL_SPACE_CREATE, request,
			   request ? sizeof(*request) : 0, space);
}

int pager_call_space_fork(struct pager *pager, uint64_t space, uint64_t *child)
{
	struct pager_req_space r = {.space = space};

	return simple_word(pager, PAGER_CALL_SPACE_FORK, &r, sizeof(r), child);
}

int pager_call_space_clear(struct pager *pager, uint64_t space)
{
	return space_call(pager, PAGER_CALL_SPACE_CLEAR, space);
}

int pager_call_space_destroy(struct pager *pager, uint64_t space)
{
	return space_call(pager, PAGER_CALL_SPACE_DESTROY, space);
}

int pager_call_space_info(struct pager *pager, uint64_t space,
			  struct pager_rep_space_info *out)
{
	struct pager_req_space r = {.space = space};
	int ret = simple(pager, PAGER_CALL_SPACE_INFO, &r, sizeof(r), out,
			 sizeof(*out));

	if (ret == 0 && out)
		out->name[PAGER_NAME_MAX - 1] = '\0';
	return ret;
}

int pager_call_space_sharing(struct pager *pager, uint64_t space, uint64_t addr,
			     uint64_t len, struct pager_rep_space_sharing *out)
{
	return range_call(pager, PAGER_CALL_SPACE_SHARING, space, addr, len,
			  out, sizeof(*out));
}

int pager_call_space_resident(struct pager *pager, uint64_t space,
			      uint64_t addr, uint64_t len,
			      struct pager_rep_space_resident *out)
{
	return range_call(pager, PAGER_CALL_SPACE_RESIDENT, space, addr, len,
			  out, sizeof(*out));
}

int pager_call_space_policy(struct pager *pager, uint64_t space,
			    uint32_t around)
{
	struct pager_req_space_policy r = {.space = space, .around = around};

	return simple(pager, PAGER_CALL_SPACE_POLICY, &r, sizeof(r), NULL, 0);
}

/* --- regions -------------------------------------------------------------- */

int pager_call_map(struct pager *pager, const struct pager_req_map *request,
		   uint64_t *addr)
{
	return simple_word(pager, PAGER_CALL_MAP, request, sizeof(*request),
			   addr);
}

int pager_call_unmap(struct pager *pager, uint64_t space, uint64_t addr,
		     uint64_t len)
{
	return range_call(pager, PAGER_CALL_UNMAP, space, addr, len, NULL, 0);
}

int pager_call_protect(struct pager *pager, uint64_t space, uint64_t addr,
		       uint64_t len, uint32_t prot)
{
	struct pager_req_protect r = {
	    .space = space, .addr = addr, .len = len, .prot = prot};

	return simple(pager, PAGER_CALL_PROTECT, &r, sizeof(r), NULL, 0);
}

int pager_call_remap(struct pager *pager, const struct pager_req_remap *request,
		     uint64_t *addr)
{
	return simple_word(pager, PAGER_CALL_REMAP, request, sizeof(*request),
			   addr);
}

int pager_call_brk(struct pager *pager, uint64_t space, uint64_t brk,
		   uint32_t flags, uint64_t *out)
{
	struct pager_req_brk r = {.space = space, .brk = brk, .flags = flags};

	return simple_word(pager, PAGER_CALL_BRK, &r, sizeof(r), out);
}

int pager_call_advise(struct pager *pager, uint64_t space, uint64_t addr,
		      uint64_t len, uint32_t advice)
{
	struct pager_req_advise r = {
	    .space = space, .addr = addr, .len = len, .advice = advice};

	return simple(pager, PAGER_CALL_ADVISE, &r, sizeof(r), NULL, 0);
}

int pager_call_pin(struct pager *pager, uint64_t space, uint64_t addr,
		   uint64_t len)
{
	return range_call(pager, PAGER_CALL_PIN, space, addr, len, NULL, 0);
}

int pager_call_unpin(struct pager *pager, uint64_t space, uint64_t addr,
		     uint64_t len)
{
	return range_call(pager, PAGER_CALL_UNPIN, space, addr, len, NULL, 0);
}

int pager_call_region_lookup(struct pager *pager, uint64_t space, uint64_t addr,
			     struct pager_row_region *out)
{
	struct pager_req_addr r = {.space = space, .addr = addr};

	return simple(pager, PAGER_CALL_REGION_LOOKUP, &r, sizeof(r), out,
		      sizeof(*out));
}

int pager_call_page(struct pager *pager, uint64_t space, uint64_t addr,
		    struct pager_rep_page *out)
{
	struct pager_req_addr r = {.space = space, .addr = addr};

	return simple(pager, PAGER_CALL_PAGE, &r, sizeof(r), out, sizeof(*out));
}

/* --- faults and bytes ----------------------------------------------------- */

int pager_call_fault(struct pager *pager, uint64_t space, uint64_t addr,
		     uint32_t access, struct pager_rep_fault *out)
{
	struct pager_req_fault r = {
	    .space = space, .addr = addr, .access = access};

	return simple(pager, PAGER_CALL_FAULT, &r, sizeof(r), out,
		      sizeof(*out));
}

int pager_call_populate(struct pager *pager, uint64_t space, uint64_t addr,
			uint64_t len, uint32_t access, uint64_t *pages)
{
	struct pager_req_populate r = {
	    .space = space, .addr = addr, .len = len, .access = access};

	return simple_word(pager, PAGER_CALL_POPULATE, &r, sizeof(r), pages);
}

/* How many bytes one READ or WRITE may carry on this connection. */
static size_t piece_max(const struct pager *pager)
{
	size_t room = pager->max_message - sizeof(struct pager_hdr) -
		      sizeof(struct pager_rep_access) - 8;

	return room < PAGER_DATA_MAX ? room & ~(size_t)7 : PAGER_DATA_MAX;
}

/* Take the answer for one piece into the total. 0: go on. */
static int piece_done(struct pager *pager, enum pager_call call, int ret,
		      const struct pager_reply *reply, size_t asked,
		      struct pager_rep_access *total)
{
	struct pager_rep_access answer;

	if (ret == PAGER_REFUSED) {
		total->error = reply->error;
		return ret;
	}
	if (ret < 0)
		return ret;
	memcpy(&answer, reply->body, sizeof(answer));
	if (answer.done > asked)
		return client_broken(pager, "more bytes than were asked for");
	total->done += answer.done;
	total->addr = answer.addr;
	total->signal = answer.signal;
	total->error = answer.error;
	if (answer.error == 0 && answer.signal != PAGER_SIGNAL_NONE)
		total->error = PAGER_ESIGNAL;
	if (total->error)
		return client_refused(pager, call, total->error, 0);
	if (answer.done != asked)
		return client_broken(pager, "fewer bytes and no reason");
	return 0;
}

int pager_call_read(struct pager *pager, uint64_t space, uint32_t cpu,
		    uint64_t addr, void *buf, size_t len,
		    struct pager_rep_access *out)
{
	struct pager_rep_access total = {0};
	struct pager_reply reply;
	int ret;

	do {
		size_t n = len < piece_max(pager) ? len : piece_max(pager);
		uint64_t before = total.done;
		struct pager_req_read r = {.space = space,
					   .addr = addr + before,
					   .len = (uint32_t)n,
					   .cpu = cpu};

		ret = pager_call(pager, PAGER_CALL_READ, &r, sizeof(r), NULL, 0,
				 &reply);
		ret =
		    piece_done(pager, PAGER_CALL_READ, ret, &reply, n, &total);
		if (ret < 0 && ret != PAGER_REFUSED)
			break;
		if (reply.error == 0 && reply.data_len != total.done - before) {
			ret = client_broken(pager, "another number of bytes "
						   "than it says");
			break;
		}
		if (total.done > before)
			memcpy((uint8_t *)buf + before, reply.data,
			       reply.data_len);
		len -= total.done - before;
	} while (ret == 0 && len > 0);
	if (out)
		*out = total;
	return ret;
}

int pager_call_write(struct pager *pager, uint64_t space, uint32_t cpu,
		     uint64_t addr, const void *buf, size_t len,
		     struct pager_rep_access *out)
{
	struct pager_rep_access total = {0};
	struct pager_reply reply;
	int ret;

	do {
		size_t n = len < piece_max(pager) ? len : piece_max(pager);
		uint64_t before = total.done;
		struct pager_req_write r = {
		    .space = space, .addr = addr + before, .cpu = cpu};

		ret = pager_call(pager, PAGER_CALL_WRITE, &r, sizeof(r),
				 (const uint8_t *)buf + before, n, &reply);
		ret =
		    piece_done(pager, PAGER_CALL_WRITE, ret, &reply, n, &total);
		len -= total.done - before;
	} while (ret == 0 && len > 0);
	if (out)
		*out = total;
	return ret;
}

int pager_call_harvest(struct pager *pager, uint64_t space, uint64_t addr,
		       uint64_t len, struct pager_rep_harvest *out)
{
	return range_call(pager, PAGER_CALL_HARVEST, space, addr, len, out,
			  sizeof(*out));
}

/* --- memory objects ------------------------------------------------------- */

/* Into a field that is zero so far; false if it is too long. */
static bool name_copy(char to[PAGER_NAME_MAX], const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len >= PAGER_NAME_MAX)
		return false;
	if (len > 0)
		memcpy(to, name, len);
	return true;
}

int pager_call_object_create(struct pager *pager, uint64_t size,
			     const char *name, uint64_t *object)
{
	struct pager_req_object_create r = {.size = size};

	if (!name_copy(r.name, name))
		return client_misuse(pager, ENAMETOOLONG, "an object's name");
	return simple_word(pager, PAGER_CALL_OBJECT_CREATE, &r, sizeof(r),
			   object);
}

int pager_call_object_open(struct pager *pager, const char *name,
			   uint64_t *object)
{
	struct pager_req_object_open r = {0};

	if (!name_copy(r.name, name))
		return client_misuse(pager, ENAMETOOLONG, "an object's name");
	return simple_word(pager, PAGER_CALL_OBJECT_OPEN, &r, sizeof(r),
			   object);
}

int pager_call_object_resize(struct pager *pager, uint64_t object,
			     uint64_t size)
{
	struct pager_req_object_resize r = {.object = object, .size = size};

	return simple(pager, PAGER_CALL_OBJECT_RESIZE, &r, sizeof(r), NULL, 0);
}

int pager_call_object_info(struct pager *pager, uint64_t object,
			   struct pager_rep_object_info *out)
{
	struct pager_req_object r = {.object = object};
	int ret = simple(pager, PAGER_CALL_OBJECT_INFO, &r, sizeof(r), out,
			 sizeof(*out));

	if (ret == 0 && out)
		out->name[PAGER_NAME_MAX - 1] = '\0';
	return ret;
}

int pager_call_object_close(struct pager *pager, uint64_t object)
{
	struct pager_req_object r = {.object = object};

	return simple(pager, PAGER_CALL_OBJECT_CLOSE, &r, sizeof(r), NULL, 0);
}

/* --- transfer ------------------------------------------------------------- */

int pager_call_give(struct pager *pager, uint64_t handle,
		    uint8_t token[PAGER_TOKEN_SIZE])
{
	struct pager_req_handle r = {.handle = handle};

	return simple(pager, PAGER_CALL_GIVE, &r, sizeof(r), token,
		      PAGER_TOKEN_SIZE);
}

int pager_call_take(struct pager *pager, const uint8_t token[PAGER_TOKEN_SIZE],
		    struct pager_rep_take *out)
{
	struct pager_req_token r;

	memcpy(r.token, token, sizeof(r.token));
	return simple(pager, PAGER_CALL_TAKE, &r, sizeof(r), out, sizeof(*out));
}
