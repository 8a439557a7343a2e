package wgpu

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
)

// FeatureTimestamps is the name, among AdapterInfo.Features, of the ability to
// time kernels on the GPU's own clock.
const FeatureTimestamps = "timestamp-query"

// Kind is the sort of device behind an adapter.
type Kind string

// The kinds of adapters, in the order in which one is chosen by default.
const (
	Discrete   Kind = "discrete"
	Integrated Kind = "integrated"
	Other      Kind = "other"
	CPU        Kind = "cpu"
)

var kindOrder = []Kind{Discrete, Integrated, Other, CPU}

// AdapterInfo describes one adapter.
type AdapterInfo struct {
	Index    int      `json:"index"` // position in Adapters, and a way to choose it
	Name     string   `json:"name"`
	Vendor   string   `json:"vendor"`
	Backend  string   `json:"backend"` // "Vulkan", "Metal", "DX12" or "GL"
	Kind     Kind     `json:"kind"`
	Driver   string   `json:"driver"`
	Limits   Limits   `json:"limits"`
	Features []string `json:"features"`
}

// Adapters lists the machine's adapters, those preferred by default first. It
// returns [ErrNoAdapter] if there are none.
//
// Vulkan, Metal and DX12 are looked at. The environment variable
// MAMBAGPU_BACKEND (vulkan, metal, dx12, gl; several with commas) chooses
// others.
func Adapters() ([]AdapterInfo, error) {
	found, err := adapters(0)
	if err != nil {
		return nil, err
	}
	infos := make([]AdapterInfo, len(found))
	for i, a := range found {
		infos[i] = a.AdapterInfo
		a.driver.release()
	}
	return infos, nil
}

// adapter is an adapter found, with its handle.
type adapter struct {
	AdapterInfo
	driver driverAdapter
}

// adapters lists the adapters as an instance of the library finds them.
func adapters(instance int) ([]adapter, error) {
	var out []adapter
	for _, d := range enumerate(wantedBackends(), instance) {
		out = append(out, adapter{d.info(), d})
	}
	if len(out) == 0 {
		return nil, ErrNoAdapter
	}
	slices.SortStableFunc(out, func(a, b adapter) int {
		return cmp.Compare(slices.Index(kindOrder, a.Kind), slices.Index(kindOrder, b.Kind))
	})
	for i := range out {
		out[i].Index = i
	}
	return out, nil
}

func wantedBackends() []string {
	if env := os.Getenv("MAMBAGPU_BACKEND"); env != "" {
		return strings.Split(strings.ToLower(env), ",")
	}
	return []string{"vulkan", "metal", "dx12"}
}

// choose finds the adapter that want names: an index, a part of a name
// (capitals do not matter), or nothing for the first.
func choose(found []adapter, want string) (int, error) {
	if want == "" {
		return 0, nil
	}
	if i, err := strconv.Atoi(want); err == nil && i >= 0 && i < len(found) {
		return i, nil
	}
	i := slices.IndexFunc(found, func(a adapter) bool {
		return strings.Contains(strings.ToLower(a.Name), strings.ToLower(want))
	})
	if i < 0 {
		e := &AdapterError{Want: want}
		for _, a := range found {
			e.Have = append(e.Have, a.Name)
		}
		return 0, e
	}
	return i, nil
}

// vendorName is the maker behind a PCI vendor id, or what the driver calls it.
func vendorName(id uint32, name string) string {
	switch id {
	case 0x1002, 0x1022:
		return "AMD"
	case 0x106b:
		return "Apple"
	case 0x10de:
		return "NVIDIA"
	case 0x13b5:
		return "Arm"
	case 0x5143:
		return "Qualcomm"
	case 0x8086:
		return "Intel"
	case 0x1010:
		return "Imagination"
	case 0x1ae0:
		return "Google"
	case 0x10005:
		return "Mesa"
	}
	if name != "" {
		return name
	}
	return "0x" + strconv.FormatUint(uint64(id), 16)
}
