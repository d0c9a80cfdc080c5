/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of the region index. Each walks down once, remembering its way, does
 * its work in a leaf, and walks up as far as something changes. Nodes know no
 * parents: nothing has to be kept right but the path.
 */
#include "lib/core/rtree_int.h"

#include <assert.h>
#include <string.h>

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* From the root to a leaf: the nodes, and in each the entry taken. */
struct path {
	struct rtree_node *node[RTREE_LEVELS];
	unsigned int at[RTREE_LEVELS];
};

/* To the first region that ends above vpn, or to the place behind the last. */
static void walk_down(const struct rtree *t, uint64_t vpn, struct path *p)
{
	struct rtree_node *node = t->root;

	for (unsigned int level = t->height;; level--) {
		unsigned int at = rtree_rank(node->hi, vpn);

		if (level && at == node->n)
			at--;
		p->node[level] = node;
		p->at[level] = at;
		if (!level)
			return;
		node = node->slot[at];
	}
}

/* The free stretch between the entries at - 1 and at. */
static uint64_t between(const struct rtree_node *node, unsigned int at)
{
	return at && at < node->n ? node->lo[at] - node->hi[at - 1] : 0;
}

/* The longest gap inside, between and beside the entries [from, to]. */
static uint64_t around(struct rtree_node *node, unsigned int level,
		       unsigned int from, unsigned int to)
{
	uint64_t gap = 0;

	for (unsigned int i = from; i <= to + 1; i++)
		gap = max(gap, between(node, i));
	for (unsigned int i = from; level && i <= to; i++)
		gap = max(gap, rtree_as_inner(node)->gap[i]);
	return gap;
}

struct rtree_entry rtree_node_entry(struct rtree_node *node, unsigned int level)
{
	return (struct rtree_entry){
	    .lo = node->lo[0],
	    .hi = node->hi[node->n - 1],
	    .gap = around(node, level, 0, node->n - 1),
	    .slot = node,
	};
}

static void set_entry(struct rtree_node *node, unsigned int level,
		      unsigned int at, const struct rtree_entry *e)
{
	node->lo[at] = e->lo;
	node->hi[at] = e->hi;
	node->slot[at] = e->slot;
	if (level)
		rtree_as_inner(node)->gap[at] = e->gap;
	else
		((struct pager_region *)e->slot)->leaf = rtree_as_leaf(node);
}

static void move_entries(struct rtree_node *to, unsigned int to_at,
			 struct rtree_node *from, unsigned int from_at,
			 unsigned int n, unsigned int level)
{
	memmove(&to->lo[to_at], &from->lo[from_at], n * sizeof(to->lo[0]));
	memmove(&to->hi[to_at], &from->hi[from_at], n * sizeof(to->hi[0]));
	memmove(&to->slot[to_at], &from->slot[from_at],
		n * sizeof(to->slot[0]));
	if (level) {
		memmove(&rtree_as_inner(to)->gap[to_at],
			&rtree_as_inner(from)->gap[from_at],
			n * sizeof(uint64_t));
	} else if (to != from) {
		for (unsigned int i = 0; i < n; i++) {
			struct pager_region *r = to->slot[to_at + i];

			r->leaf = rtree_as_leaf(to);
		}
	}
}

static void shorten(struct rtree_node *node, unsigned int n)
{
	for (unsigned int i = n; i < node->n; i++)
		node->hi[i] = RTREE_PAD;
	node->n = n;
}

/*
 * Tell the ancestors of the node at level that it has changed. Among the gaps
 * that make up the node's longest, some of at most lost are no more, and won
 * is the longest of the new ones: seldom does one have to look at all of them.
 */
