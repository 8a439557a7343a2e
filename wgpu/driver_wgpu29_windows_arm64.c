//go:build cgo && wgpu29

// The library for Windows on arm64 is compiled for Microsoft's linker. The
// descriptors of its panics name the vtable of C++'s type_info, which nothing
// follows and which toolchains of MinGW's kind do not have.
__attribute__((selectany)) void *const type_info_vtable[1] __asm__("??_7type_info@@6B@") = {0};
