/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two address spaces that share their pages until one of them writes.
 */
#include <stdio.h>
#include <string.h>

#include <pager/pager.h>

int main(void)
{
	struct pager *pager = pager_connect(NULL);
	struct pager_req_map map = {.len = 1 << 20,
				    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE};
	struct pager_rep_space_sharing sharing;
	uint64_t parent, child, addr;
	char text[6] = "";

	if (!pager) {
		perror("pagerd");
		return 3;
	}
	if (pager_call_space_create(pager, NULL, &parent) < 0 ||
	    (map.space = parent, pager_call_map(pager, &map, &addr)) < 0 ||
	    pager_call_write(pager, parent, 0, addr, "hello", 5, NULL) < 0 ||
	    pager_call_space_fork(pager, parent, &child) < 0 ||
	    pager_call_write(pager, child, 0, addr, "J", 1, NULL) < 0 ||
	    pager_call_read(pager, parent, 0, addr, text, 5, NULL) < 0 ||
	    pager_call_space_sharing(pager, child, 0, 0, &sharing) < 0) {
		fprintf(stderr, "refused: %s\n", pager_errstr(pager));
		pager_close(pager);
		return 1;
	}
	printf("the parent still says %s; the child has %llu page of its own\n",
	       text, (unsigned long long)sharing.private_pages);
	pager_close(pager);
	return strcmp(text, "hello") != 0;
}
