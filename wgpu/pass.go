package wgpu

import (
	"fmt"
	"time"
)

// Pass is a list of commands that the GPU runs in order, each seeing what
// those before it wrote. It is recorded once and may be submitted any number
// of times; submitting makes no garbage per dispatch.
type Pass struct {
	dev        *Device
	label      string
	commands   []command
	dispatches int
}

// command is a dispatch, a copy or a clear.
type command struct {
	run                  *Dispatch
	dst, src             *Buffer
	dstOff, srcOff, size uint64
}

// NewPass returns an empty pass. The label is for error messages.
func (d *Device) NewPass(label string) *Pass { return &Pass{dev: d, label: label} }

// Dispatch appends runs of kernels.
func (p *Pass) Dispatch(runs ...*Dispatch) {
	for _, r := range runs {
		p.commands = append(p.commands, command{run: r})
	}
	p.dispatches += len(runs)
}

// Include appends the commands of another pass, whose dispatches stay its own:
// it must be open when this one is submitted, and closing it closes them.
func (p *Pass) Include(other *Pass) {
	p.commands = append(p.commands, other.commands...)
	p.dispatches += other.dispatches
}

// Copy appends the copy of size bytes from src to another buffer, not to a slice of
// the same one. Offsets and size are multiples of 4.
func (p *Pass) Copy(dst *Buffer, dstOffset uint64, src *Buffer, srcOffset, size uint64) {
	p.commands = append(p.commands, command{dst: dst, src: src, dstOff: dstOffset, srcOff: srcOffset, size: size})
}

// Clear appends the zeroing of size bytes. Offset and size are multiples of 4.
func (p *Pass) Clear(dst *Buffer, offset, size uint64) {
	p.commands = append(p.commands, command{dst: dst, dstOff: offset, size: size})
}

// Dispatches is the number of dispatches recorded.
func (p *Pass) Dispatches() int { return p.dispatches }

// Reset empties the pass. Its dispatches stay open.
func (p *Pass) Reset() { p.commands, p.dispatches = p.commands[:0], 0 }

// Close closes the pass's dispatches and empties it.
func (p *Pass) Close() error {
	for i := range p.commands {
		if r := p.commands[i].run; r != nil {
			r.Close()
		}
	}
	p.commands, p.dispatches = nil, 0
	return nil
}

// Submit hands the commands to the GPU and returns without waiting for them.
// Errors: [RangeError], [ErrClosed].
func (p *Pass) Submit() error {
	d := p.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	return p.submit(func(driverEncoder) error { return nil })
}

// submit records the commands, then what more adds, and submits them. The
// caller holds the lock.
func (p *Pass) submit(more func(e driverEncoder) error) error {
	start := time.Now()
	e, err := p.encode()
	if err != nil {
		return err
	}
	if err := more(e); err != nil {
		e.release()
		return err
	}
	d := p.dev
	d.unflushed = 0
	err = d.driver.submit(e)
	d.usage.Dispatches += p.dispatches
	d.usage.Submissions++
	d.usage.HostTime += time.Since(start)
	return err
}

// SubmitRead submits the commands, waits for them and reads len(dst) bytes of
// src from offset on, all in one round trip where dst has at most 4 MiB.
// Errors: [RangeError], [ErrClosed].
func (p *Pass) SubmitRead(src *Buffer, offset uint64, dst []byte) error {
	if len(dst) > readbackSize {
		if err := p.Submit(); err != nil {
			return err
		}
		return src.Read(offset, dst)
	}
	d := p.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	err := p.submit(func(e driverEncoder) error {
		if err := src.check(offset, uint64(len(dst))); err != nil {
			return err
		}
		return d.encodeRead(e, src.driver, src.first+offset, len(dst))
	})
	if err != nil {
		return err
	}
	return d.driver.read(d.readback, dst)
}

// check returns an error if a command uses what is closed or lies outside its
// buffers. The caller holds the lock.
func (p *Pass) check() error {
	if p.dev.closed {
		return ErrClosed
	}
	for i := range p.commands {
		c := &p.commands[i]
		if c.run != nil {
			if _, open := p.dev.groups[c.run]; !open {
				return fmt.Errorf("%s: %s: %w", p.label, c.run.pipeline.label, ErrClosed)
			}
			continue
		}
		if err := c.dst.check(c.dstOff, c.size); err != nil {
			return err
		}
		if c.src != nil {
			if err := c.src.check(c.srcOff, c.size); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode checks the commands and records them.
func (p *Pass) encode() (driverEncoder, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	e, err := p.dev.driver.newEncoder(p.label)
	if err != nil {
		return nil, err
	}
	if err := p.record(e); err != nil {
		e.release()
		return nil, err
	}
	return e, nil
}

// record records the commands, consecutive dispatches in one compute pass.
func (p *Pass) record(e driverEncoder) error {
	inPass := false
	for i := range p.commands {
		c := &p.commands[i]
		if dispatch := c.run != nil; dispatch != inPass {
			if dispatch {
				e.beginPass()
			} else if err := e.endPass(); err != nil {
				return err
			}
			inPass = dispatch
		}
		if err := c.encode(e); err != nil {
			return err
		}
	}
	if inPass {
		return e.endPass()
	}
	return nil
}

func (c *command) encode(e driverEncoder) error {
	switch {
	case c.run != nil:
		e.dispatch(c.run.pipeline.driver, c.run.group, c.run.grid)
		return nil
	case c.src != nil:
		return e.copyBuffer(c.dst.driver, c.dst.first+c.dstOff, c.src.driver, c.src.first+c.srcOff, c.size)
	default:
		return e.clear(c.dst.driver, c.dst.first+c.dstOff, c.size)
	}
}

// SubmitDownload is [Pass.SubmitRead] into a slice's memory.
func SubmitDownload[T Element](p *Pass, src *Buffer, offset uint64, dst []T) error {
	return p.SubmitRead(src, offset, bytesOf(dst))
}
