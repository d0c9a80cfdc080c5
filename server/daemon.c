/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start in the order in which things can fail with the least to undo: the
 * configuration, the socket, the machine, the loop. A client that connects
 * before the loop runs waits in the backlog.
 */
#include "server/daemon.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "server/closer.h"
#include "server/listen.h"
#include "server/loop.h"

static int load_config(const struct srv_options *options,
		       struct srv_config *config)
{
	char why[SRV_CONFIG_WHY];

	if (!options->config) {
		srv_config_init(config);
	} else if (srv_config_read(config, options->config, why)) {
		pager_log(PAGER_LOG_ERROR, "%s", why);
		return -1;
	}
	if (srv_options_apply(options, config, why)) {
		pager_log(PAGER_LOG_ERROR, "%s", why);
		return -1;
	}
	return 0;
}

int srv_daemon_check(const struct srv_options *options)
{
	struct srv_config config;

	if (load_config(options, &config))
		return 1;
	srv_config_fini(&config);
	printf("%s: valid\n", options->config);
	return 0;
}

static int open_listener(const struct srv_options *options,
			 const struct srv_config *config,
			 struct srv_listener *listener)
{
	const char *wanted = options->socket ? options->socket : config->socket;
	char path[sizeof(listener->path)], why[SRV_WHY];

	if (srv_listener_path(wanted, path, sizeof(path), why) ||
	    srv_listener_open(listener, path, config, why)) {
		pager_log(PAGER_LOG_ERROR, "%s", why);
		return -1;
	}
	return 0;
}

/* A number that nobody gave us would become one of our own descriptors. */
static int check_ready(const struct srv_options *options)
{
	if (options->ready_fd < 0 || fcntl(options->ready_fd, F_GETFD) >= 0)
		return 0;
	pager_log(PAGER_LOG_ERROR, "--ready-fd %d: %s", options->ready_fd,
		  strerror(errno));
	return -1;
}

/* Tell whoever started us. */
static void tell_ready(const struct srv_options *options, const char *path)
{
	int fd = options->ready_fd;

	if (fd < 0)
		return;
	if (dprintf(fd, "ready %s\n", path) < 0)
		pager_log(PAGER_LOG_ERROR, "--ready-fd %d: %s", fd,
			  strerror(errno));
	if (fd > STDERR_FILENO)
		close(fd);
}

static int serve(struct srv *srv, const struct srv_options *options,
		 struct srv_listener *listener)
{
	struct srv_loop loop;
	int ret;

	if (srv_loop_init(&loop, srv, options, listener))
		return 1;
	pager_log(PAGER_LOG_NOTICE,
		  "listening on %s, %" PRIu64 " frames%s, %" PRIu64
		  " table nodes",
		  loop.listener.path, srv->config.memory / PAGER_PAGE_SIZE,
		  srv->config.simulate ? " without memory" : "",
		  srv_config_nodes(&srv->config));
	if (loop.conn_max < srv->config.connections)
		pager_log(PAGER_LOG_NOTICE,
			  "the limit on open files allows %" PRIu64
			  " connections, not %" PRIu64,
			  loop.conn_max, srv->config.connections);
	setproctitle("%s", loop.listener.path);
	if (srv_closer_start())
		pager_log(PAGER_LOG_NOTICE,
			  "no thread to close what clients pass");
	tell_ready(options, loop.listener.path);
	ret = srv_loop_run(&loop) ? 1 : 0;
	srv_loop_fini(&loop);
	return ret;
}

int srv_daemon_run(const struct srv_options *options)
{
	struct srv_listener listener;
	struct srv_config config;
	char why[SRV_CONFIG_WHY];
	struct srv srv;
	int ret;

	if (check_ready(options) || load_config(options, &config))
		return 1;
	if (open_listener(options, &config, &listener)) {
		srv_config_fini(&config);
		return 1;
	}
	if (srv_init(&srv, &config, why)) {
		pager_log(PAGER_LOG_ERROR, "%s", why);
		srv_listener_close(&listener);
		srv_config_fini(&config);
		return 1;
	}
	ret = serve(&srv, options, &listener);
	srv_fini(&srv);
	return ret;
}
