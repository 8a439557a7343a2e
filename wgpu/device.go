package wgpu

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Options choose and bound the device that [Open] makes. nil means the zero
// value.
type Options struct {
	// Adapter is the index of an adapter, as Adapters numbers them, or a part
	// of its name. The zero value means the environment variable
	// MAMBAGPU_ADAPTER, and if that is empty a discrete GPU before an
	// integrated one before a CPU.
	Adapter string
	// Limits lowers the device's limits. The zero value means the adapter's
	// own limits.
	Limits *Limits
	// MemoryBudget bounds the bytes that the device's buffers may hold
	// together. The zero value means no bound but the driver's, and on a CPU
	// adapter the memory that the machine has available, where that is known.
	MemoryBudget uint64
	// Notices is where the use of a CPU adapter is announced, once in a
	// process. The zero value means standard error; use io.Discard for none.
	Notices io.Writer
	// Instance numbers the instance of the library that the device belongs to, which is
	// made at its first use and kept. Devices of one instance wait for each other while a
	// pipeline is compiled: an H100 machine compiled 12 pipelines in 0.6 s on eight devices
	// of as many instances, and the same in 2.2 s on one. The zero value means the instance
	// that devices usually share.
	Instance int
}

// Device is an open adapter. Make one with [Open]. All methods are safe for
// concurrent use.
type Device struct {
	info       AdapterInfo
	limits     Limits
	timestamps bool
	budget     uint64

	mu        sync.Mutex
	driver    driverDevice
	adapter   driverAdapter
	closed    bool
	inUse     uint64
	unflushed uint64 // bytes written since the last submission
	pipelines map[string]*Pipeline
	buffers   map[*Buffer]struct{}
	readbacks map[*Readback]struct{}
	groups    map[*Dispatch]struct{}
	params    paramArena
	readback  driverBuffer
	clock     clock
	usage     Usage
}

// Usage counts what passes had the device do.
type Usage struct {
	Dispatches  int
	Submissions int
	HostTime    time.Duration // spent on recording and submitting, not on waiting
}

// Open opens a device on the adapter that opts choose, with the adapter's own
// limits. It returns [ErrNoAdapter] or an [AdapterError] when there is none
// such.
func Open(opts *Options) (*Device, error) {
	if opts == nil {
		opts = &Options{}
	}
	found, err := adapters(opts.Instance)
	if err != nil {
		return nil, err
	}
	want := opts.Adapter
	if want == "" {
		want = os.Getenv("MAMBAGPU_ADAPTER")
	}
	i, err := choose(found, want)
	for j, a := range found {
		if err != nil || j != i {
			a.driver.release()
		}
	}
	if err != nil {
		return nil, err
	}
	return open(found[i], opts)
}

func open(a adapter, opts *Options) (*Device, error) {
	limits := a.Limits
	if opts.Limits != nil {
		limits = limits.lowered(*opts.Limits)
	}
	timestamps := slices.Contains(a.Features, FeatureTimestamps)
	dd, err := a.driver.open("mambagpu", limits, timestamps)
	if err != nil {
		a.driver.release()
		return nil, err
	}
	d := &Device{
		info: a.AdapterInfo, limits: limits, timestamps: timestamps, budget: opts.MemoryBudget,
		driver: dd, adapter: a.driver,
		pipelines: map[string]*Pipeline{},
		buffers:   map[*Buffer]struct{}{},
		readbacks: map[*Readback]struct{}{},
		groups:    map[*Dispatch]struct{}{},
	}
	if d.info.Kind == CPU {
		if d.budget == 0 {
			d.budget = availableMemory()
		}
		announceCPU(opts.Notices, a.Name)
	}
	return d, nil
}

var announced sync.Once

func announceCPU(w io.Writer, name string) {
	if w == nil {
		w = os.Stderr
	}
	announced.Do(func() {
		fmt.Fprintf(w, "mambagpu: running on the CPU through the software adapter %s\n", name)
	})
}

// Info describes the adapter that the device was opened on.
func (d *Device) Info() AdapterInfo { return d.info }

// Limits are the limits that the device was opened with.
func (d *Device) Limits() Limits { return d.limits }

// MemoryInUse is the number of bytes that the device's buffers hold.
func (d *Device) MemoryInUse() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inUse
}

// Usage counts what passes submitted so far had the device do.
func (d *Device) Usage() Usage {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.usage
}

// Wait returns when everything submitted so far has finished.
func (d *Device) Wait() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	return d.driver.wait()
}

// Close waits for what was submitted and gives back the device and all that
// was made with it. Further calls do nothing; other methods then return
// [ErrClosed].
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	err := d.driver.wait()
	for g := range d.groups {
		g.group.release()
	}
	for b := range d.buffers {
		b.driver.release()
	}
	for r := range d.readbacks {
		r.driver.release()
	}
	for _, p := range d.pipelines {
		p.driver.release()
	}
	d.params.release()
	if d.readback != nil {
		d.readback.release()
	}
	d.driver.release()
	d.adapter.release()
	d.groups, d.buffers, d.readbacks, d.pipelines, d.inUse = nil, nil, nil, nil, 0
	return err
}

// allocate makes a buffer of size bytes, which is within the limits, and
// counts it. The caller holds the lock.
func (d *Device) allocate(label string, size uint64, usage bufferUsage) (driverBuffer, error) {
	if d.closed {
		return nil, ErrClosed
	}
	if size > d.limits.MaxBufferSize {
		return nil, &LimitError{label, "MaxBufferSize", size, d.limits.MaxBufferSize}
	}
	if d.budget != 0 && d.inUse+size > d.budget {
		return nil, &LimitError{label, "memory budget", d.inUse + size, d.budget}
	}
	b, err := d.driver.newBuffer(label, size, usage)
	if err != nil {
		return nil, &MemoryError{label, size, d.inUse, err}
	}
	d.inUse += size
	return b, nil
}
