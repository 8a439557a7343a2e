package tokenizer

import (
	"cmp"
	"container/heap"
	"context"
	"maps"
	"slices"
)

// learner finds the pairs to join.
//
// A candidate keeps the count that its pair had when it was queued. After that the
// count only sinks, since new pairs hold a new token: a candidate that has sunk
// until it comes to the top is queued anew with the count of now, and one that has
// not is the most frequent pair there is. Only the words that a candidate lists can
// hold its pair.
//
// A token that can be made in two ways is no new one the second time. Its pairs may
// then be queued twice, each time with their own words, as they are by Hugging
// Face's trainer.
type learner struct {
	opts   TrainOptions
	pieces []string         // by id, as tokenizer.json writes them
	ids    map[string]int32 // by piece
	merges []pair           // in their order; one may come twice, and the last time counts
	words  []learntWord
	counts map[pair]int64
	queue  pairQueue
}

// learntWord is a word of the text as the tokens that it is made of so far.
type learntWord struct {
	ids   []int32
	count int64
}

func newLearner(o TrainOptions, counts map[string]int64) *learner {
	l := &learner{opts: o, ids: map[string]int32{}, counts: map[pair]int64{}}
	for _, token := range o.AddedTokens {
		l.id(token)
	}
	var byteID [256]int32
	for _, r := range slices.Sorted(maps.Keys(runeByte)) {
		byteID[runeByte[r]] = l.id(string(r))
	}
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		ids := make([]int32, len(word))
		for i := range ids {
			ids[i] = byteID[word[i]]
		}
		l.words = append(l.words, learntWord{ids, counts[word]})
	}
	return l
}

// id returns the id of a piece, a new one for a new piece.
func (l *learner) id(piece string) int32 {
	id, ok := l.ids[piece]
	if !ok {
		id = int32(len(l.pieces))
		l.ids[piece] = id
		l.pieces = append(l.pieces, piece)
	}
	return id
}

// learn joins pairs until there are enough tokens or none that is frequent enough.
func (l *learner) learn(ctx context.Context) error {
	l.queueAll()
	for len(l.pieces) < l.opts.VocabSize && len(l.queue) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		top := heap.Pop(&l.queue).(*pairCandidate)
		if now := l.counts[top.pair]; now != top.count {
			top.count = now
			heap.Push(&l.queue, top)
			continue
		}
		if top.count < int64(l.opts.MinCount) {
			return nil
		}
		l.join(top)
		if l.opts.Progress != nil {
			l.opts.Progress(len(l.pieces), l.opts.VocabSize)
		}
	}
	return nil
}

// queueAll counts and queues the pairs of the words as they are.
func (l *learner) queueAll() {
	found := wordLists{}
	for w, word := range l.words {
		for i := 1; i < len(word.ids); i++ {
			p := makePair(word.ids[i-1], word.ids[i])
			l.counts[p] += word.count
			found.add(p, w)
		}
	}
	l.offer(found)
}

// join makes a candidate's pair one token in its words.
func (l *learner) join(c *pairCandidate) {
	left, right := c.pair.parts()
	to := l.id(l.pieces[left] + l.pieces[right])
	l.merges = append(l.merges, c.pair)
	found := wordLists{}
	for _, w := range c.words {
		l.joinIn(w, left, right, to, found)
	}
	l.offer(found)
}

// joinIn joins the pair in a word, from left to right, counts what pairs go and
// come, and notes those that come.
func (l *learner) joinIn(w int, left, right, to int32, found wordLists) {
	word := &l.words[w]
	change := func(a, b int32, sign int64) {
		p := makePair(a, b)
		l.counts[p] += sign * word.count
		if sign > 0 {
			found.add(p, w)
		}
	}
	ids, out := word.ids, word.ids[:0]
	for i := 0; i < len(ids); i++ {
		if ids[i] != left || i+1 == len(ids) || ids[i+1] != right {
			out = append(out, ids[i])
			continue
		}
		if n := len(out); n > 0 {
			change(out[n-1], left, -1)
			change(out[n-1], to, 1)
		}
		i++
		if i+1 < len(ids) {
			change(right, ids[i+1], -1)
			change(to, ids[i+1], 1)
		}
		out = append(out, to)
	}
	word.ids = out
}

// offer queues pairs with the words that they were found in.
func (l *learner) offer(found wordLists) {
	for p, words := range found {
		if n := l.counts[p]; n > 0 {
			heap.Push(&l.queue, &pairCandidate{p, n, words})
		}
	}
}

// wordLists is the words, by index, that pairs were found in.
type wordLists map[pair][]int

// add notes a word, all of whose pairs are noted before those of the next one.
func (f wordLists) add(p pair, word int) {
	list := f[p]
	if len(list) == 0 || list[len(list)-1] != word {
		f[p] = append(list, word)
	}
}

func (p pair) parts() (left, right int32) { return int32(p >> 32), int32(uint32(p)) }

// pairCandidate is a pair that may be joined in the words of a list.
type pairCandidate struct {
	pair  pair
	count int64 // when it was queued
	words []int
}

// pairQueue is a heap of candidates: the most frequent first, of equals the one
// of the lower left id, then of the lower right id.
type pairQueue []*pairCandidate

// Len is the number of candidates.
func (q pairQueue) Len() int { return len(q) }

// Less reports whether candidate i comes before j.
func (q pairQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].count, q[i].count), cmp.Compare(q[i].pair, q[j].pair)) < 0
}

// Swap exchanges candidates.
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push appends a candidate.
func (q *pairQueue) Push(c any) { *q = append(*q, c.(*pairCandidate)) }

// Pop takes the last candidate away.
func (q *pairQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
