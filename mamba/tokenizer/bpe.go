package tokenizer

import "sync"

// bpe is byte pair encoding over token ids.
type bpe struct {
	byteID  [256]int32 // the token of each byte, or -1
	merges  map[pair]merge
	words   map[string]int32 // whole words that are tokens; nil unless ignore_merges
	unknown int32            // stands for bytes that have no token; -1 leaves them out
	fuse    bool             // one unknown token for a run of such bytes
	scratch sync.Pool        // of *scratch
}

// pair is two neighbouring tokens, as one map key.
type pair uint64

func makePair(left, right int32) pair {
	return pair(uint32(left))<<32 | pair(uint32(right))
}

// merge is what a pair becomes; the lowest rank comes first.
type merge struct {
	rank, id int32
}

// symbol is a token of the word in work, in a list linked by index; -1 ends the
// list. A symbol joined to its left neighbour is dead.
type symbol struct {
	id         int32
	dead       bool
	prev, next int
}

type scratch struct {
	symbols []symbol
	queue   mergeQueue
}

// encode appends the tokens of word to ids. The queue holds every pair that can
// be merged, so a word of n bytes takes O(n log n) steps.
func (m *bpe) encode(ids []int32, word string) []int32 {
	if id, ok := m.words[word]; ok {
		return append(ids, id)
	}
	s, _ := m.scratch.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	defer m.scratch.Put(s)
	s.symbols = m.symbols(s.symbols[:0], word)
	m.mergeAll(s)
	for i := range s.symbols {
		if !s.symbols[i].dead {
			ids = append(ids, s.symbols[i].id)
		}
	}
	return ids
}

// symbols appends one symbol for each byte of word.
func (m *bpe) symbols(list []symbol, word string) []symbol {
	afterUnknown := false
	for i := range len(word) {
		id := m.byteID[word[i]]
		missing := id < 0
		if missing {
			id = m.unknown
		}
		if id >= 0 && !(missing && afterUnknown && m.fuse) {
			list = append(list, symbol{id: id, prev: len(list) - 1, next: len(list) + 1})
		}
		afterUnknown = missing
	}
	if len(list) > 0 {
		list[len(list)-1].next = -1
	}
	return list
}

// mergeAll joins symbols until no pair of neighbours has a merge.
func (m *bpe) mergeAll(s *scratch) {
	s.queue = s.queue[:0]
	for i := range s.symbols {
		m.offer(s, i)
	}
	for len(s.queue) > 0 {
		top := s.queue.pop()
		left := &s.symbols[top.pos]
		if left.dead || left.next < 0 {
			continue
		}
		right := &s.symbols[left.next]
		// Either symbol may have grown since the pair was queued.
		if now, ok := m.merges[makePair(left.id, right.id)]; !ok || now.id != top.id {
			continue
		}
		left.id, left.next, right.dead = top.id, right.next, true
		if left.next >= 0 {
			s.symbols[left.next].prev = top.pos
		}
		if left.prev >= 0 {
			m.offer(s, left.prev)
		}
		m.offer(s, top.pos)
	}
}

// offer queues the pair that begins at pos, if it can be merged.
func (m *bpe) offer(s *scratch, pos int) {
	next := s.symbols[pos].next
	if next < 0 {
		return
	}
	if found, ok := m.merges[makePair(s.symbols[pos].id, s.symbols[next].id)]; ok {
		s.queue.push(candidate{merge: found, pos: pos})
	}
}
