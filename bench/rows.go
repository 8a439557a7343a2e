package bench

// Row compares one line of the table of targets with the CUDA reference.
type Row struct {
	Work      string   `json:"work"`
	Value     *float64 `json:"value"` // the measured median in Unit, null if there is none
	Unit      string   `json:"unit"`  // us, ms, us/step or TFLOP/s
	Reference float64  `json:"reference"`
	// Ratio is how many times as fast as the reference: above 1 is faster, whatever
	// the unit.
	Ratio          *float64 `json:"ratio"`
	Reach          float64  `json:"reach"`   // what is aimed at
	Stretch        float64  `json:"stretch"` // what would be better still
	Reached        bool     `json:"reached"`
	StretchReached bool     `json:"stretch_reached"`
	Why            string   `json:"why,omitempty"` // there is no value
}

// target is a line of the table: the case that is its measurement, what mamba-ssm
// 2.3.2 does there on an NVIDIA H100 80GB HBM3 (CUDA 13.0; its float32 figures for
// float32, those of float16 for other weights), and what is aimed at.
type target struct {
	work, key                 string
	unit                      string
	reference, reach, stretch float64
}

const (
	unitTFLOPs = "TFLOP/s"
	unitUS     = "us"
	unitMS     = "ms"
	unitStep   = "us/step"
)

var targets = []target{
	{"selective_scan fwd f32 (8,2048,1024,16)", "selective_scan (8,2048,1024,16)", unitUS, 627, 250, 180},
	{"selective_scan fwd f32 (1,65536,1536,16)", "selective_scan (1,65536,1536,16)", unitUS, 4024, 1500, 1000},
	{"selective_scan fwd f32 (1,2048,1536,16)", "selective_scan (1,2048,1536,16)", unitUS, 146, 75, 50},
	{"selective_scan fwd f32 (64,2048,1536,16)", "selective_scan (64,2048,1536,16)", unitUS, 7385, 3000, 2200},
	{"causal_conv + silu f32 (8,2048,1024)", "causal_conv (8,2048,1024,4)", unitUS, 105, 70, 55},
	{"matmul f32 4096^3", "matmul (4096,4096,4096)", unitTFLOPs, 49.5, 42, 48},
	{"Mamba block d_model 512 on (8,1024,512) f32 fwd", "mamba_block (8,1024,512)", unitUS, 1013, 850, 710},
	{"LM 130m f32 prefill (8,2048)", "prefill 130m (8,2048)", unitMS, 87.4, 80, 70},
	{"LM 2.8b f32 prefill (1,2048)", "prefill 2.8b (1,2048)", unitMS, 251, 270, 240},
	{"LM 130m f16 weights decode batch 1", "decode 130m F16 batch 1", unitStep, 689, 340, 250},
	{"LM 2.8b f16 weights decode batch 1", "decode 2.8b F16 batch 1", unitStep, 3705, 2800, 2300},
	{"LM 130m f16 weights decode batch 64", "decode 130m F16 batch 64", unitStep, 852, 900, 650},
	{"LM 2.8b int8 weights decode batch 1", "decode 2.8b Q8 batch 1", unitStep, 3705, 1900, 1500},
	{"LM 2.8b int4 weights decode batch 1", "decode 2.8b Q4 batch 1", unitStep, 3705, 1450, 1100},
	{"Mamba block d_model 512 on (8,1024,512) f32 fwd+bwd", "mamba_block fwd+bwd (8,1024,512)", unitUS, 3292, 3000, 2500},
	{"selective_scan fwd+bwd f32 (8,2048,1024,16)", "selective_scan fwd+bwd (8,2048,1024,16)", unitUS, 2045, 1500, 1000},
	{"selective_scan fwd+bwd f32 (1,65536,1536,16)", "selective_scan fwd+bwd (1,65536,1536,16)", unitUS, 12770, 12770, 6000},
	{"selective_scan fwd+bwd f32 (1,2048,1536,16)", "selective_scan fwd+bwd (1,2048,1536,16)", unitUS, 502, 502, 250},
}

// rows fills the table from the results. Lines whose case is not among them are
// left out.
func (r *Report) rows() []Row {
	rows := []Row{}
	for _, t := range targets {
		if c := r.find(t.key); c != nil {
			rows = append(rows, t.row(c))
		}
	}
	return rows
}

// find is a case by its key, or nil.
func (r *Report) find(key string) *Result {
	for i := range r.Results {
		if r.Results[i].Key() == key {
			return &r.Results[i]
		}
	}
	return nil
}

func (t target) row(c *Result) Row {
	row := Row{Work: t.work, Unit: t.unit, Reference: t.reference, Reach: t.reach, Stretch: t.stretch}
	if !c.Timed() {
		row.Why = c.Error + c.Skipped
		return row
	}
	value := c.Median
	switch t.unit {
	case unitMS:
		value /= 1e3
	case unitTFLOPs:
		value = c.TFLOPs
	}
	ratio := t.speed(value, t.reference)
	row.Value, row.Ratio = &value, &ratio
	row.Reached, row.StretchReached = t.speed(value, t.reach) >= 1, t.speed(value, t.stretch) >= 1
	return row
}

// speed is how many times as fast as other value is.
func (t target) speed(value, other float64) float64 {
	if t.unit == unitTFLOPs {
		return value / other
	}
	return other / value
}
