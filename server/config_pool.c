/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys are a table, as settings are. Pools without a place are put one after
 * the other into the first room above boot memory.
 */
#include "server/config_pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/core.h"
#include "server/config.h"
#include "server/number.h"

enum { PAIRS_MAX = 32, TEXT_MAX = 1024 };

#define SPAN_END    ((UINT64_C(1) << 44) - (UINT64_C(2) << PAGER_PAGE_SHIFT))
#define ARENA_START (PAGER_ARENA_BASE_PFN << PAGER_PAGE_SHIFT)
#define ARENA_END   (PAGER_ARENA_END_PFN << PAGER_PAGE_SHIFT)
#define RETRY_MAX   (UINT64_C(24) * 3600 * 1000)

/* --- one key each: NULL, or why the value is refused ---------------------- */

static const char *size_of(const char *text, uint64_t *out)
{
	const char *why = srv_number_size(text, 0, SPAN_END, out);

	return !why && *out % PAGER_PAGE_SIZE ? "not a multiple of 4K" : why;
}

static const char *power_of(const char *text, uint64_t *out)
{
	const char *why = size_of(text, out);

	return !why && (!*out || *out & (*out - 1)) ? "not a power of two"
						    : why;
}

static const char *yes_or_no(const char *text, bool *out)
{
	*out = strcmp(text, "yes") == 0;
	return *out || strcmp(text, "no") == 0 ? NULL : "neither yes nor no";
}

/* Index of a word among those up to NULL, into out. */
static const char *one_of(const char *text, const char *const *names,
			  uint32_t *out)
{
	for (uint32_t i = 0; names[i]; i++) {
		if (strcmp(names[i], text) == 0) {
			*out = i;
			return NULL;
		}
	}
	return "no such value";
}

static const char *set_addr(struct srv_config_pool *pool, const char *text)
{
	pool->has_addr = strcmp(text, "auto") != 0;
	return pool->has_addr ? size_of(text, &pool->addr) : NULL;
}

static const char *set_region(struct srv_config_pool *pool, const char *text)
{
	return size_of(text, &pool->region);
}

static const char *set_block(struct srv_config_pool *pool, const char *text)
{
	return power_of(text, &pool->block);
}

static const char *set_requested(struct srv_config_pool *pool, const char *text)
{
	return size_of(text, &pool->requested);
}

static const char *set_mode(struct srv_config_pool *pool, const char *text)
{
	static const char *const names[] = {"auto", "sbm", "bbm", NULL};

	return one_of(text, names, &pool->mode);
}

static const char *set_big_block(struct srv_config_pool *pool, const char *text)
{
	return power_of(text, &pool->big_block);
}

static const char *set_node(struct srv_config_pool *pool, const char *text)
{
	uint64_t node = 0;
	const char *why = srv_number_count(text, 0, UINT16_MAX, &node);

	pool->node = (uint32_t)node;
	return why;
}

static const char *set_online(struct srv_config_pool *pool, const char *text)
{
	static const char *const names[] = {"auto", "kernel", "movable", "keep",
					    NULL};
	uint32_t online = 0;
	const char *why = one_of(text, names, &online);

	pool->online = (enum srv_pool_online)online;
	return why;
}

static const char *set_ratio(struct srv_config_pool *pool, const char *text)
{
	uint64_t ratio = 0;
	const char *why = srv_number_count(text, 1, 1000000, &ratio);

	pool->ratio = (uint32_t)ratio;
	return why;
}

static const char *set_threshold(struct srv_config_pool *pool, const char *text)
{
	return size_of(text, &pool->threshold);
}

static const char *set_retry(struct srv_config_pool *pool, const char *text)
{
	return srv_number_count(text, 1, RETRY_MAX, &pool->retry_ms);
}

static const char *set_retry_max(struct srv_config_pool *pool, const char *text)
{
	return srv_number_count(text, 1, RETRY_MAX, &pool->retry_max_ms);
}

static const char *set_grow(struct srv_config_pool *pool, const char *text)
{
	return size_of(text, &pool->grow);
}

static const char *set_offline_only(struct srv_config_pool *pool,
				    const char *text)
{
	return yes_or_no(text, &pool->offline_only);
}

static const char *set_in_order(struct srv_config_pool *pool, const char *text)
{
	return yes_or_no(text, &pool->in_order);
}

static const char *set_reserve(struct srv_config_pool *pool, const char *text)
{
	return yes_or_no(text, &pool->reserve);
}

