/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All tokens are compared, all bytes of each: what the time tells is how many
 * there are.
 */
#include "server/token.h"

#include <bsd/stdlib.h>
#include <stdlib.h>

#include "lib/base/failpoint.h"

/* 0 if they are equal, without a branch on what they hold. */
static unsigned int differ(const uint8_t *a, const uint8_t *b)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < PAGER_TOKEN_SIZE; i++)
		bits |= (unsigned int)(a[i] ^ b[i]);
	return bits;
}

enum pager_error srv_grant_new(struct srv *srv, struct srv_thing *thing)
{
	struct srv_grant *grant = thing->grant;

	if (!grant) {
		if (thing->session->grants == SRV_GRANTS_MAX)
			return PAGER_ELIMIT;
		grant =
		    pager_fail("grant.new") ? NULL : calloc(1, sizeof(*grant));
		if (!grant)
			return PAGER_ENOMEM;
		grant->thing = thing;
		thing->grant = grant;
		thing->session->grants++;
		TAILQ_INSERT_TAIL(&srv->grants, grant, link);
	}
	arc4random_buf(grant->token, sizeof(grant->token));
	return PAGER_OK;
}

void srv_grant_free(struct srv *srv, struct srv_grant *grant)
{
	grant->thing->grant = NULL;
	grant->thing->session->grants--;
	TAILQ_REMOVE(&srv->grants, grant, link);
	free(grant);
}

struct srv_grant *srv_grant_find(const struct srv *srv,
				 const uint8_t token[PAGER_TOKEN_SIZE])
{
	struct srv_grant *grant, *found = NULL;

	TAILQ_FOREACH (grant, &srv->grants, link)
		if (differ(grant->token, token) == 0)
			found = grant;
	return found;
}
