package cases

import "github.com/mambagpu/mambagpu/shaders"

// scanStageCases are those of the kernels that selective_scan is measured by.
// They share its equation, its parameters and most of its code: one case for
// each thing that could be wrong, and not every combination of switches.
func scanStageCases() []Case {
	var list []Case
	for _, states := range []int{1, 3, 16, 100, 256} {
		list = append(list, modelScan(2, 18, 17, states).named("d_state %d, 18 tokens", states))
	}
	for _, length := range []int{1, 15, 16, 17, 33, 100} {
		list = append(list, modelScan(1, length, 17, 16).named("%d tokens", length))
	}
	for _, channels := range []int{1, 15, 16, 40, 64, 65} {
		list = append(list, modelScan(3, 20, channels, 16).named("batch 3, %d channels", channels))
	}
	all := scanSwitches(9)
	list = append(list, all[0], all[len(all)-1])
	for bit := range 5 {
		list = append(list, all[1<<bit])
	}
	list = append(list, scanLayouts(2, 21)...)
	for _, c := range scanExtremes(50) {
		if p := c.Params.(shaders.SelectiveScanParams); p.HasZ && !p.Softplus {
			list = append(list, c)
		}
	}
	return list
}
