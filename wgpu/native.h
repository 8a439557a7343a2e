// What the drivers share in C: a slot for errors that belong to no returning
// call, and sleeping.

#ifndef MAMBAGPU_NATIVE_H
#define MAMBAGPU_NATIVE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// An error_slot holds the number of errors reported since it was emptied and
// the first one's message, cut off at the slot's end.
typedef struct {
	int32_t count;
	char message[2048];
} error_slot;

static inline void keep_error(error_slot *slot, char const *message, size_t length) {
	if (slot->count++ > 0) {
		return;
	}
	if (length > sizeof slot->message - 1) {
		length = sizeof slot->message - 1;
	}
	memcpy(slot->message, message, length);
	slot->message[length] = 0;
}

#ifdef _WIN32
#include <windows.h>
static inline void sleep_us(uint32_t us) { Sleep((us + 999) / 1000); }
#else
#include <time.h>
static inline void sleep_us(uint32_t us) {
	struct timespec t = {us / 1000000, (us % 1000000) * 1000};
	nanosleep(&t, NULL);
}
#endif

#endif
