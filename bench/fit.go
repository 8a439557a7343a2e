package bench

import (
	"errors"
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// unfit says why a case cannot run within a device's limits, or nothing if it
// can.
func (c *kernelCase) unfit(l wgpu.Limits) string {
	for i := range c.arrays {
		a := &c.arrays[i]
		switch n := a.bytes(); {
		case n > l.MaxStorageBinding:
			return fmt.Sprintf("%s has %s, a storage binding at most %s", a.name, size(n), size(l.MaxStorageBinding))
		case n > l.MaxBufferSize:
			return fmt.Sprintf("%s has %s, a buffer at most %s", a.name, size(n), size(l.MaxBufferSize))
		}
	}
	return ""
}

// size is a number of bytes in MiB.
func size(n uint64) string { return fmt.Sprintf("%.4g MiB", float64(n)/(1<<20)) }

// tooLong says why a run is left out that takes at least least microseconds,
// or nothing if it is short enough.
func (e effort) tooLong(least float64) string {
	longest := microseconds(e.longest)
	if least <= longest {
		return ""
	}
	return fmt.Sprintf("a run takes at least %s, the limit is %s", FormatTime(least), FormatTime(longest))
}

// noRoom reports whether err says that the device has not the room, which is no
// fault.
func noRoom(err error) bool {
	var limit *wgpu.LimitError
	var memory *wgpu.MemoryError
	return errors.As(err, &limit) || errors.As(err, &memory)
}
