package wgpu

import "unsafe"

// Buffer is an array in the device's memory, for shaders to read and write.
// It starts zeroed.
type Buffer struct {
	dev    *Device
	label  string
	size   uint64
	driver driverBuffer
	whole  *Buffer // of which it is a part; itself if it is none
	first  uint64  // byte of whole
}

// bufferAlign is what sizes are rounded up to, so that a buffer can be bound
// as an array of 16-byte vectors.
const bufferAlign = 16

// writeChunk bounds what one write hands to the driver, which copies it, and
// flushEvery how much of such copies may wait for a submission.
const (
	writeChunk = 16 << 20
	flushEvery = 64 << 20
)

// readbackSize is the size of the buffer through which reads go.
const readbackSize = 4 << 20

// NewBuffer makes a buffer of at least size bytes. The label is for error
// messages and debuggers. Errors: [LimitError], [MemoryError], [ErrClosed].
func (d *Device) NewBuffer(label string, size uint64) (*Buffer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rounded := max(bufferAlign, (size+bufferAlign-1)/bufferAlign*bufferAlign)
	if rounded < size {
		return nil, &LimitError{label, "MaxBufferSize", size, d.limits.MaxBufferSize}
	}
	b, err := d.allocate(label, rounded, usageStorage)
	if err != nil {
		return nil, err
	}
	buf := &Buffer{dev: d, label: label, size: rounded, driver: b}
	buf.whole = buf
	d.buffers[buf] = struct{}{}
	return buf, nil
}

// Slice is size bytes of the buffer, from byte offset on, as a buffer that shares its
// memory: for many arrays that one kernel runs over as a whole and others one by one.
// It is closed with the buffer, and Close of it does nothing. The offset is a multiple
// of [Limits.StorageAlignment]; the size is rounded up as NewBuffer's is. One dispatch
// may write several slices of a buffer or read several, but not read one and write
// another. Errors: [RangeError], [ErrClosed].
func (b *Buffer) Slice(label string, offset, size uint64) (*Buffer, error) {
	b.dev.mu.Lock()
	defer b.dev.mu.Unlock()
	rounded := max(bufferAlign, (size+bufferAlign-1)/bufferAlign*bufferAlign)
	if rounded < size || (b.first+offset)%max(uint64(b.dev.limits.StorageAlignment), 4) != 0 {
		return nil, &RangeError{label, offset, size, b.size}
	}
	if err := b.check(offset, rounded); err != nil {
		return nil, err
	}
	return &Buffer{dev: b.dev, label: label, size: rounded, driver: b.driver, whole: b.whole, first: b.first + offset}, nil
}

// Label is the label that the buffer was made with.
func (b *Buffer) Label() string { return b.label }

// Size is the number of bytes the buffer holds: what was asked for, rounded up
// to a multiple of 16.
func (b *Buffer) Size() uint64 { return b.size }

// Close gives the buffer back. Further calls do nothing. A dispatch made with
// the buffer keeps its memory until that is closed too.
func (b *Buffer) Close() error {
	b.dev.mu.Lock()
	defer b.dev.mu.Unlock()
	if _, open := b.dev.buffers[b]; !open {
		return nil
	}
	delete(b.dev.buffers, b)
	b.dev.inUse -= b.size
	b.driver.release()
	return nil
}

// open reports whether the buffer's memory is there. The caller holds the lock.
func (b *Buffer) open() bool {
	_, open := b.dev.buffers[b.whole]
	return open
}

// check returns an error unless bytes offset to offset+size of an open buffer
// can be transferred. The caller holds the lock.
func (b *Buffer) check(offset, size uint64) error {
	if b.dev.closed {
		return ErrClosed
	}
	if !b.open() {
		return ErrClosed
	}
	if offset%4 != 0 || size%4 != 0 || offset > b.size || size > b.size-offset {
		return &RangeError{b.label, offset, size, b.size}
	}
	return nil
}

// Write copies data to the buffer, starting at byte offset. Both are multiples
// of 4. Data of any size goes in chunks; data may be changed as soon as Write
// returns. What is submitted later sees it. Errors: [RangeError], [ErrClosed].
func (b *Buffer) Write(offset uint64, data []byte) error {
	b.dev.mu.Lock()
	defer b.dev.mu.Unlock()
	if err := b.check(offset, uint64(len(data))); err != nil {
		return err
	}
	offset += b.first
	for len(data) > 0 {
		n := min(len(data), writeChunk)
		if err := b.dev.write(b.driver, offset, data[:n]); err != nil {
			return err
		}
		data, offset = data[n:], offset+uint64(n)
	}
	return nil
}

// write hands one chunk to the driver and, when many bytes have gathered,
// flushes them so that the driver can give its copies back.
func (d *Device) write(b driverBuffer, offset uint64, data []byte) error {
	if err := d.driver.write(b, offset, data); err != nil {
		return err
	}
	if d.unflushed += uint64(len(data)); d.unflushed < flushEvery {
		return nil
	}
	d.unflushed = 0
	if err := d.driver.submit(nil); err != nil {
		return err
	}
	return d.driver.wait()
}

// Read copies the buffer's bytes from offset on to dst, after everything
// submitted so far. Offset and length are multiples of 4. Errors:
// [RangeError], [ErrClosed].
func (b *Buffer) Read(offset uint64, dst []byte) error {
	b.dev.mu.Lock()
	defer b.dev.mu.Unlock()
	if err := b.check(offset, uint64(len(dst))); err != nil {
		return err
	}
	offset += b.first
	for len(dst) > 0 {
		n := min(len(dst), readbackSize)
		if err := b.dev.readChunk(b.driver, offset, dst[:n]); err != nil {
			return err
		}
		dst, offset = dst[n:], offset+uint64(n)
	}
	return nil
}

func (d *Device) readChunk(src driverBuffer, offset uint64, dst []byte) error {
	e, err := d.driver.newEncoder("mambagpu.read")
	if err != nil {
		return err
	}
	if err := d.encodeRead(e, src, offset, len(dst)); err != nil {
		e.release()
		return err
	}
	if err := d.driver.submit(e); err != nil {
		return err
	}
	d.unflushed = 0
	return d.driver.read(d.readback, dst)
}

// encodeRead appends the copy of n bytes, at most readbackSize, to the
// readback buffer.
func (d *Device) encodeRead(e driverEncoder, src driverBuffer, offset uint64, n int) error {
	if d.readback == nil {
		b, err := d.allocate("mambagpu.readback", readbackSize, usageReadback)
		if err != nil {
			return err
		}
		d.readback = b
	}
	return e.copyBuffer(d.readback, 0, src, offset, uint64(n))
}

// Element is a type whose slices can be copied to and from buffers as they lie
// in memory.
type Element interface {
	~float32 | ~uint32 | ~int32 | ~uint16 | ~uint8 | ~uint64
}

// Upload is [Buffer.Write] of a slice's memory.
func Upload[T Element](b *Buffer, offset uint64, src []T) error {
	return b.Write(offset, bytesOf(src))
}

// Download is [Buffer.Read] into a slice's memory.
func Download[T Element](b *Buffer, offset uint64, dst []T) error {
	return b.Read(offset, bytesOf(dst))
}

func bytesOf[T Element](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}