static const struct {
	const char *name;
	const char *(*set)(struct srv_config_pool *pool, const char *text);
} keys[] = {
    {"addr", set_addr},		{"region", set_region},
    {"block", set_block},	{"requested", set_requested},
    {"mode", set_mode},		{"big-block", set_big_block},
    {"node", set_node},		{"online", set_online},
    {"ratio", set_ratio},	{"threshold", set_threshold},
    {"retry", set_retry},	{"retry-max", set_retry_max},
    {"grow", set_grow},		{"offline-only", set_offline_only},
    {"in-order", set_in_order}, {"reserve", set_reserve},
};

/* --- a pool ----------------------------------------------------------------
 */

static const char *set_name(struct srv_config_pool *pool, const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len >= sizeof(pool->name))
		return "a pool's name has 1 to 31 bytes";
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return "a pool's name is printable ASCII";
	/* A number is another way to say which pool is meant. */
	if (strspn(text, "0123456789") == len)
		return "a pool's name is no number";
	if (strcmp(text, "boot") == 0)
		return "boot is the boot pool's name";
	memcpy(pool->name, text, len + 1);
	return NULL;
}

/* What must hold whatever else the configuration says. */
static const char *check_pool(const struct srv_config_pool *pool)
{
	if (!pool->region)
		return "region is missing";
	if (pool->block > pool->region || pool->region % pool->block)
		return "region is not a multiple of block";
	if (pool->requested > pool->region)
		return "requested is more than region";
	if (pool->requested % pool->block)
		return "requested is not a multiple of block";
	if (pool->grow > pool->region)
		return "grow is more than region";
	if (pool->grow % pool->block)
		return "grow is not a multiple of block";
	if (pool->has_addr && pool->addr % pool->block)
		return "addr is not a multiple of block";
	if (pool->retry_max_ms && pool->retry_max_ms < pool->retry_ms)
		return "retry-max is less than retry";
	return NULL;
}

const char *srv_pool_parse(struct srv_config_pool *pool, char **words)
{
	bool said[sizeof(keys) / sizeof(*keys)] = {false};
	const char *why;

	memset(pool, 0, sizeof(*pool));
	pool->block = UINT64_C(2) << 20;
	if (!*words)
		return "a pool needs a name";
	why = set_name(pool, *words++);
	for (; !why && *words; words += 2) {
		size_t i = 0, n = sizeof(keys) / sizeof(*keys);

		while (i < n && strcmp(keys[i].name, words[0]) != 0)
			i++;
		if (i == n)
			return "no such key of a pool";
		if (said[i])
			return "a key is there twice";
		if (!words[1])
			return "a value is missing";
		said[i] = true;
		why = keys[i].set(pool, words[1]);
	}
	return why ? why : check_pool(pool);
}

const char *srv_pool_parse_text(struct srv_config_pool *pool, const char *text)
{
	char copy[TEXT_MAX], *rest = copy, *word;
	char *words[2 * PAIRS_MAX + 2];
	unsigned int n = 0;

	if (strlen(text) >= sizeof(copy))
		return "too long";
	strcpy(copy, text);
	while ((word = strsep(&rest, " \t,="))) {
		if (!*word)
			continue;
		if (n + 1 == sizeof(words) / sizeof(*words))
			return "too many words";
		words[n++] = word;
	}
	words[n] = NULL;
	return srv_pool_parse(pool, words);
}

const char *srv_pool_add(struct srv_config *config,
			 const struct srv_config_pool *pool, bool replace)
{
	struct srv_config_pool *grown;

	for (size_t i = 0; i < config->pool_count; i++) {
		if (strcmp(config->pools[i].name, pool->name) != 0)
			continue;
		if (!replace)
			return "another pool has this name";
		config->pools[i] = *pool;
		return NULL;
	}
	if (config->pool_count == SRV_POOL_MAX)
		return "too many pools";
	grown = pager_fail("config.pools")
		    ? NULL
		    : reallocarray(config->pools, config->pool_count + 1,
				   sizeof(*grown));
	if (!grown)
		return "out of memory";
	config->pools = grown;
	grown[config->pool_count++] = *pool;
	return NULL;
}

/* --- places ----------------------------------------------------------------
 */

