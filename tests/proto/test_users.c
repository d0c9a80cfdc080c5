/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users, by the ids the kernel tells the daemon: who may connect, what they see
 * of each other, and what passes between them. Needs root, which can be
 * anybody.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/accept.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

/* Nobody of that number need exist. */
enum { ANN = 51001, BEN = 51002, GROUP = 52001, STRANGERS = 52002 };

static struct pager_spawn daemon_;
static char config_path[64];
static int root;

static void write_config(const char *text)
{
	FILE *file = fopen(config_path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void begin(const char *config)
{
	static const char *const args[] = {"--config", config_path, NULL};
	int fd;

	snprintf(config_path, sizeof(config_path), "/tmp/pager-users.XXXXXX");
	fd = mkstemp(config_path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	write_config(config);
	wire_spawn(&daemon_, args);
	/* The folder is ours alone; the socket's mode is what is tested. */
	ck_assert_int_eq(chmod(daemon_.dir, 0711), 0);
	root = wire_session(daemon_.socket);
}

static void end(void)
{
	wire_settle(root, 1);
	wire_check(root);
	close(root);
	wire_stop(&daemon_);
	unlink(config_path);
}

/* Be somebody for the time of a connect(2). */
static void become(uid_t uid, gid_t gid)
{
	if (uid == 0)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setegid(gid), 0);
	ck_assert_int_eq(seteuid(uid), 0);
}

static int try_as(uid_t uid, gid_t gid)
{
	int fd, saved;

	become(uid, gid);
	fd = wire_try(daemon_.socket);
	saved = errno;
	become(0, 0);
	errno = saved;
	return fd;
}

static int session_of(uid_t uid)
{
	struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					PAGER_VERSION_MINOR, PAGER_FEATURES};
	int fd = try_as(uid, GROUP);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_HELLO, &hello, sizeof(hello)),
			  0);
	return fd;
}

#define WITH_GROUP "group 52001\n"

#define OK(fd, op, body)                                                       \
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_##op, &(body), sizeof(body)), \
			  0)
#define REFUSED(fd, op, body, err)                                             \
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_##op, &(body), sizeof(body)), \
			  err)

static uint64_t new_space(int fd)
{
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
	return wire_got.body.handle.handle;
}

static uint64_t new_object(int fd, const char *name)
{
	struct pager_req_object_create in = {.size = 4096};

	snprintf(in.name, sizeof(in.name), "%s", name);
	OK(fd, OBJECT_CREATE, in);
	return wire_got.body.handle.handle;
}

static struct pager_req_token give(int fd, uint64_t handle)
{
	struct pager_req_token token;

	OK(fd, GIVE, handle);
	memcpy(token.token, wire_got.body.token.token, sizeof(token.token));
	return token;
}

/* Rows of a list, in one reply. */
static unsigned int rows(int fd, unsigned int op)
{
	ck_assert_uint_eq(wire_call(fd, op, NULL, 0), 0);
	ck_assert_uint_eq(wire_got.body.list.next, 0);
	return wire_got.body.list.count;
}

/* --- who may connect ---------------------------------------------------------
 */

static void has_mode(mode_t mode, gid_t gid)
{
	struct stat st;

	ck_assert_int_eq(lstat(daemon_.socket, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, mode);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_gid, gid);
}

static void closed_to(uid_t uid, gid_t gid)
{
	ck_assert_int_eq(try_as(uid, gid), -1);
	ck_assert_int_eq(errno, EACCES);
}

static void open_to(uid_t uid, gid_t gid)
{
	int fd = try_as(uid, gid);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* SIGHUP, and wait until the daemon says that it has read it so often. */
static void reload(unsigned int times)
{
	ck_assert_int_eq(kill(daemon_.pid, SIGHUP), 0);
	while (wire_logged(&daemon_, "took the configuration") < times)
		usleep(1000);
}

START_TEST(the_sockets_mode)
{
	begin("");
	has_mode(0600, getegid());
	closed_to(ANN, GROUP);
	closed_to(ANN, 0);
	write_config(WITH_GROUP);
	reload(1);
	has_mode(0660, GROUP);
	open_to(ANN, GROUP);
	open_to(0, STRANGERS);
	closed_to(ANN, STRANGERS);
	write_config("group 52002\n");
	reload(2);
	has_mode(0660, STRANGERS);
	open_to(ANN, STRANGERS);
	closed_to(ANN, GROUP);
	write_config("");
	reload(3);
	has_mode(0600, getegid());
	closed_to(ANN, STRANGERS);
	end();
}
END_TEST

/* A child that is Ann for good starts a daemon, tells of it, and stops it when
 * the pipe from us is closed. */
static void run_as_ann(int to, int from)
{
	const char *bin = getenv("PAGER_BIN");
	char path[4096], byte;

	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(GROUP, GROUP, GROUP), 0);
	ck_assert_int_eq(setresuid(ANN, ANN, ANN), 0);
	snprintf(path, sizeof(path), "%s/pagerd", bin ? bin : ".");
	if (access(path, X_OK) < 0) {
		puts("skipped in part: others may not run the daemon here");
		_exit(0);
	}
	wire_spawn(&daemon_, NULL);
	ck_assert_int_eq((int)write(to, &daemon_, sizeof(daemon_)),
			 (int)sizeof(daemon_));
	ck_assert_int_eq((int)read(from, &byte, 1), 0);
	wire_stop(&daemon_);
	_exit(0);
}

