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

// check returns err, or else an error that the library reported outside a
// returning call.
func (s *errorSlot) check(err error) error {
	if late := s.take(); err == nil {
		return late
	}
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

// answer calls poll until the library has answered what ask asks, and returns the
// status. The library writes it into memory that C owns. spin is how long that may keep a
// processor busy.
func answer(poll func(), spin time.Duration, ask func(slot *C.int32_t)) C.int32_t {
	slot := (*C.int32_t)(C.malloc(C.sizeof_int32_t))
	defer C.free(unsafe.Pointer(slot))
	*slot = pending
	ask(slot)
	var waiting backoff
	for *slot == pending {
		poll()
		if *slot == pending {
			waiting.next(spin, pause)
		}
	}
	return *slot
}
