//go:build cgo

package wgpu

// What the drivers share.

/*
#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"errors"
	"os"
	"time"
	"unsafe"
)

// largestBuffer stands for no limit: the libraries take the largest integer,
// which drivers without a limit report, for a request of WebGPU's default.
const largestBuffer = 1 << 40

// quietenLoader keeps the Vulkan loader's chatter off standard error: Mesa's
// layer that sorts devices for programs that take the first one complains
// where there is no desktop session. Devices are sorted here anyway.
func quietenLoader() {
	if os.Getenv("NODEVICE_SELECT") == "" && os.Getenv("XDG_RUNTIME_DIR") == "" {
		os.Setenv("NODEVICE_SELECT", "1")
	}
}

// errorSlot holds the first error reported since the last take, in memory that
// C owns: the library's callback writes to it.
type errorSlot struct{ c *C.error_slot }

func newErrorSlot() *errorSlot {
	return &errorSlot{(*C.error_slot)(C.calloc(1, C.sizeof_error_slot))}
}

func (s *errorSlot) take() error {
	if s.c.count == 0 {
		return nil
	}
	err := errors.New(C.GoString(&s.c.message[0]))
	s.c.count = 0
	return err
}

// free gives the slot back. The device must not be used after it.
func (s *errorSlot) free() { C.free(unsafe.Pointer(s.c)) }

// pause sleeps. Go's own sleeps last a millisecond or more in a program that
// is idle otherwise, which is longer than a step of decoding.
func pause(d time.Duration) { C.sleep_us(C.uint32_t(d.Microseconds())) }

// pending is the status of a mapping that the library has not answered yet;
// its own statuses are not negative.
const pending = -1
