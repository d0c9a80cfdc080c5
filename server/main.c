/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerd(8): a virtual-memory server.
 */
#include <bsd/unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "proto/pager_wire.h"
#include "server/daemon.h"

#ifndef PAGERD_VERSION
#define PAGERD_VERSION "unknown"
#endif

/* Who starts us may have closed them; nothing else may get their numbers. */
static void hold_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv, char **envp)
{
	struct srv_options options;
	char why[256];

	/* First of all: it moves the arguments and the environment. */
	setproctitle_init(argc, argv, envp);
	hold_standard_streams();
	pager_log_setup("pagerd", PAGER_LOG_NOTICE);
	if (srv_options_parse(&options, argc, argv, why, sizeof(why))) {
		fprintf(stderr, "pagerd: %s\n", why);
		srv_options_usage(stderr);
		return 2;
	}
	pager_log_setup("pagerd", options.verbose > 1	 ? PAGER_LOG_DEBUG
				  : options.verbose == 1 ? PAGER_LOG_INFO
							 : PAGER_LOG_NOTICE);
	signal(SIGPIPE, SIG_IGN);
	/* A memory file that may not be so large: an error is enough. */
	signal(SIGXFSZ, SIG_IGN);
	switch (options.action) {
	case SRV_ACTION_HELP:
		srv_options_usage(stdout);
		return 0;
	case SRV_ACTION_VERSION:
		printf("pagerd %s (protocol %u.%u)\n", PAGERD_VERSION,
		       PAGER_VERSION_MAJOR, PAGER_VERSION_MINOR);
		return 0;
	case SRV_ACTION_CHECK:
		return srv_daemon_check(&options);
	case SRV_ACTION_RUN:
		break;
	}
	return srv_daemon_run(&options);
}
