/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first 16 bytes of a request say what is wanted.
 */
#include "tools/bench/echo_peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"

enum { PACKET_MAX = 65536, WORDS_MAX = PACKET_MAX / 8 };

struct echo_head {
	uint32_t request;
	uint32_t reply;
	uint32_t parts;
	uint32_t reserved;
};

struct echo_peer {
	pid_t pid;
	int fd;
	uint64_t buf[WORDS_MAX];
};

/* Read every word of a part and write the first of it. */
static void loop_part(uint64_t *part, uint32_t words)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < words; i++)
		sum += ((volatile uint64_t *)part)[i];
	((volatile uint64_t *)part)[0] = sum;
}

static _Noreturn void serve(int fd)
{
	static uint64_t buf[WORDS_MAX];
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		struct echo_head head;
		uint32_t words;

		memcpy(&head, buf, sizeof(head));
		words = head.parts ? (uint32_t)n / 8 / head.parts : 0;
		for (uint32_t i = 0; i < head.parts; i++)
			loop_part(buf + (size_t)i * words, words);
		if (send(fd, buf, head.reply, MSG_NOSIGNAL) < 0)
			_exit(1);
	}
	_exit(0);
}

struct echo_peer *echo_peer_new(void)
{
	struct echo_peer *peer = calloc(1, sizeof(*peer));
	int fd[2];

	if (!peer ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		bench_die("no socket for the echo");
	fflush(stdout);
	peer->pid = fork();
	if (peer->pid < 0)
		bench_die("no process for the echo");
	if (peer->pid == 0) {
		close(fd[0]);
		serve(fd[1]);
	}
	close(fd[1]);
	peer->fd = fd[0];
	return peer;
}

void echo_peer_free(struct echo_peer *peer)
{
	close(peer->fd);
	waitpid(peer->pid, NULL, 0);
	free(peer);
}

void echo_peer_call(struct echo_peer *peer, uint32_t request, uint32_t reply,
		    uint32_t parts)
{
	struct echo_head head = {request, reply, parts, 0};

	memcpy(peer->buf, &head, sizeof(head));
	if (send(peer->fd, peer->buf, request, MSG_NOSIGNAL) !=
		(ssize_t)request ||
	    recv(peer->fd, peer->buf, sizeof(peer->buf), 0) != (ssize_t)reply)
		bench_die("the echo was lost");
}
