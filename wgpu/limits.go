package wgpu

// Limits are the bounds of an adapter or device that compute programs meet.
// Names and meanings are WebGPU's (https://www.w3.org/TR/webgpu/#limits).
type Limits struct {
	MaxBufferSize        uint64 `json:"max_buffer_size"`         // bytes of one buffer
	MaxStorageBinding    uint64 `json:"max_storage_binding"`     // bytes of one storage binding
	MaxStorageBuffers    uint32 `json:"max_storage_buffers"`     // storage buffers of one shader
	MaxUniformBinding    uint64 `json:"max_uniform_binding"`     // bytes of one uniform binding
	StorageAlignment     uint32 `json:"storage_alignment"`       // bytes
	UniformAlignment     uint32 `json:"uniform_alignment"`       // bytes
	MaxWorkgroupMemory   uint32 `json:"max_workgroup_memory"`    // bytes of one workgroup
	MaxInvocations       uint32 `json:"max_invocations"`         // of one workgroup
	MaxWorkgroupSizeX    uint32 `json:"max_workgroup_size_x"`    // invocations
	MaxWorkgroupSizeY    uint32 `json:"max_workgroup_size_y"`    // invocations
	MaxWorkgroupSizeZ    uint32 `json:"max_workgroup_size_z"`    // invocations
	MaxWorkgroupsPerAxis uint32 `json:"max_workgroups_per_axis"` // workgroups of one dispatch along one axis
}

// DefaultLimits are the limits that every WebGPU device has.
func DefaultLimits() Limits {
	return Limits{
		MaxBufferSize:        256 << 20,
		MaxStorageBinding:    128 << 20,
		MaxStorageBuffers:    8,
		MaxUniformBinding:    64 << 10,
		StorageAlignment:     256,
		UniformAlignment:     256,
		MaxWorkgroupMemory:   16 << 10,
		MaxInvocations:       256,
		MaxWorkgroupSizeX:    256,
		MaxWorkgroupSizeY:    256,
		MaxWorkgroupSizeZ:    64,
		MaxWorkgroupsPerAxis: 65535,
	}
}

// lowered returns, limit by limit, the stricter of l and o.
func (l Limits) lowered(o Limits) Limits {
	return Limits{
		MaxBufferSize:        min(l.MaxBufferSize, o.MaxBufferSize),
		MaxStorageBinding:    min(l.MaxStorageBinding, o.MaxStorageBinding),
		MaxStorageBuffers:    min(l.MaxStorageBuffers, o.MaxStorageBuffers),
		MaxUniformBinding:    min(l.MaxUniformBinding, o.MaxUniformBinding),
		StorageAlignment:     max(l.StorageAlignment, o.StorageAlignment),
		UniformAlignment:     max(l.UniformAlignment, o.UniformAlignment),
		MaxWorkgroupMemory:   min(l.MaxWorkgroupMemory, o.MaxWorkgroupMemory),
		MaxInvocations:       min(l.MaxInvocations, o.MaxInvocations),
		MaxWorkgroupSizeX:    min(l.MaxWorkgroupSizeX, o.MaxWorkgroupSizeX),
		MaxWorkgroupSizeY:    min(l.MaxWorkgroupSizeY, o.MaxWorkgroupSizeY),
		MaxWorkgroupSizeZ:    min(l.MaxWorkgroupSizeZ, o.MaxWorkgroupSizeZ),
		MaxWorkgroupsPerAxis: min(l.MaxWorkgroupsPerAxis, o.MaxWorkgroupsPerAxis),
	}
}
