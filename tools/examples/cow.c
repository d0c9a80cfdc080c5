/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two address spaces that share their pages until one of them writes.
 */
#include <stdio.h>

#include <pager/pager.h>

int main(void)
{
	struct pager *pager = pager_connect(NULL);
	struct pager_req_map map = {.len = 1 << 20,
				    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE};
	struct pager_rep_space_sharing own;
	uint64_t child, addr;
	char text[6] = "";

	if (!pager) {
		perror("pagerd");
		return 3;
	}
	if (pager_call_space_create(pager, NULL, &map.space) < 0 ||
	    pager_call_map(pager, &map, &addr) < 0 ||
	    pager_call_write(pager, map.space, 0, addr, "hello", 5, NULL) < 0 ||
	    pager_call_space_fork(pager, map.space, &child) < 0 ||
	    pager_call_write(pager, child, 0, addr, "J", 1, NULL) < 0 ||
	    pager_call_read(pager, map.space, 0, addr, text, 5, NULL) < 0 ||
	    pager_call_space_sharing(pager, child, 0, 0, &own) < 0) {
		fprintf(stderr, "refused: %s\n", pager_errstr(pager));
		pager_close(pager);
		return 1;
	}
	printf("the parent still says %s; the child has %llu page of its own\n",
	       text, (unsigned long long)own.private_pages);
	pager_close(pager);
	return 0;
}
