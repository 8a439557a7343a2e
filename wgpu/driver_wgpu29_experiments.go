//go:build cgo && wgpu29 && experiments && linux && amd64

package wgpu

// wgpu gives a device with experimental features to those who say that they know what they
// ask for. Rust programs say so in the device's descriptor; wgpu-native's C API has no field
// for it. With the build tag experiments, which is for measuring alone, the function that
// lists the experimental features is replaced by one that leaves out cooperative matrices.
//
// The symbol's name is that of the pinned library. With another, nothing is replaced.

/*
#cgo LDFLAGS: -Wl,--wrap=_ZN10wgpu_types8features8Features21all_experimental_mask17he6a3ed7945601ef2E
#include <stdint.h>

typedef struct {
	uint64_t wgpu, webgpu;
} features;

features __wrap__ZN10wgpu_types8features8Features21all_experimental_mask17he6a3ed7945601ef2E(void) {
	uint64_t ray_query = 1ull << 32, mesh_shader = 1ull << 48, ray_hit = 1ull << 49, multiview = 1ull << 50, points = 1ull << 55;
	features f = {ray_query | mesh_shader | ray_hit | multiview | points, 0};
	return f;
}
*/
import "C"