static void walk_up(struct rtree *t, struct path *p, unsigned int level,
		    uint64_t lost, uint64_t won)
{
	for (; level < t->height; level++) {
		struct rtree_node *node = p->node[level];
		struct rtree_node *parent = p->node[level + 1];
		unsigned int at = p->at[level + 1];
		uint64_t gap = rtree_as_inner(parent)->gap[at];
		struct rtree_entry e = {node->lo[0], node->hi[node->n - 1],
					max(gap, won), node};

		if (lost == gap && won < gap)
			e.gap = around(node, level, 0, node->n - 1);
		if (parent->lo[at] == e.lo && parent->hi[at] == e.hi &&
		    e.gap == gap)
			return;
		lost = around(parent, level + 1, at, at);
		set_entry(parent, level + 1, at, &e);
		won = around(parent, level + 1, at, at);
	}
	t->top = p->node[level]->hi[p->node[level]->n - 1];
}

static void put_entry(struct rtree_node *node, unsigned int level,
		      unsigned int at, const struct rtree_entry *e)
{
	move_entries(node, at + 1, node, at, node->n - at, level);
	node->n++;
	node->last = at;
	set_entry(node, level, at, e);
}

/*
 * Where to cut a full node that gets an entry at, and into which part the entry
 * goes: in the middle; but a leaf that is being filled upwards or downwards is
 * cut where that happens, so that the part left behind stays full.
 */
static unsigned int where_to_cut(const struct rtree_node *node,
				 unsigned int level, unsigned int at,
				 bool *to_right)
{
	unsigned int cut = RTREE_FAN / 2;

	*to_right = at > cut;
	if (!level && (at == node->last || at == node->last + 1)) {
		*to_right = at != node->last;
		cut = at;
	}
	return cut;
}

/*
 *	      cut
 *	|######|#########|	->	node |######|	right |#########|
 */
static struct rtree_node *split(struct rtree *t, struct rtree_node *node,
				unsigned int level, unsigned int cut)
{
	struct rtree_node *right = rtree_node_take(t, level);

	move_entries(right, 0, node, cut, node->n - cut, level);
	right->n = node->n - cut;
	shorten(node, cut);
	node->last = RTREE_NOWHERE;
	if (!level) {
		struct rtree_leaf *a = rtree_as_leaf(node);
		struct rtree_leaf *b = rtree_as_leaf(right);

		b->prev = a;
		b->next = a->next;
		if (b->next)
			b->next->prev = b;
		a->next = b;
	}
	return right;
}

static void grow_root(struct rtree *t, struct path *p)
{
	struct rtree_entry e = rtree_node_entry(t->root, t->height);
	struct rtree_node *root = rtree_node_take(t, t->height + 1);

	t->height++;
	assert(t->height < RTREE_LEVELS);
	put_entry(root, t->height, 0, &e);
	t->root = root;
	p->node[t->height] = root;
	p->at[t->height] = 0;
}

/* Put e into the node at level, where a gap of lost has gone for it. */
static void add_entry(struct rtree *t, struct path *p, unsigned int level,
		      const struct rtree_entry *e, uint64_t lost)
{
	struct rtree_node *node = p->node[level];
	struct rtree_node *parent, *right;
	unsigned int at = p->at[level];
	struct rtree_entry entry;
	unsigned int cut;
	bool to_right;

	if (node->n < RTREE_FAN) {
		put_entry(node, level, at, e);
		walk_up(t, p, level, lost,
			around(node, level, at ? at - 1 : 0, at));
		return;
	}
	if (level == t->height)
		grow_root(t, p);
	cut = where_to_cut(node, level, at, &to_right);
	right = split(t, node, level, cut);
	if (to_right)
		put_entry(right, level, at - cut, e);
	else
		put_entry(node, level, at, e);
	parent = p->node[level + 1];
	at = p->at[level + 1]++;
	lost = around(parent, level + 1, at, at);
	entry = rtree_node_entry(node, level);
	set_entry(parent, level + 1, at, &entry);
	entry = rtree_node_entry(right, level);
	add_entry(t, p, level + 1, &entry, lost);
}

void rtree_insert(struct rtree *t, struct pager_region *r)
{
	struct rtree_entry e = {r->start, r->end, 0, r};
	struct path p;

	assert(r->start < r->end && r->end < RTREE_PAD);
	if (!t->root)
		t->root = rtree_node_take(t, 0);
	walk_down(t, r->start, &p);
	add_entry(t, &p, 0, &e, between(p.node[0], p.at[0]));
	t->count++;
}

