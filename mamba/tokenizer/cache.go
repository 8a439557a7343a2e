package tokenizer

import (
	"strings"
	"sync"
)

const (
	cacheWords    = 1 << 14 // words kept; the cache is emptied when it is full
	cacheWordSize = 64      // longest word kept, in bytes
)

// wordCache remembers the tokens of words. Text repeats its words, so most of
// them are found here.
type wordCache struct {
	mu    sync.RWMutex
	words map[string][]int32
}

func (c *wordCache) get(word string) ([]int32, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ids, ok := c.words[word]
	return ids, ok
}

// put keeps ids, which the caller must not change afterwards. The word is copied
// so that it does not hold the text it was cut from in memory.
func (c *wordCache) put(word string, ids []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.words == nil {
		c.words = make(map[string][]int32)
	}
	if len(c.words) >= cacheWords {
		clear(c.words)
	}
	c.words[strings.Clone(word)] = ids
}
