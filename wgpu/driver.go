package wgpu

// The driver interface is what a binding must give. Which binding is built in
// is chosen by the build tag wgpu29; nothing above this file knows.
//
// The device calls a driver under its lock, so a driver need not be safe for
// concurrent use. Handles are released by the package that made them.

// Each driver defines Binding, its module path, and enumerate, which lists the
// adapters of the given backends as an instance finds them, or nil:
//
//	const Binding = "..."
//	func enumerate(backends []string, instance int) []driverAdapter

type driverAdapter interface {
	info() AdapterInfo
	// open makes a device with these limits and, if the adapter has them,
	// timestamps.
	open(label string, limits Limits, timestamps bool) (driverDevice, error)
	release()
}

type driverDevice interface {
	newBuffer(label string, size uint64, usage bufferUsage) (driverBuffer, error)
	newPipeline(label, wgsl string, bindings []bindingKind) (driverPipeline, error)
	newBindGroup(label string, p driverPipeline, bindings []driverBinding) (driverBindGroup, error)
	newQuerySet(count uint32) (driverQuerySet, error)
	newEncoder(label string) (driverEncoder, error)
	write(b driverBuffer, offset uint64, data []byte) error
	// submit runs the encoder's commands after all those submitted before, and
	// uses the encoder up. A nil encoder flushes writes.
	submit(e driverEncoder) error
	// wait returns when all that was submitted has finished.
	wait() error
	// read waits until the last submission that wrote to a usageReadback buffer
	// has finished, not for those after it, and copies its first len(dst) bytes.
	read(b driverBuffer, dst []byte) error
	release()
}

type driverEncoder interface {
	beginPass()
	dispatch(p driverPipeline, g driverBindGroup, grid [3]uint32)
	endPass() error
	copyBuffer(dst driverBuffer, dstOffset uint64, src driverBuffer, srcOffset, size uint64) error
	clear(b driverBuffer, offset, size uint64) error
	timestamp(q driverQuerySet, index uint32) error
	resolve(q driverQuerySet, count uint32, dst driverBuffer) error
	release()
}

type (
	driverBuffer    interface{ release() }
	driverPipeline  interface{ release() }
	driverBindGroup interface{ release() }
	driverQuerySet  interface{ release() }
)

// driverBinding is one buffer range of a bind group, in binding order.
type driverBinding struct {
	buffer       driverBuffer
	offset, size uint64
}

// bindingKind is how a shader uses a buffer.
type bindingKind uint8

const (
	bindUniform bindingKind = iota
	bindRead
	bindReadWrite
)

// bufferUsage is what a buffer is for.
type bufferUsage uint8

const (
	usageStorage  bufferUsage = iota // storage binding, copied from and to
	usageUniform                     // uniform binding, written by the host
	usageReadback                    // copied to, mapped by the host
	usageQuery                       // timestamps resolved to, copied from
)
