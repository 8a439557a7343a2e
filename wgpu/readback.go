package wgpu

// Readback is memory that the host reads what a pass left through, when it
// likes: other work may be submitted in between, and a read waits for its own
// pass alone. Two of them taken in turn keep the GPU busy while the host looks
// at results.
type Readback struct {
	dev    *Device
	size   uint64
	driver driverBuffer
}

// NewReadback makes room for reads of size bytes. Errors: [LimitError],
// [MemoryError], [ErrClosed].
func (d *Device) NewReadback(label string, size uint64) (*Readback, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rounded := max(bufferAlign, (size+bufferAlign-1)/bufferAlign*bufferAlign)
	b, err := d.allocate(label, rounded, usageReadback)
	if err != nil {
		return nil, err
	}
	r := &Readback{d, rounded, b}
	d.readbacks[r] = struct{}{}
	return r, nil
}

// Size is the number of bytes that a read can have.
func (r *Readback) Size() uint64 { return r.size }

// SubmitTo hands the commands to the GPU, and after them the copy of size bytes
// of src from offset on to r, and returns without waiting. Errors:
// [RangeError], [ErrClosed].
func (p *Pass) SubmitTo(r *Readback, src *Buffer, offset, size uint64) error {
	d := p.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := r.check(size); err != nil {
		return err
	}
	return p.submit(func(e driverEncoder) error {
		if err := src.check(offset, size); err != nil {
			return err
		}
		return e.copyBuffer(r.driver, 0, src.driver, src.first+offset, size)
	})
}

// Read waits for the last pass that was submitted to r and copies len(dst)
// bytes of what it left. Errors: [RangeError], [ErrClosed].
func (r *Readback) Read(dst []byte) error {
	r.dev.mu.Lock()
	defer r.dev.mu.Unlock()
	if err := r.check(uint64(len(dst))); err != nil {
		return err
	}
	return r.dev.driver.read(r.driver, dst)
}

// check returns an error unless r is open and has size bytes, a multiple of 4.
// The caller holds the lock.
func (r *Readback) check(size uint64) error {
	if r.dev.closed {
		return ErrClosed
	}
	if _, open := r.dev.readbacks[r]; !open {
		return ErrClosed
	}
	if size%4 != 0 || size > r.size {
		return &RangeError{"readback", 0, size, r.size}
	}
	return nil
}

// Close gives the memory back. Further calls do nothing.
func (r *Readback) Close() error {
	r.dev.mu.Lock()
	defer r.dev.mu.Unlock()
	if _, open := r.dev.readbacks[r]; !open {
		return nil
	}
	delete(r.dev.readbacks, r)
	r.dev.inUse -= r.size
	r.driver.release()
	return nil
}

// Fetch is [Readback.Read] into a slice's memory.
func Fetch[T Element](r *Readback, dst []T) error { return r.Read(bytesOf(dst)) }