START_TEST(the_daemons_own_user)
{
	static const struct {
		uid_t uid;
		uint32_t admin;
	} who[] = {{ANN, 1}, {BEN, 0}, {0, 1}};
	int up[2], down[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(down[1]);
		run_as_ann(up[1], down[0]);
	}
	close(up[1]);
	if (read(up[0], &daemon_, sizeof(daemon_)) > 0) {
		ck_assert_int_eq(chmod(daemon_.dir, 0711), 0);
		ck_assert_int_eq(chmod(daemon_.socket, 0666), 0);
		for (int i = 0; i < 3; i++) {
			int fd = session_of(who[i].uid);

			ck_assert_uint_eq(wire_got.body.hello.admin,
					  who[i].admin);
			ck_assert_uint_eq(
			    wire_call(fd, PAGER_OP_CHECK, NULL, 0),
			    who[i].admin ? PAGER_OK : PAGER_EACCESS);
			close(fd);
		}
	}
	close(down[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Users who are no admins leave some places free. */
START_TEST(places_kept_for_admins)
{
	enum { CONNECTIONS = 12 };
	int fds[CONNECTIONS + 4], in = 1;
	static uint64_t buf[PAGER_MSG_MAX / 8];
	struct pager_hdr ask = {.length = PAGER_HDR_SIZE, .op = PAGER_OP_PING};

	begin(WITH_GROUP "connections 12\n");
	for (int i = 0; i < CONNECTIONS; i++) {
		fds[i] = try_as(i % 2 ? ANN : BEN, GROUP);
		ck_assert_int_ge(fds[i], 0);
		if (wire_send(fds[i], &ask, sizeof(ask), NULL, 0) == 0 &&
		    wire_receive(fds[i], buf) > 0)
			in++;
	}
	ck_assert_int_eq(in, CONNECTIONS - (int)SRV_CONNS_KEPT);
	for (unsigned int i = 0; i < SRV_CONNS_KEPT; i++)
		fds[CONNECTIONS + i] = wire_session(daemon_.socket);
	for (int i = 0; i < CONNECTIONS + 4; i++)
		close(fds[i]);
	end();
}
END_TEST

/* --- what they see -----------------------------------------------------------
 */

START_TEST(operations_of_admins)
{
	const struct pager_op *op = NULL;
	struct pager_req_user who;
	unsigned int n = 0;
	int ann;

	begin(WITH_GROUP);
	ann = session_of(ANN);
	ck_assert_uint_eq(wire_got.body.hello.admin, 0);
	while ((op = pager_op_next(op))) {
		if (op->access != PAGER_OP_ACCESS_ADMIN)
			continue;
		n++;
		ck_assert_uint_eq(wire_call(ann, op->number, NULL, 0),
				  PAGER_EACCESS);
		ck_assert_uint_eq(wire_got.hdr.field,
				  offsetof(struct pager_hdr, op));
		/* An admin may be told no, but not because of who that is. */
		if (wire_call(root, op->number, NULL, 0) == PAGER_EACCESS)
			ck_assert_uint_ge(wire_got.hdr.field, PAGER_HDR_SIZE);
	}
	ck_assert_uint_eq(n, 8);
	who.reserved = 0;
	who.uid = ANN;
	OK(ann, USER_INFO, who);
	ck_assert_uint_eq(wire_got.body.user.uid, ANN);
	ck_assert_uint_eq(wire_got.body.user.sessions, 1);
	OK(root, USER_INFO, who);
	who.uid = BEN;
	REFUSED(ann, USER_INFO, who, PAGER_EACCESS);
	who.uid = 0;
	REFUSED(ann, USER_INFO, who, PAGER_EACCESS);
	close(ann);
	end();
}
END_TEST

/* Nothing of one user can be seen or used by another, by session or name; an
 * admin sees and uses all of it. */
START_TEST(what_others_have)
{
	struct pager_req_map map = {
	    .addr = 0x400000, .len = 4096, .prot = 3, .flags = PAGER_MAP_FIXED};
	struct pager_req_object_open open = {.name = "mine"};
	struct pager_req_dirty_start start = {.addr = 0x400000, .len = 4096};
	struct pager_req_space_pause pause = {.max_ms = 10};
	const struct pager_req_cursor no_cursor = {0};
	struct pager_row_dirty row;
	uint64_t space, object, log;
	int ann, twin, ben;

	begin(WITH_GROUP);
	ann = session_of(ANN);
	twin = session_of(ANN);
	ben = session_of(BEN);
	map.space = space = new_space(ann);
	object = new_object(ann, "mine");
	OK(ann, MAP, map);
	REFUSED(ben, SPACE_INFO, space, PAGER_ENOENT);
	REFUSED(twin, SPACE_INFO, space, PAGER_ENOENT);
	REFUSED(ben, MAP, map, PAGER_ENOENT);
	REFUSED(ben, SPACE_DESTROY, space, PAGER_ENOENT);
	REFUSED(ben, OBJECT_CLOSE, object, PAGER_ENOENT);
	REFUSED(twin, OBJECT_CLOSE, object, PAGER_ENOENT);
	REFUSED(ben, GIVE, space, PAGER_ENOENT);
	start.space = pause.space = space;
	OK(ann, DIRTY_START, start);
	log = wire_got.body.handle.handle;
	REFUSED(ben, DIRTY_START, start, PAGER_ENOENT);
	REFUSED(twin, DIRTY_START, start, PAGER_ENOENT);
	REFUSED(ben, DIRTY_INFO, log, PAGER_ENOENT);
	REFUSED(twin, DIRTY_STOP, log, PAGER_ENOENT);
	REFUSED(ben, SPACE_PAUSE, pause, PAGER_ENOENT);
	REFUSED(twin, SPACE_PAUSE, pause, PAGER_ENOENT);
	ck_assert_uint_eq(rows(ben, PAGER_OP_DIRTY_LIST), 0);
	ck_assert_uint_eq(rows(twin, PAGER_OP_DIRTY_LIST), 0);
	ck_assert_uint_eq(rows(root, PAGER_OP_DIRTY_LIST), 1);
	OK(root, DIRTY_INFO, log);
	OK(root, DIRTY_START, start);
	OK(root, SPACE_PAUSE, pause);
	OK(ann, DIRTY_INFO, log);
	ck_assert_uint_eq(rows(ben, PAGER_OP_SPACE_LIST), 0);
	ck_assert_uint_eq(rows(ben, PAGER_OP_OBJECT_LIST), 0);
	ck_assert_uint_eq(rows(twin, PAGER_OP_SPACE_LIST), 0);
	ck_assert_uint_eq(rows(ann, PAGER_OP_SPACE_LIST), 1);
	ck_assert_uint_eq(rows(root, PAGER_OP_SPACE_LIST), 1);
	ck_assert_uint_eq(rows(root, PAGER_OP_OBJECT_LIST), 1);
	/* The name is Ann's: not Ben's, and not root's either. */
	REFUSED(ben, OBJECT_OPEN, open, PAGER_ENOENT);
	REFUSED(root, OBJECT_OPEN, open, PAGER_ENOENT);
	new_object(ben, "mine");
	OK(twin, OBJECT_OPEN, open);
	OK(root, SPACE_INFO, space);
	ck_assert_uint_eq(wire_got.body.space_info.uid, ANN);
	map.object = object;
	map.addr += 4096;
	OK(root, MAP, map);
	OK(root, SPACE_CLEAR, space);
	OK(root, SPACE_DESTROY, space);
	REFUSED(ann, SPACE_INFO, space, PAGER_ESTALE);
	REFUSED(root, SPACE_INFO, space, PAGER_ESTALE);
	OK(ann, DIRTY_INFO, log);
	ck_assert_uint_eq(wire_got.body.dirty_info.flags, PAGER_DIRTY_ORPHAN);
	/* Ann's ends with her session; root's is an orphan as well. */
	ck_assert_uint_eq(rows(root, PAGER_OP_DIRTY_LIST), 2);
	close(ann);
	wire_settle(root, 3);
	ck_assert_uint_eq(rows(root, PAGER_OP_DIRTY_LIST), 1);
	ann = session_of(ANN);
	REFUSED(ann, DIRTY_INFO, log, PAGER_ENOENT);
	OK(root, DIRTY_LIST, no_cursor);
	memcpy(&row, wire_got.data, sizeof(row));
	OK(root, DIRTY_STOP, row.log);
	close(ann);
	close(twin);
	close(ben);
	end();
}
END_TEST

/* --- what passes between them ------------------------------------------------
 */

START_TEST(tokens_between_users)
{
	struct pager_req_token token, again;
	struct pager_rep_stats before;
	uint64_t space, object;
	int ann, ben;

	begin(WITH_GROUP);
	before = wire_stats(root);
	ann = session_of(ANN);
	ben = session_of(BEN);
	/* Once: the giver's handle is over, the taker's is another. */
	space = new_space(ann);
	token = give(ann, space);
	OK(ben, TAKE, token);
	ck_assert_uint_eq(wire_got.body.take.type, PAGER_HANDLE_SPACE);
	OK(ben, SPACE_INFO, wire_got.body.take.handle);
	REFUSED(ann, SPACE_INFO, space, PAGER_ESTALE);
	REFUSED(ben, TAKE, token, PAGER_ENOENT);
	REFUSED(ann, TAKE, token, PAGER_ENOENT);
	/* A second token ends the first. */
	object = new_object(ann, "gift");
	token = give(ann, object);
	again = give(ann, object);
	REFUSED(ben, TAKE, token, PAGER_ENOENT);
	/* Of what is closed nothing is left to take. */
	OK(ann, OBJECT_CLOSE, object);
	REFUSED(ben, TAKE, again, PAGER_ENOENT);
	/* Nor when the giver is gone. */
	token = give(ann, new_space(ann));
	again = give(ann, new_object(ann, ""));
	close(ann);
	wire_settle(root, 2);
	REFUSED(ben, TAKE, token, PAGER_ENOENT);
	REFUSED(ben, TAKE, again, PAGER_ENOENT);
	/* An admin gives what is another's; its owner loses it. */
	ann = session_of(ANN);
	space = new_space(ann);
	token = give(root, space);
	OK(ben, TAKE, token);
	REFUSED(ann, SPACE_INFO, space, PAGER_ESTALE);
	/* What was taken outlives the giver, and dies with the taker. */
	close(ann);
	ck_assert_uint_eq(wire_settle(root, 2).spaces, 2);
	close(ben);
	wire_same(root, &before);
	end();
}
END_TEST

/* One whose replies lie unread has used up what the user may leave unread: a
 * user's own business. */
START_TEST(unread_replies_of_others)
{
	struct pager_req_region_list list = {.cursor = 0};
	struct pager_req_map map = {
	    .len = 4096, .prot = 3, .flags = PAGER_MAP_FIXED};
	unsigned int idle = 0;
	int ann, twin, ben;

	begin(WITH_GROUP "limit queued 64K\n");
	ann = session_of(ANN);
	twin = session_of(ANN);
	ben = session_of(BEN);
	map.space = list.space = new_space(ann);
	for (uint64_t i = 0; i < 700; i++) {
		map.addr = 0x400000 + i * 8192;
		OK(ann, MAP, map);
	}
	while (idle < 20) {
		struct pager_hdr hdr = {.length = PAGER_HDR_SIZE + sizeof(list),
					.op = PAGER_OP_REGION_LIST};
		uint8_t packet[PAGER_HDR_SIZE + sizeof(list)];

		memcpy(packet, &hdr, sizeof(hdr));
		memcpy(packet + sizeof(hdr), &list, sizeof(list));
		if (send(ann, packet, sizeof(packet), MSG_DONTWAIT) >= 0) {
			idle = 0;
		} else {
			idle++;
			usleep(1000);
		}
	}
	wire_ask(twin, PAGER_OP_PING, 1, NULL, 0, NULL, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(wire_call(ben, PAGER_OP_PING, NULL, 0), 0);
	ck_assert(!wire_readable(twin, 50));
	close(ann);
	ck_assert_uint_eq(wire_answer(twin)->hdr.error, 0);
	close(twin);
	close(ben);
	end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    the_sockets_mode,	      the_daemons_own_user,
	    places_kept_for_admins,   operations_of_admins,
	    what_others_have,	      tokens_between_users,
	    unread_replies_of_others,
	};

	if (geteuid() != 0) {
		puts("skipped: only root can connect as other users");
		return 77;
	}
	return UNIT_RUN("users", tests);
}