static void drop_node(struct rtree *t, struct rtree_node *node,
		      unsigned int level)
{
	if (!level) {
		struct rtree_leaf *leaf = rtree_as_leaf(node);

		if (leaf->prev)
			leaf->prev->next = leaf->next;
		if (leaf->next)
			leaf->next->prev = leaf->prev;
	}
	rtree_node_give(t, node, level);
}

/*
 * Put the node at level together with a neighbour, if both fit well into one.
 * True: it is done, p is at the parent's entry that has no node any more, and
 * the parent has lost a gap of *lost.
 */
static bool merge(struct rtree *t, struct path *p, unsigned int level,
		  uint64_t *lost)
{
	struct rtree_node *parent = p->node[level + 1];
	unsigned int at = p->at[level + 1]; /* the right one's entry */
	struct rtree_node *left, *right;
	struct rtree_entry e;

	right = at + 1 < parent->n ? parent->slot[at + 1] : NULL;
	if (right && p->node[level]->n + right->n <= RTREE_MERGE)
		at++;
	else if (!at)
		return false;
	left = parent->slot[at - 1];
	right = parent->slot[at];
	if (left->n + right->n > RTREE_MERGE)
		return false;
	*lost = around(parent, level + 1, at - 1, at);
	move_entries(left, left->n, right, 0, right->n, level);
	left->n += right->n;
	left->last = RTREE_NOWHERE;
	drop_node(t, right, level);
	e = rtree_node_entry(left, level);
	set_entry(parent, level + 1, at - 1, &e);
	p->at[level + 1] = at;
	return true;
}

static void shrink_root(struct rtree *t)
{
	struct rtree_node *root = t->root;

	while (t->height && root->n == 1) {
		t->root = root->slot[0];
		rtree_node_give(t, root, t->height);
		t->height--;
		root = t->root;
	}
	t->top = root->hi[root->n - 1];
}

/* Take the entry away at which p is, and with it a gap of lost. */
static void remove_entry(struct rtree *t, struct path *p, unsigned int level,
			 uint64_t lost)
{
	struct rtree_node *node = p->node[level];
	unsigned int at = p->at[level];

	move_entries(node, at, node, at + 1, node->n - at - 1, level);
	shorten(node, node->n - 1);
	node->last = RTREE_NOWHERE;
	if (level == t->height) {
		if (node->n) {
			shrink_root(t);
		} else {
			drop_node(t, node, level);
			rtree_init(t, t->pools);
		}
	} else if (!node->n) {
		at = p->at[level + 1];
		lost = around(p->node[level + 1], level + 1, at, at);
		drop_node(t, node, level);
		remove_entry(t, p, level + 1, lost);
	} else if (node->n <= RTREE_MERGE / 2 && merge(t, p, level, &lost)) {
		remove_entry(t, p, level + 1, lost);
	} else {
		walk_up(t, p, level, lost,
			at ? around(node, level, at - 1, at - 1) : 0);
	}
}

void rtree_erase(struct rtree *t, struct pager_region *r)
{
	struct path p;

	walk_down(t, r->start, &p);
	assert(p.node[0]->slot[p.at[0]] == r);
	t->count--;
	remove_entry(t, &p, 0, around(p.node[0], 0, p.at[0], p.at[0]));
	r->leaf = NULL;
}

void rtree_resize(struct rtree *t, struct pager_region *r, uint64_t start,
		  uint64_t end)
{
	struct rtree_entry e = {start, end, 0, r};
	struct rtree_node *leaf;
	struct path p;
	unsigned int at;
	uint64_t lost;

	assert(start < end && end < RTREE_PAD);
	walk_down(t, r->start, &p);
	leaf = p.node[0];
	at = p.at[0];
	assert(leaf->slot[at] == r);
	lost = around(leaf, 0, at, at);
	set_entry(leaf, 0, at, &e);
	r->start = start;
	r->end = end;
	walk_up(t, &p, 0, lost, around(leaf, 0, at, at));
}
