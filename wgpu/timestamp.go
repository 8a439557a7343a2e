package wgpu

import (
	"errors"
	"time"
)

// ErrNoTimestamps is returned by [Pass.SubmitTimed] and [Pass.SubmitTotal] on a
// device that cannot time kernels.
var ErrNoTimestamps = errors.New("wgpu: the adapter has no timestamp queries")

// Timing is the time that one dispatch took on the GPU.
type Timing struct {
	Label string
	Time  time.Duration
}

// Timestamps reports whether the device can time kernels on the GPU's own
// clock.
func (d *Device) Timestamps() bool { return d.timestamps }

// maxTimed is the number of dispatches that one query set can time: WebGPU
// allows 4096 queries in a set.
const maxTimed = 4095

// SubmitTimed submits the pass with a timestamp before the first dispatch and
// after each one, waits, and returns the time of each dispatch in order. Every
// dispatch is in a compute pass of its own, so that what it reports includes
// the cost of starting it. Errors: [ErrNoTimestamps], [LimitError] past 4095
// dispatches, those of Submit.
func (p *Pass) SubmitTimed() ([]Timing, error) {
	d := p.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := p.check(); err != nil {
		return nil, err
	}
	if !d.timestamps {
		return nil, ErrNoTimestamps
	}
	n := p.Dispatches()
	if n > maxTimed {
		return nil, &LimitError{p.label, "timed dispatches", uint64(n), maxTimed}
	}
	period, err := d.clock.period(d)
	if err != nil {
		return nil, err
	}
	ticks, err := d.stamps(n+1, func(e driverEncoder, stamp func() error) error {
		if err := stamp(); err != nil {
			return err
		}
		return p.encodeTimed(e, stamp)
	})
	if err != nil {
		return nil, err
	}
	return p.timings(ticks, period), nil
}

// SubmitTotal submits the pass between two timestamps, waits, and returns the time
// from the one to the other. Dispatches share compute passes as they do in
// [Pass.Submit], so that starting a compute pass is in it once and not once for
// each. Errors: [ErrNoTimestamps], those of Submit.
func (p *Pass) SubmitTotal() (time.Duration, error) {
	d := p.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := p.check(); err != nil {
		return 0, err
	}
	if !d.timestamps {
		return 0, ErrNoTimestamps
	}
	period, err := d.clock.period(d)
	if err != nil {
		return 0, err
	}
	ticks, err := d.stamps(2, func(e driverEncoder, stamp func() error) error {
		if err := stamp(); err != nil {
			return err
		}
		if err := p.record(e); err != nil {
			return err
		}
		return stamp()
	})
	if err != nil {
		return 0, err
	}
	return time.Duration(float64(ticks[1]-ticks[0]) * period), nil
}

func (p *Pass) encodeTimed(e driverEncoder, stamp func() error) error {
	for i := range p.commands {
		c := &p.commands[i]
		if c.run == nil {
			if err := c.encode(e); err != nil {
				return err
			}
			continue
		}
		e.beginPass()
		if err := c.encode(e); err != nil {
			return err
		}
		if err := e.endPass(); err != nil {
			return err
		}
		if err := stamp(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pass) timings(ticks []uint64, period float64) []Timing {
	out := make([]Timing, 0, len(ticks)-1)
	for i := range p.commands {
		if r := p.commands[i].run; r != nil {
			k := len(out)
			out = append(out, Timing{r.pipeline.label, time.Duration(float64(ticks[k+1]-ticks[k]) * period)})
		}
	}
	return out
}

// stamps submits what encode records, with n timestamps, and returns them in
// ticks. The caller holds the lock.
func (d *Device) stamps(n int, encode func(e driverEncoder, stamp func() error) error) ([]uint64, error) {
	q, err := d.driver.newQuerySet(uint32(n))
	if err != nil {
		return nil, err
	}
	defer q.release()
	size := uint64(n) * 8
	b, err := d.allocate("mambagpu.timestamps", size, usageQuery)
	if err != nil {
		return nil, err
	}
	defer func() { b.release(); d.inUse -= size }()
	e, err := d.driver.newEncoder("mambagpu.timed")
	if err != nil {
		return nil, err
	}
	next := uint32(0)
	err = encode(e, func() error { next++; return e.timestamp(q, next-1) })
	if err == nil {
		err = e.resolve(q, uint32(n), b)
	}
	if err == nil {
		err = d.encodeRead(e, b, 0, int(size))
	}
	if err != nil {
		e.release()
		return nil, err
	}
	if err := d.driver.submit(e); err != nil {
		return nil, err
	}
	ticks := make([]uint64, n)
	return ticks, d.driver.read(d.readback, bytesOf(ticks))
}

// clock is the length of a tick of the GPU's clock. WebGPU's timestamps are
// nanoseconds by specification, but this binding hands out the hardware's
// ticks and has no call for their length, so it is measured once against the
// host's clock.
type clock struct{ nanoseconds float64 }

// calibration is how far apart the two timestamps of the measurement are.
const calibration = 50 * time.Millisecond

func (c *clock) period(d *Device) (float64, error) {
	if c.nanoseconds != 0 {
		return c.nanoseconds, nil
	}
	t0, g0, err := d.now()
	if err != nil {
		return 0, err
	}
	time.Sleep(calibration)
	t1, g1, err := d.now()
	if err != nil {
		return 0, err
	}
	if g1 <= g0 {
		return 0, ErrNoTimestamps
	}
	c.nanoseconds = snapToOne(float64(t1.Sub(t0)) / float64(g1-g0))
	return c.nanoseconds, nil
}

// snapToOne takes a measured period within 5% of a nanosecond for one: the
// host's part of the measurement is no better than that.
func snapToOne(ns float64) float64 {
	if ns > 0.95 && ns < 1.05 {
		return 1
	}
	return ns
}

// now returns the host's time and the GPU's at about the same moment.
func (d *Device) now() (time.Time, uint64, error) {
	ticks, err := d.stamps(1, func(_ driverEncoder, stamp func() error) error { return stamp() })
	if err != nil {
		return time.Time{}, 0, err
	}
	return time.Now(), ticks[0], nil
}