static uint64_t end_of(const struct srv_config_pool *pool)
{
	return pool->addr + pool->region;
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* What a pool's place has to be a multiple of. */
static uint64_t alignment(const struct srv_config *config,
			  const struct srv_config_pool *pool)
{
	uint64_t unit = config->memory_block;

	if (pool->block > unit)
		unit = pool->block;
	return pool->big_block > unit ? pool->big_block : unit;
}

/* Would [addr, addr + region) hit something? Then from where on it may not:
 * boot memory, the nodes' place, a pool with a place. 0: it would not. */
static uint64_t obstacle(const struct srv_config *config, uint64_t addr,
			 uint64_t region)
{
	if (addr < config->memory)
		return config->memory;
	if (addr < ARENA_END && addr + region > ARENA_START)
		return ARENA_END;
	for (size_t i = 0; i < config->pool_count; i++) {
		const struct srv_config_pool *p = config->pools + i;

		if (p->has_addr && addr < end_of(p) && p->addr < addr + region)
			return end_of(p);
	}
	return 0;
}

static void place(const struct srv_config *config, struct srv_config_pool *pool)
{
	uint64_t unit = alignment(config, pool), addr, up;

	addr = round_up(config->memory, unit);
	while (addr < SPAN_END && (up = obstacle(config, addr, pool->region)))
		addr = round_up(up, unit);
	pool->addr = addr;
	pool->has_addr = true;
	pool->placed = true;
}

/* A pool with its place beside everything else. NULL, or why not; *over is the
 * pool it lies over, if that is why. */
static const char *check_place(const struct srv_config *config,
			       const struct srv_config_pool *pool,
			       const struct srv_config_pool **over)
{
	*over = NULL;
	if (pool->region % config->memory_block)
		return "region is not a multiple of the memory block";
	if (pool->addr % config->memory_block)
		return "addr is not a multiple of the memory block";
	if (pool->big_block && (pool->big_block < config->memory_block ||
				pool->big_block < pool->block))
		return "big-block is less than a block";
	if (pool->big_block > pool->region)
		return "big-block is more than region";
	if (pool->mode == PAGER_POOL_MODE_SBM &&
	    pool->block > config->memory_block)
		return "mode sbm needs a block of at most a memory block";
	if (pool->addr < config->memory)
		return "over boot memory";
	if (pool->addr >= SPAN_END || pool->region > SPAN_END - pool->addr)
		return "beyond 16T";
	if (pool->addr < ARENA_END && end_of(pool) > ARENA_START)
		return "over the table nodes, from 480G to 512G";
	for (size_t i = 0; i < config->pool_count; i++) {
		const struct srv_config_pool *p = config->pools + i;

		if (p != pool && p->has_addr && pool->addr < end_of(p) &&
		    p->addr < end_of(pool)) {
			*over = p;
			return "over the pool";
		}
	}
	return NULL;
}

int srv_pool_complain(const struct srv_config *config,
		      const struct srv_config_pool *pool, const char *reason,
		      char *why, size_t size)
{
	char where[SRV_CONFIG_WHY / 2] = "--pool";

	if (pool->line)
		snprintf(where, sizeof(where), "%s:%" PRIu32,
			 config->file ? config->file : "line", pool->line);
	snprintf(why, size, "%s: pool %s: %s", where, pool->name, reason);
	return -1;
}

int srv_pools_place(struct srv_config *config, char *why, size_t size)
{
	const struct srv_config_pool *over;
	char text[SRV_CONFIG_WHY / 2];
	const char *reason;

	for (size_t i = 0; i < config->pool_count; i++)
		if (!config->pools[i].has_addr)
			place(config, config->pools + i);
	/* Of two that do not fit the later line is to blame. */
	for (size_t i = config->pool_count; i-- > 0;) {
		reason = check_place(config, config->pools + i, &over);
		if (!reason)
			continue;
		snprintf(text, sizeof(text), "%s%s%s", reason, over ? " " : "",
			 over ? over->name : "");
		return srv_pool_complain(config, config->pools + i, text, why,
					 size);
	}
	return 0;
}

uint64_t srv_pools_end(const struct srv_config *config)
{
	uint64_t end = config->memory;

	for (size_t i = 0; i < config->pool_count; i++)
		if (end_of(config->pools + i) > end)
			end = end_of(config->pools + i);
	return end;
}

uint64_t srv_pools_total(const struct srv_config *config)
{
	uint64_t total = config->memory;

	for (size_t i = 0; i < config->pool_count; i++)
		total += config->pools[i].region;
	return total;
}
