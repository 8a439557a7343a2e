package wgpu

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
)

// availableMemory is the number of bytes that the system can give without
// swapping, or 0 if it does not say.
func availableMemory() uint64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, ok := bytes.CutPrefix(lines.Bytes(), []byte("MemAvailable:")); ok {
			kib, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
			n, err := strconv.ParseUint(string(kib), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}
