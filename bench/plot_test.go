package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// fullReport is as a large GPU gives: every case at some share of the roof.
func fullReport() *Report {
	r := testReport()
	r.Roofs = &Roofs{Copy: Roof{Value: 2800}, MulAdd: Roof{Value: 58}, Clock: clockGPU}
	r.Results = nil
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range allKernelCases() {
		res := Result{Name: c.name, Shape: c.shape, Bytes: c.bytes, Flops: c.flops}
		least, _ := r.Roofs.Least(c.bytes, c.flops)
		res.settle([]float64{least/(0.3+0.6*rng.Float64()) + 2}, clockGPU, r.Roofs)
		r.Results = append(r.Results, res)
	}
	return r
}

func TestPlotFormat(t *testing.T) {
	for file, want := range map[string]string{"a.svg": "svg", "b/c.PNG": "png"} {
		got, err := PlotFormat(file)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, file := range []string{"", "svg", "a.pdf", "a.svg.gz"} {
		_, err := PlotFormat(file)
		require.Error(t, err, file)
	}
}

func TestPlotSVG(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fullReport().WritePlot(&b, "svg"))
	require.Contains(t, b.String(), "Roofline of NVIDIA Example, 2026-11-24")
	require.Contains(t, b.String(), "copy 2800 GB/s")
	require.Contains(t, b.String(), "multiply-add 58.0 TFLOP/s")
	require.Contains(t, b.String(), "8×2048×1024×16")
	require.Contains(t, b.String(), "sans-serif")
	d := xml.NewDecoder(&b)
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPlotPNG(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fullReport().WritePlot(&b, "png"))
	image, err := png.Decode(&b)
	require.NoError(t, err)
	require.Greater(t, image.Bounds().Dx(), 1000)
}

func TestPlotErrors(t *testing.T) {
	require.ErrorContains(t, (&Report{Adapter: "go"}).WritePlot(io.Discard, "svg"), "go has no measured roofs")
	require.ErrorContains(t, testReport().WritePlot(io.Discard, "gif"), "gif")
}

// A report whose cases have no place on the plot still has its roofs.
func TestPlotWithoutPoints(t *testing.T) {
	r := testReport()
	r.Results = nil
	require.NoError(t, r.WritePlot(io.Discard, "svg"))
}

func TestDecades(t *testing.T) {
	ticks := decades{}.Ticks(0.04, 30)
	var names []string
	for _, tick := range ticks {
		require.True(t, tick.Value >= 0.04 && tick.Value <= 30)
		if !tick.IsMinor() {
			names = append(names, tick.Label)
		}
	}
	require.Equal(t, []string{"0.1", "1", "10"}, names)
}

func TestLabelsDoNotOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := labels{page: box{0, 0, 300, 200}}
		n := rapid.IntRange(1, 40).Draw(t, "points")
		for range n {
			p := point{rapid.Float64Range(10, 290).Draw(t, "x"), rapid.Float64Range(10, 190).Draw(t, "y")}
			l.tags = append(l.tags, tag{at: p, w: 40, h: 6})
			l.marks = append(l.marks, box{p.x - 3, p.y - 3, p.x + 3, p.y + 3})
		}
		var boxes []box
		l.place()
		for _, tag := range l.tags {
			if tag.ok {
				boxes = append(boxes, tag.box)
			}
		}
		for i, b := range boxes {
			if !b.inside(l.page) {
				t.Fatalf("%v is outside the page", b)
			}
			for _, m := range l.marks {
				if b.overlaps(m) {
					t.Fatalf("%v lies on the point %v", b, m)
				}
			}
			for _, o := range boxes[:i] {
				if b.overlaps(o) {
					t.Fatalf("%v lies on %v", b, o)
				}
			}
		}
	})
}

func TestNoRoomForLabel(t *testing.T) {
	l := labels{page: box{0, 0, 30, 30}, tags: []tag{{at: point{15, 15}, w: 40, h: 6}}}
	l.place()
	require.False(t, l.tags[0].ok)
}

func TestCrosses(t *testing.T) {
	b := box{10, 10, 20, 20}
	require.True(t, b.crosses(point{0, 0}, point{30, 30}))
	require.True(t, b.crosses(point{15, 0}, point{15, 30}))
	require.True(t, b.crosses(point{0, 15}, point{12, 15}))
	require.False(t, b.crosses(point{0, 0}, point{9, 9}))
	require.False(t, b.crosses(point{0, 12}, point{8, 30}))
	require.False(t, b.crosses(point{5, 0}, point{5, 30}))
	require.True(t, cross(point{0, 0}, point{2, 2}, point{0, 2}, point{2, 0}))
	require.False(t, cross(point{0, 0}, point{2, 2}, point{3, 0}, point{3, 9}))
	require.Equal(t, point{10, 15}, b.nearest(point{0, 15}))
	require.InDelta(t, 0, math.Abs(b.nearest(point{30, 40}).y-20), 0)
}
